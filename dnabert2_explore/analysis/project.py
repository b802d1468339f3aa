"""Two dimensions out of many, to look at; and places in them for what comes later."""

from __future__ import annotations

import hashlib
import json
import os
import warnings
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from ..files import expanded, replacing
from ..shown import Shown
from ..threads import torch_threads
from ..version import __version__

__all__ = ["METHODS", "Projection", "fit_projection", "open_projection", "project"]

METHODS = ("umap", "pca")
_FORMAT = "dnabert2-explore projection 1"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Projection(Shown):
    """A map of embeddings, with all that made it.

    Attributes
    ----------
    plane : numpy.ndarray, shape (n, 2), float64
    method : {"umap", "pca"}
    settings : mapping
        ``seed``, for UMAP ``n_neighbors``, ``min_dist`` and ``metric``, and the versions of the
        libraries.
    digest : str
        SHA-256 of the vectors it is a map of.
    hidden : int
        Their width.
    """

    plane: NDArray[np.float64]
    method: str
    settings: Mapping[str, Any]
    digest: str
    hidden: int
    _fitted: Any = field(default=None, compare=False)

    def __len__(self) -> int:
        return len(self.plane)

    def _line(self) -> str:
        told = ", ".join(f"{k} {v}" for k, v in self.settings.items() if k != "versions")
        return f"{self.method.upper()} of {len(self):,} vectors of {self.hidden:,} ({told})"

    def transform(self, embeddings: ArrayLike) -> NDArray[np.float64]:
        """Place further embeddings in the map, which stays as it is.

        Parameters
        ----------
        embeddings : array_like, shape (m, hidden)
            Of the same model, layer and pooling.

        Returns
        -------
        numpy.ndarray, shape (m, 2), float64

        Raises
        ------
        InputError
            If they are of another width or not finite, or the map is a UMAP from a file: that
            keeps the plane and not the neighbours; fit it again, which gives the same plane.
        """
        points = _checked(embeddings, least=0)
        if points.shape[1] != self.hidden:
            raise InputError(
                f"Embeddings are {points.shape[1]} wide and the map is of {self.hidden}: give "
                "those of the same model."
            )
        if not len(points):
            return np.zeros((0, 2))
        if self.method == "pca":
            mean, axes = self._fitted
            return (points.astype(np.float64) - mean) @ axes.T
        if self._fitted is None:
            raise InputError(
                "A UMAP from a file places nothing new: fit_projection(vectors, 'umap', …) with "
                "its settings gives the same map, and does."
            )
        with torch_threads(), warnings.catch_warnings():
            warnings.filterwarnings("ignore", category=UserWarning)
            return np.asarray(self._fitted.transform(points), dtype=np.float64)

    def save(self, path: str | os.PathLike[str], names: list[str] | None = None) -> None:
        """Write the map as ``.npz`` without pickled parts: plane, method, settings, names.

        Parameters
        ----------
        path : path-like
        names : list of str, optional
            Of the rows.

        Raises
        ------
        InputError
            If there are not as many names as rows.
        """
        if names is not None and len(names) != len(self):
            raise InputError(f"There are {len(self)} rows and {len(names)} names: give one a row.")
        about = {
            "format": _FORMAT, "method": self.method, "settings": dict(self.settings),
            "digest": self.digest, "hidden": self.hidden,
        }  # fmt: skip
        parts: dict[str, Any] = {"plane": self.plane, "about": np.array(json.dumps(about))}
        if self.method == "pca":
            parts["mean"], parts["axes"] = self._fitted
        if names is not None:
            parts["names"] = np.array(names, dtype=np.str_)
        with replacing(expanded(path)) as temporary, open(temporary, "wb") as file:
            np.savez(file, **parts)


