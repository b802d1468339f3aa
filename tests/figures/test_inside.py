"""Layers × places on the base axis, and scores by layer."""

import dataclasses

import numpy as np
import pytest

import dnabert2_explore as dx
from dnabert2_explore.figures import head_atlas_figure, layer_curves, lens_figure, patch_figure

SITE = dx.demo.splice()[0].bases


def test_the_lens_has_a_column_a_token_and_a_row_a_layer():
    found = dx.lens(dx.load("pocket", cache=False), SITE[:60])
    without, last, heat = lens_figure(found, theme="dark").data
    np.testing.assert_allclose(heat.z, np.log10(found.rank))
    assert list(heat.x) == [*(found.spans[:, 0] + 0.5), found.spans[-1, 1] + 0.5]
    np.testing.assert_array_equal(np.array(last.y)[::2], found.rank[-1])
    np.testing.assert_array_equal(np.array(without.y)[::2], found.common)
    assert f"rank {found.rank[0, 0]:,}" in heat.text[0][0]
    # The scale's numbers leave room for its title beside them.
    assert max(map(len, heat.colorbar.ticktext)) <= 4
    assert len(heat.colorbar.ticktext) == len(heat.colorbar.tickvals)


@pytest.mark.parametrize("alt", [SITE[:100] + "A" + SITE[101:], SITE[:110] + "AC" + SITE[110:]])
def test_the_patch_map_shows_every_part_once(alt):
    found = dx.patch(dx.load("pocket-splice", cache=False), SITE, alt, "donor")
    figure = patch_figure(found)
    (heat,) = figure.data
    values = np.array(heat.z)
    shown = [c for c in range(values.shape[1]) if not np.isnan(values[:, c]).any()]
    assert sorted(map(tuple, values[:, shown].T.round(5))) == sorted(
        map(tuple, found.restored.T.round(5))
    )
    assert len(figure.layout.shapes) == found.differs.sum()
    assert any("→" in text for text in heat.text[0])
    assert np.all(np.diff(heat.x) > 0)
    with pytest.raises(ValueError, match="twin=True"):
        patch_figure(found, shown="untrained")
    untrained = dataclasses.replace(
        found, twin=dataclasses.replace(found, restored=found.restored * 0)
    )
    assert np.nanmax(patch_figure(untrained, shown="untrained").data[0].z) == 0


def test_layer_curves_show_every_null():
    scores = dx.layers(
        dx.load("pocket-splice", cache=False), dx.demo.splice(), poolings=["mean", "max"]
    )
    figure = layer_curves(scores)
    assert [t.name for t in figure.data] == [
        "mean",
        "mean, untrained",
        "max",
        "max, untrained",
        "4-mers",
    ]
    np.testing.assert_array_equal(figure.data[0].y, scores.probe[:, 0])
    np.testing.assert_array_equal(figure.data[3].y, scores.twin_probe[:, 1])
    band = figure.layout.shapes[0]
    assert (band.y0, band.y1) == (scores.shuffled_probe.min(), scores.shuffled_probe.max())
    np.testing.assert_array_equal(
        layer_curves(scores, quantity="purity").data[2].y, scores.purity[:, 1]
    )
    with pytest.raises(ValueError, match="expected 'probe' or 'purity'"):
        layer_curves(scores, quantity="f1")


def test_heads_are_placed_by_what_was_measured():
    enc = dx.load("pocket", cache=False)
    found = dx.head_atlas(enc, dx.demo.splice()[0], permutations=2, twin=True)
    lines, twin, *layers = head_atlas_figure(found, y="special", theme="dark").data
    assert [one.name for one in layers] == [f"layer {i}" for i in range(1, 5)]
    np.testing.assert_array_equal(layers[2].x, found.values["distance"][2])
    np.testing.assert_array_equal(layers[2].y, found.values["special"][2])
    np.testing.assert_array_equal(twin.y, found.twin["special"].ravel())
    np.testing.assert_array_equal(np.array(lines.x)[0::3], found.null["distance"].ravel())
    with pytest.raises(ValueError, match="'track' was not measured"):
        head_atlas_figure(found, x="track")
