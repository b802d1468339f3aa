"""Labelled sequences from CSV: columns ``sequence`` and ``label``."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError

__all__ = ["LabelledSequences", "read_labelled", "scores"]


@dataclass(frozen=True, slots=True, eq=False)
class LabelledSequences:
    """Sequences with their classes.

    Parameters
    ----------
    bases : tuple of str
        Upper-case sequences.
    labels : (n,) int64
        Index into `classes`.
    classes : tuple of str
        Class names: integers in their order, words alphabetically.
    """

    bases: tuple[str, ...]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.bases)


def read_labelled(path: str | Path, classes: tuple[str, ...] | None = None) -> LabelledSequences:
    """Read a CSV with a header and the columns ``sequence`` and ``label``; others are ignored.

    Parameters
    ----------
    path : path
        The file, as GUE and the splice data have it.
    classes : tuple of str, optional
        Known class names (of the training file); by default those found in the file.

    Raises
    ------
    InputError
        For an unreadable or empty file, a missing column, an empty sequence or label, or a label
        that `classes` does not hold. The message names the line.
    """
    path = Path(path)
    bases: list[str] = []
    names: list[str] = []
    try:
        with path.open(newline="", encoding="utf-8") as handle:
            rows = csv.DictReader(handle)
            if missing := {"sequence", "label"} - set(rows.fieldnames or ()):
                raise InputError(
                    f"{path}, line 1: no column {', '.join(map(repr, sorted(missing)))}; expected "
                    "a header with sequence and label: add it."
                )
            for row in rows:
                sequence, label = (row["sequence"] or "").strip(), (row["label"] or "").strip()
                if not sequence or not label:
                    raise InputError(
                        f"{path}, line {rows.line_num}: sequence or label is empty; fill or "
                        "remove the row."
                    )
                if classes is not None and label not in classes:
                    raise InputError(
                        f"{path}, line {rows.line_num}: label {label!r} is not among the training "
                        f"labels ({', '.join(classes)}); correct it or add examples."
                    )
                bases.append(sequence.upper().replace("U", "T"))
                names.append(label)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read as CSV ({error}).") from error
    if not bases:
        raise InputError(f"{path}: no rows below the header; expected labelled sequences.")
    if classes is None:
        numbers = all(name.lstrip("-").isdigit() for name in names)
        classes = tuple(sorted(Counter(names), key=int if numbers else None))
        if len(classes) < 2:
            raise InputError(f"{path}: only one label, {classes[0]!r}; expected at least two.")
    index = {name: i for i, name in enumerate(classes)}
    labels = np.array([index[name] for name in names], dtype=np.int64)
    return LabelledSequences(tuple(bases), labels, classes)


def scores(
    labels: NDArray[np.int64], predicted: NDArray[np.int64], classes: tuple[str, ...]
) -> dict[str, float]:
    """Matthews correlation (multi-class), accuracy, macro F1 and F1 of each class (scikit-learn).

    Parameters
    ----------
    labels, predicted : (n,) int64
        Class indices.
    classes : tuple of str
        Names, for the keys of the result.
    """
    from sklearn.metrics import accuracy_score, f1_score, matthews_corrcoef

    every = list(range(len(classes)))
    each = f1_score(labels, predicted, labels=every, average=None, zero_division=0.0)
    return {
        "mcc": float(matthews_corrcoef(labels, predicted)),
        "accuracy": float(accuracy_score(labels, predicted)),
        "f1_macro": float(np.mean(each)),
    } | {f"f1_{name}": float(value) for name, value in zip(classes, each, strict=True)}
