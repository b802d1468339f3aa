"""umap-learn's densMAP and AlignedUMAP themselves, on few points and for few epochs."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

import dnabert2_explore as dx


@pytest.fixture
def few_epochs(monkeypatch):
    """Most of what is left is their compiling."""
    import umap

    for name in ("UMAP", "AlignedUMAP"):
        monkeypatch.setattr(umap, name, partial(getattr(umap, name), n_epochs=4))


@pytest.fixture(scope="module")
def groups():
    """A wide group and a dense one beside it."""
    rng = np.random.default_rng(0)
    return np.concatenate([rng.normal(size=(15, 6)), 5 + 0.1 * rng.normal(size=(15, 6))])


def test_densmap_knows_what_is_dense_and_repeats_it(few_epochs, groups, tmp_path):
    made = dx.fit_projection(groups, method="densmap", seed=2, n_neighbors=5)
    again = dx.fit_projection(groups, method="densmap", seed=2, n_neighbors=5)
    np.testing.assert_array_equal(again.plane, made.plane)
    np.testing.assert_array_equal(again.radii, made.radii)
    assert made.plane.shape == made.radii.shape == (30, 2)
    assert np.isfinite(made.plane).all()
    wide, dense = made.radii[:15, 0], made.radii[15:, 0]
    assert dense.max() < wide.min()  # by cosine distance too: they lie along one direction
    made.save(tmp_path / "map.npz")
    back = dx.open_projection(tmp_path / "map.npz")
    np.testing.assert_array_equal(back.plane, made.plane)
    assert dict(back.settings) == dict(made.settings)


def test_aligned_umap_keeps_points_in_place_and_repeats_it(few_epochs, groups):
    spaces = {"first": groups, "same": groups, "other": groups[:, ::-1] ** 2}
    made = dx.align_maps(spaces, method="umap", n_neighbors=5, seed=1)
    again = dx.align_maps(spaces, method="umap", n_neighbors=5, seed=1)
    np.testing.assert_array_equal(again.planes, made.planes)
    assert made.planes.shape == (3, 30, 2)
    np.testing.assert_allclose((made.planes**2).sum(axis=2).mean(axis=1), 1)
    assert made.moved[0] == 0
    assert made.moved[1] < 1  # two maps that share nothing are 1.4 apart
    assert "AlignedUMAP" in str(made)
