"""What the network is trained towards, and its loss."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from ....errors import InputError
from ...labelled.tables import Labelled

__all__ = ["Targets"]


class Targets:
    """Labels of the training rows as the loss takes them.

    A regression is trained on standardised values (mean 0, variance 1 over the training rows), so
    that no learning rate depends on the labels' unit; `fold` then writes scale and mean into the
    head, so that the saved model answers in that unit. `balanced` weighs classes by 1 / their
    frequency; without classes, or with a class without rows, it is an `InputError`.
    """

    def __init__(self, data: Labelled, balanced: bool = False) -> None:
        self.task = data.task
        self.center, self.scale = 0.0, 1.0
        self.weights: torch.Tensor | None = None
        labels: NDArray[Any] = data.labels
        if self.task == "regression":
            if balanced:
                raise InputError(
                    "class_weights is 'balanced', but a regression has no classes: set 'none'."
                )
            self.center, self.scale = float(labels.mean()), float(labels.std())
            labels = (labels - self.center) / self.scale
        self.labels = torch.from_numpy(
            labels if self.task == "classification" else labels.astype(np.float32)
        )
        if balanced:
            self.weights = torch.tensor(self._balanced(data), dtype=torch.float32)

    def _balanced(self, data: Labelled) -> NDArray[np.float64]:
        """Weight of each class, of mean 1 over the rows; of a label, that of the rows having it."""
        counts = data.class_counts
        if not counts.all():
            absent = data.classes[int(np.flatnonzero(counts == 0)[0])]
            raise InputError(
                f"class_weights is 'balanced', but no training row has the label {absent!r}: set "
                "'none', or add rows."
            )
        if self.task == "multi_label":
            return np.asarray((len(data) - counts) / counts, dtype=np.float64)
        return np.asarray(len(data) / (len(counts) * counts), dtype=np.float64)

    @property
    def unit(self) -> float:
        """What turns the training loss into one of the labels' unit."""
        return self.scale**2

    def of(self, rows: NDArray[np.int64]) -> torch.Tensor:
        """Targets of some rows."""
        return self.labels[torch.from_numpy(rows)]

    def loss(self, logits: torch.Tensor, labels: torch.Tensor, rows: int) -> torch.Tensor:
        """Sum over the rows given, divided by the `rows` of the whole step.

        Parts of a step, on several devices too, then add up to the mean over it. Logits are (k,
        outputs), labels from `of`.
        """
        logits = logits.float()
        weights = None if self.weights is None else self.weights.to(logits.device)
        if self.task == "classification":
            each = functional.cross_entropy(logits, labels, reduction="none")
            # Not cross_entropy's own weights, which divide by those of the rows at hand.
            return (each if weights is None else each * weights[labels]).sum() / rows
        if self.task == "multi_label":
            total = functional.binary_cross_entropy_with_logits(
                logits, labels, pos_weight=weights, reduction="sum"
            )
            return total / (rows * logits.shape[1])
        return functional.mse_loss(logits[:, 0], labels, reduction="sum") / rows

    def in_units(self, outputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Turn standardised predictions into the labels' unit; probabilities stay."""
        if self.task != "regression":
            return outputs
        return (outputs.astype(np.float64) * self.scale + self.center).astype(np.float32)

    def fold(self, weight: torch.Tensor, bias: torch.Tensor) -> None:
        """Write scale and mean into a head, in place: weight (outputs, hidden), bias (outputs,)."""
        if self.task == "regression":
            weight.copy_(weight.double() * self.scale)
            bias.copy_(bias.double() * self.scale + self.center)
