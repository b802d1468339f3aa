"""CSV and TSV tables: the one reader of them, and the sequences in those that hold any."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from itertools import chain

from ...errors import InputError
from ..sequence import Sequence
from .letters import SourceWarnings, check_letters, foreign, read_words, strip_space, whole_number

__all__ = ["SEQUENCE_COLUMNS", "Table", "has_sequence_column", "looks_like_header", "parse_table"]

_DELIMITERS = (",", "\t", ";")
#: Columns that hold bases: one, or two for pairs.
SEQUENCE_COLUMNS = ("sequence", "sequence1", "sequence2")
_OWN = (*SEQUENCE_COLUMNS, "label", "name", "description")
_LABEL = "label_"  # begins the columns of a table with one label each
_LARGEST_FIELD = 2**31 - 1  # what a C long holds everywhere; the default refuses > 131,072 bases


class Table:
    """A table with a header, read row by row.

    The delimiter (comma, tab or semicolon) is told from the header, or by Excel's line ``sep=;``
    before it. Cells lose white space around them; blank lines are skipped.

    Parameters
    ----------
    lines : iterable of str
        With their line ends, as ``open(newline="")`` gives them.
    source : str
        What to call the table in messages.
    wanted : collection of str
        Columns of which the header should have one; it decides about the delimiter.
    own : collection of str
        Columns whose names are read in any case; the others stay as written.

    Attributes
    ----------
    columns : tuple of str
    line : int
        Line of the header.

    Raises
    ------
    InputError
        If there is no line, the first cannot be read, or a column comes twice; while iterating, if
        a row has more or fewer cells than the header or cannot be read.
    """

    def __init__(
        self,
        lines: Iterable[str],
        source: str,
        wanted: Collection[str] = SEQUENCE_COLUMNS,
        own: Collection[str] = _OWN,
    ) -> None:
        _allow_long_cells()
        self.source = source
        self._own = frozenset(own)
        rest = iter(lines)
        skipped, header, mark = 0, "", ""
        for header in rest:
            bare = header.lstrip("\ufeff").strip(" \r\n").strip('"')
            if len(bare) == 5 and bare[:4].lower() == "sep=":
                mark = bare[4]
            elif bare.strip():
                break
            header, skipped = "", skipped + 1
        if not header:
            raise InputError(
                f"{source} is empty; expected a table: give a header with a "
                f"{next(iter(wanted))!r} column and rows."
            )
        header = header.lstrip("\ufeff")
        self.delimiter = mark or _delimiter(header, wanted, own)
        self._before = skipped
        self._reader = csv.reader(chain([header], rest), delimiter=self.delimiter, strict=True)
        names = [cell.strip() for cell in self._next() or []]
        self.line = skipped + 1
        self.columns = tuple(_ours(name, self._own) for name in names)
        # A table saved with its row numbers has a column without a name, which is left out.
        twice = [name for name, count in Counter(self.columns).items() if count > 1 and name]
        if twice:
            raise InputError(
                f"{source} has more than one column {twice[0]!r}; expected every column once: "
                "rename or remove one."
            )

    def __iter__(self) -> Iterator[tuple[int, dict[str, str]]]:
        """Yield the line a row begins in, and its cells by column."""
        while True:
            number = self._before + self._reader.line_num + 1
            cells = self._next()
            if cells is None:
                return
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(self.columns):
                raise InputError(
                    f"{self.source}, line {number} has {len(cells)} cells; expected "
                    f"{len(self.columns)} ({', '.join(self.columns)}): add or remove cells, or "
                    "quote the cell that holds the delimiter."
                )
            yield (
                number,
                {
                    column: cell.strip()
                    for column, cell in zip(self.columns, cells, strict=True)
                    if column
                },
            )

    def _next(self) -> list[str] | None:
        first = self._before + self._reader.line_num + 1
        try:
            return next(self._reader, None)
        except csv.Error as error:
            raise InputError(
                f"{self.source}, line {first} cannot be read as a table row ({error}): check its "
                "quotation marks."
            ) from error

    def need_sequences(self) -> None:
        """Refuse a table without a column of bases.

        The `InputError` has the columns there are, or says that the header is missing.
        """
        if any(column in SEQUENCE_COLUMNS[:2] for column in self.columns):
            return
        if any(len(c) > 8 and not foreign(strip_space(c)) for c in self.columns):
            raise InputError(
                f"{self.source} has no header: its first line holds bases, and there is no "
                "'sequence' column; expected names of columns such as 'sequence,label': add them "
                "as the first line."
            )
        lower = [column.lower() for column in self.columns]
        numbers = [whole_number(column) for column in self.columns[1:3]]
        bed = len(numbers) == 2 and None not in numbers
        if bed or {"start", "end"} <= set(lower):
            raise InputError(
                f"{self.source} {'looks like BED' if bed else 'names stretches'}, intervals "
                "without bases; expected sequences: give the genome too (--genome, or "
                "read_bed(path, genome))."
            )
        raise InputError(
            f"{self.source} has no 'sequence' column; its columns are "
            f"{', '.join(repr(c[:30]) for c in self.columns)}: rename the one that holds the bases "
            "to 'sequence'."
        )


def has_sequence_column(line: str) -> bool:
    """Tell whether a first line is a table's header with the one column we need."""
    columns = _columns(line, _delimiter(line, SEQUENCE_COLUMNS, _OWN), _OWN)
    return any(column in columns for column in SEQUENCE_COLUMNS[:2])


