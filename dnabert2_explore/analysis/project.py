"""Two or three dimensions out of many, to look at; and places in them for what comes later."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..common.arrays import check_each, check_rows
from ..common.files import expanded, replacing
from ..common.names import Engine, Layout, check_name
from ..common.threads import torch_threads
from ..errors import InputError, silenced
from ..results.origins import recorded
from ..results.rich_display import RichDisplay, counted
from ..version import __version__
from .umaps import ENGINES, fit_umap

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["METHODS", "Projection", "fit_projection", "open_projection", "project"]

METHODS = ("umap", "densmap", "pca")
_FORMAT = "dnabert2-explore projection 1"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Projection(RichDisplay):
    """A map of embeddings, with all that made it.

    Attributes
    ----------
    plane : numpy.ndarray, shape (n, dimensions), float64
        Of two dimensions, or three.
    method : {"umap", "densmap", "pca"}
    settings : mapping
        ``seed``, for UMAP ``n_neighbors``, ``min_dist`` and ``metric``, and the versions of the
        libraries.
    digest : str
        SHA-256 of the vectors it is a map of.
    hidden : int
        Their width.
    radii : numpy.ndarray, shape (n, 2), float64, or None
        For densMAP, the logarithm of each point's local radius among all numbers, and on the page.
    """

    plane: NDArray[np.float64]
    method: str
    settings: Mapping[str, Any]
    digest: str
    hidden: int
    radii: NDArray[np.float64] | None = None
    _fitted: Any = field(default=None, compare=False)

    def __len__(self) -> int:
        return len(self.plane)

    def _line(self) -> str:
        told = ", ".join(f"{k} {v}" for k, v in self.settings.items() if k != "versions")
        return (
            f"{self.method.upper()} of {counted(len(self), 'vector')} of {self.hidden:,} ({told})"
        )

    def table(self) -> pd.DataFrame:
        """Return a row a point, ``x``, ``y`` and, of three dimensions, ``z``."""
        import pandas as pd

        return pd.DataFrame(self.plane, columns=list("xyz")[: self.dimensions])

    @property
    def dimensions(self) -> int:
        """Numbers a point: 2 or 3."""
        return int(self.plane.shape[1])

    @recorded
    def transform(self, embeddings: ArrayLike) -> NDArray[np.float64]:
        """Place further embeddings in the map, which stays as it is.

        Parameters
        ----------
        embeddings : array_like, shape (m, hidden)
            Of the same model, layer and pooling.

        Returns
        -------
        numpy.ndarray, shape (m, dimensions), float64

        Raises
        ------
        InputError
            If they are of another width or not finite, or the map is a UMAP from a file: that
            keeps the plane and not the neighbours; fit it again, which gives the same plane. A
            densMAP places nothing new (umap-learn cannot).
        """
        points = _checked(embeddings, least=0)
        if points.shape[1] != self.hidden:
            raise InputError(
                f"Embeddings are {points.shape[1]} wide and the map is of {self.hidden}: give "
                "those of the same model."
            )
        if not len(points):
            return np.zeros((0, self.dimensions))
        if self.method == "densmap":
            raise InputError(
                "A densMAP places nothing new: fit it of all sequences together, or take 'umap'."
            )
        if self.method == "pca":
            mean, axes = self._fitted
            return (points.astype(np.float64) - mean) @ axes.T
        if self._fitted is None:
            raise InputError(
                "A UMAP from a file places nothing new: fit_projection(vectors, 'umap', …) with "
                "its settings gives the same map, and does."
            )
        with torch_threads(), silenced(UserWarning, "n_jobs value"):
            return np.asarray(self._fitted.transform(points), dtype=np.float64)

    def save(self, path: str | os.PathLike[str], names: list[str] | None = None) -> None:
        """Write the map as ``.npz`` without pickled parts: plane, method, settings, names.

        Parameters
        ----------
        path : path-like
        names : list of str, optional
            Of the rows, in their order.

        Raises
        ------
        InputError
            If there are not as many names as rows.
        """
        check_each("rows", len(self), names=names)
        about = {
            "format": _FORMAT, "method": self.method, "settings": dict(self.settings),
            "digest": self.digest, "hidden": self.hidden,
        }  # fmt: skip
        parts: dict[str, Any] = {"plane": self.plane, "about": np.array(json.dumps(about))}
        if self.method == "pca":
            parts["mean"], parts["axes"] = self._fitted
        if self.radii is not None:
            parts["radii"] = self.radii
        if names is not None:
            parts["names"] = np.array(names, dtype=np.str_)
        with replacing(expanded(path)) as temporary, open(temporary, "wb") as file:
            np.savez(file, **parts)


@recorded
def open_projection(path: str | os.PathLike[str]) -> Projection:
    """Read a map that `Projection.save` wrote; its plane is the same to the bit.

    Parameters
    ----------
    path : path-like
        An ``.npz``.

    Returns
    -------
    Projection
        A PCA places further vectors (`Projection.transform`); a UMAP from a file does not.

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
            radii = file.get("radii")
            fitted = (file["mean"], file["axes"]) if about["method"] == "pca" else None
        if about["format"] != _FORMAT or plane.ndim != 2:
            raise KeyError("format")
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(
            f"{path} is no map of this package ({type(error).__name__}): expected a file that "
            "Projection.save wrote."
        ) from error
    return Projection(
        plane, about["method"], about["settings"], about["digest"], about["hidden"], radii, fitted
    )


