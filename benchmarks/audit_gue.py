"""Audit the GUE sets whose files are at hand, and write the tables of docs/gue-audit.md.

    python benchmarks/audit_gue.py ../shared/gue

Writes benchmarks/results/gue_audit.json; models are those with result files in benchmarks/gue (an
untrained network is one of them, once it has been run with `gue run`). About 3 CPU minutes.
"""

from __future__ import annotations

import sys
from pathlib import Path

from dnabert2_explore.common.files import replacing
from dnabert2_explore.training.gue import audit, read_runs

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "gue-audit.md"
RESULT = ROOT / "benchmarks" / "results" / "gue_audit.json"
BEGIN = "Scores are Matthews correlations on test"  # how `Audit.markdown` begins


def main(data: str) -> None:
    """Write the result file and the page's tables."""
    found = audit(data, runs=read_runs(ROOT / "benchmarks" / "gue"), seqleak=True)
    found.save(RESULT)
    prose, there, _ = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    if not there:
        raise SystemExit(f"{PAGE} has no line that begins with {BEGIN!r}: put it where tables go.")
    with replacing(PAGE) as temporary:
        temporary.write_text(prose + found.markdown(), encoding="utf-8")
    for one in found.datasets.values():
        print(one)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else str(ROOT.parent / "shared" / "gue"))
