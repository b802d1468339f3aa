"""What every baseline is once it has been fitted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..scores.resampling import resampled

if TYPE_CHECKING:
    from ..labelled.tables import Labelled

__all__ = ["Fitted", "log_loss", "log_prior", "mcc_on", "normalised", "spread"]


#: Labelled -> (n, classes) float64, rows sum to 1.
Probabilities = Callable[["Labelled"], NDArray[np.float64]]


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """A fitted baseline.

    `name` is its key in :data:`~dnabert2_explore.training.baselines.BASELINES` and `title` what
    tables call it; `settings` is what was set or chosen on dev, ready for JSON, and `parameters`
    how many numbers were fitted.
    """

    name: str
    title: str
    settings: dict[str, Any]
    parameters: int
    probabilities: Probabilities


def spread(
    found: NDArray[np.float64], present: NDArray[np.int64], classes: int
) -> NDArray[np.float64]:
    """Put the columns of the classes seen in training at their places; others get 0."""
    out = np.zeros((len(found), classes))
    out[:, present] = found
    return out / out.sum(axis=1, keepdims=True)  # float32 sums to 1 in six digits only


def mcc_on(data: Labelled, outputs: NDArray[np.float64]) -> float:
    """Matthews correlation of the likeliest classes; NaN where the rows are of one class."""
    answers = [outputs.argmax(axis=1)]
    return resampled(data.labels, answers, len(data.classes), "mcc", samples=0)[0]


def log_loss(data: Labelled, outputs: NDArray[np.float64], least: float = 1e-15) -> float:
    """Mean cross entropy of probabilities (n, classes), nats; smaller ones than `least` are it."""
    right = outputs[np.arange(len(data)), data.labels]
    return -float(np.log(np.maximum(right, least)).mean())


def log_prior(training: Labelled) -> NDArray[np.float64]:
    """Log frequency of each class; minus infinity for a class without examples."""
    counts = training.class_counts
    with np.errstate(divide="ignore"):  # a class without examples is never answered
        return np.asarray(np.log(counts / counts.sum()), dtype=np.float64)


def normalised(logs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn log scores (n, classes) into probabilities."""
    values = np.exp(logs - logs.max(axis=1, keepdims=True))
    return np.asarray(values / values.sum(axis=1, keepdims=True), dtype=np.float64)
