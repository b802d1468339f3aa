"""Bytes of a file at any place: of a plain one, and of one that bgzip compressed."""

from __future__ import annotations

import re
import threading
import zlib
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol
from weakref import finalize

from ...errors import InputError

__all__ = ["Bytes", "open_bgzf", "open_plain"]

_BLOCK = 1 << 20
_LINE = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")


class Bytes(Protocol):
    """What a genome is read from; safe to use from several threads."""

    def read(self, offset: int, size: int) -> bytes:
        """Return `size` bytes from `offset` on, fewer where the data end."""

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """Yield every line with its end, LF, CR LF or CR, and where it begins."""

    def close(self) -> None:
        """Close the file."""


class _Opened:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("rb")
        finalize(self, self._file.close)
        self._lock = threading.Lock()

    def close(self) -> None:
        self._file.close()


class _Plain(_Opened):
    def read(self, offset: int, size: int) -> bytes:
        with self._lock:
            self._file.seek(offset)
            return self._file.read(size)

    def lines(self) -> Iterator[tuple[int, bytes]]:
        with self._path.open("rb", _BLOCK) as file:
            yield from _cut(file)


class _Bgzf(_Opened):
    """Blocks of at most 64 kB, each a gzip member that says how long it is.

    The list of blocks is read from their heads, which takes no decompression and no ``.gzi``.
    """

    def __init__(self, path: Path, shown: str, mend: str) -> None:
        super().__init__(path)
        self._shown, self._mend = shown, mend
        self._starts: list[int] = []  # of blocks, in the bases
        self._places: list[int] = []  # of blocks, in the file
        self._held: tuple[int, bytes] = (-1, b"")
        place = start = 0
        size = path.stat().st_size
        while place < size:
            self._file.seek(place)
            head = self._file.read(18)
            length = int.from_bytes(head[16:18], "little") + 1
            # Bytes 12 to 15 say that the next two are a block's size (SAM specification, 4.1).
            if len(head) < 18 or head[:4] != b"\x1f\x8b\x08\x04" or head[12:14] != b"BC":
                raise self._damaged(f"no block begins at byte {place:,}")
            if place + length > size or length < 28:
                raise self._damaged("it ends in the middle of a block")
            self._starts.append(start)
            self._places.append(place)
            place += length
            self._file.seek(place - 4)
            start += int.from_bytes(self._file.read(4), "little")
        self._places.append(place)
        if len(self._starts) < 2 or start != self._starts[-1]:
            raise self._damaged("it lacks the empty block that ends such a file")

    def _block(self, number: int) -> bytes:
        with self._lock:
            if self._held[0] == number:
                return self._held[1]
            self._file.seek(self._places[number])
            packed = self._file.read(self._places[number + 1] - self._places[number])
        try:
            data = zlib.decompress(packed, wbits=31)
        except zlib.error as error:
            raise self._damaged(str(error)) from error
        with self._lock:
            self._held = number, data
        return data

    def read(self, offset: int, size: int) -> bytes:
        if not self._starts or size <= 0:
            return b""
        number = bisect_right(self._starts, offset) - 1
        parts = [self._block(number)[offset - self._starts[number] :]]
        while sum(map(len, parts)) < size and number + 1 < len(self._starts):
            number += 1
            parts.append(self._block(number))
        return b"".join(parts)[:size]

    def lines(self) -> Iterator[tuple[int, bytes]]:
        yield from _cut(self._raw_lines())

    def _raw_lines(self) -> Iterator[bytes]:
        rest = b""
        for number in range(len(self._starts)):
            *whole, rest = (rest + self._block(number)).split(b"\n")
            for line in whole:
                yield line + b"\n"
        if rest:
            yield rest

    def _damaged(self, why: str) -> InputError:
        return InputError(f"{self._shown} cannot be read as BGZF data ({why}): {self._mend}.")


def open_plain(path: Path) -> Bytes:
    """Open a file as it is."""
    return _Plain(path)


def open_bgzf(path: Path, shown: str, mend: str = "download or copy it again") -> Bytes:
    """Open what ``bgzip`` wrote; offsets are those of the unpacked data.

    A file that is damaged or cut short is an `InputError`; also while reading.
    """
    return _Bgzf(path, shown, mend)


def _cut(lines: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """Cut lines that end in LF at every CR too."""
    start = 0
    for raw in lines:
        if raw.count(b"\r") > raw.endswith(b"\r\n"):
            for part in _LINE.findall(raw):
                yield start, part
                start += len(part)
        else:
            yield start, raw
            start += len(raw)
