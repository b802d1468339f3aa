import numpy as np
import pytest

from dnabert2_explore.figures import token_lengths, token_ribbon
from dnabert2_explore.figures.core.style import span_text


def test_blocks_cover_the_bases_in_display_coordinates(tokens):
    blocks = token_ribbon(tokens).data[0]
    inner = ~tokens.special
    left = np.array(blocks.x) - np.array(blocks.width) / 2
    right = np.array(blocks.x) + np.array(blocks.width) / 2
    # Base i (0-based) is drawn from i + 0.5 to i + 1.5: position i + 1 in the middle.
    assert np.allclose(left, tokens.spans[inner, 0] + 0.5)
    assert np.allclose(right, tokens.spans[inner, 1] + 0.5)
    assert list(blocks.customdata) == list(np.flatnonzero(inner))


def test_unknown_tokens_are_hatched_and_said(tokens):
    blocks = token_ribbon(tokens).data[0]
    odd = tokens.unknown[~tokens.special]
    assert [shape == "/" for shape in blocks.marker.pattern.shape] == list(odd)
    assert all(
        ("not in the vocabulary" in t) == o for t, o in zip(blocks.hovertext, odd, strict=True)
    )


def test_letters_appear_when_a_base_is_wide_enough(tokens):
    far = token_ribbon(tokens, width=600)
    near = token_ribbon(tokens, view=(0, 40), width=900)
    assert not len(far.data[3].text or ())
    # half a screen more on either side
    assert "".join(near.data[3].text) == tokens.bases[:61]


def test_far_out_tokens_are_summed_up_and_little_is_sent(long_tokens):
    figure = token_ribbon(long_tokens, width=900)
    assert len(figure.data[0].x) == 0
    assert 0 < len(figure.data[1].x) < 400
    assert np.nanmean(figure.data[1].y) == pytest.approx(5, abs=0.2)
    assert len(figure.to_json()) < 40_000


def test_the_number_of_traces_does_not_depend_on_the_zoom(tokens, long_tokens):
    counts = {
        len(token_ribbon(t, view=view).data)
        for t in (tokens, long_tokens)
        for view in (None, (0, 30), (20, 120))
    }
    assert len(counts) == 1


def test_the_selection_is_marked(tokens):
    (mark,) = token_ribbon(tokens, selected=(10, 14)).layout.shapes
    assert (mark.x0, mark.x1) == (10.5, 14.5)
    assert token_ribbon(tokens).layout.shapes == ()


def test_a_view_beyond_the_sequence_is_clipped(tokens):
    n = len(tokens.bases)
    assert token_ribbon(tokens, view=(-5, n + 99)).layout.xaxis.range == (0.5, n + 0.5)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_paper_is_transparent(tokens, theme):
    layout = token_ribbon(tokens, theme=theme).layout
    assert layout.paper_bgcolor == layout.plot_bgcolor == "rgba(0,0,0,0)"


def test_lengths_are_counted_without_special_tokens(tokens):
    bars = token_lengths(tokens).data[0]
    assert sum(bars.y) == (~tokens.special).sum()
    assert bars.x[0] == 1


def test_spans_read_as_in_a_genome_browser():
    assert span_text(0, 1) == "1"
    assert span_text(999, 1200) == "1,000–1,200"
