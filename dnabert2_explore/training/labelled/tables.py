"""Labelled sequences from CSV, TSV, Parquet and FASTA, and what their labels mean."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence as Rows
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ..scores.metrics import TASKS
from .records import Record, RecordFile

__all__ = ["Labelled", "label_of", "read_labelled"]

#: Whole numbers with more different values than this are measured, not classes.
MOST_CLASSES = 50
#: More classes than this should repeat, unless the task is named.
MOST_SINGLE = 10

_COMMA = re.compile(r"[+-]?\d+,\d+")
_MISSING = ("", "na", "nan", "n/a", "null", "none")


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """Sequences with their labels.

    Attributes
    ----------
    bases : tuple of str
        Clean sequences: upper-case A, C, G and T, and N for everything else.
    second : tuple of str or None
        The second sequence of each pair; None where the rows are no pairs.
    labels : numpy.ndarray
        Indices into `classes`, shape (n,), int64; 0 and 1, shape (n, classes), int64, of a
        multi-label task; values, shape (n,), float64, of a regression.
    classes : tuple of str
        Class names: numbers in their order, words alphabetically, columns as in the file. Empty for
        a regression.
    task : {"classification", "multi_label", "regression"}
    names : tuple of str
        ``sequence 1`` … where the file has none.
    """

    bases: tuple[str, ...]
    second: tuple[str, ...] | None
    labels: NDArray[Any]
    classes: tuple[str, ...]
    task: str
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.bases)

    @property
    def parts(self) -> tuple[tuple[str, ...], ...]:
        """The sequences of all rows; of pairs the first ones, then the second ones."""
        return (self.bases,) if self.second is None else (self.bases, self.second)

    @property
    def class_counts(self) -> NDArray[np.int64]:
        """Rows of each class, or having each label, shape (classes,)."""
        if self.task == "multi_label":
            return np.asarray(self.labels.sum(axis=0), dtype=np.int64)
        return np.bincount(self.labels, minlength=len(self.classes))

    def joined(self, between: str) -> list[str]:
        """Each row as one text, `between` the two sequences of a pair."""
        return [between.join(row) for row in zip(*self.parts, strict=True)]

    def take(self, rows: Rows[int] | NDArray[np.int64]) -> Labelled:
        """Return some of the rows, by their indices, in the order given."""
        chosen = [int(row) for row in rows]
        return replace(
            self,
            bases=tuple(self.bases[row] for row in chosen),
            second=None if self.second is None else tuple(self.second[row] for row in chosen),
            labels=self.labels[chosen],
            names=tuple(self.names[row] for row in chosen),
        )

    def label_text(self, row: int) -> str:
        """Label of a row as a file would have it."""
        label = self.labels[row]
        if self.task == "regression":
            return repr(float(label))
        if self.task == "classification":
            return self.classes[int(label)]
        return ";".join(c for c, given in zip(self.classes, label, strict=True) if given)


def read_labelled(
    path: str | Path,
    task: str = "auto",
    classes: tuple[str, ...] | None = None,
    genome: str | Path | None = None,
) -> Labelled:
    r"""Read labelled sequences from CSV, TSV, Parquet or FASTA (``label=…`` in the header).

    Parameters
    ----------
    path : path-like
        Columns ``sequence`` (or ``sequence1`` and ``sequence2``) and ``label``: a word or number; a
        list such as ``a;b`` or a vector such as ``0;1;1`` (multi-label), or one column
        ``label_<name>`` of 0 and 1 for each label. Other columns are left alone.
    task : {"auto", "classification", "multi_label", "regression"}
        "auto" tells it from the labels: lists are multi-label; numbers with decimals, or more than
        50 different ones, are a regression, unless they count 0, 1, 2 … or 1, 2, 3 … and come
        several times each; all else is classes.
    classes : tuple of str, optional
        Known class names (of the training file); by default those found in the file.
    genome : path-like, optional
        The file is a BED whose names are the labels, or a table of ``contig``, ``start``, ``end``
        and ``label``, of stretches of this genome.

    Raises
    ------
    InputError
        If the file cannot be read, holds letters that are no bases, or a label is missing, does not
        fit the task, or is not among `classes`; the message names the row. If all rows have one
        class. If labels can be meant in two ways: lists that are paths of a taxonomy, decimal
        commas, one class written in two ways (``True`` and ``TRUE``, ``1`` and ``+1``).

    Examples
    --------
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp(), "t.csv")
    >>> _ = path.write_text("sequence,label\nACGT,exon\nGGCC,intron\n")
    >>> data = read_labelled(path)
    >>> data.task, data.classes, data.labels.tolist()
    ('classification', ('exon', 'intron'), [0, 1])
    """
    if task not in ("auto", *TASKS):
        raise InputError(f"task is {task!r}; expected auto, {', '.join(TASKS)}.")
    file = RecordFile(path, genome, names_are_labels=True)
    if not file.labelled:
        wanted = "in BED: a name in each line" if genome else "in FASTA: label=… in each header"
        raise InputError(f"{path} has no labels; expected a column 'label' ({wanted}): add it.")
    records = list(file)
    told = task == "auto"
    if told:
        task = "multi_label" if file.label_names else _guess(records, path)
    if task == "multi_label" and classes is None:
        classes = file.label_names or _label_names(records)
    elif task == "classification" and classes is None:
        classes = _class_names(records, path, MOST_SINGLE if told else MOST_CLASSES)
    labels = [label_of(record, task, classes or ()) for record in records]
    return Labelled(
        bases=tuple(record.bases for record in records),
        second=tuple(record.second or "" for record in records) if file.pairs else None,
        labels=np.array(labels, dtype=np.float64 if task == "regression" else np.int64),
        classes=() if task == "regression" else tuple(classes or ()),
        task=task,
        names=tuple(record.name for record in records),
    )


def label_of(record: Record, task: str, classes: tuple[str, ...]) -> int | float | list[int]:
    """Read the label of one row.

    One that is missing, or does not fit the task or the classes, is an `InputError` that names the
    row.
    """
    text = record.label
    who = f"{record.where} ({record.name!r})"
    if text is None or (not text and task != "multi_label"):
        raise InputError(f"{who} has no label: add it, or remove the row.")
    if task == "regression":
        value = _number(text)
        if value is None or not math.isfinite(value):
            raise InputError(
                f"{who}: label {text!r} is not a finite number, which a regression needs: correct "
                "it, or remove the row."
            )
        return value
    if task == "classification":
        return _index(_class_name(text), classes, who)
    vector = _vector(text)
    if vector is not None and not set(_split(text)) <= set(classes):
        if len(vector) != len(classes):
            raise InputError(
                f"{who}: label {text!r} has {len(vector)} values; expected {len(classes)}, one of "
                "0 and 1 for each label: correct it."
            )
        return vector
    given = {_index(_class_name(one), classes, who) for one in _split(text)}
    return [int(index in given) for index in range(len(classes))]


def _index(name: str, classes: tuple[str, ...], who: str) -> int:
    try:
        return classes.index(name)
    except ValueError:
        shown = ", ".join(classes[:20]) + (", …" if len(classes) > 20 else "")
        raise InputError(
            f"{who}: label {name!r} is not among the training labels ({shown}): correct it or add "
            "examples."
        ) from None


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _class_name(text: str) -> str:
    """Write whole numbers one way: a table saved with gaps says 1.0 where another says 1."""
    return text.split(".")[0] if re.fullmatch(r"[+-]?\d+\.0+", text) else text


def _split(text: str) -> list[str]:
    return [one.strip() for one in text.split(";") if one.strip()]


def _vector(text: str) -> list[int] | None:
    """Read ``0;1;1`` or ``[0, 1, 1]``; None for anything but several of 0 and 1."""
    inner = text.strip()
    cells = _split(text)
    if inner.startswith("[") and inner.endswith("]"):
        cells = inner[1:-1].replace(",", " ").replace(";", " ").split()
    cells = [
        cell.removesuffix(".") if cell in ("0.", "1.") else _class_name(cell) for cell in cells
    ]
    return [int(cell) for cell in cells] if len(cells) > 1 and set(cells) <= {"0", "1"} else None


def _vector_length(records: list[Record]) -> int:
    """Values in every row's label where all are vectors of one length, else 0."""
    lengths = set()
    for record in records:
        vector = _vector(record.label or "")
        lengths.add(0 if vector is None else len(vector))
    return lengths.pop() if len(lengths) == 1 else 0


