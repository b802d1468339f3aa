"""Sequences from files, open files and pasted text."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from typing import IO

from ..errors import InputError
from ._fasta import parse_fasta
from ._letters import check_letters, foreign, strip_space
from ._open import open_bytes, open_path
from ._table import has_sequence_column, looks_like_header, parse_table
from .sequence import Sequence

__all__ = ["iter_fasta", "read_sequences"]

_FASTA = (".fa", ".fasta", ".fna")
_TABLE = (".csv", ".tsv")
_PACKED = (".gz", ".bz2", ".xz")
_PASTED = "The pasted text"
_HOW = (
    f"a path ({' '.join(_FASTA + _TABLE)}, also {' '.join(_PACKED)}), FASTA text, a table with a "
    "'sequence' column, or bases"
)


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
           ``.csv`` or ``.tsv`` (also with ``.gz``, ``.bz2`` or ``.xz``);
        3. else one sequence, if it holds nothing but nucleotide codes and white space;
        4. else an error. Use ``pathlib.Path`` where a file's name could be taken for DNA.

        Compression is told from the content. Content is FASTA, a CSV/TSV table with a header that
        names a ``sequence`` column (``label``, ``name`` and ``description`` are understood, other
        columns go to :attr:`Sequence.fields`), or bare lines of bases, which are one sequence.
    name : str, optional
        What to call an open file in messages; its suffix also tells the format. Default: the
        file's own name.

    Returns
    -------
    list of Sequence
        In the order of the source, bases as they stand there without white space.

    Raises
    ------
    InputError
        One sentence with source, line or record, and the mend.

    Examples
    --------
    >>> read_sequences(">one first\nACGT\nAC\n>two\nacgu")
    [Sequence('one', 6 bases 'ACGTAC'), Sequence('two', 4 bases 'acgu')]
    >>> read_sequences("sequence,label\nACGT,exon\n")
    [Sequence('sequence 1', 4 bases 'ACGT', label='exon')]
    """
    if isinstance(source, os.PathLike):
        return _from_path(source)
    if isinstance(source, str):
        if _is_text(source):
            return _from_text(source, _PASTED, "")
        if _is_path(source):
            return _from_path(source)
        return [_bare([(1, source)], _refuse_unless_bases(source))]
    if callable(getattr(source, "read", None)):
        return _from_file(source, name)
    raise InputError(
        f"Sequences cannot be read from {type(source).__name__}; expected {_HOW}: give one."
    )


def iter_fasta(path: str | os.PathLike[str]) -> Iterator[Sequence]:
    """Read a FASTA file (also ``.gz``, ``.bz2``, ``.xz``) record by record.

    One record is in memory at a time, so genomes of any number of records can be read.

    Parameters
    ----------
    path : str or path-like
        The file.

    Yields
    ------
    Sequence

    Raises
    ------
    InputError
        As :func:`read_sequences`.
    """
    with open_path(path) as text:
        yield from parse_fasta(text, str(path))


def _is_text(source: str) -> bool:
    start = source.lstrip("\ufeff \t")
    return start.startswith(">") or "\n" in source or "\r" in source


def _is_path(source: str) -> bool:
    try:
        # "data" is a common folder and spells IUPAC codes; os.path.exists is False for long text.
        if os.path.exists(os.path.expanduser(source)):
            return True
    except ValueError:  # a NUL character
        return False
    return _suffix(source) in _FASTA + _TABLE


def _suffix(name: str) -> str:
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


def _from_path(path: str | os.PathLike[str]) -> list[Sequence]:
    with open_path(path) as text:
        return _from_stream(text, os.fspath(path))


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
        return _from_text(data, name, _suffix(name))
    with open_bytes(bytes(data), name) as text:
        return _from_stream(text, name)


def _from_stream(text: io.TextIOWrapper, name: str) -> list[Sequence]:
    suffix = _suffix(name)
    return (
        list(parse_fasta(text, name)) if suffix in _FASTA else _from_text(text.read(), name, suffix)
    )


def _from_text(text: str, name: str, suffix: str) -> list[Sequence]:
    """Tell the format from the suffix, else from the first line that is not blank."""
    # Not str.splitlines, which also cuts at form feeds and Unicode separators inside cells.
    lines = list(io.StringIO(text.lstrip("\ufeff"), newline=""))
    first = next((line.strip() for line in lines if line.strip()), "")
    if not first:
        raise InputError(f"{name} is empty; expected {_HOW}: give at least one sequence.")
    if suffix in _FASTA or first.startswith(">"):
        return list(parse_fasta(lines, name))
    if suffix in _TABLE or has_sequence_column(first):
        return parse_table(lines, name)
    if first.startswith("@"):
        raise InputError(
            f"{name} looks like FASTQ reads; expected FASTA, a table or bases: convert it, for "
            "example with 'seqtk seq -a'."
        )
    if first.startswith(("LOCUS", "ID  ")):
        raise InputError(
            f"{name} looks like a GenBank or EMBL record; expected FASTA, a table or bases: "
            "download it as FASTA."
        )
    if any(line.lstrip().startswith(">") for line in lines):
        return list(parse_fasta(lines, name))  # which names the text before the first '>'
    if looks_like_header(first):
        return parse_table(lines, name)  # which names the columns there are
    return [_bare(list(enumerate(lines, start=1)), name)]


def _bare(lines: list[tuple[int, str]], source: str) -> Sequence:
    bases = strip_space("".join(line for _, line in lines))
    check_letters(bases, source, lines if len(lines) > 1 else ())
    return Sequence(name="pasted", bases=bases)
