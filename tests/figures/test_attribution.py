import numpy as np
import pytest

from dnabert2_explore.figures import attribution_tracks
from dnabert2_explore.figures.core.glyphs import glyph, logo_outline

from .conftest import make_attribution


@pytest.fixture
def result(tokens):
    return make_attribution(tokens)


def test_scales_are_symmetric_about_zero_and_carry_the_unit(result):
    layout = attribution_tracks(result).layout
    for axis in (layout.yaxis, layout.yaxis2):
        assert axis.range[0] == -axis.range[1]
        assert "logit" in axis.title.text


def test_letters_are_as_high_as_their_scores(result):
    figure = attribution_tracks(result, view=(0, 40))
    scores, bases = result.base_scores, result.tokens.bases
    for trace in figure.data[3:]:
        if trace.name == "N":
            continue
        reach = [scores[i] for i in range(61) if bases[i] == trace.name]
        assert np.nanmax(trace.y) == pytest.approx(max([*reach, 0]), rel=1e-5)
        assert np.nanmin(trace.y) == pytest.approx(min([*reach, 0]), rel=1e-5)


def test_far_out_there_are_no_letters_and_few_bars(long_tokens):
    result = make_attribution(long_tokens)
    figure = attribution_tracks(result, width=900)
    assert all(len(trace.x) == 0 for trace in figure.data[3:])
    assert len(figure.data[0].x) == 0
    strongest = figure.data[1]
    assert len(strongest.x) < 400
    inner = result.token_scores[~long_tokens.special]
    assert np.abs(strongest.y).max() == pytest.approx(np.abs(inner).max())
    assert len(figure.to_json()) < 120_000


def test_zero_scores_can_be_drawn(result, tokens):
    from dataclasses import replace

    flat = replace(
        result,
        token_scores=np.zeros_like(result.token_scores),
        base_scores=np.zeros_like(result.base_scores),
    )
    assert attribution_tracks(flat).layout.yaxis.range[1] > 0


@pytest.mark.parametrize("letter", "ACGTN")
def test_glyphs_fill_their_square(letter):
    shape = glyph(letter)
    assert np.nanmin(shape) >= -1e-9
    assert np.nanmax(shape) <= 1 + 1e-9
    assert np.nanmax(shape[:, 1]) - np.nanmin(shape[:, 1]) > 0.95


def test_a_negative_letter_hangs_below_zero():
    x, y = logo_outline("A", np.array([4]), np.array([-2.0]), np.array([0.0]))
    assert (np.nanmin(y), np.nanmax(y)) == (-2, 0)
    assert 4.5 < np.nanmin(x) < np.nanmax(x) < 5.5
