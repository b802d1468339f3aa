"""CSV and TensorBoard logs that a killed and resumed run keeps without doubles."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...common.files import write_text
from ...errors import InputError
from ..loop.logs import append_row, begin_log

__all__ = ["EVALUATION_COLUMNS", "LOG_COLUMNS", "REFERENCES", "Logs", "write_references"]

LOG_COLUMNS = ("step", "tokens", "loss", "learning_rate", "gradient_norm", "tokens_per_second",
               "seconds", "precision", "accuracy")  # fmt: skip
EVALUATION_COLUMNS = ("step", "species", "loss", "accuracy")


#: Losses that curves are compared with.
REFERENCES = "references.json"


def write_references(out: Path, nats: float) -> None:
    """Write what a held-out token costs who knows only how frequent tokens are."""
    write_text(out / REFERENCES, json.dumps({"token frequencies alone": round(nats, 4)}) + "\n")


class Logs:
    """``log.csv``, ``evaluation.csv`` and, if wanted, ``tensorboard/`` of a run.

    The run folder is made if needed; rows after `step`, left by a run that was killed, are dropped.
    TensorBoard that is wanted and not installed is an `InputError`.
    """

    def __init__(self, out: Path, step: int, tensorboard: bool = False) -> None:
        out.mkdir(parents=True, exist_ok=True)
        self._log, self._evaluation = out / "log.csv", out / "evaluation.csv"
        begin_log(self._log, LOG_COLUMNS, step)
        begin_log(self._evaluation, EVALUATION_COLUMNS, step)
        self._writer: Any = None
        if tensorboard:
            try:
                from torch.utils.tensorboard import SummaryWriter
            except ImportError as error:
                raise InputError(
                    "tensorboard is not installed; run `pip install tensorboard`, or set "
                    "tensorboard: false (log.csv holds the same numbers)."
                ) from error
            self._writer = SummaryWriter(str(out / "tensorboard"), purge_step=step + 1)

    def row(self, **values: Any) -> None:
        """Append to ``log.csv``."""
        append_row(self._log, LOG_COLUMNS, values)
        if self._writer is not None:
            for name in ("loss", "accuracy", "learning_rate", "gradient_norm", "tokens_per_second"):
                self._writer.add_scalar(f"train/{name}", float(values[name]), values["step"])
            self._writer.flush()

    def scores(self, step: int, scores: Mapping[str, tuple[float, float]]) -> None:
        """Append loss (nats a masked token) and accuracy of each species."""
        for species, (nats, accuracy) in scores.items():
            values = {"step": step, "species": species, "loss": f"{nats:.5f}",
                      "accuracy": f"{accuracy:.5f}"}  # fmt: skip
            append_row(self._evaluation, EVALUATION_COLUMNS, values)
            if self._writer is not None:
                self._writer.add_scalar(f"heldout_loss/{species}", nats, step)
                self._writer.add_scalar(f"heldout_accuracy/{species}", accuracy, step)

    def close(self) -> None:
        """Finish the TensorBoard file."""
        if self._writer is not None:
            self._writer.close()
