"""Read the log of a run that may be writing to it at this moment."""

from __future__ import annotations

import csv
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["RunState", "find_runs", "read_rows", "read_run", "signature_of"]

_QUIET = 120.0  # seconds without a new row, at least, before a run counts as silent


@dataclass(frozen=True, slots=True, eq=False)
class RunState:
    """What a pre-training folder says of its run.

    Parameters
    ----------
    folder : pathlib.Path
    log, evaluation : list of dict
        Rows so far, numbers as numbers.
    step, steps : int
        Taken, and planned (0 where nothing says).
    state : {"waiting", "running", "silent", "finished"}
        "silent": the last row is older than a run takes between two.
    tokens_per_second : float
        Median of the last ten rows; 0 before the first.
    left : float or None
        Seconds to go at the present pace.
    notes : tuple of str
        What the run decided, in sentences.
    about : dict
        ``run.json``, as far as it is there.
    references : dict of str to float
        Losses to compare with, in nats, from ``references.json``.
    signature : tuple
        Differs when a file has changed.
    """

    folder: Path
    log: list[dict[str, Any]]
    evaluation: list[dict[str, Any]]
    step: int
    steps: int
    state: str
    tokens_per_second: float
    left: float | None
    notes: tuple[str, ...]
    about: dict[str, Any]
    references: dict[str, float]
    signature: tuple[Any, ...]


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Read a CSV as far as its lines have ended; numbers become floats.

    A line that is being written is left for the next time; a file that is not there has no rows.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    whole = text[: text.rfind("\n") + 1]
    return [
        {key: _value(cell) for key, cell in row.items() if key is not None}
        for row in csv.DictReader(whole.splitlines())
    ]


def _value(cell: str | None) -> Any:
    if cell is None or cell == "":
        return None
    try:
        return float(cell)
    except ValueError:
        return cell


def signature_of(folder: Path) -> tuple[Any, ...]:
    """Note times and sizes of the files that are read; cheap enough to ask every second."""
    found: list[Any] = []
    for name in ("log.csv", "evaluation.csv", "run.json"):
        path = folder / name
        try:
            status = path.stat()
        except FileNotFoundError:
            found.append(None)
        else:
            found.append((status.st_mtime_ns, status.st_size))
    return (*found, (folder / "model").is_dir())


def read_run(folder: Path, now: float | None = None) -> RunState:
    """Read a pre-training folder.

    Parameters
    ----------
    folder : pathlib.Path
        With ``log.csv``, ``evaluation.csv``, ``run.json``; whatever is missing is empty.
    now : float, optional
        Seconds since the epoch, for tests.
    """
    now = time.time() if now is None else now
    signature = signature_of(folder)
    log = read_rows(folder / "log.csv")
    evaluation = read_rows(folder / "evaluation.csv")
    about = _json(folder / "run.json")
    steps = int(about.get("config", {}).get("total_steps", 0))
    step = int(log[-1]["step"]) if log else 0
    recent = [float(row["tokens_per_second"]) for row in log[-10:] if row.get("tokens_per_second")]
    pace = sorted(recent)[len(recent) // 2] if recent else 0.0
    return RunState(
        folder,
        log,
        evaluation,
        step,
        steps,
        _state(folder, log, step, steps, now),
        pace,
        _left(log, step, steps),
        tuple(str(note) for note in about.get("notes", ())),
        about,
        {str(name): float(value) for name, value in _json(folder / "references.json").items()},
        signature,
    )


def _json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def _state(folder: Path, log: list[dict[str, Any]], step: int, steps: int, now: float) -> str:
    if steps and step >= steps and (folder / "model").is_dir():
        return "finished"
    if not log:
        return "waiting"
    age = now - (folder / "log.csv").stat().st_mtime
    return "running" if age < max(_QUIET, 5 * _between(log)) else "silent"


def _between(log: list[dict[str, Any]]) -> float:
    """Seconds between the last two rows."""
    times = [float(row["seconds"]) for row in log[-2:] if row.get("seconds") is not None]
    return max(0.0, times[-1] - times[0]) if len(times) == 2 else 0.0


def _left(log: list[dict[str, Any]], step: int, steps: int) -> float | None:
    rows = [row for row in log[-20:] if row.get("seconds") is not None]
    if len(rows) < 2 or not steps:
        return None
    taken = float(rows[-1]["step"]) - float(rows[0]["step"])
    seconds = float(rows[-1]["seconds"]) - float(rows[0]["seconds"])
    return max(0.0, (steps - step) * seconds / taken) if taken > 0 else None


def find_runs(folder: Path) -> list[Path]:
    """Find pre-training runs in `folder` and one level below, the newest first."""
    here = [folder, *(one for one in folder.glob("*") if one.is_dir())] if folder.is_dir() else []
    runs = [
        one for one in here if (one / "run.json").is_file() or (one / "evaluation.csv").is_file()
    ]
    return sorted(runs, key=lambda one: one.stat().st_mtime, reverse=True)
