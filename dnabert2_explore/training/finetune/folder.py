"""The folder of a run: what is written into it, whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ...common.files import putting, restore
from ...errors import CheckpointError, InputError
from ...network import Dnabert2ForSequenceClassification
from ...network.checkpoints.card import Card
from ...network.checkpoints.saving import save_model
from ..configuration import write_yaml
from ..loop.logs import append_row, begin_log
from .config import FinetuneConfig
from .result import RESULT

__all__ = ["RunFolder"]

_SMALL_FILES = 500_000  # bytes of tokenizer, configuration and card


class RunFolder:
    """Where a run writes; `columns` are those of ``log.csv``.

    `model` is the folder of the best weights so far, and `step` whose weights of this run are whole
    in it; None before the first.
    """

    def __init__(self, out: Path, columns: tuple[str, ...]) -> None:
        self.out = out
        self.columns = columns
        self.model = out / "model"
        self.step: int | None = None

    def prepare(self, config: FinetuneConfig, weights: int) -> None:
        """Make the folder; an earlier run's results must not pass for this one's.

        No room on the disk for a model of so many `weights` is an `InputError`.
        """
        self.out.mkdir(parents=True, exist_ok=True)
        restore(self.model)  # of a run before, until this one has weights of its own
        size = weights * 4 + _SMALL_FILES
        free = shutil.disk_usage(self.out).free
        if free < 2 * size:  # the best so far, and the next before it takes its place
            raise InputError(
                f"{self.out}: {free / 1e6:,.1f} MB are free, and the model needs "
                f"{2 * size / 1e6:,.1f} MB while it is replaced: make room, or name another out."
            )
        for name in (RESULT, "predictions.csv"):
            (self.out / name).unlink(missing_ok=True)
        write_yaml(config, self.out / "config.yaml")

    def begin_log(self, step: int) -> None:
        """Begin ``log.csv``, or go on with it after a step."""
        begin_log(self.out / "log.csv", self.columns, step)

    def log(self, point: dict[str, Any]) -> None:
        """Add a row to ``log.csv``."""
        row = {name: _formatted(point[name]) for name in self.columns}
        append_row(self.out / "log.csv", self.columns, row)

    def write_model(
        self,
        network: Dnabert2ForSequenceClassification,
        step: int,
        tokenizer: Path,
        card: Card,
        extras: Callable[[Path], None],
    ) -> None:
        """Put the weights of a step in the place of those before.

        ``tokenizer.json`` is copied, and ``extras(folder)`` writes what else belongs to the model.
        A full disk, or a folder that cannot be written, is a `CheckpointError`; what was there is
        still whole.
        """
        try:
            with putting(self.model) as fresh:
                save_model(network, fresh, tokenizer, card=card)
                extras(fresh)
        except OSError as error:
            before = (
                "no weights of this run are there"
                if self.step is None
                else f"those of step {self.step:,} are whole there"
            )
            raise CheckpointError(
                f"The weights of step {step:,} cannot be written to {self.model} ({error}), and "
                f"{before}: make room on the disk."
            ) from error
        self.step = step


def _formatted(value: Any) -> Any:
    if isinstance(value, bool):
        return int(value)
    return f"{value:.7g}" if isinstance(value, float) else value
