"""Sequences from files, open files and pasted text."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import IO

from ...common.files import expanded
from ...errors import InputError
from ..sequence import Sequence
from .fasta import parse_fasta
from .formats import FORMATS, foreign_format, parse_format, told_format
from .letters import SourceWarnings, check_letters, foreign, read_words, strip_space
from .opening import is_twobit, open_bytes, open_path
from .table import has_sequence_column, looks_like_header, parse_table
from .twobit import parse_twobit

__all__ = [
    "SUFFIXES",
    "filled_lines",
    "iter_fasta",
    "iter_sequences",
    "looks_like_path",
    "read_sequences",
    "suffix_of",
    "told_kind",
]

_FASTA = (".fa", ".fasta", ".fna")
_TABLE = (".csv", ".tsv")
_PACKED = (".gz", ".bz2", ".xz")
_PASTED = "The pasted text"
_HOW = (
    f"a path ({' '.join(_FASTA + _TABLE)}, also {' '.join(_PACKED)}; GenBank, EMBL, FASTQ, 2bit), "
    "FASTA text, a table with a 'sequence' column, or bases"
)
#: What the names of files of sequences end in, below a compression's suffix.
SUFFIXES = (*_FASTA, *_TABLE, *FORMATS, ".2bit", ".bed")


def read_sequences(
    source: str | os.PathLike[str] | IO[str] | IO[bytes], *, name: str | None = None
) -> list[Sequence]:
    r"""Read every sequence of a file or of pasted text.

    Parameters
    ----------
    source : str, path-like or open file
        A path-like is always a path and an open file (text or binary) is read to its end. A str is

        1. text, if it holds a line break or begins with ``>``;
        2. else a path, if such a file or folder exists or it ends in ``.fa``, ``.fasta``, ``.fna``,
           ``.csv`` or ``.tsv`` (also with ``.gz``, ``.bz2`` or ``.xz``), or in what files of the
           other formats end in (``.gb``, ``.embl``, ``.fastq``, ``.2bit`` …);
        3. else one sequence, if it holds nothing but nucleotide codes and white space;
        4. else an error. Use ``pathlib.Path`` where a file's name could be taken for DNA.

        Compression is told from the content. Content is FASTA, a CSV/TSV table with a header that
        names a ``sequence`` column (``label``, ``name`` and ``description`` are understood, other
        columns go to :attr:`Sequence.fields`), GenBank, EMBL, FASTQ, 2bit, or bare lines of bases:
        of a file each line is a sequence, of pasted text they are one.
    name : str, optional
        What to call an open file in messages; its suffix also tells the format. Default: the
        file's own name.

    Returns
    -------
    list of Sequence
        In the order of the source, bases as they stand there without white space. Overlapping
        k-mers, as DNABERT-1's data files have them, are joined back.

    Raises
    ------
    InputError
        One sentence with source, line or record, and the mend.

    Warns
    -----
    ReadingWarning
        Where something can be meant in two ways: k-mers, lines without headers, a name that comes
        twice (the later one gets a number).

    Examples
    --------
    >>> read_sequences(">one first\nACGT\nAC\n>two\nacgu")
    [Sequence('one', 6 bases 'ACGTAC'), Sequence('two', 4 bases 'acgu')]
    >>> read_sequences("sequence,label\nACGT,exon\n")
    [Sequence('sequence 1', 4 bases 'ACGT', label='exon')]
    """
    if isinstance(source, os.PathLike):
        return list(iter_sequences(source))
    if isinstance(source, str):
        if _is_text(source):
            return list(_parse(io.StringIO(source, newline=""), _PASTED, "", pasted=True))
        if looks_like_path(source):
            return list(iter_sequences(source))
        return [_one([(1, source)], _refuse_unless_bases(source))]
    if callable(getattr(source, "read", None)):
        return _from_file(source, name)
    raise InputError(
        f"Sequences cannot be read from {type(source).__name__}; expected {_HOW}: give one."
    )


def iter_sequences(path: str | os.PathLike[str]) -> Iterator[Sequence]:
    """Read a file of any of the formats record by record, one in memory at a time.

    What :func:`read_sequences` refuses is refused here.
    """
    if is_twobit(path):
        yield from parse_twobit(path)
        return
    with open_path(path) as text:
        yield from _parse(text, os.fspath(path), suffix_of(os.fspath(path)))


def iter_fasta(path: str | os.PathLike[str]) -> Iterator[Sequence]:
    """Read a FASTA file (also ``.gz``, ``.bz2``, ``.xz``) record by record.

    One record is in memory at a time, so genomes of any number of records can be read. What
    :func:`read_sequences` refuses is refused here.
    """
    with open_path(path) as text:
        yield from parse_fasta(text, str(path))


def looks_like_path(source: str) -> bool:
    """Tell whether a str names a file: one that exists, or by how it ends."""
    try:
        # "data" is a common folder and spells IUPAC codes; os.path.exists is False for long text.
        if source and expanded(source).exists():
            return True
    except InputError:  # ~nobody: a path, which is told when it is opened
        return True
    except (OSError, ValueError):  # too long; a NUL character
        return False
    return len(source) < 4096 and suffix_of(source) in SUFFIXES


def _is_text(source: str) -> bool:
    start = source.lstrip("\ufeff \t")
    return start.startswith(">") or "\n" in source or "\r" in source


def suffix_of(name: str) -> str:
    """Return the suffix under any compression suffix, in lower case."""
    stem, suffix = os.path.splitext(name.strip().lower())
    return os.path.splitext(stem)[1] if suffix in _PACKED else suffix


def _refuse_unless_bases(source: str) -> str:
    bases = strip_space(source)
    if not bases:
        raise InputError(f"There is no text to read; expected {_HOW}: pass one of these.")
    looks_like_path = bool(foreign(bases)) and any(mark in source for mark in ("/", "\\", "."))
    if looks_like_path and foreign(bases).strip("-."):
        raise InputError(
            f"There is no file {source[:200]!r} (looked from {os.getcwd()!r}) and it is no "
            f"sequence; expected {_HOW}: check the path."
        )
    return f"The text {source.strip()[:30]!r}, which is no existing file,"


def _from_file(handle: IO[str] | IO[bytes], name: str | None) -> list[Sequence]:
    own = getattr(handle, "name", None)
    name = name or (own if isinstance(own, str) else "The open file")
    try:
        data = handle.read()
    except UnicodeDecodeError:
        raise InputError(
            f"{name} was opened as text but is not; expected text or a binary handle: open it with "
            "mode 'rb'."
        ) from None
    if isinstance(data, str):
        return list(_parse(io.StringIO(data, newline=""), name, suffix_of(name)))
    if is_twobit(bytes(data[:4])):
        return list(parse_twobit(io.BytesIO(bytes(data)), name))
    with open_bytes(bytes(data), name) as text:
        return list(_parse(text, name, suffix_of(name)))


def told_kind(lines: Iterable[str], name: str, suffix: str) -> tuple[str, Iterator[str]]:
    """Tell what text is from its suffix, else from the first line that says anything.

    Lines come with their ends; the suffix is the file's, without that of a compression, or "". The
    kind is "fasta", "table", "lines" (of bases), or a format of Biopython's; with it come all of
    the lines. Nothing, or a format that holds no sequences, is an `InputError`, which calls the
    source `name`.
    """
    # Not str.splitlines, which also cuts at form feeds and Unicode separators inside cells.
    rest = iter(lines)
    head: list[str] = []
    first = ""
    for line in rest:
        head.append(line)
        first = line.strip().lstrip("\ufeff").strip()
        if first and (not first.startswith(";") or has_sequence_column(first)):
            break
    every = chain(head, rest)
    if not first and not any(line.strip("\ufeff \t\r\n") for line in head):
        raise InputError(f"{name} is empty; expected {_HOW}: give at least one sequence.")
    if suffix in _FASTA or first.startswith(">"):
        return "fasta", every
    if suffix in _TABLE or has_sequence_column(first) or first.lower().startswith("sep="):
        return "table", every
    if first.startswith(";"):  # comments and nothing else
        return "fasta", every
    kind = told_format(first, suffix)
    if kind:
        return kind, every
    other = foreign_format(first)
    if other:
        raise InputError(f"{name} {other}")
    return ("table" if looks_like_header(first) else "lines"), every


def _parse(
    lines: Iterable[str], name: str, suffix: str, pasted: bool = False
) -> Iterator[Sequence]:
    kind, every = told_kind(lines, name, suffix)
    if kind == "lines":
        return _bare(every, name, pasted)
    if kind in ("fasta", "table"):
        return (parse_fasta if kind == "fasta" else parse_table)(every, name)
    return parse_format(every, kind, name)


def _bare(lines: Iterable[str], name: str, pasted: bool) -> Iterator[Sequence]:
    """Read lines of bases without a header: of pasted text one sequence, of a file one each."""
    filled = filled_lines(lines, name)
    told = SourceWarnings(name)
    if pasted:
        every = list(filled)
        sequence = _one(every, name)
        if len(every) > 1:
            told.once(
                "lines",
                f", {len(every):,} lines without a header, is read as one sequence of "
                f"{len(sequence):,} bases: write a line such as '>name' before each if they are "
                "several.",
            )
        yield sequence
        return
    before: tuple[int, str] | None = None
    count = 0
    for number, line in filled:
        if before is not None:
            count += 1
            yield _one([before], name, told, f"sequence {count}")
            told.once(
                "lines",
                " has no headers: each of its lines is read as a sequence of its own ('sequence "
                "1', …); begin it with a line such as '>name' if they are one.",
            )
        before = number, line
    assert before is not None  # _parse refuses a text without any
    yield _one([before], name, told, f"sequence {count + 1}" if count else "pasted")


def filled_lines(lines: Iterable[str], source: str) -> Iterator[tuple[int, str]]:
    """Yield the lines that hold anything with their numbers, comments left out."""
    first: tuple[int, str] | None = None
    for number, line in enumerate(lines, start=1):
        text = line.strip("\ufeff \t\r\n")
        if not text or text.startswith(";"):
            continue
        first = first or (number, text)
        if text.startswith(">"):
            raise InputError(
                f"{source}, line {first[0]} ({first[1][:30]!r}) stands before the first header; "
                "expected a FASTA header that begins with '>': add one, for example "
                "'>my_sequence'."
            )
        yield number, text


def _one(
    lines: list[tuple[int, str]],
    source: str,
    told: SourceWarnings | None = None,
    name: str = "pasted",
) -> Sequence:
    text = " ".join(line for _, line in lines)
    several = told is not None and name != "pasted"
    bases = read_words(
        text, told or SourceWarnings(source), f", line {lines[0][0]}" if several else ""
    )
    check_letters(bases, source, lines if several or len(lines) > 1 else ())
    return Sequence(name=name, bases=bases)
