"""The index beside a FASTA file: found, judged, made.

A file whose lines are of one length (within each record, up to the last) is described by samtools'
``.fai``. Any other is described in memory by marks: how many bases stand before some of its lines.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...common.files import replacing
from ...common.folders import cache_folder
from ...errors import ExploreWarning, InputError, warn
from .bytes import Bytes
from .fasta import Line, fasta_lines, header_words
from .letters import check_letters, kmer_length, strip_space, whole_number
from .opening import EXPECTED, open_binary, open_path

__all__ = ["Entry", "StaleIndexWarning", "compression", "fetch", "find_index"]

_GZIP = b"\x1f\x8b"
_PACKED = {b"BZh": "bzip2", b"\xfd7zXZ": "xz"}
_FOREIGN = (b"PK\x03\x04", b"\x28\xb5\x2f\xfd")  # ZIP, Zstandard
_HEADER = 1 << 16  # more than any header has
_APART = 1 << 16  # bytes between two marks
_SPACE = bytes(c for c in range(128) if chr(c).isspace())


class StaleIndexWarning(ExploreWarning):
    """The index of a FASTA file did not fit it and was made anew, or another is used instead."""


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """Where the bases of a record stand.

    `offset` is that of the first base, in bytes; `line_bases` and `line_width` are bases and bytes
    of every line but the last. Of a record with other lines, `marks` (k, 2), int64, are bases
    before a line, and the byte it begins at; the last row is the end.
    """

    name: str
    length: int
    offset: int
    line_bases: int
    line_width: int
    marks: NDArray[np.int64] | None = None


def compression(path: Path) -> str:
    """Return "" for a plain file, "bgzf" for what ``bgzip`` writes, else "gzip", "bzip2" or "xz".

    A file that is missing, a folder, unreadable, empty, or compressed otherwise is an `InputError`.
    """
    with open_binary(path, EXPECTED) as file:
        try:
            head = file.read(18)
        except OSError as error:
            raise InputError(
                f"{path} cannot be read ({error.strerror or error}); expected a FASTA file: check "
                "the path."
            ) from error
    if not head:
        raise InputError(
            f"{path} is empty; expected at least one FASTA record: give a '>' header and bases."
        )
    if head.startswith(_FOREIGN):
        with open_path(path):  # says what it is
            pass
    if head.startswith(_GZIP):
        # Bytes 12 and 13 name the field that holds a BGZF block's size (SAM specification, 4.1).
        return "bgzf" if head[12:14] == b"BC" else "gzip"
    return next((name for magic, name in _PACKED.items() if head.startswith(magic)), "")


def find_index(file: Path, data: Bytes, shown: str) -> list[Entry]:
    """Read the index of a file, or make it, and keep it where it can be kept.

    The path is absolute, and messages call the file as `shown`. What is no FASTA is an
    `InputError`.
    """
    beside = file.with_name(file.name + ".fai")
    flaw = ""
    for index in (beside, _in_cache(file)):
        if index is not None and index.exists():
            entries, why = _judged(file, index, data)
            if entries is not None:
                if flaw:
                    _warn(f"{beside} {flaw} and cannot be replaced; {index} is used instead.")
                return entries
            flaw = why if index is beside else flaw
    entries = list(_scan(data, shown))
    if any(entry.marks is not None for entry in entries):
        if flaw:
            _warn(
                f"{beside} {flaw} and is not used: the lines of the file are not of one length, "
                "which such an index cannot describe."
            )
        return entries
    kept = _keep(entries, beside, file)
    if flaw:
        _warn(
            f"{beside} {flaw} and was made anew."
            if kept == beside
            else f"{beside} {flaw} and cannot be replaced; "
            f"{kept or 'one in memory'} is used instead."
        )
    return entries


def fetch(entry: Entry, data: Bytes, start: int, end: int) -> str:
    """Return the bases `start` to `end` (0-based, half-open); fewer if the file has changed."""
    if entry.marks is None:
        first, last = _place(entry, start), _place(entry, end - 1)
        # Blanks at line ends go too: bases that an index counts and nobody finds are told.
        raw = data.read(first, last + 1 - first).translate(None, _SPACE)
        return raw.decode("utf-8", "replace")
    marks = entry.marks
    low = int(np.searchsorted(marks[:, 0], start, side="right")) - 1
    high = min(int(np.searchsorted(marks[:, 0], end, side="left")), len(marks) - 1)
    low = min(low, len(marks) - 2)
    text = data.read(int(marks[low, 1]), int(marks[high, 1] - marks[low, 1]))
    lines = (line.strip() for line in text.decode("utf-8", "replace").splitlines())
    bases = strip_space("".join(line for line in lines if not line.startswith(";")))
    before = int(marks[low, 0])
    return bases[start - before : end - before]


def _place(entry: Entry, base: int) -> int:
    lines, rest = divmod(base, entry.line_bases)
    return entry.offset + lines * entry.line_width + rest


class _Record:
    """A record whose lines are being read."""

    def __init__(self, name: str, number: int) -> None:
        self.name, self.line_number = name, number
        self.length = self.offset = 0
        self.line = (0, 0)  # bases and bytes of the first
        self.last = (0, 0)
        self.end = 0
        self.regular = True
        self.pause = False
        self.marks: list[tuple[int, int]] = []

    def add(self, text: str, start: int, raw: bytes) -> None:
        bases = len(text) if text.isascii() else -1
        plain = bases == len(raw.rstrip()) and raw[:1] not in (b" ", b"\t")
        if not plain or len(text.split(maxsplit=1)) > 1:
            self.regular = False
            bases = len(strip_space(text))
        if not self.length:
            self.offset, self.line = start, (bases, len(raw))
        elif self.last != self.line or self.pause or bases > self.line[0]:
            self.regular = False
        if not self.marks or start - self.marks[-1][1] >= _APART:
            self.marks.append((self.length, start))
        self.last = bases, len(raw)
        self.length += bases
        self.end = start + len(raw)

    def entry(self) -> Entry:
        marks = [*self.marks, (self.length, self.end)]
        return Entry(
            self.name,
            self.length,
            self.offset,
            *self.line,
            None if self.regular else np.array(marks, dtype=np.int64),
        )


def _scan(data: Bytes, shown: str) -> Iterator[Entry]:
    """Read all lines, as `parse_fasta` does."""
    here: tuple[int, bytes] = (0, b"")

    def lines() -> Iterator[str]:
        nonlocal here
        for here in data.lines():
            yield here[1].decode("utf-8", "replace")

    record: _Record | None = None

    def whole() -> Iterator[Entry]:
        if record is not None:
            if not record.length:
                check_letters("", f"{shown}, record {record.name!r} (line {record.line_number})")
            yield record.entry()

    for number, kind, text in fasta_lines(lines(), shown):
        if kind is Line.header:
            yield from whole()
            record = _Record(header_words(text)[0], number)
        elif record is not None and kind is Line.bases:
            if kmer_length(text):
                raise InputError(
                    f"{shown}, record {record.name!r} is written as overlapping k-mers; expected "
                    "bases: read it with read_sequences, which joins them, and write those."
                )
            record.add(text, *here)
        elif record is not None and record.length:
            record.pause = True
    yield from whole()


def _judged(file: Path, index: Path, data: Bytes) -> tuple[list[Entry] | None, str]:
    """Read an index; None, and what is wrong with it, where it does not describe the file."""
    try:
        if index.stat().st_mtime_ns < file.stat().st_mtime_ns:
            return None, "is older than its FASTA file"
        rows = [line.split("\t") for line in index.read_text("utf-8").splitlines() if line]
    except (OSError, UnicodeDecodeError):
        return None, "cannot be read"
    entries = []
    for row in rows:
        numbers = [whole_number(cell) for cell in row[1:]]
        if len(numbers) != 4 or None in numbers:
            return None, "is damaged"
        length, offset, bases, width = (number or 0 for number in numbers)
        if not (length and 0 < bases <= width):
            return None, "is damaged"
        entries.append(Entry(row[0], length, offset, bases, width))
    # Copies often get a new time of modification or keep an old one, so time alone does not tell.
    fits = entries and all(_fits(one, data) for one in entries[:: max(1, len(entries) // 1000)])
    if not fits or not _ends(entries[-1], data):
        return None, "does not describe its FASTA file"
    return entries, ""


def _fits(entry: Entry, data: Bytes) -> bool:
    """Whether a record follows a header of its name and its first and last lines are as said."""
    begin = max(0, entry.offset - _HEADER)
    before = data.read(begin, entry.offset - begin).decode("utf-8", "replace")
    headers = [line.strip("\ufeff \t") for line in before.splitlines() if ">" in line]
    if not headers or headers[-1][1:].split()[:1] != [entry.name]:
        return False
    whole = min(entry.length, entry.line_bases)
    first = data.read(entry.offset, entry.line_width)
    rest = entry.length % entry.line_bases or entry.line_bases
    at = _place(entry, entry.length - rest)
    last = data.read(at, rest)
    # Bases and line ends only: an index that counts blanks as bases would shift all behind them.
    return (
        len(first[:whole].translate(None, _SPACE)) == whole
        and not first[entry.line_bases :].strip()
        and len(last.translate(None, _SPACE)) == rest
        and (at == entry.offset or data.read(at - 1, 1) in (b"\n", b"\r"))
    )


def _ends(entry: Entry, data: Bytes) -> bool:
    """Whether nothing but blank lines and comments stands behind the last record."""
    after = _place(entry, entry.length - 1) + 1
    rest, *lines = data.read(after, _HEADER).replace(b"\r", b"\n").split(b"\n")
    return not rest.strip() and all(not one.strip() or one.lstrip()[:1] == b";" for one in lines)


def _in_cache(file: Path) -> Path | None:
    """Place for the index of a file in a read-only folder; its name changes with the file."""
    folder = cache_folder()
    if folder is None:
        return None
    stat = file.stat()
    key = hashlib.sha256(f"{file}\n{stat.st_size}\n{stat.st_mtime_ns}".encode()).hexdigest()[:24]
    return folder / "fai" / f"{key}.fai"


def _keep(entries: list[Entry], beside: Path, file: Path) -> Path | None:
    """Write an index beside the file, else to the cache; it appears only when it is whole."""
    text = "".join(
        f"{e.name}\t{e.length}\t{e.offset}\t{e.line_bases}\t{e.line_width}\n" for e in entries
    )
    for index in (beside, _in_cache(file)):
        if index is None:
            continue
        try:
            if index is not beside:
                index.parent.mkdir(parents=True, exist_ok=True)
            with replacing(index) as temporary:
                temporary.write_text(text, encoding="utf-8")
                # A file from a machine whose clock runs ahead must not look younger than its index.
                now = max(file.stat().st_mtime_ns, temporary.stat().st_mtime_ns)
                os.utime(temporary, ns=(now, now))
        except OSError:
            continue
        return index
    return None


def _warn(message: str) -> None:
    warn(message, StaleIndexWarning)
