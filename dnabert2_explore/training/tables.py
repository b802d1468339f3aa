"""Labelled sequences from CSV: columns ``sequence`` and ``label``."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..sequences import clean, read_sequences

__all__ = ["LabelledSequences", "read_labelled", "scores"]


@dataclass(frozen=True, slots=True, eq=False)
class LabelledSequences:
    """Sequences with their classes.

    Parameters
    ----------
    bases : tuple of str
        Clean sequences: upper-case A, C, G and T, and N for everything else.
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
        For whatever `dnabert2_explore.read_sequences` refuses, a row without a label, or a label
        that `classes` does not hold. The message names the row.
    """
    bases: list[str] = []
    names: list[str] = []
    for row, sequence in enumerate(read_sequences(Path(path)), start=1):
        if sequence.label is None:
            raise InputError(
                f"{path}, row {row} ({sequence.name!r}) has no label; expected columns sequence "
                "and label: add the label, or remove the row."
            )
        if classes is not None and sequence.label not in classes:
            raise InputError(
                f"{path}, row {row} ({sequence.name!r}): label {sequence.label!r} is not among the "
                f"training labels ({', '.join(classes)}); correct it or add examples."
            )
        # The same cleaning that stands before the tokenizer at inference.
        bases.append(clean(sequence.bases).bases)
        names.append(sequence.label)
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
