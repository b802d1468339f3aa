"""Times told in docs/atlas.md and docs/genomes.md are those of the files in benchmarks/results."""

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


def test_what_a_search_takes():
    page = " ".join((ROOT / "docs" / "genomes.md").read_text(encoding="utf-8").split())
    found = json.loads((RESULTS / "search.json").read_text(encoding="utf-8"))
    about, warm = found["about"], found["runs"][1:]
    assert (about["rows"], about["width"], about["queries"]) == (1_000_000, 768, 10)
    best = min(warm, key=lambda run: run["seconds"])
    assert f"{best['cpu_seconds']:.2f} CPU-seconds, {best['seconds']:.2f} s by the clock" in page
    assert f"load of {best['load']:.0f}" in page
