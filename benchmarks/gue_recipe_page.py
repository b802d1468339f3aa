"""Write the table of docs/gue-recipe.md anew from the result files in benchmarks/gue-recipe.

    python benchmarks/gue_recipe_page.py

The files are those of the command that the page names, with 1.5 minutes for each CNN (3 for
promoters), once for pocket and once for ``-m untrained:pocket``.

The prose above the table is left as it is: read it again after new results.
"""

from __future__ import annotations

from pathlib import Path

from dnabert2_explore.files import replacing
from dnabert2_explore.training.gue import leaderboard

ROOT = Path(__file__).resolve().parents[1]
PAGE, RESULTS = ROOT / "docs" / "gue-recipe.md", ROOT / "benchmarks" / "gue-recipe"
BEGIN = "Scores on the test sets:"  # how `Leaderboard.markdown` begins


def main() -> None:
    """Replace everything from the table on."""
    prose, found, _ = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    if not found:
        raise SystemExit(f"{PAGE} has no line that begins with {BEGIN!r}: put it where it goes.")
    with replacing(PAGE) as temporary:
        temporary.write_text(
            prose + leaderboard(RESULTS, ("DNABERT-2",)).markdown(), encoding="utf-8"
        )


if __name__ == "__main__":
    main()