def _are_paths(lists: list[list[str]]) -> bool:
    """Whether lists look like the paths of a taxonomy: each name stands under one other only."""
    over: dict[str, str] = {}
    for names in lists:
        if len(names) < 2:
            return False
        for depth, name in enumerate(names):
            above = names[depth - 1] if depth else ""
            if over.setdefault(name, above) != above:
                return False
    return True


def _refuse_duplicates(names: Iterable[str], path: str | Path) -> None:
    """Raise where one class is written in two ways."""
    known: dict[object, str] = {}
    for name in sorted(names):
        number = _number(name)
        key: object = name.casefold() if number is None else number
        first = known.setdefault(key, name)
        if first != name:
            raise InputError(
                f"{path}: the labels {first!r} and {name!r} look like one class written in two "
                "ways: write them alike."
            )


def _sorted(names: set[str]) -> tuple[str, ...]:
    if all(_number(name) is not None for name in names):
        return tuple(sorted(names, key=lambda name: (float(name), name)))
    return tuple(sorted(names))


def _guess(records: list[Record], path: str | Path) -> str:
    """Tell the task from the labels; ask where they can be meant in two ways."""
    texts = [record.label or "" for record in records]
    if _vector_length(records):
        return "multi_label"
    if any(";" in text for text in texts):
        if _are_paths([_split(text) for text in texts]):
            raise InputError(
                f"{path}: labels such as {texts[0]!r} may be paths of a taxonomy, each a class, or "
                "lists of labels: say which with task 'classification' or 'multi_label' (--task)."
            )
        return "multi_label"
    comma = next((r for r in records if _COMMA.fullmatch(r.label or "")), None)
    if comma is not None and all(_COMMA.fullmatch(t) or _number(t) is not None for t in texts if t):
        raise InputError(
            f"{comma.where} ({comma.name!r}): label {comma.label!r} has a decimal comma; expected "
            "numbers such as 0.05: write points (or ';' between the labels of a list)."
        )
    values = [_number(text) for text in texts if text.lower() not in _MISSING]
    if not values or any(value is None for value in values):
        return "classification"
    known = {value for value in values if value is not None}
    if not all(float(value).is_integer() for value in known):
        return "regression"
    if len(known) <= MOST_CLASSES:
        return "classification"
    # 0, 1, 2 … without gaps, several times each, are numbers of classes; nothing measured is so.
    counted = sorted(known) in (
        [float(i) for i in range(len(known))],
        [float(i) for i in range(1, len(known) + 1)],
    )
    return "classification" if counted and 2 * len(known) <= len(values) else "regression"