def looks_like_header(line: str) -> bool:
    """Tell whether a first line has several cells that are not all bases."""
    columns = _columns(line, _delimiter(line, SEQUENCE_COLUMNS, _OWN), _OWN)
    return len(columns) > 1 and any(foreign(strip_space(column)) for column in columns)


def parse_table(lines: Iterable[str], source: str) -> Iterator[Sequence]:
    """Yield the sequences of a table whose header names a ``sequence`` column.

    ``label``, ``name`` and ``description`` are understood too, in any order and case; every other
    column goes to :attr:`Sequence.fields`. Rows without a name are called ``sequence 1``,
    ``sequence 2``, …; a name that an earlier row has gets a number behind it, with a warning.

    What `Table` refuses, no ``sequence`` column, a sequence that is empty or holds other letters,
    pairs, and no row are an `InputError`.
    """
    table = Table(lines, source)
    table.need_sequences()
    if "sequence2" in table.columns:
        raise InputError(
            f"{source} holds pairs (a column 'sequence2'); expected one sequence in each row: "
            "leave one of the two columns out."
        )
    column = "sequence" if "sequence" in table.columns else "sequence1"
    told = SourceWarnings(source)
    count = 0
    for count, (number, values) in enumerate(table, start=1):
        name = told.unique(values.get("name") or f"sequence {count}", number, "sequence")
        bases = read_words(values[column], told, f", line {number}")
        check_letters(bases, f"{source}, line {number} ({name!r})")
        yield Sequence(
            name=name,
            bases=bases,
            label=values.get("label") or None,
            description=values.get("description", ""),
            fields={c: value for c, value in values.items() if c not in _OWN},
        )
    if not count:
        raise InputError(
            f"{source} has a header but no rows; expected one row for each sequence: add them."
        )


def _ours(name: str, own: Collection[str]) -> str:
    lower = name.lower()
    if lower.startswith(_LABEL) and "label" in own:
        return _LABEL + name[len(_LABEL) :]
    return lower if lower in own else name


def _delimiter(header: str, wanted: Collection[str], own: Collection[str]) -> str:
    fitting = [m for m in _DELIMITERS if set(wanted) & set(_columns(header, m, own))]
    return max(fitting or _DELIMITERS, key=header.count)


def _columns(header: str, delimiter: str, own: Collection[str]) -> list[str]:
    _allow_long_cells()  # a first line of bare bases comes through here too
    cells = next(csv.reader([header.strip("\r\n\ufeff")], delimiter=delimiter), [])
    return [_ours(cell.strip(), own) for cell in cells]


def _allow_long_cells() -> None:
    """Let the csv module read sequences of any length.

    Its limit is one for the whole process: putting it back while another table is being read would
    refuse that table's cells.
    """
    if csv.field_size_limit() < _LARGEST_FIELD:
        csv.field_size_limit(_LARGEST_FIELD)
