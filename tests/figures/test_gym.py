import numpy as np
import pytest

from dnabert2_explore import Sequence
from dnabert2_explore.analysis.gym import Sweep
from dnabert2_explore.analysis.gym.designs import Design
from dnabert2_explore.figures.gym import sweep_figure, sweep_heatmap, sweep_lines
from dnabert2_explore.sequences.motifs.motif import Motif


def make_sweep(sweep="position", backgrounds=3, control=True, **how):
    """Numbers without a network: a row's place counts, and a little noise."""
    lengths = (4, 4) if sweep == "spacing" else (4,)
    design = Design.make(sweep, 60, lengths, **how)
    rng = np.random.default_rng(0)
    shape = (len(design.rows), len(design.columns), backgrounds)
    baseline = np.broadcast_to(rng.normal(size=backgrounds), shape).astype(np.float32)
    scores = baseline + rng.normal(size=shape).astype(np.float32)
    for row, column in np.ndindex(*shape[:2]):
        if not design.exists(row, column):
            scores[row, column] = np.nan
    motif = Motif.of_word("GATC")
    return Sweep(
        design=design,
        motif=motif,
        second=motif if sweep == "spacing" else None,
        backgrounds=tuple(Sequence(f"b{i}", "ACGT" * 15) for i in range(backgrounds)),
        sites=(("GATC",) * len(lengths),) * backgrounds,
        control_sites=(("GCTA",) * len(lengths),) * backgrounds if control else (),
        scores=scores,
        baseline=baseline,
        control=(baseline + 3 * rng.normal(size=shape)).astype(np.float32) if control else None,
        alone=np.stack([scores, baseline]) if sweep == "spacing" else None,
        target=1,
        target_name="donor",
        unit="logit",
        model="pocket",
    )


def test_cells_are_means_over_backgrounds_and_positions_count_from_1():
    result = make_sweep(columns=range(0, 57, 7))
    figure = sweep_heatmap(result)
    (trace,) = figure.data
    np.testing.assert_allclose(trace.z, (result.scores - result.baseline).mean(axis=2))
    middles = (np.array(trace.x)[1:] + np.array(trace.x)[:-1]) / 2
    np.testing.assert_allclose(middles, np.arange(0, 57, 7) + 1)
    assert list(figure.layout.yaxis.ticktext) == ["+", "−"]
    assert figure.layout.yaxis.range[0] > figure.layout.yaxis.range[1]  # + above −
    assert tuple(figure.layout.xaxis.range) == (0.5, 60.5)
    assert "bp" in figure.layout.xaxis.title.text
    assert "logit" in trace.colorbar.title.text


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_colours_are_symmetric_about_zero_and_alike_for_the_control(theme):
    result = make_sweep()
    effect, control = (
        sweep_heatmap(result, shown=shown, theme=theme).data[0] for shown in ("effect", "control")
    )
    assert effect.zmin == -effect.zmax == control.zmin
    assert effect.zmax == pytest.approx(np.abs(result.mean("control")).max())
    assert effect.colorscale[1][0] == 0.5


def test_the_picked_cell_is_marked():
    result = make_sweep("copies", copies=3, columns=[0, 4, 8])
    figure = sweep_heatmap(result, picked=(2, 1))
    mark = figure.layout.shapes[-1]
    assert (mark.x0, mark.x1, mark.y0, mark.y1) == (2, 6, 1.5, 2.5)
    assert list(figure.layout.yaxis.ticktext) == ["1 copy", "2 copies", "3 copies"]
    assert figure.layout.yaxis.range[0] < figure.layout.yaxis.range[1]  # numbers rise


def test_lines_have_a_band_of_one_deviation_and_the_controls_range():
    result = make_sweep()
    figure = sweep_lines(result)
    lines = [t for t in figure.data if t.name in ("strand +", "strand −")]
    bands = [t for t in figure.data if t.fill == "toself"]
    assert len(lines) == 2
    assert len(bands) == 3  # two strands and the control
    np.testing.assert_allclose(lines[1].y, result.effect[1])
    half = len(bands[0].y) // 2
    np.testing.assert_allclose(
        (bands[0].y[:half] - bands[0].y[half:][::-1]) / 2, result.spread[0], rtol=1e-4
    )
    control = next(t for t in bands if t.name and "control" in t.name)
    np.testing.assert_allclose(control.y[:half], result.mean("control").max(axis=0), rtol=1e-5)
    low, high = figure.layout.yaxis.range
    assert low <= min(np.min(t.y) for t in bands)
    assert high >= max(np.max(t.y) for t in bands)


def test_one_background_has_no_band():
    figure = sweep_lines(make_sweep(backgrounds=1, control=False))
    assert [t.fill for t in figure.data] == [None, None]


def test_lines_stand_above_their_map_on_one_axis():
    result = make_sweep("spacing", columns=range(10))
    figure = sweep_figure(result, shown="interaction", picked=(1, 2))
    assert figure.data[0].type == "heatmap"
    np.testing.assert_allclose(figure.data[0].z, 0, atol=1e-5)  # pair - pair - none + none
    assert {t.yaxis for t in figure.data[1:]} == {"y2"}
    assert figure.layout.yaxis.domain[1] < figure.layout.yaxis2.domain[0]
    assert "interaction" in figure.layout.yaxis2.title.text
    assert len(sweep_figure(make_sweep("copies", copies=3)).data) == 1


def test_what_has_no_score_is_left_empty():
    result = make_sweep("indel", at=20, columns=[-6, -2, 0, 3])
    figure = sweep_figure(result)
    assert np.isnan(figure.data[0].z[1][0])
    inside = next(t for t in figure.data if t.name == "inside the site")
    assert list(inside.x) == [-6, -2, 0, 3]
    assert np.isfinite(figure.layout.yaxis2.range).all()
    assert "−2 bp inside the site" in figure.data[0].text[1][1].replace("-", "−")


def test_zoom_and_edges():
    figure = sweep_figure(make_sweep(columns=[5]), view=(3.5, 20.5))
    assert tuple(figure.layout.xaxis.range) == (3.5, 20.5)
    assert (figure.layout.xaxis.minallowed, figure.layout.xaxis.maxallowed) == (0.5, 60.5)
    assert tuple(figure.data[0].x) == (5.5, 6.5)
