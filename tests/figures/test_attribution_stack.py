from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from dnabert2_explore.analysis.attribution import Mutagenesis, StrandMirror
from dnabert2_explore.analysis.attribution.trust.agreement import rank_correlations
from dnabert2_explore.analysis.motifs import Hits
from dnabert2_explore.figures.attribution.correlations import attribution_correlations
from dnabert2_explore.figures.attribution.lanes import Lane
from dnabert2_explore.figures.attribution.stack import attribution_stack
from dnabert2_explore.figures.motifs.hits import arrange_hits
from dnabert2_explore.sequences.motifs.motif import Motif

from .conftest import make_attribution, make_tokens


@pytest.fixture
def results(tokens):
    first = make_attribution(tokens, 0)
    saliency = make_attribution(tokens, 1)
    saliency = replace(
        saliency,
        method="saliency",
        token_scores=abs(saliency.token_scores),
        base_scores=abs(saliency.base_scores),
    )
    return [first, saliency, replace(make_attribution(tokens, 2), method="occlusion")]


def make_hits(places, n_bases=120):
    """Hits of one 6-bp word at (start, p-value, strand)."""
    start, p, strand = map(np.array, zip(*places, strict=True))
    return Hits(
        sequence=np.zeros(len(start), dtype=np.int64),
        motif=np.zeros(len(start), dtype=np.int64),
        start=start,
        end=start + 6,
        strand=strand.astype(np.int8),
        score=np.full(len(start), 12.0),
        p_value=p,
        motifs=(Motif.of_word("TGACTC", "AP"),),
        names=("s",),
        lengths=np.array([n_bases]),
        threshold=1e-2,
        both_strands=True,
    )


def axis_of(figure, number):
    return figure.layout["yaxis" if number == 1 else f"yaxis{number}"]


def test_every_lane_has_a_symmetric_scale_of_its_own_and_its_name_and_unit(results):
    figure = attribution_stack([Lane.of_tokens(results[0]), *map(Lane.of_bases, results)])
    for number, values in ((2, results[0].base_scores), (4, results[2].base_scores)):
        low, high = axis_of(figure, number).range
        assert low == -high
        assert high == pytest.approx(1.08 * abs(values).max(), rel=1e-5)
        assert 1 <= high / axis_of(figure, number).dtick < 3  # ticks beside 0, and not many
    assert axis_of(figure, 3).range[0] > -0.1 * axis_of(figure, 3).range[1]  # saliency: no sign
    words = [one.text for one in figure.layout.annotations]
    assert "integrated gradients" in words[1]
    assert "saliency" in words[2]
    assert all("logit/base" in text for text in words[1:])


def test_the_mean_of_the_strands_has_a_band_from_one_to_the_other(results):
    mirror = StrandMirror(results[0], results[2])
    lane = Lane.of_strands(mirror)
    other = results[2].base_scores[::-1]
    np.testing.assert_allclose(lane.scores, (results[0].base_scores + other) / 2, rtol=1e-6)
    np.testing.assert_array_equal(lane.low, np.minimum(results[0].base_scores, other))
    np.testing.assert_array_equal(lane.high, np.maximum(results[0].base_scores, other))
    figure = attribution_stack([lane])
    assert "band: from the one strand" in figure.layout.annotations[0].text


def test_lanes_lie_below_one_another_without_touching(results):
    figure = attribution_stack(
        [Lane.of_tokens(results[0]), *map(Lane.of_bases, results)],
        hits=make_hits([(3, 1e-4, 1)]),
    )
    domains = [axis_of(figure, i).domain for i in range(1, 6)]
    for upper, lower in pairwise(domains):
        assert lower[0] < lower[1] < upper[0] < upper[1] <= 1
    assert figure.layout.xaxis.anchor == "y5"


def test_lanes_of_one_scale_are_drawn_to_the_larger(results):
    small = replace(results[0], base_scores=results[0].base_scores / 10)
    figure = attribution_stack(
        [Lane.of_bases(results[0], "a", scale="s"), Lane.of_bases(small, "b", scale="s")]
    )
    assert axis_of(figure, 1).range == axis_of(figure, 2).range


