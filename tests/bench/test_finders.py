"""The table of finders is what its result file says."""

import importlib.util
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_page_holds_the_table_of_the_result_file():
    spec = importlib.util.spec_from_file_location("finders", ROOT / "benchmarks" / "finders.py")
    finders = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(finders)
    page = (ROOT / "docs" / "attribution.md").read_text(encoding="utf-8")
    assert finders.BEGIN + finders.table() + finders.END in page
