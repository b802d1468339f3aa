"""Which windows a genome is cut into, by arithmetic: no list of them is ever made."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError

__all__ = ["Chunk", "WindowPlan"]

_BLOCK = 1 << 25  # bytes of vectors in memory at once, about


class Chunk(NamedTuple):
    """The windows of one chunk, n of them; coordinates are 0-based and half-open.

    Attributes
    ----------
    record : (n,) int32 array
        Number of the record each lies in.
    start, end : (n,) int64 array
        Where in the record.
    """

    record: NDArray[np.int32]
    start: NDArray[np.int64]
    end: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class WindowPlan:
    """The windows of named records, in order, and how they are grouped into chunks.

    Windows start at 0, stride, 2 · stride, … of each record. The first that reaches the record's
    end is its last and may be shorter than the others; a record shorter than a window is one
    window. With a stride above the window, what lies between windows is left out, and so may be
    the record's end: 10 bases, window 2 and stride 5 give 0-2 and 5-7.

    Parameters
    ----------
    names : tuple of str
        The records.
    lengths : tuple of int
        Bases in each.
    window : int or None
        Bases in a window; None makes each record one window.
    stride : int or None
        Bases from one window's start to the next; None means ``window`` (no overlap).
    rows_per_chunk : int
        Windows that are computed and written together; part of the plan, since a finished chunk
        is what a resumed run skips.

    Raises
    ------
    InputError
        If ``window``, ``stride`` or ``rows_per_chunk`` is no whole number or below 1, ``stride`` is
        given without ``window``, or there are no records.

    Examples
    --------
    >>> plan = WindowPlan(("chr1", "chr2"), (10, 3), window=4, stride=3)
    >>> plan.n_windows
    4
    >>> plan.chunk(0).start, plan.chunk(0).end
    (array([0, 3, 6, 0]), array([ 4,  7, 10,  3]))
    """

    names: tuple[str, ...]
    lengths: tuple[int, ...]
    window: int | None = None
    stride: int | None = None
    rows_per_chunk: int = 256
    # Per record: bases of a whole window, number of the first window, bases of all windows before.
    _width: NDArray[np.int64] = field(init=False, repr=False, compare=False)
    _first: NDArray[np.int64] = field(init=False, repr=False, compare=False)
    _bases: NDArray[np.int64] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        def put(name: str, value: object) -> None:
            object.__setattr__(self, name, value)

        put("names", tuple(self.names))
        put("lengths", tuple(int(length) for length in self.lengths))
        for name in ("window", "stride", "rows_per_chunk"):
            value = getattr(self, name)
            if value is not None or name == "rows_per_chunk":
                put(name, _whole(name, value))  # JSON knows no NumPy integers
        if self.window is not None and self.stride is None:
            put("stride", self.window)
        _check(self)
        lengths = np.array(self.lengths, dtype=np.int64)
        if self.window is None or self.stride is None:
            width, step = lengths, lengths
        else:
            width, step = np.minimum(self.window, lengths), np.full_like(lengths, self.stride)
        # The window that reaches the end is the last, and none starts behind the end.
        count = np.minimum(-(-(lengths - width) // step) + 1, -(-lengths // step))
        last = np.minimum(width, lengths - (count - 1) * step)
        put("_width", width)
        put("_first", _sums(count))
        put("_bases", _sums((count - 1) * width + last))

    @property
    def n_windows(self) -> int:
        """Windows in all records."""
        return int(self._first[-1])

    @property
    def n_chunks(self) -> int:
        """Chunks they are grouped into; the last may hold fewer."""
        return -(-self.n_windows // self.rows_per_chunk)

    @property
    def n_bases(self) -> int:
        """Bases in all windows; those in overlaps count each time."""
        return int(self._bases[-1])

    def rows(self, index: int) -> tuple[int, int]:
        """Return the first window of chunk ``index`` and the one after its last."""
        if not 0 <= index < self.n_chunks:
            raise InputError(
                f"There is no chunk {index}; expected 0 to {self.n_chunks - 1}: choose one of them."
            )
        first = index * self.rows_per_chunk
        return first, min(first + self.rows_per_chunk, self.n_windows)

    def blocks(self, width: int) -> Iterator[slice]:
        """Cut the windows at whole chunks, so that of `width` numbers none is unpacked twice."""
        step = self.rows_per_chunk * max(1, _BLOCK // (self.rows_per_chunk * width * 4))
        for start in range(0, self.n_windows, step):
            yield slice(start, min(start + step, self.n_windows))

    def chunk(self, index: int) -> Chunk:
        """Return records and coordinates of the windows of chunk ``index``."""
        rows = np.arange(*self.rows(index), dtype=np.int64)
        record = np.searchsorted(self._first, rows, side="right") - 1
        lengths = np.array([self.lengths[r] for r in record.tolist()], dtype=np.int64)
        # Without a stride every record has one window, which starts at 0.
        start = (rows - self._first[record]) * (self.stride or 0)
        end = np.minimum(start + self._width[record], lengths)
        return Chunk(record.astype(np.int32), start, end)

    def bases_in(self, chunks: Iterable[int]) -> int:
        """Return how many bases the windows of some chunks hold together."""
        first = np.fromiter(chunks, dtype=np.int64) * self.rows_per_chunk
        after = np.minimum(first + self.rows_per_chunk, self.n_windows)
        return int((self._bases_before(after) - self._bases_before(first)).sum())

    def _bases_before(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        record = np.searchsorted(self._first, rows, side="right") - 1
        behind = record == len(self.names)  # the row after the last window
        record = np.minimum(record, len(self.names) - 1)
        # All windows of a record but its last are whole.
        before = self._bases[record] + (rows - self._first[record]) * self._width[record]
        return np.where(behind, self._bases[-1], before)


def _sums(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the sum before each value, and of all."""
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(values)])


def _whole(name: str, value: object) -> int:
    try:
        return operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise InputError(
            f"A {name} of {value!r} was asked for; expected a whole number of at least 1: give one."
        ) from None


def _check(plan: WindowPlan) -> None:
    if not plan.names or len(plan.names) != len(plan.lengths) or min(plan.lengths) < 1:
        raise InputError(
            f"{len(plan.names)} names and {len(plan.lengths)} lengths were given; expected at "
            "least one record, and of each its name and a length of at least 1: give both."
        )
    if plan.window is None and plan.stride is not None:
        raise InputError(
            f"A stride of {plan.stride} was given without a window; expected both, or neither for "
            "whole records: give the window's length."
        )
    for what, value in (("window", plan.window), ("stride", plan.stride)):
        if value is not None and value < 1:
            raise InputError(
                f"A {what} of {value} bases was asked for, which makes zero-length windows or "
                f"never moves on; expected a whole number of at least 1: give a positive {what}."
            )
    if plan.rows_per_chunk < 1:
        raise InputError(
            f"Chunks of {plan.rows_per_chunk} windows were asked for; expected at least 1: give a "
            "positive number."
        )
