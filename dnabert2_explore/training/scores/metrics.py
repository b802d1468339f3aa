"""How good predictions are, with 95% bootstrap intervals over sequences."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...common.stats import Ranking, Ranks, f1, interval, matthews, pearson
from ...errors import InputError
from ...results.plain import JsonFields
from ...results.rich_display import RichDisplay, counted

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["TASKS", "Estimate", "Scores", "lower_is_better", "metric_names", "score"]

#: What a model can be trained to tell of a sequence.
TASKS = ("classification", "multi_label", "regression")

_TINY = float(np.finfo(np.float32).tiny)

Weights = NDArray[np.float64]
Measure = Callable[[Weights], dict[str, float]]


@dataclass(frozen=True, slots=True)
class Estimate(JsonFields):
    """A value with its 95% interval: percentiles of the same value over bootstrap samples.

    The value is NaN where it is undefined, the interval without bootstrap.
    """

    value: float
    low: float = math.nan
    high: float = math.nan

    @classmethod
    def of(cls, value: float, samples: NDArray[np.float64]) -> Estimate:
        """Put the interval of its values on bootstrap samples to a value."""
        if math.isnan(value) or np.isnan(samples).all():
            return cls(value)
        return cls(value, *map(float, interval(samples)))

    def told(self, sign: str = "", undefined: str = "undefined") -> str:
        """Say the value and its interval, with a `sign` of "+" as a difference."""
        if math.isnan(self.value):
            return undefined
        value, low, high = (f"{one:{sign}.3f}" for one in (self.value, self.low, self.high))
        return value if math.isnan(self.low) else f"{value} ({low} to {high})"

    def __str__(self) -> str:
        return self.told()


@dataclass(frozen=True, slots=True, repr=False)
class Scores(JsonFields, RichDisplay):
    """What `score` found; `str` is a sentence.

    Attributes
    ----------
    task : {"classification", "multi_label", "regression"}
    count : int
        Sequences scored.
    values : dict of str to Estimate
        See `score` for the names and their definitions.
    loss : float
        Mean cross entropy in nats (of all labels, for multi-label), or mean squared error in the
        labels' units squared.
    notes : tuple of str
        What is undefined, and why.
    """

    task: str
    count: int
    values: dict[str, Estimate]
    loss: float
    notes: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> float:
        """Value of a metric by its name, or of ``"loss"``."""
        return self.loss if name == "loss" else self.values[name].value

    def __str__(self) -> str:
        names = {"mcc": "MCC", "r2": "R²", "auroc": "AUROC", "auprc": "AUPRC", "rmse": "RMSE"}
        shown = [
            f"{names.get(name, name.replace('_', ' '))} {one}"
            for name, one in self.values.items()
            if not name.startswith("f1_") or name == "f1_macro"
        ]
        return f"{', '.join(shown)}, loss {self.loss:.4f}, {counted(self.count, 'sequence')}"

    def table(self) -> pd.DataFrame:
        """Return the metrics as a table, one row each.

        Returns
        -------
        pandas.DataFrame
            ``metric``, ``value``, and ``low`` and ``high`` of the 95% interval.
        """
        import pandas as pd

        rows = [(name, one.value, one.low, one.high) for name, one in self.values.items()]
        return pd.DataFrame(rows, columns=["metric", "value", "low", "high"])


def lower_is_better(metric: str) -> bool:
    """Whether small values of a metric (or ``"loss"``) are the good ones."""
    return metric in ("loss", "rmse")


def metric_names(task: str, classes: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Names of the metrics that `score` computes for a task."""
    if task == "regression":
        return ("r2", "spearman", "pearson", "rmse")
    common = ("mcc", "accuracy", "f1_macro", "auroc", "auprc")
    return common + tuple(f"f1_{name}" for name in classes)


def score(
    task: str,
    labels: NDArray[Any],
    outputs: NDArray[Any],
    classes: tuple[str, ...] = (),
    bootstrap: int = 1000,
    seed: int = 0,
) -> Scores:
    """Compare predictions with labels.

    Classification: ``mcc`` (Matthews correlation, of all classes together: Gorodkin 2004; 0 where
    every prediction is the same class), ``accuracy``, ``f1_macro``, ``auroc`` and ``auprc``
    (average precision) of the second of two classes, or the means of each class against the rest,
    and ``f1_<class>``. Multi-label, a label predicted from a probability of one half: ``mcc``,
    ``f1_macro``, ``auroc`` and ``auprc`` as means over the labels, ``accuracy`` of all labels of a
    sequence at once, ``f1_<label>``. Regression: ``r2`` (coefficient of determination),
    ``spearman``, ``pearson``, ``rmse``.

    Classes without sequences are left out of means. What no data defines (the MCC, AUROC and AUPRC
    of sequences of one class, correlations with a constant) is NaN, and said in `Scores.notes`.

    Parameters
    ----------
    task : {"classification", "multi_label", "regression"}
    labels : numpy.ndarray
        Class indices (n,), 0/1 (n, classes), or values (n,).
    outputs : numpy.ndarray
        Probabilities (n, classes), or values (n,).
    classes : tuple of str
        Names in the order of the columns.
    bootstrap : int
        Samples of n sequences with replacement; 0 for no intervals.
    seed : int
        Of the samples: the same for every model, so that scores on one set are comparable.

    Raises
    ------
    InputError
        If shapes do not fit, or an output is not finite.
    """
    labels, outputs = np.asarray(labels), np.asarray(outputs, dtype=np.float64)
    _check(task, labels, outputs, classes)
    measure: Measure
    if task == "classification":
        measure, loss = _classification(labels, outputs, classes)
    elif task == "multi_label":
        measure, loss = _multi_label(labels, outputs, classes)
    else:
        measure, loss = _regression(labels.astype(np.float64), outputs)
    count = len(labels)
    values = measure(np.ones(count))
    rng = np.random.default_rng(seed)
    samples: dict[str, list[float]] = {name: [] for name in values}
    for _ in range(bootstrap):
        drawn = np.bincount(rng.integers(count, size=count), minlength=count)
        for name, value in measure(drawn.astype(np.float64)).items():
            samples[name].append(value)
    return Scores(
        task=task,
        count=count,
        values={
            name: Estimate.of(value, np.array(samples[name])) for name, value in values.items()
        },
        loss=loss,
        notes=_undefined(task, values, labels),
    )


