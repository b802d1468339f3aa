"""What a run's model answers, on all processes together, and what that is worth."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...encoder import Encoder
from ...encoder.passes.readings import Readings
from ...errors import InputError
from ...sequences import clean
from ..labelled.tables import Labelled
from ..loop.processes import Processes
from ..scores.metrics import Scores, metric_names, score
from ..scores.rules import RuleComparison, compare_with_rules
from .config import FinetuneConfig
from .data import Splits, TokenRows

__all__ = ["beside_rules", "final_scores", "gathered", "share_of", "shown_metrics"]


def shown_metrics(select: str, train: Labelled) -> tuple[str, ...]:
    """Metrics of the log: all but the F1 of each class, unless one is selected.

    A `select` that is none of the task's is an `InputError`.
    """
    names = metric_names(train.task, train.classes)
    if select not in ("loss", *names):
        raise InputError(f"select is {select!r}; expected loss, {' or '.join(names)}.")
    general = metric_names(train.task)
    return general if select == "loss" or select in general else (*general, select)


def share_of(rows: TokenRows, processes: Processes) -> list[NDArray[np.int64]]:
    """Rows that this process predicts."""
    return [rows[i] for i in range(processes.rank, len(rows), processes.world)]


def gathered(
    predict: Callable[[list[NDArray[np.int64]]], NDArray[np.float32]],
    mine: list[NDArray[np.int64]],
    count: int,
    processes: Processes,
) -> NDArray[np.float32]:
    """Predict; each process its share of the rows, from `share_of`, and all get everything."""
    parts = processes.gather(predict(mine) if mine else None)
    out = np.empty((count, *parts[0].shape[1:]), dtype=np.float32)
    for rank, part in enumerate(parts):
        if part is not None:
            out[rank :: processes.world] = part
    return out


def final_scores(
    encoder: Encoder,
    data: Labelled,
    mine: list[NDArray[np.int64]],
    processes: Processes,
    bootstrap: int,
) -> tuple[Scores, NDArray[np.float32]]:
    """Score the model as it is saved, by all readings that its answers are the mean over."""
    texts = [
        [clean(text).bases for text in part[processes.rank :: processes.world]]
        for part in data.parts
    ]
    readings = Readings.of(encoder)

    def predict(ids: list[NDArray[np.int64]]) -> NDArray[Any]:
        return readings.predict(encoder, [ids], texts)

    outputs = gathered(predict, mine, len(data), processes)
    return score(data.task, data.labels, outputs, data.classes, bootstrap), outputs


def beside_rules(
    config: FinetuneConfig, splits: Splits, outputs: NDArray[np.float32] | None
) -> RuleComparison | None:
    """Set the answers on test beside the best method without a neural network."""
    if splits.test is None or outputs is None or not config.check_leakage:
        return None
    both = config.augment == "reverse_complement" or config.strands == "both"
    strands = "both" if both else "given"
    return compare_with_rules(
        splits.train, splits.dev, splits.test, outputs, strands, config.bootstrap
    )
