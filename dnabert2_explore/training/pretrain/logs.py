"""CSV and TensorBoard logs that a killed and resumed run keeps without doubles."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...errors import InputError
from ...files import naming, replacing

__all__ = ["EVALUATION_COLUMNS", "LOG_COLUMNS", "Logs"]

LOG_COLUMNS = ("step", "tokens", "loss", "learning_rate", "gradient_norm", "tokens_per_second",
               "seconds", "precision", "accuracy")  # fmt: skip
EVALUATION_COLUMNS = ("step", "species", "loss", "accuracy")


class Logs:
    """``log.csv``, ``evaluation.csv`` and, if wanted, ``tensorboard/`` of a run.

    Parameters
    ----------
    out : path
        Run folder; made if needed.
    step : int
        Steps taken: later rows, left by a run that was killed, are dropped.
    tensorboard : bool

    Raises
    ------
    InputError
        If TensorBoard is wanted and not installed.
    """

    def __init__(self, out: Path, step: int, tensorboard: bool = False) -> None:
        out.mkdir(parents=True, exist_ok=True)
        self._log, self._evaluation = out / "log.csv", out / "evaluation.csv"
        _begin(self._log, LOG_COLUMNS, step)
        _begin(self._evaluation, EVALUATION_COLUMNS, step)
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
        _append(self._log, LOG_COLUMNS, values)
        if self._writer is not None:
            for name in ("loss", "accuracy", "learning_rate", "gradient_norm", "tokens_per_second"):
                self._writer.add_scalar(f"train/{name}", float(values[name]), values["step"])
            self._writer.flush()

    def scores(self, step: int, scores: Mapping[str, tuple[float, float]]) -> None:
        """Append loss (nats a masked token) and accuracy of each species."""
        for species, (nats, accuracy) in scores.items():
            values = {"step": step, "species": species, "loss": f"{nats:.5f}",
                      "accuracy": f"{accuracy:.5f}"}  # fmt: skip
            _append(self._evaluation, EVALUATION_COLUMNS, values)
            if self._writer is not None:
                self._writer.add_scalar(f"heldout_loss/{species}", nats, step)
                self._writer.add_scalar(f"heldout_accuracy/{species}", accuracy, step)

    def close(self) -> None:
        """Finish the TensorBoard file."""
        if self._writer is not None:
            self._writer.close()


def _begin(path: Path, columns: tuple[str, ...], step: int) -> None:
    """Create a log, or drop its rows after `step` so that a continued run has no doubles."""
    kept = [row for row in _rows(path, columns) if int(row["step"]) <= step] if step else []
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as new:
        writer = csv.DictWriter(new, columns)
        writer.writeheader()
        writer.writerows(kept)


def _rows(path: Path, columns: tuple[str, ...]) -> list[dict[str, str]]:
    """Read a log that is to be continued.

    Raises
    ------
    InputError
        If a line of it is none of a log's.
    """
    if not path.is_file():
        return []
    line = 1
    try:
        # A kill may cut the last line short: only lines that end are read.
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        reader = csv.DictReader([line for line in lines if line.endswith("\n")], strict=True)
        strange = [str(name)[:40] for name in reader.fieldnames or () if name not in columns]
        if strange:
            raise ValueError(f"a column {strange[0]!r}")
        rows = []
        for row in reader:
            line = reader.line_num
            if None in row or None in row.values() or not _counts(row["step"]):
                raise ValueError("expected a step and a cell for each column")
            rows.append(row)
        return rows
    except (ValueError, KeyError, csv.Error) as error:  # no UTF-8 is a ValueError
        raise InputError(
            f"{path}, line {line}: this is no log of a run ({error}); mend the line, or move the "
            "file away, and resume."
        ) from error


def _counts(cell: str) -> bool:
    return cell.isascii() and cell.isdecimal() and len(cell) < 19


def _append(path: Path, columns: tuple[str, ...], values: Mapping[str, Any]) -> None:
    line = io.StringIO()
    csv.DictWriter(line, columns).writerow(values)
    with naming(path), path.open("a", newline="", encoding="utf-8") as log:
        log.write(line.getvalue())  # at once, so that no reader sees half a row
