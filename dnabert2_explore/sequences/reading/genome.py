"""Any stretch of a FASTA file of any size, through its index."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from ...common.files import expanded
from ...common.kinds import checked
from ...errors import InputError
from ...results.rich_display import RichDisplay, counted
from ..sequence import Sequence
from .bytes import Bytes, open_bgzf, open_plain
from .fasta import starts_fasta
from .formats import foreign_format, told_format
from .index import Entry, StaleIndexWarning, compression, fetch, find_index
from .letters import SourceWarnings, check_letters, foreign
from .opening import is_twobit, open_path
from .read import iter_sequences, suffix_of
from .repack import repacked
from .scan import LetterScan
from .table import has_sequence_column
from .twobit import TwoBit

__all__ = ["Genome", "StaleIndexWarning"]

_BLOCK = 1 << 22
_HEAD = 1 << 16
_EXPECTED = "expected FASTA"
_PIECE, _NEAR = 1 << 20, 1000  # bases: what is searched for a bad letter, what a message names


class Genome(RichDisplay):
    """Named records of which any stretch can be read without reading the rest.

    A FASTA file is read through an index in samtools' ``.fai`` format. The index lies beside the
    file and is made when it is missing; where that folder cannot be written, it is kept in the
    cache folder, or in memory. An index older than the file, or one that does not describe it, is
    made anew with a :class:`StaleIndexWarning`. A FASTA file whose lines are not of one length
    (blank lines, groups of ten, comments …) holds the same records as `read_sequences` finds in it,
    but has to be looked through each time it is opened.

    Of two records of one name the later one gets a number, with a :class:`ReadingWarning`.

    Parameters
    ----------
    path : str or path-like
        FASTA, plain or compressed with ``bgzip``; 2bit; or GenBank, EMBL, FASTQ or a table with a
        ``sequence`` column, which are read into memory. FASTA that gzip, bzip2 or xz compressed is
        packed anew into the cache folder, with a :class:`ReadingWarning`, and read from there.

    Attributes
    ----------
    path : str
        Absolute path of the file; "" for records from memory.
    names : tuple of str
        The records, in the order of the file.
    lengths : tuple of int
        Bases in each.
    stamp : tuple of int or None
        Size (bytes) and time of modification (ns) of the file when it was opened; None for records
        from memory.

    Raises
    ------
    InputError
        If the file is missing, empty or damaged, of no such format, compressed otherwise, or has a
        record without bases; if it has to be packed anew and there is no cache, or no room in it.

    Examples
    --------
    >>> genome = Genome.from_records([Sequence("chr1", "ACGTTT"), Sequence("chr2", "GG")])
    >>> genome.lengths
    (6, 2)
    >>> genome.fetch("chr1", 2, 5)
    'GTT'
    """

    @checked
    def __init__(self, path: str | os.PathLike[str]) -> None:
        given = expanded(path)
        kind = compression(given)
        file = given.resolve()
        before = file.stat()
        self.path = str(file)
        self.stamp: tuple[int, int] | None = (before.st_size, before.st_mtime_ns)
        self._packed = bool(kind)
        self._hold(_open(file, kind, str(given)), str(given))

    def _hold(self, source: _Source, shown: str) -> None:
        """Name the records of a source, each otherwise than the others."""
        told = SourceWarnings(shown)
        self._source = source
        self.names: tuple[str, ...] = tuple(
            told.unique(name, number, unit="records")
            for number, name in enumerate(source.names, start=1)
        )
        self.lengths: tuple[int, ...] = tuple(source.lengths)
        self._numbers = {name: number for number, name in enumerate(self.names)}
        for name, length in zip(self.names, self.lengths, strict=True):
            if not length:
                check_letters("", f"{shown}, record {name!r}")

    @classmethod
    def from_records(cls, records: Iterable[Sequence]) -> Genome:
        """Give records that are in memory the same interface.

        Parameters
        ----------
        records : iterable of Sequence

        Raises
        ------
        InputError
            If there are none, or one has no bases.
        """
        self = cls.__new__(cls)
        self.path, self.stamp, self._packed = "", None, False
        self._hold(_Records(tuple(records)), "The list of sequences")
        if not self.names:
            raise InputError("There are no records; expected at least one sequence: give some.")
        return self

    def __len__(self) -> int:
        """Return the number of records."""
        return len(self.names)

    def _line(self) -> str:
        origin = self.path or "in memory"
        return f"{counted(len(self), 'record')}, {counted(sum(self.lengths), 'base')}, {origin}"

    def __contains__(self, name: object) -> bool:
        """Tell whether there is a record of that name."""
        return name in self._numbers

    def length(self, record: int | str) -> int:
        """Return how many bases a record has.

        Parameters
        ----------
        record : int or str
            Its number in :attr:`names`, or its name.

        Raises
        ------
        InputError
            If there is no such record.
        """
        return self._find(record)[2]

    def fetch(self, record: int | str, start: int, end: int) -> str:
        """Return the bases ``start`` to ``end`` of a record, in the case of the file.

        Safe to call from several threads.

        Parameters
        ----------
        record : int or str
            Its number in :attr:`names`, or its name.
        start, end : int
            0-based, half-open.

        Raises
        ------
        InputError
            If there is no such stretch, it holds letters that are no nucleotide codes, or the file
            has changed since it was opened.
        """
        number, name, length = self._find(record)
        if not 0 <= start < end <= length:
            raise InputError(
                f"{name}:{start}-{end} is no stretch of a record of {length} bases; expected "
                f"0 <= start < end <= {length} (0-based, half-open): choose one in it."
            )
        where = f"{self.path or 'The records'}, record {name!r}, bases {start + 1} to {end}"
        bases = self._source.fetch(number, start, end)
        if len(bases) != end - start:
            raise InputError(
                f"{where} could not be read in full: the file has changed since it was opened; "
                "leave it as it is and run the same call again."
            )
        check_letters(bases, where)
        return bases

    def digest(self) -> str:
        """Return the SHA-256 of the file (of names and bases for records from memory), in hex.

        Reads the whole file each time and checks its letters; keep the result.

        Raises
        ------
        InputError
            If a record holds letters that are no nucleotide codes. Better now than when the last
            window is reached, after days.
        """
        sha256, strange = hashlib.sha256(), False
        if not self.path:
            for number, name in enumerate(self.names):
                bases = self._source.fetch(number, 0, self.lengths[number])
                for text in (name, bases):
                    # With the length before it, no two lists of records run into the same bytes.
                    data = text.encode()
                    sha256.update(len(data).to_bytes(8, "little"))
                    sha256.update(data)
                strange = strange or bool(foreign(bases))
        else:
            scan = LetterScan()
            with open(self.path, "rb") as file:
                while block := file.read(_BLOCK):
                    sha256.update(block)
                    if not self._packed and isinstance(self._source, _Indexed):
                        scan.feed(block)
            if self._packed:
                with open_path(self.path, _EXPECTED) as unpacked:
                    while piece := unpacked.buffer.read(_BLOCK):
                        scan.feed(bytes(piece))
            strange = scan.strange
        if strange:
            self._check_all()
        return sha256.hexdigest()

    def _check_all(self) -> None:
        """Raise for the first letter that is no nucleotide code, and name where it is."""
        for number, length in enumerate(self.lengths):
            for start in range(0, length, _PIECE):
                end = min(start + _PIECE, length)
                try:
                    self.fetch(number, start, end)
                except InputError:
                    for near in range(start, end, _NEAR):
                        self.fetch(number, near, min(near + _NEAR, end))
                    raise

    def close(self) -> None:
        """Close the file; `fetch` does not work afterwards."""
        self._source.close()

    def __enter__(self) -> Genome:
        """Return itself, to be closed at the end of the block."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close the file."""
        self.close()

    def _find(self, record: int | str) -> tuple[int, str, int]:
        number = self._numbers.get(record, -1) if isinstance(record, str) else int(record)
        if not 0 <= number < len(self.names):
            some = ", ".join(self.names[:5]) + (", …" if len(self) > 5 else "")
            raise InputError(
                f"There is no record {record!r}; expected one of {len(self):,} ({some}): check "
                "the name."
            )
        return number, self.names[number], self.lengths[number]


