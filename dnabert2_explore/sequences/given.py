"""What a caller hands in as sequences: a str of bases, records of several libraries, tables."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ..errors import InputError
from ..results.rich_display import RichDisplay
from .reading.letters import kmer_length
from .reading.read import looks_like_path
from .sequence import Sequence

__all__ = ["as_sequences", "bases_of", "is_one", "listed"]

_HOW = (
    "expected a str of bases, a Sequence, a Bio.SeqRecord, a list of these, or a table with a "
    "'sequence' column"
)
_LIBRARIES = ("Bio", "pyfaidx", "skbio")  # whose sequences say their bases as str(one)


def is_one(given: object) -> bool:
    """Tell whether this is one sequence, not several."""
    return isinstance(given, str | Sequence) or _is_record(given)


def bases_of(one: object) -> str:
    """Return the bases of one sequence, as they were given.

    It is a str, a Sequence, or a record of Biopython, pyfaidx or scikit-bio. Something else, the
    name of a file, text to be read, and k-mers are an `InputError` that says what to call.

    Examples
    --------
    >>> bases_of("ACGT"), bases_of(Sequence("x", "GG"))
    ('ACGT', 'GG')
    """
    if isinstance(one, Sequence):
        return one.bases
    if isinstance(one, str):
        return _text(one)
    if _is_record(one):
        return str(getattr(one, "seq", one))
    if isinstance(one, list | tuple):
        raise InputError(
            f"A sequence was given as {type(one).__name__}; expected a str of bases, a Sequence "
            "or a Bio.SeqRecord: this call takes one at a time, so ask for each."
        )
    raise InputError(_refusal(one, "A sequence was"))


def listed(given: Any, least: int = 1) -> list[Any]:
    """Return sequences one by one, whichever way they were given; `bases_of` reads each.

    One, an iterable of them, or a table with a ``sequence`` column: a pandas or polars DataFrame or
    a pyarrow Table, whose ``name`` and ``label`` columns are understood. None of these (a mapping,
    a path, bytes, …), or fewer than `least` (1 or 0), is an `InputError`.

    Examples
    --------
    >>> listed("ACGT"), listed(iter(["AC", "GT"]))
    (['ACGT'], ['AC', 'GT'])
    >>> listed({"probe": "ACGT"})
    Traceback (most recent call last):
        ...
    dnabert2_explore.errors.InputError: Sequences were given as dict; expected a str of bases, ...
    """
    if is_one(given):
        return [given]
    columns = getattr(given, "column_names", getattr(given, "columns", None))
    no_table = isinstance(given, Mapping | RichDisplay) or not hasattr(given, "__getitem__")
    if columns is not None and not no_table:
        every: list[Any] = _rows(given, [str(column) for column in columns])
    elif isinstance(given, Mapping | os.PathLike | bytes | bytearray | RichDisplay):
        raise InputError(_refusal(given, "Sequences were"))
    else:
        try:
            every = list(given)
        except TypeError:
            raise InputError(_refusal(given, "Sequences were")) from None
    if len(every) < least:
        raise InputError("There are no sequences: give at least one.")
    return every


def as_sequences(given: Any, noun: str = "sequence", least: int = 1) -> list[Sequence]:
    """Return `listed` sequences as Sequence, those without a name called ``sequence 1``, ….

    Or by another `noun`. An `InputError` is that of `listed` or `bases_of`, and names the one that
    is wrong.

    Examples
    --------
    >>> as_sequences(["ACGT", Sequence("x", "GG")])
    [Sequence('sequence 1', 4 bases 'ACGT'), Sequence('x', 2 bases 'GG')]
    """
    made = []
    every = listed(given, least)
    for number, one in enumerate(every, start=1):
        if isinstance(one, Sequence):
            made.append(one)
            continue
        try:
            bases = bases_of(one)
        except InputError as error:
            raise InputError(f"Sequence {number} of {len(every)}: {error}") from None
        name = getattr(one, "id", None) or getattr(one, "name", None)
        said = getattr(one, "description", "")
        made.append(
            Sequence(
                name if isinstance(name, str) else f"{noun} {number}",
                bases,
                description=said if isinstance(said, str) else "",
            )
        )
    return made


def _is_record(one: object) -> bool:
    # A Sequence, but also whatever has a name and a seq, as the records of several libraries do.
    if isinstance(one, str | bytes | Mapping | type):
        return False
    if isinstance(getattr(one, "seq", None), str):
        return True
    library = type(one).__module__.partition(".")[0]
    return (
        library in _LIBRARIES
        and hasattr(one, "__len__")
        and hasattr(one, "__getitem__")
        and (hasattr(one, "seq") or hasattr(one, "reverse_complement") or hasattr(one, "reverse"))
    )


def _text(text: str) -> str:
    start = text[:200].lstrip("\ufeff \t\r\n")
    if start.startswith(">"):
        raise InputError(
            "A sequence was given as FASTA text; expected its bases: read it first, with "
            "read_sequences(text)."
        )
    if len(text) < 4096 and any(mark in text for mark in "./\\") and looks_like_path(text):
        raise InputError(
            f"{text!r} is the name of a file; expected bases: read it first, with "
            f"read_sequences({text!r})."
        )
    k = kmer_length(text)
    if k:
        raise InputError(
            f"The text {text[:30]!r} … is written as overlapping {k}-mers; expected bases: "
            "read_sequences(text) joins them."
        )
    return text


def _refusal(given: object, was: str) -> str:
    kind = type(given).__name__
    start = f"{was} given as {kind}; {_HOW}"
    if isinstance(given, Mapping):
        return f"{start}: give list(….values()), or [Sequence(name, bases), …] to keep the names."
    if isinstance(given, os.PathLike):
        return f"{start}: read the file first, with read_sequences({os.fspath(given)!r})."
    if isinstance(given, bytes | bytearray):
        return f"{start}: decode it first, with .decode()."
    return f"{start}: give one."


def _rows(table: Any, columns: list[str]) -> list[Any]:
    by_name = {column.lower(): column for column in columns}
    if "sequence" not in by_name:
        raise InputError(
            f"The table has no 'sequence' column; its columns are "
            f"{', '.join(repr(c[:30]) for c in columns[:12])}: rename the one that holds the bases."
        )

    def cells(name: str) -> list[Any]:
        values = table[by_name[name]]
        for method in ("to_pylist", "tolist", "to_list"):
            if hasattr(values, method):
                return list(getattr(values, method)())
        return list(values)

    bases = cells("sequence")
    names = cells("name") if "name" in by_name else [None] * len(bases)
    labels = cells("label") if "label" in by_name else [None] * len(bases)
    made = []
    for number, (text, name, label) in enumerate(zip(bases, names, labels, strict=True), start=1):
        if not isinstance(text, str):
            raise InputError(f"Row {number} of the table has no bases, but {text!r}: remove it.")
        made.append(
            Sequence(
                name if isinstance(name, str) and name else f"sequence {number}",
                _text(text),
                label=None if label is None or label != label else str(label),
            )
        )
    return made
