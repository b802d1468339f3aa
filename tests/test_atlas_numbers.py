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


def test_what_picture_judgement_and_lasso_take():
    page = " ".join((ROOT / "docs" / "atlas.md").read_text(encoding="utf-8").split())
    found = json.loads((RESULTS / "atlas.json").read_text(encoding="utf-8"))["seconds"]
    cpu = {what: f"{took['cpu']:.1f}" for what, took in found.items()}
    assert f"{cpu['judgement of 5,000 with all nulls']} CPU-seconds at 384 numbers" in page
    assert f"stands there first {cpu['PCA of 5,000']}." in page
    table = cpu["k-mers of 5,000 beside 15,000"]
    whole = cpu["all of the panel"]
    assert f"{table} CPU-seconds to their table of k-mers, and {whole} with everything" in page
