"""Lists and arrays that a caller gives: as many as there should be, and numbers all of them."""

from __future__ import annotations

from collections.abc import Sized
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError

__all__ = ["check_each", "check_rows"]


def check_each(of: str, count: int, **given: Sized | None) -> None:
    """Raise InputError unless all that is given has one entry for each; None is passed over.

    Examples
    --------
    >>> check_each("sequences", 3, labels=["a", "b"])
    Traceback (most recent call last):
    dnabert2_explore.errors.InputError: There are 3 sequences and 2 labels: give one for each.
    """
    for what, values in given.items():
        if values is not None and len(values) != count:
            raise InputError(
                f"There are {count:,} {of} and {len(values):,} {what}: give one for each."
            )


def check_rows(array: NDArray[Any], name: str) -> None:
    """Raise InputError unless an array is (n, numbers), and none is NaN or infinite.

    Examples
    --------
    >>> check_rows(np.array([[1.0, 2.0], [np.nan, 0.0]]), "vectors")
    Traceback (most recent call last):
    dnabert2_explore.errors.InputError: Row 1 (0-based) of vectors holds NaN or infinity: ...
    """
    if array.ndim != 2:
        raise InputError(f"{name} has shape {array.shape}; expected (sequences, numbers).")
    bad = np.flatnonzero(~np.isfinite(array).all(axis=1))
    if bad.size:
        others = f" and {bad.size - 1:,} more hold" if bad.size > 1 else " holds"
        raise InputError(
            f"Row {bad[0]} (0-based) of {name}{others} NaN or infinity: "
            "leave them out, or compute them in float32."
        )
