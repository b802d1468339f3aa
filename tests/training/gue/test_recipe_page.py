"""docs/gue-recipe.md shows what its result files say."""

from __future__ import annotations

from pathlib import Path

from dnabert2_explore.training.gue import leaderboard

ROOT = Path(__file__).parents[3]


def test_the_table_is_that_of_the_result_files():
    found = leaderboard(ROOT / "benchmarks" / "gue-recipe", ("DNABERT-2",)).markdown()
    page = (ROOT / "docs" / "gue-recipe.md").read_text(encoding="utf-8")
    assert page.endswith(found)
