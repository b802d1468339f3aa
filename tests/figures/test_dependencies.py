"""The dependency map's figure: the same axes as attention's, nothing lost where it is pooled."""

import dataclasses

import numpy as np
import pytest

import dnabert2_explore as dx
from dnabert2_explore import InputError
from dnabert2_explore.figures import dependency_figure

BASES = "ACGTTGCATTAGCATGCAATGGCTAGCTTAGCGGATATAAAGGC"


@pytest.fixture(scope="module")
def found():
    return dx.dependency_map(dx.load("pocket", cache=False), BASES, (4, 30), twin=True)


def test_columns_are_substituted_bases_and_rows_are_tokens(found):
    figure = dependency_figure(found, selected=(5, 9))
    strip, heat = figure.data
    inner = ~found.tokens.special
    np.testing.assert_array_equal(heat.z, found.values.T[inner])
    assert list(heat.x) == [i + 0.5 for i in range(4, 31)]
    spans = found.tokens.spans[inner]
    assert list(heat.y) == [*(spans[:, 0] + 0.5), spans[-1, 1] + 0.5]
    own = np.nan_to_num(found.elsewhere)
    known = (~np.isnan(found.elsewhere)).sum(axis=1)
    np.testing.assert_allclose(strip.y, own.sum(axis=1) / known, rtol=1e-5)
    assert len(figure.layout.shapes) == 2
    assert "nats" in heat.colorbar.title.text


def test_the_twin_stands_on_the_same_colours(found):
    trained, untrained, difference = (
        dependency_figure(found, shown=shown, theme="dark").data[1]
        for shown in ("trained", "untrained", "difference")
    )
    assert (trained.zmin, trained.zmax) == (untrained.zmin, untrained.zmax)
    assert difference.zmin == -difference.zmax
    np.testing.assert_allclose(
        np.array(difference.z), np.array(trained.z) - np.array(untrained.z), rtol=1e-6
    )
    alone = dataclasses.replace(found, twin=None)
    with pytest.raises(InputError, match="twin=True"):
        dependency_figure(alone, shown="untrained")
    with pytest.raises(ValueError, match="expected one of"):
        dependency_figure(found, shown="both")


def test_large_maps_are_pooled_to_their_largest_values(found, monkeypatch):
    monkeypatch.setattr("dnabert2_explore.figures.inside.dependencies._COLUMNS", 5)
    monkeypatch.setattr("dnabert2_explore.figures.inside.dependencies.CELLS", 3)
    heat = dependency_figure(found).data[1]
    assert np.array(heat.z).shape[0] <= 3
    assert np.array(heat.z).shape[1] <= 5
    assert np.nanmax(heat.z) == np.nanmax(found.values)


def test_outside_of_the_region_there_is_nothing(found):
    heat = dependency_figure(found, view=(34, 40)).data[1]
    assert np.array(heat.z).size == 0


def test_a_map_of_bases_has_bases_on_both_axes():
    found = dx.dependency_map(dx.load("pocket", cache=False), BASES, (4, 8), of="bases")
    heat = dependency_figure(found).data[1]
    assert np.array(heat.z).shape == (len(BASES), 4)
    splice = dx.load("pocket-splice")
    with pytest.raises(ValueError, match="as a track"):
        dependency_figure(dx.dependency_map(splice, BASES, (4, 6), of="donor"))
