"""Write the tables of benchmarks/results into the pages that show them.

    python scripts/result_tables.py

Below each line ``<!-- table 1 of visitors.json -->`` the table is written anew; the words around it
are for a person to mend. ``tests/bench/test_results.py`` compares the two.
"""

from __future__ import annotations

import re
from pathlib import Path

from dnabert2_explore.bench import read_tables

ROOT = Path(__file__).resolve().parents[1]
MARK = re.compile(r"(<!-- table (\d+) of ([\w.-]+\.json) -->\n)((?:\|.*\n)*)")


def written(mark: re.Match[str]) -> str:
    """Return a mark with its table."""
    table = read_tables(ROOT / "benchmarks" / "results" / mark[3])[int(mark[2]) - 1]
    lines = [line for line in table.markdown().splitlines() if line.startswith("|")]
    return mark[1] + "\n".join(lines) + "\n"


def main() -> None:
    """Write, and name the pages that changed."""
    for page in sorted((ROOT / "docs").glob("*.md")):
        before = page.read_text(encoding="utf-8")
        after = MARK.sub(written, before)
        if after != before:
            page.write_text(after, encoding="utf-8")
            print(page.name)


if __name__ == "__main__":
    main()
