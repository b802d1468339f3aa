"""The label that a sequence's twins tell."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["label_of_twins"]


def label_of_twins(
    twins: NDArray[np.int64], frequencies: NDArray[np.float64], opposite: bool
) -> NDArray[np.float64]:
    """Answer the label of most of a row's twins, or the other one, of two.

    Parameters
    ----------
    twins : (n, 2) int64
        As `PositionalIndex.labels` and `TwinIndex.labels` count them.
    frequencies : (2,) float64
        Of the classes: the answer where there is no twin, or as many of either label.
    opposite : bool
        Whether the other label is the answer.

    Returns
    -------
    (n, 2) float64
        Rows sum to 1.
    """
    counts = twins[:, ::-1] if opposite else twins
    shares = counts / np.maximum(twins.sum(axis=1, keepdims=True), 1)
    undecided = twins[:, 0] == twins[:, 1]
    return np.asarray(np.where(undecided[:, None], frequencies, shares), dtype=np.float64)
