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
        (np.zeros(5), "pca", "1 dimensions"),
        (np.zeros((2, 4)), "umap", "at least 3 sequences"),
        (np.array([[0, 1], [np.nan, 1], [1, 1.0]]), "pca", "Embedding 1"),
        (np.zeros((4, 4)), "tsne", "'tsne' is unknown"),
    ],
)
def test_bad_input_is_one_clear_sentence(embeddings, method, message) -> None:
    with pytest.raises(InputError, match=message):
        project(embeddings, method=method)


def test_few_sequences_still_project() -> None:
    assert project(np.random.default_rng(0).normal(size=(4, 8)), method="umap").shape == (4, 2)


def test_new_points_are_placed_in_a_map_that_stays(clusters) -> None:
    made = fit_projection(clusters[:50], "pca")
    again = made.transform(clusters[:50])
    np.testing.assert_allclose(again, made.plane, atol=1e-4)
    model = PCA(2, svd_solver="full").fit(clusters[:50])
    expected = np.abs(model.transform(clusters[50:]))
    np.testing.assert_allclose(np.abs(made.transform(clusters[50:])), expected, rtol=1e-3)
    assert made.transform(np.zeros((0, 16))).shape == (0, 2)
    with pytest.raises(InputError, match="5 wide and the map is of 16"):
        made.transform(np.zeros((2, 5)))


def test_umap_places_new_points_beside_their_own(clusters) -> None:
    made = fit_projection(clusters[::2], "umap")
    placed = made.transform(clusters[1::2])
    near = np.linalg.norm(placed[:, None] - made.plane[None], axis=-1).argmin(1)
    assert (near // 10 == np.repeat([0, 1, 2], 10)).mean() > 0.9
    assert made.settings["n_neighbors"] == 15
    assert "umap-learn" in made.settings["versions"]


@pytest.mark.parametrize("method", ["umap", "pca"])
def test_a_saved_map_comes_back_identical(clusters, method, tmp_path) -> None:
    made = fit_projection(clusters, method, seed=4)
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
    np.testing.assert_array_equal(fit_projection(clusters, method, seed=4).plane, back.plane)


def test_what_is_no_map_is_refused(tmp_path, clusters) -> None:
    (tmp_path / "x.npz").write_bytes(b"nothing")
    with pytest.raises(InputError, match="no map of this package"):
        open_projection(tmp_path / "x.npz")
    with pytest.raises(InputError, match="There is no map"):
        open_projection(tmp_path / "y.npz")
    with pytest.raises(InputError, match="60 rows and 1 names"):
        fit_projection(clusters, "pca").save(tmp_path / "z.npz", ["a"])


def test_equal_points_are_a_pca_and_no_umap() -> None:
    same = np.ones((20, 5))
    assert np.abs(project(same, "pca")).max() < 1e-6
    with pytest.raises(InputError, match="Of 20 embeddings 1 differs"):
        project(same, "umap")
    assert project(np.arange(5.0)[:, None], "pca").shape == (5, 2)
