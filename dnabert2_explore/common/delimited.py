"""Writing CSV, TSV and bedGraph: names are data, and never end a cell, a line or a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Any

__all__ = ["cell", "csv_line", "csv_lines", "remark", "rows_writer", "word"]

#: What spreadsheets take for the beginning of a formula (numbers may begin with + and -).
_FORMULA = ("=", "@")


def cell(value: Any) -> Any:
    r"""Return a cell that no spreadsheet computes: text that begins as a formula gets ``'``.

    Examples
    --------
    >>> cell('=HYPERLINK("x")'), cell("chr1"), cell(-1)
    ('\'=HYPERLINK("x")', 'chr1', -1)
    """
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def remark(text: str) -> str:
    r"""Return a comment line, ``# text``; line breaks within become blanks.

    Examples
    --------
    >>> remark("a name\nof two lines")
    '# a name of two lines'
    """
    return f"# {' '.join(str(text).split())}"


def csv_line(cells: Iterable[Any], delimiter: str = ",") -> str:
    """Return a row without its line end, quoted where a cell holds what parts cells or rows.

    Examples
    --------
    >>> csv_line(['x","y', "a,b", 1.5])
    '"x"",""y","a,b",1.5'
    """
    out = io.StringIO()
    rows_writer(out, delimiter).writerow([cell(one) for one in cells])
    return out.getvalue().removesuffix("\n")


def csv_lines(rows: Iterable[Iterable[Any]], delimiter: str = ",") -> list[str]:
    """Return `csv_line` of each row."""
    return [csv_line(row, delimiter) for row in rows]


def rows_writer(file: Any, delimiter: str = ",") -> Any:
    """Return the csv module's writer, with line ends of one character."""
    return csv.writer(file, delimiter=delimiter, lineterminator="\n")


def word(name: str) -> str:
    r"""Return a name for formats that part cells by white space: blanks become ``_``.

    Examples
    --------
    >>> word("my record\t1")
    'my_record_1'
    """
    return "_".join(name.split()) or "_"
