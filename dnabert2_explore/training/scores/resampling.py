"""A metric on the same bootstrap resamples for every model, so that differences are paired."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .metrics import Estimate

__all__ = ["interval", "resampled"]


def resampled(
    labels: NDArray[np.int64],
    answers: Sequence[NDArray[np.int64]],
    classes: int,
    metric: str,
    samples: int,
    seed: int = 0,
) -> tuple[float, NDArray[np.float64]]:
    """Score answers on all sequences, and on resamples that depend on their number only.

    Parameters
    ----------
    labels : (n,) int64
    answers : sequence of (n,) int64
        One a seed; their scores are averaged.
    classes : int
        Indices are below it.
    metric : {"mcc", "f1_macro"}
    samples : int
        Resamples with replacement.
    seed : int

    Returns
    -------
    value : float
    values : (samples,) float64
        NaN where a resample holds one class only.
    """
    rng = np.random.default_rng(seed)
    count = len(labels)
    cells = [labels * classes + one for one in answers]
    tables = np.empty((len(answers), samples + 1, classes**2))
    for index, one in enumerate(cells):
        tables[index, 0] = np.bincount(one, minlength=classes**2)
    for sample in range(1, samples + 1):
        drawn = rng.integers(count, size=count)
        for index, one in enumerate(cells):
            tables[index, sample] = np.bincount(one[drawn], minlength=classes**2)
    measure = _mcc if metric == "mcc" else _f1_macro
    found = measure(tables.reshape(len(answers), samples + 1, classes, classes)).mean(axis=0)
    return float(found[0]), found[1:]


def interval(value: float, samples: NDArray[np.float64]) -> Estimate:
    """Value with the 2.5th and 97.5th percentile of its resamples."""
    known = samples[~np.isnan(samples)]
    if np.isnan(value) or not len(known):
        return Estimate(value)
    low, high = np.percentile(known, (2.5, 97.5))
    return Estimate(value, float(low), float(high))


def _mcc(tables: NDArray[np.float64]) -> NDArray[np.float64]:
    """Multi-class Matthews correlation (Gorodkin 2004) of confusion matrices, (…, k, k) -> (…)."""
    total, right = tables.sum(axis=(-1, -2)), np.trace(tables, axis1=-2, axis2=-1)
    true, said = tables.sum(axis=-1), tables.sum(axis=-2)
    spread_true, spread_said = total**2 - (true**2).sum(-1), total**2 - (said**2).sum(-1)
    product = np.sqrt(spread_true * spread_said)
    above = right * total - (true * said).sum(-1)
    found = np.divide(above, product, out=np.zeros_like(above), where=product > 0)
    # One answer for everything says nothing (0); of one class nothing can be said.
    return np.asarray(np.where(spread_true == 0, np.nan, found), dtype=np.float64)


def _f1_macro(tables: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean F1 of the classes that occur or are answered."""
    both = tables.sum(axis=-1) + tables.sum(axis=-2)
    hits = np.diagonal(tables, axis1=-2, axis2=-1)
    each = np.divide(2 * hits, both, out=np.full_like(both, np.nan), where=both > 0)
    return np.asarray(np.nanmean(each, axis=-1), dtype=np.float64)
