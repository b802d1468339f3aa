"""CSV and TSV tables with a ``sequence`` column."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from ..errors import InputError
from ._letters import check_letters, foreign, strip_space
from .sequence import Sequence

__all__ = ["has_sequence_column", "looks_like_header", "parse_table"]

_DELIMITERS = (",", "\t", ";")
_OWN = ("sequence", "label", "name", "description")  # every other column goes to Sequence.fields
_LARGEST_FIELD = 2**31 - 1  # what a C long holds everywhere; the default refuses > 131,072 bases


def has_sequence_column(line: str) -> bool:
    """Tell whether a first line is a table's header with the one column we need."""
    return "sequence" in _columns(line, _delimiter(line))


def looks_like_header(line: str) -> bool:
    """Tell whether a first line has several cells that are not all bases."""
    columns = _columns(line, _delimiter(line))
    return len(columns) > 1 and any(foreign(strip_space(column)) for column in columns)


def parse_table(lines: Iterable[str], source: str) -> list[Sequence]:
    """Read a table whose header names a ``sequence`` column.

    ``label``, ``name`` and ``description`` are understood too, in any order and case; every other
    column goes to :attr:`Sequence.fields`. The delimiter (comma, tab or semicolon) is told from
    the header. Rows without a name are called ``sequence 1``, ``sequence 2``, ….

    Raises
    ------
    InputError
        If the ``sequence`` column is missing, a column or a name comes twice, a row has more or
        fewer cells than the header, a sequence is empty or holds other letters, or there is no row.
    """
    lines = iter(lines)
    skipped, header = 0, ""
    for header in lines:
        if header.strip():
            break
        skipped += 1
    if not header.strip():
        raise InputError(
            f"{source} is empty; expected a table: give a header with a 'sequence' column and rows."
        )
    delimiter = _delimiter(header)
    columns = _columns(header, delimiter)
    if "sequence" not in columns:
        raise InputError(
            f"{source} has no 'sequence' column; its columns are "
            f"{', '.join(repr(c[:30]) for c in columns)}: rename the one that holds the bases to "
            "'sequence'."
        )
    # A table saved with its row numbers has a column without a name, which is left out.
    twice = [column for column, count in Counter(columns).items() if count > 1 and column]
    if twice:
        raise InputError(
            f"{source} has more than one column {twice[0]!r}; expected every column once: rename "
            "or remove one."
        )
    with _long_fields():
        rows = list(_rows(lines, delimiter, columns, source, skipped + 1))
    if not rows:
        raise InputError(
            f"{source} has a header but no rows; expected one row for each sequence: add them."
        )
    return rows


def _rows(
    lines: Iterator[str], delimiter: str, columns: list[str], source: str, first_line: int
) -> Iterator[Sequence]:
    seen: dict[str, int] = {}
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    end = first_line
    for cells in _checked(reader, source, first_line):
        number, end = end + 1, first_line + reader.line_num
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(columns):
            raise InputError(
                f"{source}, line {number} has {len(cells)} cells; expected {len(columns)} "
                f"({', '.join(columns)}): add or remove cells, or quote the cell that holds the "
                "delimiter."
            )
        values = {column: cell.strip() for column, cell in zip(columns, cells, strict=True)}
        name = values.get("name") or f"sequence {len(seen) + 1}"
        if name in seen:
            raise InputError(
                f"{source} names two sequences {name!r} (lines {seen[name]} and {number}); "
                "expected every name once: rename one of them or remove the copy."
            )
        seen[name] = number
        bases = strip_space(values["sequence"])
        check_letters(bases, f"{source}, line {number} ({name!r})")
        yield Sequence(
            name=name,
            bases=bases,
            label=values.get("label") or None,
            description=values.get("description", ""),
            fields={column: value for column, value in values.items() if column not in ("", *_OWN)},
        )


def _checked(reader: Iterator[list[str]], source: str, first_line: int) -> Iterator[list[str]]:
    """Give the csv module's complaints the source and the line."""
    try:
        yield from reader
    except csv.Error as error:
        line = first_line + reader.line_num  # type: ignore[attr-defined]
        raise InputError(
            f"{source}, line {line} cannot be read as a table row ({error}): check its quotation "
            "marks."
        ) from error


def _delimiter(header: str) -> str:
    fitting = [mark for mark in _DELIMITERS if "sequence" in _columns(header, mark)]
    return max(fitting or _DELIMITERS, key=header.count)


def _columns(header: str, delimiter: str) -> list[str]:
    """Return the header's cells; the four names we understand in lower case, others as written."""
    with _long_fields():  # a first line of bare bases comes through here too
        cells = next(csv.reader([header.strip("\r\n")], delimiter=delimiter), [])
    cells = [cell.strip() for cell in cells]
    return [cell.lower() if cell.lower() in _OWN else cell for cell in cells]


@contextmanager
def _long_fields() -> Iterator[None]:
    """Let the csv module read sequences of any length; its limit is global, so it is put back."""
    before = csv.field_size_limit(_LARGEST_FIELD)
    try:
        yield
    finally:
        csv.field_size_limit(before)
