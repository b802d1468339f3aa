"""Statistics of scores, each said once: correlations, areas under curves, confusion, intervals.

All of them take weights, how often each sample counts: thousands of bootstrap samples (Efron 1979)
are scored as weights of the same sorted scores, where scikit-learn would check and sort each anew.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Ranking", "Ranks", "f1", "interval", "matthews", "pearson", "spearman"]

_LEVELS = (2.5, 97.5)


def interval(draws: NDArray[Any], axis: int = -1) -> tuple[Any, Any]:
    """95% interval of a bootstrap: percentiles of its draws, of which NaNs are left out.

    Examples
    --------
    >>> low, high = interval(np.arange(1001.0))
    >>> float(low), float(high)
    (25.0, 975.0)
    """
    low, high = np.nanpercentile(draws, _LEVELS, axis=axis)
    return low, high


def matthews(confusion: NDArray[Any]) -> NDArray[np.float64]:
    """Matthews correlation of confusion matrices, of all classes together (Gorodkin 2004).

    From (..., k, k), whose rows are the truth, to (...): 0 where all answers are the same class;
    NaN where the truth is.

    Examples
    --------
    >>> float(matthews(np.array([[2, 0], [0, 3]])))
    1.0
    """
    counts = np.asarray(confusion, dtype=np.float64)  # whose products no integer holds
    total, right = counts.sum(axis=(-1, -2)), np.trace(counts, axis1=-2, axis2=-1)
    true, said = counts.sum(axis=-1), counts.sum(axis=-2)
    spread_true, spread_said = total**2 - (true**2).sum(-1), total**2 - (said**2).sum(-1)
    scale = np.sqrt(spread_true * spread_said)
    above = np.asarray(right * total - (true * said).sum(-1))
    found = np.divide(above, scale, out=np.zeros_like(above), where=scale > 0)
    return np.asarray(np.where(spread_true == 0, np.nan, found), dtype=np.float64)


def f1(confusion: NDArray[Any]) -> NDArray[np.float64]:
    """F1 of each class: (..., k, k) -> (..., k); NaN for one that neither occurs nor is answered.

    Examples
    --------
    >>> f1(np.array([[2, 0], [1, 1]])).tolist()
    [0.8, 0.6666666666666666]
    """
    both = np.asarray(confusion.sum(axis=-1) + confusion.sum(axis=-2), dtype=np.float64)
    hits = np.diagonal(confusion, axis1=-2, axis2=-1)
    return np.divide(2 * hits, both, out=np.full_like(both, np.nan), where=both > 0)


def pearson(a: NDArray[Any], b: NDArray[Any], weights: NDArray[Any] | None = None) -> float:
    """Correlate two arrays of shape (n,); NaN where one of them is constant, or empty.

    Examples
    --------
    >>> pearson(np.array([1.0, 2.0, 3.0]), np.array([3.0, 2.0, 1.0]))
    -1.0
    """
    times = np.ones(len(a)) if weights is None else weights
    if not (total := times.sum()):
        return float("nan")
    x, y = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    dx, dy = x - times @ x / total, y - times @ y / total
    xx, yy = times @ dx**2, times @ dy**2
    # Of a constant, centring leaves rounding errors, not zeros.
    if xx <= 1e-24 * (times @ x**2) or yy <= 1e-24 * (times @ y**2):
        return float("nan")
    return float(np.clip(times @ (dx * dy) / np.sqrt(xx * yy), -1, 1))


def spearman(a: NDArray[Any], b: NDArray[Any]) -> float:
    """Correlate the ranks of two arrays of shape (n,); NaN where one of them is constant.

    Examples
    --------
    >>> spearman(np.array([1.0, 2.0, 3.0]), np.array([10.0, 100.0, 1000.0]))
    1.0
    """
    return pearson(Ranks(a).of(), Ranks(b).of())


class Ranks:
    """Values (n,) sorted once; their ranks from 1, ties averaged, for any weights of the samples.

    Examples
    --------
    >>> Ranks(np.array([5.0, 7.0, 5.0])).of().tolist()
    [1.5, 3.0, 1.5]
    """

    def __init__(self, values: NDArray[Any]) -> None:
        _, self._group = np.unique(values, return_inverse=True)

    def of(self, weights: NDArray[Any] | None = None) -> NDArray[np.float64]:
        """Rank of each value in the weighted sample, shape (n,)."""
        sizes = np.bincount(self._group, weights)
        ranks = sizes.cumsum() - (sizes - 1) / 2
        return np.asarray(ranks[self._group], dtype=np.float64)


class Ranking:
    """Scores (n,) sorted once; areas under their curves, for any weights of the samples.

    Examples
    --------
    >>> auroc, precision = Ranking(np.array([3.0, 1.0, 1.0]), np.array([True, False, True])).areas()
    >>> float(auroc), round(float(precision), 4)
    (0.75, 0.8333)
    """

    def __init__(self, scores: NDArray[Any], positive: NDArray[np.bool_]) -> None:
        self._order = np.argsort(scores, kind="stable")
        ordered = scores[self._order]
        self._positive = np.asarray(positive)[self._order].astype(np.float64)
        # Ties are one step.
        self._first = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))

    def areas(
        self, weights: NDArray[Any] | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Area under the ROC curve (ties half), and average precision; NaN without both classes.

        `weights` (..., n) are how often each sample counts, once by default; the areas are (...).
        """
        times = np.ones(len(self._order)) if weights is None else weights[..., self._order]
        hits, every = (
            np.add.reduceat(one, self._first, axis=-1) for one in (times * self._positive, times)
        )
        misses = every - hits
        p, n = hits.sum(axis=-1), misses.sum(axis=-1)
        below = misses.cumsum(axis=-1) - misses
        wins = (hits * (below + misses / 2)).sum(axis=-1)
        # At or above a score lie all but those of the steps before it.
        above = np.flip(np.flip(every, -1).cumsum(axis=-1), -1)
        above_hits = np.flip(np.flip(hits, -1).cumsum(axis=-1), -1)
        precision = np.divide(above_hits, above, out=np.zeros_like(above), where=above > 0)
        with np.errstate(invalid="ignore", divide="ignore"):
            area = np.where(p * n > 0, wins / (p * n), np.nan)
            average = np.where(p * n > 0, (hits * precision).sum(axis=-1) / p, np.nan)
        return area, average
