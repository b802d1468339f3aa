"""Times told in docs/atlas.md are those of the file in benchmarks/results."""

from __future__ import annotations

import json
from pathlib import Path

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"


def test_what_the_atlas_page_takes():
    page = (ROOT / "docs" / "atlas.md").read_text(encoding="utf-8")
    found = json.loads((RESULTS / "atlas_page.json").read_text(encoding="utf-8"))
    assert {run["points"] for run in found["runs"]} >= {100_000}
    for run in found["runs"]:
        for what, worst in run["worst_ms"].items():
            row = (
                f"| {run['points']:,} | {what} | {max(worst['longtask'], worst['event']):.0f} | "
                f"{worst['frame']:.0f} |"
            )
            assert row in page, row
        assert f"load of {run['load']:.0f}" in " ".join(page.split())
