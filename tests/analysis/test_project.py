from __future__ import annotations

import numpy as np
import pytest

from dnabert2_explore import InputError, project


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