def test_letters_and_whiskers_near_bars_and_a_band_far(tokens, long_tokens):
    for segmentation, view, near in ((tokens, (0, 40), True), (long_tokens, None, False)):
        result = make_attribution(segmentation)
        scores = result.base_scores
        lane = replace(Lane.of_bases(result), low=scores - 1, high=scores + 1)
        figure = attribution_stack([lane], view=view)
        letters = [trace for trace in figure.data if trace.name in list("ACGT")]
        assert all((len(trace.x) > 0) == near for trace in letters)
        others = [t for t in figure.data if t.type == "scatter" and t.name is None]
        assert len(others) == 1
        assert (others[0].fill is None) == near
        assert np.nanmax(others[0].y) == pytest.approx(
            (scores[:61] if near else scores).max() + 1, rel=1e-5
        )
        assert len(figure.to_json()) < 150_000


def test_hits_that_touch_take_rows_the_surest_on_top():
    hits = make_hits([(10, 1e-3, 1), (12, 1e-6, -1), (40, 1e-3, 1), (14, 1e-2, 1)])
    assert arrange_hits(hits).tolist() == [1, 0, 0, 2]
    assert arrange_hits(hits, rows=1).tolist() == [-1, 0, 0, -1]


def test_hits_say_strand_and_p_on_hover_and_point_along_their_strand(results):
    hits = make_hits([(10, 1e-3, 1), (40, 2e-5, -1)])
    figure = attribution_stack([Lane.of_bases(results[0])], hits=hits, view=(0, 60))
    outline, bars, names = figure.data[-3:]
    assert "+ strand" in bars.hovertemplate[0]
    assert "p = 2.0e-05" in bars.hovertemplate[1]
    assert "bases 41–46" in bars.hovertemplate[1]
    assert list(names.text) == ["AP", "AP"]
    tip = [list(outline.x[7 * i : 7 * i + 6]) for i in range(2)]
    assert tip[0].count(max(tip[0])) == 1  # one point right, two left
    assert tip[1].count(min(tip[1])) == 1


def test_the_map_is_symmetric_about_zero_and_dots_the_base_that_is_there(results, tokens):
    effects = np.full((len(tokens.bases), 4), np.nan, dtype=np.float32)
    effects[10:20] = np.linspace(-1, 3, 40).reshape(10, 4)
    found = Mutagenesis(
        tokens,
        effects,
        None,
        np.zeros(effects.shape, dtype=np.int64),
        2.0,
        1,
        "donor",
        "logit",
        "m",
    )
    figure = attribution_stack([Lane.of_bases(results[0])], effects=found, view=(0, 40))
    heat, dots = figure.data[-2:]
    assert (heat.zmin, heat.zmax) == (-3, 3)
    assert list(heat.x) == list(range(11, 21))
    assert [(x - 1, "ACGT"[y]) for x, y in zip(dots.x, dots.y, strict=True)] == [
        (i, tokens.bases[i]) for i in range(10, 20) if tokens.bases[i] in "ACGT"
    ]


def test_selection_and_cursor_are_marked(results):
    figure = attribution_stack([Lane.of_bases(results[0])], selected=(4, 9), cursor=5)
    assert [(s.x0, s.x1) for s in figure.layout.shapes] == [(4.5, 9.5), (5.5, 6.5)]


def test_lanes_of_different_lengths_are_refused(results):
    other = make_attribution(make_tokens("ACGT"))
    with pytest.raises(ValueError, match=r"\[4, 120\] bases"):
        attribution_stack([Lane.of_bases(results[0]), Lane.of_bases(other)])


def test_the_matrix_has_every_pair_once_and_marks_magnitudes(results):
    found = rank_correlations(results)
    figure = attribution_correlations(found)
    cells = {(c.y, c.x): c.text for c in figure.layout.annotations}
    assert set(cells) == {(1, 0), (2, 0), (2, 1)}
    assert cells[1, 0].endswith("*")
    assert not cells[2, 0].endswith("*")
    assert cells[2, 0].rstrip("*").replace("−", "-") == f"{found.rho[2, 0]:.2f}"
    assert figure.data[0].z[2][1] == found.rho[2, 1]


def test_dark_and_light_differ_in_every_colour_that_matters(results):
    light, dark = (
        attribution_stack([Lane.of_tokens(results[0])], theme=theme) for theme in ("light", "dark")
    )
    assert light.data[0].marker.color != dark.data[0].marker.color
    assert light.layout.annotations[0].bgcolor != dark.layout.annotations[0].bgcolor