@recorded
def project(
    embeddings: ArrayLike,
    *,
    method: Layout = "umap",
    n_neighbors: int = 15,
    min_dist: float = 0.1,
    dimensions: int = 2,
    engine: Engine = "cpu",
    seed: int = 0,
) -> NDArray[np.float64]:
    """Project embeddings onto two dimensions, or three.

    Parameters
    ----------
    embeddings : array_like, shape (n, hidden)
    method : {"umap", "densmap", "pca"}
        UMAP (McInnes et al. 2018, umap-learn) by cosine distance keeps neighbourhoods: distances
        between clusters mean little. densMAP (Narayan et al. 2021) keeps, beside them, how dense
        each place is. PCA (scikit-learn) keeps the directions of largest variance and is
        immediate.
    n_neighbors : int
        UMAP's neighbourhood; taken down to n - 1 for few sequences.
    min_dist : float
        UMAP's smallest distance between points on the picture.
    dimensions : {2, 3}
    engine : {"cpu", "cuml"}
        What computes a UMAP: umap-learn, or NVIDIA's cuML on a GPU, which is installed apart. The
        two give different pictures of the same neighbourhoods.
    seed : int
        Makes the result repeatable; umap-learn then runs on one thread.

    Returns
    -------
    numpy.ndarray, shape (n, dimensions), float64

    Raises
    ------
    InputError
        If the array is not two-dimensional, has fewer than 3 rows, or holds NaN or infinity; if
        method, engine or dimensions are others; for UMAP, if fewer than 3 rows differ; for cuML, if
        it is not installed, or densMAP is asked for.
    """
    return fit_projection(
        embeddings,
        method=method,
        seed=seed,
        n_neighbors=n_neighbors,
        min_dist=min_dist,
        dimensions=dimensions,
        engine=engine,
    ).plane


@recorded
def fit_projection(
    embeddings: ArrayLike,
    *,
    method: Layout = "umap",
    n_neighbors: int = 15,
    min_dist: float = 0.1,
    dimensions: int = 2,
    engine: Engine = "cpu",
    seed: int = 0,
) -> Projection:
    """Make a map of embeddings that others can be placed in, and that can be saved.

    Parameters
    ----------
    embeddings, method, n_neighbors, min_dist, dimensions, engine, seed
        As in `project`.

    Returns
    -------
    Projection

    Raises
    ------
    InputError
        As `project` does.

    Examples
    --------
    >>> points = np.random.default_rng(0).normal(size=(20, 4))
    >>> made = fit_projection(points, method="pca")
    >>> bool(np.allclose(made.transform(points[:3]), made.plane[:3], atol=1e-5))
    True
    """
    check_name("Projection", method, METHODS)
    check_name("Engine", engine, ENGINES)
    if dimensions not in (2, 3):
        raise InputError(f"A map of {dimensions} dimensions cannot be looked at: give 2 or 3.")
    points = _checked(embeddings, least=3)
    settings: dict[str, Any] = {"seed": seed}
    fitted: Any
    radii = None
    if method == "pca":
        plane, fitted, versions = _pca(points, seed, dimensions)
    else:
        made = fit_umap(
            points, seed, n_neighbors, min_dist, dimensions, densmap=method == "densmap",
            engine=engine,
        )  # fmt: skip
        plane, fitted, versions, radii = made.plane, made.reducer, made.versions, made.radii
        settings |= {
            "n_neighbors": min(n_neighbors, len(points) - 1),
            "min_dist": min_dist,
            "metric": "cosine",
        }
    settings["versions"] = {"dnabert2-explore": __version__, **versions}
    digest = hashlib.sha256(np.ascontiguousarray(points).tobytes()).hexdigest()
    return Projection(plane, method, settings, digest, points.shape[1], radii, fitted)


def _pca(
    points: NDArray[np.float32], seed: int, dimensions: int
) -> tuple[NDArray[np.float64], Any, dict[str, str]]:
    import sklearn
    from sklearn.decomposition import PCA

    there = min(dimensions, *points.shape)
    model = PCA(n_components=there, svd_solver="full", random_state=seed)
    with np.errstate(invalid="ignore"):  # points that are all equal have no variance to share
        plane = np.asarray(model.fit_transform(points), dtype=np.float64)
    axes = model.components_.astype(np.float64)
    if more := dimensions - there:  # vectors that are narrower have no further directions
        plane = np.c_[plane, np.zeros((len(plane), more))]
        axes = np.r_[axes, np.zeros((more, axes.shape[1]))]
    return plane, (model.mean_.astype(np.float64), axes), {"scikit-learn": sklearn.__version__}


def _checked(embeddings: ArrayLike, least: int) -> NDArray[np.float32]:
    points = np.asarray(embeddings, dtype=np.float32)
    check_rows(points, "embeddings")
    if len(points) < least:
        raise InputError(
            f"{counted(len(points), 'embedding')} cannot be laid out in a plane: give at least "
            f"{least} sequences."
        )
    return points
