"""docs/gue.md shows what the result files say, and no number without one."""

from __future__ import annotations

from pathlib import Path

import pytest

from dnabert2_explore.training.gue import leaderboard

ROOT = Path(__file__).resolve().parents[3]
DOCS, RESULTS = ROOT / "docs" / "gue.md", ROOT / "benchmarks" / "gue"
AUDIT = ROOT / "benchmarks" / "results" / "gue_audit.json"
if not RESULTS.is_dir():
    pytest.skip("not a checkout: benchmarks/gue is not there", allow_module_level=True)


def test_the_page_is_what_the_files_say():
    written = leaderboard(
        RESULTS,
        published=("DNABERT 6-mer", "NT 500M human", "NT 2500M multi", "DNABERT-2"),
        audit=AUDIT,
    ).markdown()
    # Whole, as `gue table benchmarks/gue --audit benchmarks/results/gue_audit.json` prints it.
    assert written.strip() in DOCS.read_text(encoding="utf-8")
