import numpy as np
import pytest

from dnabert2_explore.analysis.timelapse import TimeLapse
from dnabert2_explore.figures import class_colours, timelapse_figure, timelapse_movie

from .conftest import make_tokens

SNAPSHOTS, POINTS = 4, 9


@pytest.fixture
def lapse():
    tokens = make_tokens("ACGTTGCANNACGGTACCATTGACCATGCA" * 2)
    n, rng = len(tokens), np.random.default_rng(0)
    probability = (10.0 ** rng.uniform(-4, -1, (SNAPSHOTS, n))).astype(np.float32)
    probability[:, tokens.special | tokens.unknown] = np.nan
    attention = rng.uniform(size=(SNAPSHOTS, n, n)).astype(np.float32)
    return TimeLapse(
        steps=np.array([0, 10, 20, 40]),
        tokens=tokens,
        probability=probability,
        entropy=np.where(np.isnan(probability), np.nan, 3.0).astype(np.float32),
        attention=attention / attention.sum(axis=2, keepdims=True),
        planes=rng.normal(size=(SNAPSHOTS, POINTS, 2)),
        names=tuple(f"s{i}" for i in range(POINTS)),
        labels=("virus", "fungi", "") * 3,
        purity=np.linspace(0.3, 0.6, SNAPSHOTS),
        purity_null=np.full(SNAPSHOTS, 0.3),
        n_neighbors=3,
        layer=1,
        head=0,
        vocabulary=256,
        model="step-40 · 0.1 M parameters",
    )


def by_name(figure):
    return {trace.name: trace for trace in figure.data}


def test_bars_stand_on_a_blind_guess(lapse):
    figure = timelapse_figure(lapse, 2)
    bars = by_name(figure)["probability"]
    known = np.flatnonzero(np.isfinite(lapse.probability[2]))
    assert bars.base == pytest.approx(-np.log10(256))
    assert np.array(bars.y) + bars.base == pytest.approx(
        np.log10(lapse.probability[2, known]), abs=1e-6
    )
    assert list(bars.x) == (lapse.tokens.spans[known].mean(axis=1) + 0.5).tolist()
    better = lapse.probability[2, known] >= 1 / 256
    assert len(set(np.array(bars.marker.color)[better])) == 1
    assert len(set(bars.marker.color)) == 2


def test_axes_and_colours_are_those_of_every_snapshot(lapse):
    figures = [timelapse_figure(lapse, at) for at in range(SNAPSHOTS)]
    for axis in ("xaxis", "xaxis2", "xaxis3", "yaxis", "yaxis2", "yaxis3", "yaxis4"):
        assert len({tuple(figure.layout[axis].range) for figure in figures}) == 1
    assert len({by_name(figure)["attention"].zmax for figure in figures}) == 1
    low, high = figures[0].layout.xaxis2.range
    assert low < lapse.planes[..., 0].min() < lapse.planes[..., 0].max() < high


def test_points_move_with_the_snapshot(lapse):
    for at in (0, -1):
        trace = by_name(timelapse_figure(lapse, at))["virus"]
        assert np.column_stack([trace.x, trace.y]) == pytest.approx(lapse.planes[at][0::3])
        assert trace.marker.color == class_colours(["virus", "fungi"])["virus"]
    assert "not given" in by_name(timelapse_figure(lapse))
    assert list(by_name(timelapse_figure(lapse, 1))["now"].x) == [10]


def test_a_stretch_is_marked_in_both_tracks(lapse):
    plain, marked = (len(timelapse_figure(lapse, selected=s).layout.shapes) for s in (None, (4, 9)))
    assert marked == plain + 2


def test_zoom_leaves_out_what_is_not_in_sight(lapse):
    bars = by_name(timelapse_figure(lapse, view=(0, 8)))["probability"]
    assert len(bars.x) == 2
    assert timelapse_figure(lapse, view=(0, 8)).layout.xaxis.range == (0.5, 8.5)


def test_a_narrow_figure_stacks_its_panels(lapse):
    narrow = timelapse_figure(lapse, width=500)
    assert narrow.layout.yaxis3.domain[1] < narrow.layout.yaxis2.domain[0]


def test_a_movie_has_every_snapshot(lapse):
    movie = timelapse_movie(lapse)
    assert [frame.name for frame in movie.frames] == ["0", "10", "20", "40"]
    (slider,) = movie.layout.sliders
    assert [step.args[0][0] for step in slider.steps] == ["0", "10", "20", "40"]
    assert len(movie.frames[0].data) == len(movie.data)


def test_one_label_alone_has_no_purity(lapse):
    from dataclasses import replace

    nothing = np.full(SNAPSHOTS, np.nan)
    figure = timelapse_figure(replace(lapse, purity=nothing, purity_null=nothing))
    assert np.isfinite(figure.layout.yaxis4.range).all()
