"""Write the tables of docs/gue.md anew from the result files in benchmarks/gue.

    python benchmarks/gue_page.py

Run benchmarks/audit_gue.py first where the results are new.

The prose above the first table is left as it is: read it again after new results.
"""

from __future__ import annotations

from pathlib import Path

from dnabert2_explore import leaderboard
from dnabert2_explore.common.files import replacing

ROOT = Path(__file__).resolve().parents[1]
PAGE, RESULTS = ROOT / "docs" / "gue.md", ROOT / "benchmarks" / "gue"
AUDIT = ROOT / "benchmarks" / "results" / "gue_audit.json"
PUBLISHED = ("DNABERT 6-mer", "NT 500M human", "NT 2500M multi", "DNABERT-2")
BEGIN = "Scores on the test sets:"  # how `Leaderboard.markdown` begins


def main() -> None:
    """Replace everything from the first table on."""
    prose, found, _ = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    if not found:
        raise SystemExit(f"{PAGE} has no line that begins with {BEGIN!r}: put it where tables go.")
    with replacing(PAGE) as temporary:
        temporary.write_text(
            prose + leaderboard(RESULTS, published=PUBLISHED, audit=AUDIT).markdown(),
            encoding="utf-8",
        )


if __name__ == "__main__":
    main()
