"""UCSC's 2bit: four bases to a byte, with the stretches of N and of lower case beside them.

Biopython's reader believes what a damaged file says of itself (a count of 4 billion records is
counted to its end), so the few fields are read, and checked, here.

References
----------
https://genome.ucsc.edu/FAQ/FAQformat.html#format7
"""

from __future__ import annotations

import os
import struct
import threading
from collections.abc import Iterator
from typing import IO
from weakref import finalize

import numpy as np
from numpy.typing import NDArray

from ...common.files import expanded
from ...errors import InputError
from ..sequence import Sequence
from .letters import check_letters
from .opening import TWOBIT, open_binary

__all__ = ["TwoBit", "parse_twobit"]

_LETTERS = np.frombuffer(b"TCAG", dtype=np.uint8)
#: The four bases of every byte, shape (256, 4).
_UNPACKED = _LETTERS[(np.arange(256)[:, None] >> np.array([6, 4, 2, 0])) & 3]
_LOWER = ord("a") - ord("A")

Blocks = NDArray[np.int64]


class TwoBit:
    """Records of a 2bit file, any stretch of which is read without the rest.

    A path or an open binary file, which messages call `shown`. One that is missing or damaged, or
    of another version than 0 and 1, is an `InputError`.
    """

    def __init__(self, source: str | os.PathLike[str] | IO[bytes], shown: str = "") -> None:
        self._file: IO[bytes] = (
            open_binary(expanded(source), "expected a 2bit file")
            if isinstance(source, str | os.PathLike)
            else source
        )
        finalize(self, self._file.close)
        self._shown = shown or str(source)
        self._lock = threading.Lock()
        self._file.seek(0, os.SEEK_END)
        self._size = self._file.tell()
        self._file.seek(0)
        head = self._read(16)
        order = "<" if head[:4] == TWOBIT[0] else ">"
        version, count, _ = struct.unpack(f"{order}3I", head[4:])
        if version not in (0, 1) or head[:4] not in TWOBIT:
            raise self._damaged(f"its version is {version}; 0 and 1 are known")
        self._order, self._wide = order, "Q" if version else "I"
        places: dict[str, int] = {}
        for _ in range(count):
            length = self._read(1)[0]
            name = self._read(length).decode("utf-8", "replace")
            (place,) = struct.unpack(order + self._wide, self._read(8 if version else 4))
            if name in places or not name:
                raise self._damaged(f"it names two records {name!r}")
            places[name] = place
        if not places:
            raise self._damaged("it holds no record")
        self.names = tuple(places)
        self._records = [self._record(name, place) for name, place in places.items()]
        self.lengths = tuple(length for length, *_ in self._records)

    def _record(self, name: str, place: int) -> tuple[int, int, Blocks, Blocks]:
        """Length, place of the packed bases, stretches of N, stretches of lower case."""
        self._file.seek(min(place, self._size))
        (length,) = self._numbers(1)
        blocks = []
        for _ in range(2):
            (count,) = self._numbers(1)
            starts, sizes = self._numbers(count), self._numbers(count)
            ends = starts + sizes
            if count and (ends.max() > length or (starts[1:] < ends[:-1]).any()):
                raise self._damaged(f"record {name!r} has stretches of N or lower case out of it")
            blocks.append(np.stack([starts, ends], axis=1))
        self._numbers(1)
        packed = self._file.tell()
        if packed + (length + 3) // 4 > self._size:
            raise self._damaged(f"record {name!r} goes on behind its end")
        return int(length), packed, blocks[0], blocks[1]

    def _numbers(self, count: int) -> Blocks:
        return np.frombuffer(self._read(4 * int(count)), dtype=f"{self._order}u4").astype(np.int64)

    def _read(self, size: int) -> bytes:
        # Never more than there is: a damaged count may ask for anything.
        if size > self._size - self._file.tell():
            raise self._damaged("it ends too early")
        return self._file.read(size)

    def fetch(self, number: int, start: int, end: int) -> str:
        """Return bases `start` to `end` (0-based, half-open) of a record, masked ones lower."""
        _, packed, unknown, masked = self._records[number]
        first, last = start // 4, -(-end // 4)
        with self._lock:
            self._file.seek(packed + first)
            data = np.frombuffer(self._file.read(last - first), dtype=np.uint8)
        bases = _UNPACKED[data].ravel()[start - 4 * first : end - 4 * first].copy()
        for low, high in _within(unknown, start, end):
            bases[low:high] = ord("N")
        for low, high in _within(masked, start, end):
            bases[low:high] += _LOWER
        return bases.tobytes().decode("ascii")

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _damaged(self, why: str) -> InputError:
        return InputError(
            f"{self._shown} cannot be read as 2bit ({why}): download or copy it again."
        )


def _within(blocks: Blocks, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the stretches that meet start to end, counted from start."""
    first = np.searchsorted(blocks[:, 1], start, side="right")
    last = np.searchsorted(blocks[:, 0], end, side="left")
    for low, high in blocks[first:last].tolist():
        yield max(low, start) - start, min(high, end) - start


def parse_twobit(source: str | os.PathLike[str] | IO[bytes], name: str = "") -> Iterator[Sequence]:
    """Yield the records of a 2bit file, one in memory at a time; masked bases are lower case.

    What `TwoBit` refuses, and a record without bases, are an `InputError`.
    """
    opened = TwoBit(source, name)
    try:
        for number, (record, length) in enumerate(zip(opened.names, opened.lengths, strict=True)):
            bases = opened.fetch(number, 0, length) if length else ""
            check_letters(bases, f"{name or source}, record {record!r}")
            yield Sequence(record, bases)
    finally:
        opened.close()
