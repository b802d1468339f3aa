from __future__ import annotations

import numpy as np
import pytest
from sklearn.decomposition import PCA

from dnabert2_explore import InputError, fit_projection, open_projection, project


@pytest.fixture(scope="module")
def clusters() -> np.ndarray:
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(3, 16)) * 6
    return np.concatenate([c + rng.normal(size=(20, 16)) for c in centres])


def test_pca_is_the_largest_variance(clusters) -> None:
    plane = project(clusters, method="pca")
    centred = clusters - clusters.mean(0)
    values = np.linalg.svd(centred, compute_uv=False)
    np.testing.assert_allclose(np.linalg.norm(plane, axis=0), values[:2], rtol=1e-4)


@pytest.mark.parametrize("method", ["umap", "pca"])
def test_a_seed_repeats_the_picture(clusters, method) -> None:
    plane = project(clusters, method=method, seed=3)
    assert plane.shape == (60, 2)
    assert plane.dtype == np.float64
    np.testing.assert_array_equal(plane, project(clusters, method=method, seed=3))


def test_umap_keeps_clusters_apart(clusters) -> None:
    plane = project(clusters)
    labels = np.repeat([0, 1, 2], 20)
    distance = np.linalg.norm(plane[:, None] - plane[None], axis=-1)
    np.fill_diagonal(distance, np.inf)
    assert (labels[distance.argmin(1)] == labels).mean() > 0.95


@pytest.mark.parametrize(
    ("embeddings", "method", "message"),
    [
        (np.zeros(5), "pca", r"shape \(5,\)"),
        (np.zeros((2, 4)), "umap", "at least 3 sequences"),
        (np.array([[0, 1], [np.nan, 1], [1, 1.0]]), "pca", "Row 1 .* of embeddings"),
        (np.zeros((4, 4)), "tsne", "'tsne' is unknown"),
    ],
)
def test_bad_input_is_one_clear_sentence(embeddings, method, message) -> None:
    with pytest.raises(InputError, match=message):
        project(embeddings, method=method)


def test_few_sequences_still_project() -> None:
    assert project(np.random.default_rng(0).normal(size=(4, 8)), method="umap").shape == (4, 2)


def test_new_points_are_placed_in_a_map_that_stays(clusters) -> None:
    made = fit_projection(clusters[:50], method="pca")
    again = made.transform(clusters[:50])
    np.testing.assert_allclose(again, made.plane, atol=1e-4)
    model = PCA(2, svd_solver="full").fit(clusters[:50])
    expected = np.abs(model.transform(clusters[50:]))
    np.testing.assert_allclose(np.abs(made.transform(clusters[50:])), expected, rtol=1e-3)
    assert made.transform(np.zeros((0, 16))).shape == (0, 2)
    with pytest.raises(InputError, match="5 wide and the map is of 16"):
        made.transform(np.zeros((2, 5)))


