"""UMAP and densMAP, by umap-learn on a CPU or by cuML on a GPU."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..common.costs import say_cost
from ..common.threads import torch_threads
from ..errors import InputError, silenced
from ..extras import translated

__all__ = ["ENGINES", "Umap", "fit_umap", "umap_seconds"]

ENGINES = ("cpu", "cuml")


@dataclass(frozen=True, slots=True, eq=False)
class Umap:
    """A fitted UMAP.

    Attributes
    ----------
    plane : numpy.ndarray, shape (n, dimensions), float64
    radii : numpy.ndarray, shape (n, 2), float64, or None
        For densMAP, the logarithm of each point's local radius among all numbers, and in the plane.
    reducer : object
        Its ``transform`` places more points, but for densMAP.
    versions : dict of str to str
    """

    plane: NDArray[np.float64]
    radii: NDArray[np.float64] | None
    reducer: Any
    versions: dict[str, str]


def umap_seconds(n: int, *, densmap: bool = False, compiled: bool = False) -> float:
    """Return about what a UMAP takes on one core: compiling it, and some 3 ms a point."""
    compiling = 0 if compiled else 90 if densmap else 20
    return compiling + n * 0.003


def fit_umap(
    points: NDArray[np.float32],
    seed: int,
    n_neighbors: int,
    min_dist: float,
    dimensions: int,
    *,
    densmap: bool = False,
    engine: str = "cpu",
) -> Umap:
    """Fit a UMAP by cosine distance to points (n, hidden), of n - 1 neighbours at most.

    densMAP (Narayan, Berger and Cho 2021): dense groups stay dense on the page. Raises InputError
    where fewer than 3 rows differ, cuML is asked for densMAP, or it is not installed.
    """
    distinct = len(np.unique(points, axis=0))
    if distinct < 3:
        raise InputError(
            f"Of {len(points):,} embeddings {distinct} differ{'s' if distinct == 1 else ''}: UMAP "
            "needs 3 or more; PCA shows them."
        )
    settings: dict[str, Any] = {
        "n_neighbors": min(n_neighbors, len(points) - 1),
        "n_components": dimensions,
        "min_dist": min_dist,
        "metric": "cosine",
        "random_state": seed,
    }
    if engine == "cuml":
        return _by_cuml(points, settings, densmap)
    compiled = "umap" in sys.modules
    say_cost("UMAP", umap_seconds(len(points), densmap=densmap, compiled=compiled))
    with translated():
        import umap

    # Numba sets the threads of the OpenMP that it shares with torch.
    # umap-learn says that a seed makes it single-threaded; `project` says so too.
    with torch_threads(), silenced(UserWarning, "n_jobs value"):
        reducer = umap.UMAP(
            **settings,
            # The spectral start needs more points than dimensions to solve for.
            init="spectral" if distinct > 10 else "random",
            densmap=densmap,
            output_dens=densmap,
        )
        made = reducer.fit_transform(points)
    radii = None
    if densmap:
        made, full, page = made
        radii = np.stack([full, page], axis=1).astype(np.float64)
    plane = np.asarray(made, dtype=np.float64)
    return Umap(plane, radii, reducer, {"umap-learn": umap.__version__})


def _by_cuml(points: NDArray[np.float32], settings: dict[str, Any], densmap: bool) -> Umap:
    if densmap:
        raise InputError("cuML has no densMAP: take engine='cpu' for it, or method 'umap'.")
    try:
        import cuml
    except ImportError as error:
        raise InputError(
            "engine='cuml' needs NVIDIA's cuML, which is not installed (or finds no GPU): pip "
            "install cuml-cu12, or cuml-cu13, as your CUDA is; engine='cpu' needs nothing."
        ) from error
    reducer = cuml.manifold.UMAP(**settings, output_type="numpy")
    plane = np.asarray(reducer.fit_transform(points), dtype=np.float64)
    return Umap(plane, None, reducer, {"cuml": cuml.__version__})
