"""Figures of sparse features and of patched heads show what the results hold."""

from __future__ import annotations

import numpy as np
import pytest

import dnabert2_explore as dx
from dnabert2_explore.figures import feature_windows, head_patch_figure
from tests.figures import samples


@pytest.fixture(scope="module")
def readings():
    return samples.features()[1]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_windows_are_aligned_at_the_token(readings, theme):
    feature = int(readings.table()["feature"].iloc[0])
    figure = feature_windows(readings, feature=feature, n=4, flank=10, theme=theme)
    cells = figure.data[0]
    top = readings.top(feature, 4, 10)
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
