"""Tables as files that say where they come from."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..common.delimited import cell
from ..common.files import expanded, replacing
from ..errors import InputError
from .records import KEYWORD, table_line

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["plain_text", "write_table"]

_DELIMITERS = {".csv": ",", ".tsv": "\t"}


def plain_text(table: pd.DataFrame, delimiter: str = ",") -> str:
    """Write a table as text; no cell is a formula to a spreadsheet."""
    text: str = table.map(cell).to_csv(index=False, sep=delimiter, lineterminator="\n")
    return text


def write_table(table: Any, file: str | os.PathLike[str]) -> Path:
    """Write a result's table into a file that says where it comes from.

    The record is the first line of CSV and TSV, a comment
    (``pandas.read_csv(file, comment="#")``), and part of the metadata of Parquet. A table that was
    not made by this package's calls has none, and is written as it is.

    Parameters
    ----------
    table : pandas.DataFrame, or a result that has a ``table()``
    file : path
        Its name ends in ``.csv``, ``.tsv`` or ``.parquet``. Replaced as a whole, or not at all.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    InputError
        If this is no table, or the file's name ends otherwise.

    Examples
    --------
    >>> import dnabert2_explore as dx, pathlib, tempfile
    >>> tokens = dx.load("pocket").tokenize("ACGTTGCATTAGCATGCAAT")
    >>> file = dx.write_table(tokens, pathlib.Path(tempfile.mkdtemp(), "tokens.csv"))
    >>> dx.reproduce(file)
    <Reproduction: tokens.csv: identical>
    """
    path = expanded(file)
    frame = table.table() if hasattr(table, "table") else table
    if not (hasattr(frame, "attrs") and hasattr(frame, "to_parquet")):
        raise InputError(
            f"A {type(table).__name__} is no table: give a pandas.DataFrame, or a result that has "
            ".table()."
        )
    suffix = path.suffix.lower()
    if suffix not in (*_DELIMITERS, ".parquet"):
        raise InputError(f"A table is not written as {path.name}: expected .csv, .tsv or .parquet.")
    with replacing(path) as temporary:
        if suffix == ".parquet":
            frame.to_parquet(temporary, index=False)
        else:
            text = frame.attrs.get(KEYWORD)
            head = table_line(text) if isinstance(text, str) else ""
            temporary.write_text(
                head + plain_text(frame, _DELIMITERS[suffix]), encoding="utf-8", newline=""
            )
    return path
