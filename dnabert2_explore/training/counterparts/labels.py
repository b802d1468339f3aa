"""The label that a sequence's counterparts tell."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["label_of_counterparts", "with_counterpart"]


def label_of_counterparts(
    counterparts: NDArray[np.int64], frequencies: NDArray[np.float64], opposite: bool
) -> NDArray[np.float64]:
    """Answer the label of most of a row's counterparts, or the other one of two: (n, 2) float64.

    `counterparts` (n, 2) are as the indices' `labels` count them; where there is none, or as many
    of either label, the classes' `frequencies` (2,) are the answer. Rows sum to 1.
    """
    counts = counterparts[:, ::-1] if opposite else counterparts
    shares = counts / np.maximum(counterparts.sum(axis=1, keepdims=True), 1)
    undecided = counterparts[:, 0] == counterparts[:, 1]
    return np.asarray(np.where(undecided[:, None], frequencies, shares), dtype=np.float64)


def with_counterpart(
    counterparts: NDArray[np.int64], labels: NDArray[np.int64]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Tell which rows have a counterpart, and those whose counterparts all have another label."""
    some = np.asarray(counterparts.any(axis=1))
    same = counterparts[np.arange(len(labels)), labels] > 0
    return some, np.asarray(some & ~same)
