"""Maps of the same sequences in several spaces, laid over each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...common.names import check_name
from ...common.threads import torch_threads
from ...errors import InputError, silenced
from ...extras import translated
from ...results.origins import recorded
from ...results.rich_display import RichDisplay, counted
from ..project import fit_projection

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["AlignedMaps", "align_maps"]

_METHODS = ("pca", "umap")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class AlignedMaps(RichDisplay):
    """Maps in which a point of one is to be found again in the next.

    Attributes
    ----------
    names : tuple of str
        Of the spaces, e.g. layers.
    planes : numpy.ndarray, shape (spaces, n, dimensions), float64
        Each centred and scaled, so that a point is 1 from the middle (root mean square).
    moved : numpy.ndarray, shape (spaces,), float64
        How far the points of a map are from those of the one before (root mean square); 0 for the
        first. Two maps that have nothing in common are about 1.4 apart.
    method : {"pca", "umap"}
    """

    names: tuple[str, ...]
    planes: NDArray[np.float64]
    moved: NDArray[np.float64]
    method: str

    def __len__(self) -> int:
        return len(self.names)

    def _line(self) -> str:
        how = (
            "PCA, turned onto the map before (orthogonal Procrustes)"
            if self.method == "pca"
            else "AlignedUMAP"
        )
        return (
            f"{len(self)} maps of {counted(self.planes.shape[1], 'point')} "
            f"({', '.join(self.names)}): {how}"
        )

    def table(self) -> pd.DataFrame:
        """Return ``map`` and ``moved``, a row a map."""
        import pandas as pd

        table = pd.DataFrame({"map": self.names, "moved": self.moved})
        table.attrs["about"] = self._line()
        return table


@recorded
def align_maps(
    spaces: Mapping[str, ArrayLike],
    *,
    method: Literal["pca", "umap"] = "pca",
    dimensions: int = 2,
    n_neighbors: int = 15,
    seed: int = 0,
) -> AlignedMaps:
    """Lay out the same sequences in several spaces, so that only what changes moves.

    Parameters
    ----------
    spaces : mapping of str to array_like, shape (n, hidden)
        In order, such as ``{f"layer {i}": enc.embed(sequences, layer=i) for i in range(5)}``. A
        space is compared with the one before; widths may differ.
    method : {"pca", "umap"}
        ``"pca"``: the PCA of each space, turned and mirrored onto the one before it by orthogonal
        Procrustes analysis (Schönemann 1966); distances within a map stay as they were. ``"umap"``:
        umap-learn's AlignedUMAP, which bends them too, and takes some times as long as a UMAP each.
    dimensions : {2, 3}
    n_neighbors : int
        For UMAP.
    seed : int

    Returns
    -------
    AlignedMaps

    Raises
    ------
    InputError
        If there are fewer than two spaces, they hold different numbers of sequences, or `method`
        is unknown.

    Examples
    --------
    >>> points = np.random.default_rng(0).normal(size=(50, 3)) * [3, 2, 1]
    >>> made = align_maps({"one": points, "mirrored": points[:, ::-1] * [1, -1, 1]})
    >>> made.moved.round(6).tolist()
    [0.0, 0.0]
    """
    check_name("Method", method, _METHODS)
    arrays = [np.asarray(values, dtype=np.float32) for values in spaces.values()]
    sizes = sorted({len(values) for values in arrays})
    if len(arrays) < 2 or len(sizes) != 1:
        raise InputError(
            f"{len(arrays)} spaces of {sizes} sequences cannot be laid over each other: give two "
            "or more of the same sequences."
        )
    if method == "pca":
        planes = [
            _scaled(fit_projection(values, method="pca", seed=seed, dimensions=dimensions).plane)
            for values in arrays
        ]
        from scipy.linalg import orthogonal_procrustes

        for at in range(1, len(planes)):
            planes[at] = planes[at] @ orthogonal_procrustes(planes[at], planes[at - 1])[0]
    else:
        planes = [_scaled(plane) for plane in _umaps(arrays, dimensions, seed, n_neighbors)]
    moved = [0.0]
    for before, after in pairwise(planes):
        moved.append(float(np.sqrt(((after - before) ** 2).sum(axis=1).mean())))
    return AlignedMaps(tuple(spaces), np.stack(planes), np.array(moved), method)


def _scaled(plane: NDArray[np.float64]) -> NDArray[np.float64]:
    centred = plane - plane.mean(axis=0)
    size = np.sqrt((centred**2).sum(axis=1).mean())
    return np.asarray(centred / size if size > 0 else centred)


def _umaps(
    arrays: list[NDArray[np.float32]], dimensions: int, seed: int, n_neighbors: int
) -> list[NDArray[np.float64]]:
    with translated():
        import umap

    n = len(arrays[0])
    same = {i: i for i in range(n)}
    with torch_threads(), silenced(UserWarning, "n_jobs value"):
        made = umap.AlignedUMAP(
            n_neighbors=min(n_neighbors, n - 1),
            n_components=dimensions,
            metric="cosine",
            random_state=seed,
        ).fit(arrays, relations=[same] * (len(arrays) - 1))
    return [np.asarray(plane, dtype=np.float64) for plane in made.embeddings_]
