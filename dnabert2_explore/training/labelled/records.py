"""Rows of a table or FASTA file, one at a time: sequences (or pairs), names and labels as text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...common.files import expanded
from ...errors import InputError
from ...sequences import Sequence, clean, iter_sequences
from ...sequences.annotation.regions import iter_bed
from ...sequences.reading.letters import SourceWarnings, check_letters, read_words
from ...sequences.reading.opening import is_twobit, open_path
from ...sequences.reading.read import suffix_of, told_kind
from ...sequences.reading.table import SEQUENCE_COLUMNS, Table

__all__ = ["Record", "RecordFile"]

# Up to the next key=, or the end: a label may hold blanks.
_LABEL = re.compile(r'(?:^|\s)label=(?:"([^"]*)"|(.*?))(?=\s+\w+=|\s*$)')
_YES, _NO = ("1", "1.0", "true", "yes"), ("0", "0.0", "false", "no", "")


@dataclass(frozen=True, slots=True)
class Record:
    """One row.

    `where`, file and line or row, begins an error's sentence. `bases` are clean: upper-case A, C, G
    and T, and N for everything else; `second` is the second sequence of a pair. `label` is as the
    file has it, the names of a row's labels joined by ";" where each has a column; None where the
    file has none for this row.
    """

    where: str
    name: str
    bases: str
    second: str | None
    label: str | None


class RecordFile:
    """A file of sequences with or without labels; iterate to read it, in constant memory.

    Read are CSV and TSV (also compressed) and Parquet, with the columns ``sequence``, or
    ``sequence1`` and ``sequence2`` for pairs (the first may be called ``sequence`` too), ``label``
    or several columns ``label_<name>`` of 0 and 1, and ``name``; and all else that
    `read_sequences` reads, of which FASTA may have ``label=…`` in its headers (up to the next
    ``key=``, or the end). Other columns are left alone.

    Parameters
    ----------
    path : path-like
    genome : path-like, optional
        The file is a BED, or a table of contig, start and end, of stretches of this genome.
    names_are_labels : bool
        Of a BED, take the names as labels.

    Attributes
    ----------
    pairs : bool
        Whether each row has two sequences.
    labelled : bool
        Whether there is a label column; of FASTA, whether the first record has a label.
    label_names : tuple of str
        What the columns ``label_<name>`` are called; else empty.

    Raises
    ------
    InputError
        One sentence with file, line and the mend; also while iterating.
    """

    def __init__(
        self,
        path: str | Path,
        genome: str | Path | None = None,
        names_are_labels: bool = False,
    ) -> None:
        self.path = expanded(path)
        self._genome, self._names_are_labels = genome or None, names_are_labels
        self._told = SourceWarnings(str(self.path))
        self.kind = self._kind()
        columns = {"sequences": self._sequence_columns, "parquet": self._parquet_columns}.get(
            self.kind, self._table_columns
        )()
        self._columns = columns
        lower = [column.lower() for column in columns]
        self.pairs = "sequence2" in lower
        self._first = "sequence" if "sequence" in lower else "sequence1"
        self.label_names = tuple(c[6:] for c in columns if c.lower().startswith("label_"))
        self.labelled = bool(self.label_names) or "label" in lower
        twice = {c for c in lower if c and lower.count(c) > 1 and _is_ours(c)}
        if twice:
            raise InputError(
                f"{path} has more than one column {min(twice)!r}; expected every column once: "
                "rename or remove one."
            )
        if self.label_names and "label" in lower:
            raise InputError(
                f"{path} has a column 'label' and columns 'label_…': keep the one or the others."
            )
        if self._first not in lower:
            raise InputError(
                f"{self.path} has no 'sequence' column; its columns are "
                f"{', '.join(repr(c[:30]) for c in columns)}: rename the one that holds the bases "
                "to 'sequence'."
            )

    def __iter__(self) -> Iterator[Record]:
        rows = {"sequences": self._sequence_rows, "parquet": self._parquet_rows}.get(
            self.kind, self._table_rows
        )()
        number = 0
        for number, (where, cells) in enumerate(rows, start=1):
            yield self._record(where, number, cells)
        if not number:
            raise InputError(
                f"{self.path} has a header but no rows; expected one row for each sequence: add "
                "them."
            )

    def _kind(self) -> str:
        suffix = suffix_of(str(self.path))
        if suffix in (".parquet", ".pq"):
            return "parquet"
        if self._genome is not None or is_twobit(self.path):
            return "sequences"
        with open_path(self.path) as text:
            kind, _ = told_kind(text, str(self.path), suffix)
        return "table" if kind == "table" else "sequences"

    def _record(self, where: str, number: int, cells: dict[str, Any]) -> Record:
        name = str(cells.get("name") or "") or f"sequence {number}"
        first = self._bases(cells[self._first], where, self._first)
        second = self._bases(cells["sequence2"], where, "sequence2") if self.pairs else None
        if self.label_names:
            label: str | None = ";".join(
                one for one in self.label_names if _flag(cells[f"label_{one}"], where, one)
            )
        else:
            label = _label(cells.get("label"))
        return Record(where, name, first, second, label)

    def _bases(self, value: Any, where: str, column: str) -> str:
        if value is not None and not isinstance(value, str):
            raise InputError(f"{where}: {column} is {value!r}; expected text: give the bases.")
        stripped = read_words(value or "", self._told, where.removeprefix(str(self.path)))
        if stripped and not stripped.strip("ACGT"):
            return stripped  # nothing to clean, as in most files of many rows
        check_letters(stripped, where if column == "sequence" else f"{where}, {column},")
        return clean(stripped).bases  # what stands before the tokenizer in prediction, too

    # FASTA and the other formats of sequences

    def _sequence_columns(self) -> list[str]:
        first = next(self._sequences())
        labelled = first.label is not None or _LABEL.search(first.description)
        return ["sequence", "name"] + (["label"] if labelled else [])

    def _sequences(self) -> Iterator[Sequence]:
        if self._genome is not None:
            return iter_bed(self.path, self._genome, labels=self._names_are_labels)
        return iter_sequences(self.path)

    def _sequence_rows(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for record in self._sequences():
            found = _LABEL.search(record.description)
            cells = {"sequence": record.bases, "name": record.name}
            label = {"label": found[2] if found[1] is None else found[1]} if found else {}
            if self._genome is not None:
                label = {} if record.label is None else {"label": record.label}
            yield f"{self.path}, record {record.name!r}", cells | label

    # Parquet

    def _parquet_columns(self) -> list[str]:
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            return list(pq.ParquetFile(self.path).schema_arrow.names)
        except FileNotFoundError:
            raise InputError(f"There is no file {str(self.path)!r}: check the path.") from None
        except (pa.ArrowException, OSError, ValueError) as error:
            raise InputError(
                f"{self.path} cannot be read as Parquet ({str(error).splitlines()[0][:100]}): "
                "write or copy it again."
            ) from error

    def _parquet_rows(self) -> Iterator[tuple[str, dict[str, Any]]]:
        import pyarrow as pa
        import pyarrow.parquet as pq

        wanted = [column for column in self._columns if _is_ours(column.lower())]
        number = 0
        try:
            for batch in pq.ParquetFile(self.path).iter_batches(4096, columns=wanted):
                for cells in batch.to_pylist():
                    number += 1
                    yield f"{self.path}, row {number}", _by_our_names(cells)
        except (pa.ArrowException, OSError, ValueError) as error:  # no UTF-8; no such date
            raise InputError(
                f"{self.path} cannot be read after row {number} "
                f"({str(error).splitlines()[0][:100]}): write or copy it again."
            ) from error

    # CSV and TSV

    def _table_columns(self) -> list[str]:
        with open_path(self.path) as text:
            table = Table(text, str(self.path))
            table.need_sequences()
            return list(table.columns)

    def _table_rows(self) -> Iterator[tuple[str, dict[str, Any]]]:
        with open_path(self.path) as text:
            for number, cells in Table(text, str(self.path)):
                yield f"{self.path}, line {number}", cells


def _is_ours(column: str) -> bool:
    return column in (*SEQUENCE_COLUMNS, "label", "name") or column.startswith("label_")


def _by_our_names(cells: dict[str, Any]) -> dict[str, Any]:
    """Lower the case of the names we understand; of a label column, of the prefix only."""
    return {
        (f"label_{key[6:]}" if key.lower().startswith("label_") else key.lower()): value
        for key, value in cells.items()
        if _is_ours(key.lower())
    }


def _label(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, list):
        with suppress(TypeError, ValueError):  # 0 and 1 as bool or float are a vector's, too
            if value and all(float(one) in (0, 1) for one in value):
                value = [int(one) for one in value]
        return ";".join(map(str, value))
    return str(value).strip()


def _flag(value: Any, where: str, name: str) -> bool:
    text = "" if value is None else str(value).strip().lower()
    if text in _YES:
        return True
    if text in _NO:
        return False
    raise InputError(f"{where}: label_{name} is {value!r}; expected 0 or 1.")
