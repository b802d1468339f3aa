"""Displays of what is rare: infinite, repeated, empty, with a unit."""

from __future__ import annotations

import re

import numpy as np
import pytest

import dnabert2_explore as dx
from dnabert2_explore.analysis.inside.blocks import Block
from dnabert2_explore.analysis.variants.scores import Column
from dnabert2_explore.figures.display import html_of
from dnabert2_explore.figures.display.drawing.rows import beside, dots, histogram
from dnabert2_explore.training.scores.metrics import score


def texts(svg: str) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg)


def scores_of(values: list[float], position: int = 7) -> dx.VariantScores:
    variants = tuple(dx.Variant("chr1", position, "A", "C") for _ in values)
    column = Column("llr", "nats", -1, "Log-odds.")
    numbers = {"llr": np.array(values, np.float32)}
    return dx.VariantScores(variants, (None,) * len(values), numbers, (column,), {})


@pytest.mark.parametrize(
    "values", [[np.inf, 1.0], [-np.inf], [np.nan, 2.0], [0.0], [1e12, -1e12], [np.inf, *range(40)]]
)
def test_scores_of_any_size_are_drawn(values):
    scores = scores_of(values)
    assert "llr" in html_of(scores)
    assert "inf" not in html_of(scores).replace("information", "").replace("∞", "")
    if len(values) < 30:
        assert len(dx.plot(scores).data[0].x) == np.isfinite(values).sum()


def test_small_and_large_values_are_written_as_they_are():
    nan = float("nan")
    rows = [(name, value, nan, nan, "red") for name, value in
            (("a", 1e-5), ("b", 0.25), ("c", -1e12), ("d", -0.0), ("e", np.inf))]  # fmt: skip
    rows.append(("f", 0.5, 0.1, np.inf, "red"))
    said = texts(dots(rows, "score"))
    assert {"1e−05", "0.250", "−1,000,000,000,000", "0.000"} <= set(said)
    assert "e" not in said
    assert "inf" not in dots(rows, "score")


def test_variants_of_one_name_have_a_line_each():
    figure = dx.plot(scores_of([1.0, 2.0, 3.0]))
    (trace,) = figure.data
    assert sorted(zip(trace.x, trace.y, strict=True)) == [
        (1.0, "chr1:8 A>C"), (2.0, "chr1:8 A>C (2)"), (3.0, "chr1:8 A>C (3)")
    ]  # fmt: skip


def test_what_is_not_finite_is_no_bar_and_no_dot():
    none = [("trained", np.array([np.nan]), "blue")]
    assert histogram(none, "cosine", "features") == ""
    some = histogram(
        [*none, ("random", np.array([0.1, np.inf, 0.4]), "grey")], "cosine", "features"
    )
    assert "random" in texts(some)
    assert beside([("none", np.nan, np.inf), ("one", 0.5, 0.2)], "share").count("<circle") == 2


def test_an_annotation_without_features_is_shown():
    assert "no feature" in html_of(dx.Annotation({"a": ()}, {}, "a.gff3"))
    assert "no feature" in html_of(dx.Annotation({}, {}, "a.gff3"))


def test_scores_with_a_unit_stand_in_the_table_alone():
    rng = np.random.default_rng(0)
    truth = rng.normal(0, 100, 40)
    found = score("regression", truth, (truth + rng.normal(0, 30, 40)), bootstrap=10)
    result = dx.FinetuneResult(
        "regression", ("value",), 1, 1, 1.0, False, found, None, None, {"train": 40}, (), "model",
        None,
    )  # fmt: skip
    html = html_of(dx.SeedsResult((1, 2), (result, result)))
    picture = html[html.index("<svg") : html.index("</svg>")]
    assert "RMSE" in html
    assert "RMSE" not in picture
    assert max(float(one) for one in texts(picture) if re.fullmatch(r"[\d.]+", one)) <= 1


def test_both_axes_of_a_block_count_from_1():
    found = dx.Blocks((Block((0, 100), (0, 100), 1.0, 2.0, 0.01),), 20, np.zeros(20))
    html = html_of(found)
    picture = html[html.index("<svg") : html.index("</svg>")]
    marks = re.findall(r'<text x="([\d.]+)" y="([\d.]+)"[^>]*>(\d+)</text>', picture)
    across = {int(text): float(x) for x, y, text in marks if float(y) > 280}
    upwards = {int(text): float(y) for x, y, text in marks if float(y) < 280}
    both = sorted(across.keys() & upwards.keys())
    assert len(both) >= 3
    for one in both:  # on the diagonal, which goes from (56, 274) to (322, 8)
        assert across[one] - 56 == pytest.approx(274 - (upwards[one] - 3.5), abs=0.2)
    # Bases 1 to 100, from 0.5 to 100.5.
    x, width = map(float, re.findall(r'<rect x="([\d.]+)"[^>]*? width="([\d.]+)"', picture)[1])
    per_base = (across[both[-1]] - across[both[0]]) / (both[-1] - both[0])
    assert x == pytest.approx(across[both[0]] - (both[0] - 0.5) * per_base, abs=0.2)
    assert width == pytest.approx(100 * per_base, abs=0.3)
