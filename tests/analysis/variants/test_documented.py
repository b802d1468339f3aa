"""docs/variants.md tells what benchmarks/variants.py found."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SCRIPT = ROOT / "benchmarks/variants.py"


@pytest.mark.skipif(not SCRIPT.is_file(), reason="not a checkout: benchmarks/ is not there")
def test_the_page_is_what_the_file_says() -> None:
    script = runpy.run_path(str(SCRIPT))
    content = json.loads(script["RESULT"].read_text(encoding="utf-8"))
    assert script["markdown"](content) in script["PAGE"].read_text(encoding="utf-8")
    assert set(content["correlations"]) == set(script["SCORES"])
    for row in content["correlations"].values():
        assert all(-1 <= value <= 1 for value in row.values())
