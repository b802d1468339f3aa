"""What a table knows of sequences, joined to them by name."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ..common.files import expanded
from ..errors import InputError, warn
from .reading.letters import ReadingWarning
from .sequence import Sequence

__all__ = ["join_table"]


def join_table(
    sequences: Iterable[Sequence],
    table: str | os.PathLike[str] | Any,
    *,
    on: str = "name",
) -> list[Sequence]:
    """Give sequences the columns of a table, row by row of the same name.

    Parameters
    ----------
    sequences : iterable of Sequence
    table : path, or pandas.DataFrame
        CSV, or TSV where the name ends in ``.tsv``, with a line of column names.
    on : str
        The column that holds the names. A column ``label`` becomes the label, all others fields;
        what a sequence had under the same name is replaced.

    Returns
    -------
    list of Sequence
        In the given order; those without a row are as they were.

    Raises
    ------
    InputError
        If the table cannot be read, has no such column, a name twice, or none of the sequences.

    Warns
    -----
    ReadingWarning
        If some sequences have no row.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"name": ["a"], "site": ["lung"], "label": ["x"]})
    >>> join_table([Sequence("a", "ACGT")], table)
    [Sequence('a', 4 bases 'ACGT', label='x', fields={'site': 'lung'})]
    """
    rows, where = _rows(table)
    if rows and on not in rows[0]:
        raise InputError(
            f"{where} has no column {on!r}; its columns are {', '.join(map(repr, rows[0]))}: name "
            "the one that holds the sequences' names."
        )
    known: dict[str, Mapping[str, str]] = {}
    for number, row in enumerate(rows, start=2):
        name = row[on]
        if name in known:
            raise InputError(
                f"{where}, row {number}: {name!r} has a row already: leave one of them out."
            )
        known[name] = row
    out, missing = [], []
    for one in sequences:
        found = known.get(one.name)
        if found is None:
            missing.append(one.name)
            out.append(one)
            continue
        more = {column: value for column, value in found.items() if column not in (on, "label")}
        label = found.get("label") or one.label
        out.append(replace(one, label=label, fields={**one.fields, **more}))
    if out and len(missing) == len(out):
        raise InputError(
            f"{where} has a row for none of the {len(out):,} sequences, such as {missing[0]!r}: "
            f"check that its column {on!r} holds their names."
        )
    if missing:
        warn(
            f"{where} has no row for {len(missing):,} of {len(out):,} sequences, such as "
            f"{missing[0]!r}: they are as they were.",
            ReadingWarning,
        )
    return out


def _rows(table: Any) -> tuple[list[dict[str, str]], str]:
    """Rows as text, and what to call the table."""
    if hasattr(table, "columns") and hasattr(table, "to_dict"):
        rows = table.astype(object).where(table.notna(), "").to_dict("records")
        return [{str(k): str(v) for k, v in row.items()} for row in rows], "The table"
    path = expanded(table)
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            delimiter = "\t" if path.suffix in (".tsv", ".tab") else ","
            rows = [
                {k: v or "" for k, v in row.items() if k is not None}
                for row in csv.DictReader(file, delimiter=delimiter)
            ]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            f"{table} cannot be read as a table ({error}): give CSV, or TSV in a .tsv."
        ) from error
    if not rows:
        raise InputError(f"{table} holds no rows below its line of column names.")
    return rows, str(table)
