"""Two dimensions out of many, to look at."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from ..threads import torch_threads

__all__ = ["METHODS", "project"]

METHODS = ("umap", "pca")


def project(
    embeddings: ArrayLike,
    method: str = "umap",
    seed: int = 0,
    n_neighbors: int = 15,
    min_dist: float = 0.1,
) -> NDArray[np.float64]:
    """Project embeddings onto two dimensions.

    Parameters
    ----------
    embeddings : array_like, shape (n, hidden)
    method : {"umap", "pca"}
        UMAP (McInnes et al. 2018, umap-learn) by cosine distance keeps neighbourhoods: distances
        between clusters mean little. PCA (scikit-learn) keeps the directions of largest variance
        and is immediate.
    seed : int
        Makes the result repeatable; umap-learn then runs on one thread.
    n_neighbors : int
        UMAP's neighbourhood; taken down to n - 1 for few sequences.
    min_dist : float
        UMAP's smallest distance between points on the picture.

    Returns
    -------
    numpy.ndarray, shape (n, 2), float64

    Raises
    ------
    InputError
        If the array is not two-dimensional, has fewer than 3 rows, or holds NaN or infinity.
    """
    points = np.asarray(embeddings, dtype=np.float32)
    if points.ndim != 2:
        raise InputError(
            f"Embeddings have {points.ndim} dimensions: give an array of shape (sequences, hidden)."
        )
    if len(points) < 3:
        raise InputError(
            f"{len(points)} embeddings cannot be laid out in a plane: give at least 3 sequences."
        )
    bad = np.flatnonzero(~np.isfinite(points).all(axis=1))
    if bad.size:
        raise InputError(
            f"Embedding {bad[0]} (0-based) and {bad.size - 1} others hold NaN or infinity: leave "
            "them out, or embed in float32."
        )
    if method == "pca":
        from sklearn.decomposition import PCA

        plane = PCA(n_components=2, svd_solver="full", random_state=seed).fit_transform(points)
    elif method == "umap":
        import umap

        # Numba sets the threads of the OpenMP that it shares with torch.
        with torch_threads(), warnings.catch_warnings():
            # umap-learn says that a seed makes it single-threaded; our docstring says so too.
            warnings.filterwarnings("ignore", message="n_jobs value", category=UserWarning)
            reducer = umap.UMAP(
                n_neighbors=min(n_neighbors, len(points) - 1),
                min_dist=min_dist,
                metric="cosine",
                random_state=seed,
                # The spectral start needs more points than dimensions to solve for.
                init="spectral" if len(points) > 10 else "random",
            )
            plane = reducer.fit_transform(points)
    else:
        raise InputError(f"Projection {method!r} is unknown: choose one of {', '.join(METHODS)}.")
    return np.asarray(plane, dtype=np.float64)
