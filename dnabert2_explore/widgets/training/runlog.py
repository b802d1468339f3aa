"""Read the log of a run that may be writing to it at this moment."""

from __future__ import annotations

import csv
import math
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import InputError
from ...results.sealed import read_json

__all__ = ["RunState", "find_runs", "new_folder", "read_rows", "read_run", "signature_of"]

_QUIET = 120.0  # seconds without a new row, at least, before a run counts as silent


@dataclass(frozen=True, slots=True, eq=False)
class RunState:
    """What a pre-training folder says of its run.

    `log` and `evaluation` have the rows so far, numbers as numbers; `step` and `steps` are taken
    and planned (0 where nothing says). `state` is "waiting", "running", "silent" (the last row is
    older than a run takes between two) or "finished". `tokens_per_second` is the median of the last
    ten rows, 0 before the first; `left` the seconds to go at the present pace. `notes` say what
    the run decided; `about` is ``run.json``, as far as it is there; `references` has losses to
    compare with, in nats, from ``references.json``; `signature` differs when a file has changed.
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


def read_rows(path: Path, numbers: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """Read a CSV as far as its lines have ended; numbers become floats.

    A line that is being written is left for the next time; a file that is not there has no rows.
    Columns named in `numbers` hold one in every row (the first of them) or in some; InputError
    names a line that is none of such a table.
    """
    try:
        text = path.read_text(encoding="utf-8")
        whole = text[: text.rfind("\n") + 1]
        reader = csv.DictReader(whole.splitlines())
        rows = []
        for cells in reader:
            row = {key: _value(cell) for key, cell in cells.items() if key is not None}
            if wrong := _wrong(row, numbers):
                raise InputError(
                    f"{path}, line {reader.line_num}: {wrong}; mend the line, or name another run."
                )
            rows.append(row)
        return rows
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} is no log of a run ({error}): name another run.") from error


def _wrong(row: dict[str, Any], numbers: tuple[str, ...]) -> str:
    """Say what in a row is no number that has to be one; empty where nothing is."""
    for place, name in enumerate(numbers):
        value = row.get(name)
        if value is None and place:
            continue
        if not isinstance(value, float) or not math.isfinite(value):
            return f"its {name!r} is {str(value)[:40]!r} instead of a number"
    return ""


def _value(cell: str | None) -> Any:
    with suppress(ValueError):
        return float(cell) if cell else None
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
    """Read a pre-training folder with ``log.csv``, ``evaluation.csv``, ``run.json``.

    Whatever is missing is empty; InputError names a file that is damaged. `now` are seconds since
    the epoch, for tests.
    """
    now = time.time() if now is None else now
    signature = signature_of(folder)
    log = read_rows(folder / "log.csv", ("step", "tokens_per_second", "seconds"))
    evaluation = read_rows(folder / "evaluation.csv", ("step",))
    about = _json(folder / "run.json")
    steps = _steps(folder / "run.json", about)
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
        _losses(folder / "references.json"),
        signature,
    )


def _json(path: Path) -> dict[str, Any]:
    return read_json(path) if path.is_file() else {}


def _steps(path: Path, about: dict[str, Any]) -> int:
    """Read how many steps are planned; 0 where nothing says."""
    config, notes = about.get("config", {}), about.get("notes", [])
    planned = config.get("total_steps", 0) if isinstance(config, dict) else None
    if not isinstance(planned, int) or not isinstance(notes, list):
        raise InputError(
            f"{path} describes no run: expected its config with a number of steps, and notes; "
            "restore it from a copy, or name another run."
        )
    return planned


def _losses(path: Path) -> dict[str, float]:
    found = _json(path)
    if not all(isinstance(value, int | float) for value in found.values()):
        raise InputError(f"{path} holds no losses to compare with: remove it.")
    return {name: float(value) for name, value in found.items()}


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


def new_folder(parent: Path, kind: str) -> Path:
    """Name a run folder that is not there yet, by the time of day."""
    stem = time.strftime(f"{kind}-%Y%m%d-%H%M%S")
    folder, number = parent / stem, 2
    while folder.exists():
        folder, number = parent / f"{stem}-{number}", number + 1
    return folder


def find_runs(folder: Path) -> list[Path]:
    """Find pre-training runs in `folder` and one level below, the newest first."""
    here = [folder, *(one for one in folder.glob("*") if one.is_dir())] if folder.is_dir() else []
    runs = [
        one for one in here if (one / "run.json").is_file() or (one / "evaluation.csv").is_file()
    ]
    return sorted(runs, key=lambda one: one.stat().st_mtime, reverse=True)