def open_projection(path: str | os.PathLike[str]) -> Projection:
    """Read a map that `Projection.save` wrote; its plane is the same to the bit.

    Raises
    ------
    InputError
        If there is no such file, or it is no map.
    """
    where = expanded(path)
    if not where.is_file():
        raise InputError(f"There is no map {str(path)!r}: check the path.")
    try:
        with np.load(where, allow_pickle=False) as file:
            about = json.loads(str(file["about"]))
            plane = file["plane"]
            fitted = (file["mean"], file["axes"]) if about["method"] == "pca" else None
        if about["format"] != _FORMAT or plane.ndim != 2:
            raise KeyError("format")
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(
            f"{path} is no map of this package ({type(error).__name__}): expected a file that "
            "Projection.save wrote."
        ) from error
    return Projection(
        plane, about["method"], about["settings"], about["digest"], about["hidden"], fitted
    )


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
        If the array is not two-dimensional, has fewer than 3 rows, or holds NaN or infinity; for
        UMAP, if fewer than 3 rows differ.
    """
    return fit_projection(embeddings, method, seed, n_neighbors, min_dist).plane


def fit_projection(
    embeddings: ArrayLike,
    method: str = "umap",
    seed: int = 0,
    n_neighbors: int = 15,
    min_dist: float = 0.1,
) -> Projection:
    """Make a map of embeddings that others can be placed in, and that can be saved.

    As `project`, whose parameters these are.

    Returns
    -------
    Projection

    Examples
    --------
    >>> points = np.random.default_rng(0).normal(size=(20, 4))
    >>> made = fit_projection(points, "pca")
    >>> bool(np.allclose(made.transform(points[:3]), made.plane[:3], atol=1e-5))
    True
    """
    if method not in METHODS:
        raise InputError(f"Projection {method!r} is unknown: choose one of {', '.join(METHODS)}.")
    points = _checked(embeddings, least=3)
    settings: dict[str, Any] = {"seed": seed}
    fitted: Any
    if method == "pca":
        import sklearn
        from sklearn.decomposition import PCA

        model = PCA(n_components=min(2, points.shape[1]), svd_solver="full", random_state=seed)
        plane = np.asarray(model.fit_transform(points), dtype=np.float64)
        axes = model.components_.astype(np.float64)
        if points.shape[1] == 1:  # there is no second direction
            plane, axes = np.c_[plane, np.zeros(len(plane))], np.r_[axes, [[0.0]]]
        fitted = model.mean_.astype(np.float64), axes
        versions = {"scikit-learn": sklearn.__version__}
    else:
        plane, fitted, versions = _umap(points, seed, n_neighbors, min_dist)
        settings |= {
            "n_neighbors": min(n_neighbors, len(points) - 1),
            "min_dist": min_dist,
            "metric": "cosine",
        }
    settings["versions"] = {"dnabert2-explore": __version__, **versions}
    digest = hashlib.sha256(np.ascontiguousarray(points).tobytes()).hexdigest()
    return Projection(plane, method, settings, digest, points.shape[1], fitted)


def _umap(
    points: NDArray[np.float32], seed: int, n_neighbors: int, min_dist: float
) -> tuple[NDArray[np.float64], Any, dict[str, str]]:
    distinct = len(np.unique(points, axis=0))
    if distinct < 3:
        raise InputError(
            f"Of {len(points):,} embeddings {distinct} differ{'s' if distinct == 1 else ''}: UMAP "
            "needs 3 or more; PCA shows them."
        )
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
            init="spectral" if distinct > 10 else "random",
        )
        plane = reducer.fit_transform(points)
    return np.asarray(plane, dtype=np.float64), reducer, {"umap-learn": umap.__version__}


def _checked(embeddings: ArrayLike, least: int) -> NDArray[np.float32]:
    points = np.asarray(embeddings, dtype=np.float32)
    if points.ndim != 2:
        raise InputError(
            f"Embeddings have {points.ndim} dimensions: give an array of shape (sequences, hidden)."
        )
    if len(points) < least:
        raise InputError(
            f"{len(points)} embeddings cannot be laid out in a plane: give at least {least} "
            "sequences."
        )
    bad = np.flatnonzero(~np.isfinite(points).all(axis=1))
    if bad.size:
        raise InputError(
            f"Embedding {bad[0]} (0-based) and {bad.size - 1} others hold NaN or infinity: leave "
            "them out, or embed in float32."
        )
    return points
