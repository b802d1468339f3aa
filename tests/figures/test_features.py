"""Figures of sparse features and of patched heads show what the results hold."""

from __future__ import annotations

import numpy as np
import pytest

import dnabert2_explore as dx
from dnabert2_explore.figures import feature_track, feature_windows, head_patch_figure
from tests.figures import samples


@pytest.fixture(scope="module")
def readings():
    return samples.features()[1]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_windows_are_aligned_at_the_token(readings, theme):
    feature = int(readings.table()["feature"].iloc[0])
    figure = feature_windows(readings, feature=feature, n=4, flank=10, theme=theme)
    cells = figure.data[0]
    top = readings.top(feature, n=4, flank=10)
    at = list(cells.x).index(0)
    for line, place in enumerate(top.itertuples()):
        letters = "".join(cells.text[line][at : at + len(place.token)])
        assert letters == place.token
        assert cells.z[line][at] == pytest.approx(place.activation)
    assert f"Feature {feature}" in figure.layout.title.text
    assert "untrained r" in figure.layout.title.text


def test_a_feature_that_does_not_exist_is_said(readings):
    with pytest.raises(dx.InputError, match="no feature 999"):
        feature_windows(readings, feature=999)


def test_heads_and_what_passes_them_by_stand_beside_the_twin():
    (found,) = (one for one in samples.read() if type(one).__name__ == "HeadPatchMap")
    figure = head_patch_figure(found)
    trained, untrained = figure.data
    np.testing.assert_allclose(trained.z[:, :4], found.restored)
    np.testing.assert_allclose(trained.z[:, 4], found.layers)
    np.testing.assert_allclose(untrained.z[:, 5], found.twin.residual)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_track_and_the_strongest_in_sight(readings, theme):
    feature, view = int(readings.table()["feature"].iloc[0]), (40, 120)
    figure = feature_track(readings, feature=feature, sequence=1, others=3, view=view, theme=theme)
    track = next(one for one in figure.data if one.name == f"feature {feature}")
    expected = readings.track(feature, 1)
    at = [round(x - 0.5) for x in track.x[::2]]
    np.testing.assert_allclose(track.y[::2], expected[at], rtol=1e-5)
    cells = figure.data[-1]
    rows = [int(text) for text in figure.layout.yaxis.ticktext]
    in_sight = [readings.track(i, 1)[slice(*view)].max() for i in range(len(readings.features))]
    np.testing.assert_allclose(np.array(in_sight)[rows], sorted(in_sight)[:-4:-1], rtol=1e-5)
    assert np.nanmax(cells.z[0]) == pytest.approx(readings.track(rows[0], 1).max(), abs=1e-3)
    assert (figure.data[0].name, figure.data[0].line.dash) == ("untrained, most alike", "dot")
