"""Neighbours in all dimensions: whose label they share, and whether a plane keeps them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...stores.nearest import unit as unit_of

__all__ = ["centred_unit", "label_purity", "nearest", "plane_keeps"]

_CELLS = 1 << 24  # similarities held at once


def centred_unit(vectors: ArrayLike) -> NDArray[np.float32]:
    """Vectors about their mean, of length 1: their products are cosine similarities.

    Embeddings of most models share one large direction; without it the cosine tells more.
    """
    array = np.asarray(vectors, dtype=np.float32)
    return unit_of(array - array.mean(axis=0, dtype=np.float64).astype(np.float32))


def _blocks(n: int) -> Iterator[slice]:
    step = max(1, _CELLS // max(n, 1))
    for start in range(0, n, step):
        yield slice(start, min(start + step, n))


def nearest(
    unit: NDArray[np.floating], k: int, groups: NDArray[np.integer] | None = None
) -> NDArray[np.int64]:
    """Find the k nearest rows of every row of length 1, in no order, shape (n, k).

    Rows of one group are no neighbours: -1 where there are not k others.
    """
    n = len(unit)
    out = np.full((n, k), -1, dtype=np.int64)
    for rows in _blocks(n):
        scores = unit[rows] @ unit.T
        if groups is None:
            scores[np.arange(rows.stop - rows.start), np.arange(rows.start, rows.stop)] = -np.inf
        else:
            scores[groups[rows][:, None] == groups[None]] = -np.inf
        found = np.argpartition(-scores, k - 1, axis=1)[:, :k]
        there = np.isfinite(np.take_along_axis(scores, found, axis=1))
        out[rows] = np.where(there, found, -1)
    return out


def label_purity(neighbours: NDArray[np.int64], labels: NDArray[np.integer]) -> float:
    """Share of the neighbours with the label of their point, averaged; NaN without neighbours."""
    there = neighbours >= 0
    same = (labels[np.where(there, neighbours, 0)] == labels[:, None]) & there
    return float(same.sum() / there.sum()) if there.any() else float("nan")


def plane_keeps(
    unit: NDArray[np.float32], plane: NDArray[np.float64], k: int
) -> tuple[float, float]:
    """Tell how far the k neighbours on the page are neighbours in all dimensions; k below n / 2.

    Returns the trustworthiness, 1 where every neighbour on the page is one in all dimensions, about
    0.5 by chance (Venna and Kaski 2001; scikit-learn's `trustworthiness` with cosine distance), and
    the share of the k nearest in all dimensions that are among the k nearest on the page.
    """
    n = len(unit)
    beyond, kept = 0.0, 0
    for rows in _blocks(n):
        own = np.arange(rows.stop - rows.start), np.arange(rows.start, rows.stop)
        distance = ((plane[rows, None] - plane[None]) ** 2).sum(axis=2)
        distance[own] = np.inf
        near = np.argpartition(distance, k - 1, axis=1)[:, :k]
        scores = unit[rows] @ unit.T
        scores[own] = np.inf  # the first rank, 0, is the point itself
        wanted = np.take_along_axis(scores, near, axis=1)
        rank = np.stack([(scores > wanted[:, [j]]).sum(axis=1) for j in range(k)], axis=1)
        beyond += float(np.maximum(rank - k, 0).sum())
        kept += int((rank <= k).sum())
    return 1 - beyond * 2 / (n * k * (2 * n - 3 * k - 1)), kept / (n * k)
