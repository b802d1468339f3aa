"""Which seqlets resemble each other, over offsets and both strands."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Neighbours", "neighbours"]

#: Rows compared at once with all others: 20 MB of similarities for 5,000 seqlets.
_ROWS = 1024


@dataclass(frozen=True, slots=True, eq=False)
class Neighbours:
    """The most similar others of each seqlet, shape (n, k) each, most similar first.

    Attributes
    ----------
    index : numpy.ndarray, int64
    similarity : numpy.ndarray, float32
        0 to 1.
    shift : numpy.ndarray, int64
        Bases by which the other, as its strand reads, has to be moved to the right.
    strand : numpy.ndarray, int64
        -1 where the other has to be turned first.
    """

    index: NDArray[np.int64]
    similarity: NDArray[np.float32]
    shift: NDArray[np.int64]
    strand: NDArray[np.int64]


def neighbours(
    hot: NDArray[np.float32],
    weights: NDArray[np.float32],
    owner: NDArray[np.int64],
    k: int,
    reach: int,
) -> Neighbours:
    """Find each seqlet's `k` most similar seqlets, of bases (n, length, 4) and weights (n, length).

    The similarity of two seqlets is the Bhattacharyya coefficient of their weights where the same
    base stands at the same place: the sum of √(u·v) over matching positions, u and v summing to 1.
    The best strand and offset, of up to `reach` bases, count. Seqlets of one sequence, their
    `owner` (n,), may share bases and are not compared.
    """
    n = len(hot)
    k = min(k, n - 1)
    roots = np.sqrt(weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-12))
    own = hot * roots[:, :, None]
    turned = own[:, ::-1, ::-1]
    moved = [(shift, strand) for strand in (1, -1) for shift in range(-reach, reach + 1)]
    best = Neighbours(
        np.zeros((n, k), dtype=np.int64),
        np.zeros((n, k), dtype=np.float32),
        np.zeros((n, k), dtype=np.int64),
        np.ones((n, k), dtype=np.int64),
    )
    flat = own.reshape(n, -1)
    for top in range(0, n, _ROWS):
        rows = slice(top, min(top + _ROWS, n))
        high = np.full((rows.stop - top, n), -1.0, dtype=np.float32)
        how = np.zeros(high.shape, dtype=np.int8)
        for number, (shift, strand) in enumerate(moved):
            # Moving the rows the other way costs less than moving everything.
            mine = _moved(own[rows] if strand > 0 else turned[rows], -shift * strand)
            found = mine.reshape(len(mine), -1) @ flat.T
            better = found > high
            high[better] = found[better]
            how[better] = number
        high[owner[rows][:, None] == owner[None, :]] = -1.0
        order = np.argpartition(-high, k - 1, axis=1)[:, :k]
        values = np.take_along_axis(high, order, axis=1)
        inner = np.argsort(-values, axis=1, kind="stable")
        order = np.take_along_axis(order, inner, axis=1)
        best.index[rows] = order
        best.similarity[rows] = np.take_along_axis(values, inner, axis=1)
        steps = np.array(moved)[np.take_along_axis(how, order, axis=1)]
        best.shift[rows], best.strand[rows] = steps[..., 0], steps[..., 1]
    return best


def _moved(stretches: NDArray[np.float32], shift: int) -> NDArray[np.float32]:
    """Move to the right by `shift` (to the left below 0), with nothing coming in."""
    result = np.zeros_like(stretches)
    if shift > 0:
        result[:, shift:] = stretches[:, :-shift]
    elif shift < 0:
        result[:, :shift] = stretches[:, -shift:]
    else:
        result[:] = stretches
    return result