def _check(
    task: str, labels: NDArray[Any], outputs: NDArray[np.float64], classes: tuple[str, ...]
) -> None:
    if task not in TASKS:
        raise InputError(f"task is {task!r}; expected one of {', '.join(TASKS)}.")
    count = len(labels)
    if not count:
        raise InputError("There is nothing to score: give at least one sequence.")
    wide = (count, len(classes))
    shapes = {
        "classification": ((count,), wide),
        "multi_label": (wide, wide),
        "regression": ((count,), (count,)),
    }[task]
    if (labels.shape, outputs.shape) != shapes:
        raise InputError(
            f"Labels {labels.shape} and outputs {outputs.shape} do not fit {task}; expected "
            f"{shapes[0]} and {shapes[1]}."
        )
    if not np.isfinite(outputs).all():
        row = int(np.argwhere(~np.isfinite(outputs))[0][0])
        raise InputError(
            f"The output for sequence {row + 1} is not finite: the model's weights are damaged, or "
            "its training diverged; lower the learning rate."
        )


def _undefined(task: str, values: dict[str, float], labels: NDArray[Any]) -> tuple[str, ...]:
    names = [name for name, value in values.items() if math.isnan(value)]
    if not names:
        return ()
    why = {
        "classification": "a class has no sequences here, or all sequences",
        "multi_label": "a label is the same for all sequences here",
        "regression": "labels or predictions are all the same",
    }[task]
    return (f"{', '.join(names)} undefined on these {len(labels):,} sequences: {why}",)


def _mean(values: list[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan


def _classification(
    labels: NDArray[Any], outputs: NDArray[np.float64], classes: tuple[str, ...]
) -> tuple[Measure, float]:
    k = len(classes)
    cells = labels * k + outputs.argmax(axis=1)
    positives = (1,) if k == 2 else range(k)
    rankings = [Ranking(outputs[:, c], labels == c) for c in positives]

    def measure(weights: Weights) -> dict[str, float]:
        confusion = _table(cells, weights, k)
        each = f1(confusion).tolist()
        areas = [ranking.areas(weights) for ranking in rankings]
        return {
            "mcc": float(matthews(confusion)),
            "accuracy": float(np.trace(confusion) / confusion.sum()),
            "f1_macro": _mean(each),
            "auroc": _mean([float(area) for area, _ in areas]),
            "auprc": _mean([float(area) for _, area in areas]),
        } | {f"f1_{name}": value for name, value in zip(classes, each, strict=True)}

    # A float32 probability that is 0 was too small to write down, not impossible.
    right = outputs[np.arange(len(labels)), labels]
    return measure, float(-np.log(np.maximum(right, _TINY)).mean())


def _multi_label(
    labels: NDArray[Any], outputs: NDArray[np.float64], classes: tuple[str, ...]
) -> tuple[Measure, float]:
    truth, predicted = labels.astype(bool), outputs >= 0.5
    cells = truth * 2 + predicted
    right = (truth == predicted).all(axis=1)
    rankings = [Ranking(outputs[:, c], truth[:, c]) for c in range(len(classes))]

    def measure(weights: Weights) -> dict[str, float]:
        tables = [_table(column, weights, 2) for column in cells.T]
        each = [float(f1(table)[1]) for table in tables]
        areas = [ranking.areas(weights) for ranking in rankings]
        return {
            "mcc": _mean([float(matthews(table)) for table in tables]),
            "accuracy": float(weights @ right / weights.sum()),
            "f1_macro": _mean(each),
            "auroc": _mean([float(area) for area, _ in areas]),
            "auprc": _mean([float(area) for _, area in areas]),
        } | {f"f1_{name}": value for name, value in zip(classes, each, strict=True)}

    given = np.where(truth, outputs, 1 - outputs)
    return measure, float(-np.log(np.maximum(given, _TINY)).mean())


def _regression(labels: NDArray[np.float64], outputs: NDArray[np.float64]) -> tuple[Measure, float]:
    squares = (labels - outputs) ** 2
    ranks = Ranks(labels), Ranks(outputs)

    def measure(weights: Weights) -> dict[str, float]:
        total = weights.sum()
        error = weights @ squares
        spread = weights @ (labels - weights @ labels / total) ** 2
        return {
            "r2": float(1 - error / spread) if spread > 0 else math.nan,
            "spearman": pearson(ranks[0].of(weights), ranks[1].of(weights), weights),
            "pearson": pearson(labels, outputs, weights),
            "rmse": float(np.sqrt(error / total)),
        }

    return measure, float(squares.mean())


def _table(cells: NDArray[np.int64], weights: Weights, classes: int) -> NDArray[np.float64]:
    counts = np.bincount(cells, weights, classes**2).astype(np.float64)
    return counts.reshape(classes, classes)
