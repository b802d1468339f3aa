"""A metric on the same bootstrap resamples for every model, so that differences are paired."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...common.stats import f1, matthews

__all__ = ["resampled"]


def resampled(
    labels: NDArray[np.int64],
    answers: Sequence[NDArray[np.int64]],
    classes: int,
    metric: str,
    samples: int,
    seed: int = 0,
) -> tuple[float, NDArray[np.float64]]:
    """Score answers on all sequences, and on resamples that depend on their number only.

    Labels and each of the answers, one a seed, are (n,) int64 below `classes`; the scores ("mcc" or
    "f1_macro") of the answers are averaged. The value, and those of the resamples with replacement,
    (samples,): NaN where a resample holds one class only.
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
    confusion = tables.reshape(len(answers), samples + 1, classes, classes)
    each = matthews(confusion) if metric == "mcc" else np.nanmean(f1(confusion), axis=-1)
    found = each.mean(axis=0)
    return float(found[0]), found[1:]