def _label_names(records: list[Record]) -> tuple[str, ...]:
    width = _vector_length(records)
    if width:
        return tuple(f"label {number}" for number in range(1, width + 1))
    names = {_class_name(one) for record in records for one in _split(record.label or "")}
    if not names:
        raise InputError(f"{records[0].where}: no row has a label: add labels such as 'a;b'.")
    _refuse_duplicates(names, records[0].where.rpartition(",")[0])
    return _sorted(names)


def _class_names(records: list[Record], path: str | Path, most: int) -> tuple[str, ...]:
    counts = Counter(_class_name(record.label) for record in records if record.label)
    numbers = sum(_number(name) is not None for name in counts)
    for record in records:
        # Among numbers, "NA" is a gap; among words, "none" may be a class.
        missing = not record.label or (
            record.label.lower() in _MISSING and numbers >= len(counts) - 1 > 0
        )
        if missing:
            raise InputError(
                f"{record.where} ({record.name!r}) has no label"
                + (f" ({record.label!r})" if record.label else "")
                + ": add it, or remove the row."
            )
    if len(counts) < 2:
        (only,) = counts
        raise InputError(
            f"{path}: all {len(records):,} rows have the label {only!r}; expected at least two "
            "classes: add examples of another."
        )
    _refuse_duplicates(counts, path)
    if len(counts) > most and 2 * len(counts) > len(records):
        raise InputError(
            f"{path}: {len(counts):,} different labels in {len(records):,} rows; expected classes "
            "that repeat: give numbers (regression), or fewer classes."
        )
    return _sorted(set(counts))
