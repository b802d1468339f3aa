"""Any stretch of a FASTA file of any size, through its index."""

from __future__ import annotations

import gzip
import hashlib
import os
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..errors import InputError
from ._index import StaleIndexWarning, compression, index_path
from ._letters import check_letters, foreign
from ._scan import LetterScan
from .sequence import Sequence

__all__ = ["Genome", "StaleIndexWarning"]

_BLOCK = 1 << 22
_PIECE, _NEAR = 1 << 20, 1000  # bases: what is searched for a bad letter, what a message names


class Genome:
    """Named records of which any stretch can be read without reading the rest.

    The FASTA file is read through an index in samtools' ``.fai`` format (by pyfaidx). The index
    lies beside the file and is made when it is missing; where that folder cannot be written, it is
    kept in the cache folder. An index older than the file, or one that does not describe
    it, is made anew (beside the file or in the cache folder) with a :class:`StaleIndexWarning`.

    Parameters
    ----------
    path : str or path-like
        FASTA, plain or compressed with ``bgzip`` (the latter needs Biopython).

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
        If the file is missing, empty, no FASTA, compressed in a way that allows no random access,
        names a record twice, has a record without bases or lines of unequal length, or there is no
        place for its index.

    Examples
    --------
    >>> genome = Genome.from_records([Sequence("chr1", "ACGTTT"), Sequence("chr2", "GG")])
    >>> genome.lengths
    (6, 2)
    >>> genome.fetch("chr1", 2, 5)
    'GTT'
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        given = Path(path).expanduser()
        kind = compression(given)
        file = given.resolve()
        before = file.stat()
        self.path = str(file)
        self.stamp: tuple[int, int] | None = (before.st_size, before.st_mtime_ns)
        self._records: tuple[Sequence, ...] = ()
        self._packed = bool(kind)
        self._faidx: Any = _open_indexed(file, kind, str(given))
        index = self._faidx.index
        self.names: tuple[str, ...] = tuple(index)
        self.lengths: tuple[int, ...] = tuple(record.rlen for record in index.values())
        self._numbers = {name: number for number, name in enumerate(self.names)}
        for name, length in zip(self.names, self.lengths, strict=True):
            if not length:
                raise InputError(
                    f"{given}, record {name!r} has no bases; expected at least one: add its "
                    "sequence or remove the record."
                )

    @classmethod
    def from_records(cls, records: Iterable[Sequence]) -> Genome:
        """Give records that are in memory the same interface.

        Raises
        ------
        InputError
            If there are none, two share a name, or one has no bases.
        """
        self = cls.__new__(cls)
        self.path, self.stamp, self._faidx, self._packed = "", None, None, False
        self._records = tuple(records)
        self.names = tuple(record.name for record in self._records)
        self.lengths = tuple(len(record) for record in self._records)
        self._numbers = {}
        if not self._records:
            raise InputError("There are no records; expected at least one sequence: give some.")
        for number, record in enumerate(self._records):
            if self._numbers.setdefault(record.name, number) != number:
                raise InputError(
                    f"Two records are named {record.name!r}; expected every name once: rename one."
                )
            if not record.bases:
                raise InputError(
                    f"Record {record.name!r} has no bases; expected at least one: leave it out."
                )
        return self

    def __len__(self) -> int:
        """Return the number of records."""
        return len(self.names)

    def __repr__(self) -> str:
        origin = repr(self.path) if self.path else "in memory"
        return f"Genome({origin}, {len(self):,} records, {sum(self.lengths):,} bases)"

    def __contains__(self, name: object) -> bool:
        """Tell whether there is a record of that name."""
        return name in self._numbers

    def length(self, record: int | str) -> int:
        """Return the bases in a record, by name or number.

        Raises
        ------
        InputError
            If there is no such record.
        """
        return self._find(record)[1]

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
        name, length = self._find(record)
        if not 0 <= start < end <= length:
            raise InputError(
                f"{name}:{start}-{end} is no stretch of a record of {length} bases; expected "
                f"0 <= start < end <= {length} (0-based, half-open): choose one in it."
            )
        where = f"{self.path or 'The records'}, record {name!r}, bases {start + 1} to {end}"
        if self._faidx is None:
            bases = self._records[self._numbers[name]].bases[start:end]
        else:
            try:
                bases = self._faidx.fetch(name, start + 1, end)
            except UnicodeDecodeError:
                raise InputError(
                    f"{where}, is no text; expected A, C, G, T (or U, N and the other IUPAC "
                    "codes): download or copy the file again."
                ) from None
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
        if self._faidx is None:
            for record in self._records:
                for text in (record.name, record.bases):
                    # With the length before it, no two lists of records run into the same bytes.
                    data = text.encode()
                    sha256.update(len(data).to_bytes(8, "little"))
                    sha256.update(data)
                strange = strange or bool(foreign(record.bases))
        else:
            scan = LetterScan()
            with open(self.path, "rb") as file:
                while block := file.read(_BLOCK):
                    sha256.update(block)
                    if not self._packed:
                        scan.feed(block)
            if self._packed:
                with gzip.open(self.path, "rb") as unpacked:
                    while block := unpacked.read(_BLOCK):
                        scan.feed(block)
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
        if self._faidx is not None:
            self._faidx.close()

    def __enter__(self) -> Genome:
        """Return itself, to be closed at the end of the block."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close the file."""
        self.close()

    def _find(self, record: int | str) -> tuple[str, int]:
        number = self._numbers.get(record, -1) if isinstance(record, str) else int(record)
        if not 0 <= number < len(self.names):
            some = ", ".join(self.names[:5]) + (", …" if len(self) > 5 else "")
            raise InputError(
                f"There is no record {record!r}; expected one of {len(self):,} ({some}): check "
                "the name."
            )
        return self.names[number], self.lengths[number]


def _open_indexed(file: Path, kind: str, shown: str) -> Any:
    """Open with an index that is sure to describe the file."""
    from pyfaidx import Faidx

    index = index_path(file, kind, shown)
    try:
        with warnings.catch_warnings():
            # index_path has just judged the age, and knows about clocks that run behind.
            warnings.simplefilter("ignore", RuntimeWarning)
            faidx = Faidx(
                str(file),
                indexname=str(index),
                gzi_indexname=str(index.with_suffix(".gzi")),
                as_raw=True,
                rebuild=False,
                build_index=False,
            )
    except ValueError as error:
        if "Duplicate key" not in str(error):
            raise
        name = str(error).partition('"')[2].rstrip('"')
        raise InputError(
            f"{shown} names two records {name!r}; expected every name once: rename one of them or "
            "remove the copy."
        ) from None
    return faidx
