"""Predictions of a fine-tuned model for a whole file, in constant memory."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..files import replacing
from .tables import Labelled

__all__ = ["write_predictions"]


def predicted_texts(task: str, classes: tuple[str, ...], outputs: NDArray[Any]) -> list[str]:
    """Say what a model predicts for each sequence, as a label would be written."""
    if task == "regression":
        return [_digits(value) for value in outputs]
    if task == "classification":
        return [classes[index] for index in outputs.argmax(axis=1)]
    return [
        ";".join(c for c, given in zip(classes, row, strict=True) if given)
        for row in outputs >= 0.5
    ]


def _digits(value: Any) -> str:
    return f"{float(value):.9g}"  # as many as tell every float32 from its neighbours


def write_predictions(path: Path, data: Labelled, outputs: NDArray[Any]) -> None:
    """Write a CSV: row (from 1), name, label, predicted, and of classes ``p_<class>``.

    Parameters
    ----------
    path : pathlib.Path
    data : Labelled
    outputs : numpy.ndarray
        Probabilities (n, classes), or values (n,).
    """
    said = predicted_texts(data.task, data.classes, outputs)
    with (
        replacing(path) as temporary,
        temporary.open("w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.writer(file)
        writer.writerow(["row", "name", "label", "predicted", *(f"p_{c}" for c in data.classes)])
        for row in range(len(data)):
            chances = map(_digits, np.atleast_1d(outputs[row])) if data.classes else ()
            writer.writerow([row + 1, data.names[row], data.label_text(row), said[row], *chances])