class _Source(Protocol):
    """Where records lie."""

    names: tuple[str, ...]
    lengths: tuple[int, ...]

    def fetch(self, number: int, start: int, end: int) -> str: ...

    def close(self) -> None: ...


class _Records:
    """In memory."""

    def __init__(self, records: tuple[Sequence, ...]) -> None:
        self._bases = [record.bases for record in records]
        self.names = tuple(record.name for record in records)
        self.lengths = tuple(map(len, self._bases))

    def fetch(self, number: int, start: int, end: int) -> str:
        return self._bases[number][start:end]

    def close(self) -> None:
        """Nothing is open."""


class _Indexed:
    """In a FASTA file."""

    def __init__(self, data: Bytes, entries: list[Entry]) -> None:
        self._data, self._entries = data, entries
        self.names = tuple(entry.name for entry in entries)
        self.lengths = tuple(entry.length for entry in entries)

    def fetch(self, number: int, start: int, end: int) -> str:
        return fetch(self._entries[number], self._data, start, end)

    def close(self) -> None:
        self._data.close()


def _open(file: Path, kind: str, shown: str) -> _Source:
    if is_twobit(file):
        return TwoBit(file, shown)
    if kind not in ("", "bgzf"):
        return _open_packed(file, kind, shown)
    data = open_bgzf(file, shown) if kind else open_plain(file)
    try:
        if _is_fasta(data.read(0, _HEAD).decode("utf-8", "replace"), file, shown):
            return _Indexed(data, find_index(file, data, shown))
        data.close()
        return _Records(tuple(iter_sequences(file)))
    except BaseException:
        data.close()
        raise


def _open_packed(file: Path, kind: str, shown: str) -> _Source:
    with open_path(shown, _EXPECTED) as text:
        if not _is_fasta(text.read(_HEAD), file, shown):
            return _Records(tuple(iter_sequences(file)))
    copy = repacked(file, kind, shown)
    data = open_bgzf(copy, f"{copy}, the copy of {shown},", "remove it, it is made anew")
    try:
        return _Indexed(data, find_index(copy, data, shown))
    except BaseException:
        data.close()
        raise


def _is_fasta(head: str, file: Path, shown: str) -> bool:
    """Whether a file is to be read as FASTA; False for what is read into memory."""
    suffix = suffix_of(str(file))
    if starts_fasta(head) or suffix in (".fa", ".fasta", ".fna"):
        return True
    lines = (line.strip() for line in head.lstrip("\ufeff").splitlines())
    first = next(filter(None, lines), "")
    if told_format(first, suffix) or has_sequence_column(first):
        return False
    other = foreign_format(first)
    if other:
        raise InputError(f"{shown} {other}")
    return True