def test_umap_places_new_points_beside_their_own(clusters) -> None:
    made = fit_projection(clusters[::2], method="umap")
    placed = made.transform(clusters[1::2])
    near = np.linalg.norm(placed[:, None] - made.plane[None], axis=-1).argmin(1)
    assert (near // 10 == np.repeat([0, 1, 2], 10)).mean() > 0.9
    assert made.settings["n_neighbors"] == 15
    assert "umap-learn" in made.settings["versions"]


@pytest.mark.parametrize("method", ["umap", "pca"])
def test_a_saved_map_comes_back_identical(clusters, method, tmp_path) -> None:
    made = fit_projection(clusters, method=method, seed=4)
    made.save(tmp_path / "map.npz", [f"s{i}" for i in range(60)])
    back = open_projection(tmp_path / "map.npz")
    np.testing.assert_array_equal(back.plane, made.plane)
    assert (back.method, back.digest, back.hidden) == (method, made.digest, 16)
    assert dict(back.settings) == dict(made.settings)
    assert repr(back) == repr(made)
    if method == "pca":
        np.testing.assert_array_equal(back.transform(clusters[:3]), made.transform(clusters[:3]))
    else:
        with pytest.raises(InputError, match="gives the same map"):
            back.transform(clusters[:3])
    np.testing.assert_array_equal(fit_projection(clusters, method=method, seed=4).plane, back.plane)


def test_what_is_no_map_is_refused(tmp_path, clusters) -> None:
    (tmp_path / "x.npz").write_bytes(b"nothing")
    with pytest.raises(InputError, match="no map of this package"):
        open_projection(tmp_path / "x.npz")
    with pytest.raises(InputError, match="There is no map"):
        open_projection(tmp_path / "y.npz")
    with pytest.raises(InputError, match="60 rows and 1 names"):
        fit_projection(clusters, method="pca").save(tmp_path / "z.npz", ["a"])


def test_equal_points_are_a_pca_and_no_umap() -> None:
    same = np.ones((20, 5))
    assert np.abs(project(same, method="pca")).max() < 1e-6
    with pytest.raises(InputError, match="Of 20 embeddings 1 differs"):
        project(same, method="umap")
    assert project(np.arange(5.0)[:, None], method="pca").shape == (5, 2)


def test_three_dimensions_go_on_from_two(clusters, tmp_path) -> None:
    made = fit_projection(clusters, method="pca", dimensions=3)
    assert made.plane.shape == (60, 3)
    np.testing.assert_array_equal(made.plane[:, :2], project(clusters, method="pca"))
    np.testing.assert_allclose(made.transform(clusters), made.plane, atol=1e-4)
    made.save(tmp_path / "map.npz")
    again = open_projection(tmp_path / "map.npz")
    np.testing.assert_array_equal(again.plane, made.plane)
    np.testing.assert_allclose(again.transform(clusters), made.plane, atol=1e-4)
    narrow = fit_projection(clusters[:, :1], method="pca", dimensions=3)
    assert narrow.plane.shape == (60, 3)
    assert not narrow.plane[:, 1:].any()


def test_densmap_is_asked_for_its_radii_which_are_kept(clusters, tmp_path, monkeypatch) -> None:
    """By a stand-in; umap-learn itself is asked in test_umaps.py."""
    import inspect

    import umap

    known = inspect.signature(umap.UMAP.__init__).parameters
    asked = {}

    class StandIn:
        def __init__(self, **settings):
            assert set(settings) <= set(known)
            asked.update(settings)

        def fit_transform(self, points):
            return points[:, :2], points[:, 2], points[:, 3]  # as with output_dens

    monkeypatch.setattr(umap, "UMAP", StandIn)
    made = fit_projection(clusters, method="densmap", seed=2)
    assert asked["densmap"]
    assert asked["output_dens"]
    np.testing.assert_allclose(made.radii, clusters[:, 2:4], rtol=1e-6)
    made.save(tmp_path / "map.npz")
    np.testing.assert_array_equal(open_projection(tmp_path / "map.npz").radii, made.radii)
    with pytest.raises(InputError, match="places nothing new"):
        made.transform(clusters[:2])


def test_cuml_is_asked_as_umap_learn_is(clusters, monkeypatch) -> None:
    import sys
    from types import SimpleNamespace

    asked = {}

    class StandIn:
        """cuML's UMAP as its documentation has it."""

        def __init__(self, **settings):
            asked.update(settings)

        def fit_transform(self, points):
            assert points.dtype == np.float32
            return points[:, : asked["n_components"]]

        def transform(self, points):
            return points[:, : asked["n_components"]]

    fake = SimpleNamespace(manifold=SimpleNamespace(UMAP=StandIn), __version__="26.10")
    monkeypatch.setitem(sys.modules, "cuml", fake)
    made = fit_projection(clusters, method="umap", seed=5, dimensions=3, engine="cuml")
    assert asked == {
        "n_neighbors": 15, "n_components": 3, "min_dist": 0.1, "metric": "cosine",
        "random_state": 5, "output_type": "numpy",
    }  # fmt: skip
    assert made.settings["versions"]["cuml"] == "26.10"
    assert made.transform(clusters[:2]).shape == (2, 3)
    with pytest.raises(InputError, match="no densMAP"):
        fit_projection(clusters, method="densmap", engine="cuml")
    monkeypatch.setitem(sys.modules, "cuml", None)  # what is not installed
    with pytest.raises(InputError, match="pip install cuml-cu12"):
        project(clusters, method="umap", engine="cuml")


@pytest.mark.parametrize(
    ("more", "message"), [({"dimensions": 4}, "4 dimensions"), ({"engine": "gpu"}, "'gpu'")]
)
def test_settings_that_do_not_exist(clusters, more, message) -> None:
    with pytest.raises(InputError, match=message):
        project(clusters, method="umap", **more)
