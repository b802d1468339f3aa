"""What a fine-tuning run found, and its file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import InputError
from ...files import replacing
from ..leakage import LeakageReport
from ..metrics import Scores

__all__ = ["RESULT", "FinetuneResult"]

#: Name of the file in a run folder.
RESULT = "result.json"


@dataclass(frozen=True, slots=True)
class FinetuneResult:
    """What a fine-tuning run found; `str` says it in a few lines.

    Attributes
    ----------
    task : {"classification", "multi_label", "regression"}
    classes : tuple of str
        Names in the order of the outputs; empty for a regression.
    best_step, steps : int
        Step whose weights were kept; steps taken.
    seconds : float
        Wall time of it all.
    stopped : bool
        Whether training ended before its last step: cancelled, out of time or patience, or
        diverged; `notes` says which.
    dev, test : Scores
        Of the kept weights, computed from the saved model; `test` is None without a test file.
    leakage : LeakageReport
        Duplicates between the files.
    sequences : dict of str to int
        Rows in train, dev and test.
    notes : tuple of str
        What was decided or approximated, in words.
    model : pathlib.Path
        Folder with the kept weights, as `dnabert2_explore.load` reads it.
    """

    task: str
    classes: tuple[str, ...]
    best_step: int
    steps: int
    seconds: float
    stopped: bool
    dev: Scores
    test: Scores | None
    leakage: LeakageReport
    sequences: dict[str, int]
    notes: tuple[str, ...]
    model: Path

    def __str__(self) -> str:
        lines = [
            f"{self.task} on {self.sequences['train']:,} sequences, weights of step "
            f"{self.best_step:,} of {self.steps:,} kept in {self.model}",
            f"dev: {self.dev}",
        ]
        lines += [] if self.test is None else [f"test: {self.test}"]
        return "\n".join([*lines, str(self.leakage), *(f"note: {note}" for note in self.notes)])

    def save(self, folder: Path, **more: Any) -> None:
        """Write ``result.json`` into the run folder, with more entries if given."""
        content = {
            "task": self.task,
            "classes": list(self.classes),
            "best_step": self.best_step,
            "steps": self.steps,
            "seconds": self.seconds,
            "stopped": self.stopped,
            "dev": self.dev.to_json(),
            "test": None if self.test is None else self.test.to_json(),
            "leakage": self.leakage.to_json(),
            "sequences": self.sequences,
            "notes": list(self.notes),
        }
        with replacing(folder / RESULT) as temporary:
            text = json.dumps(content | more, indent=1, ensure_ascii=False, allow_nan=False)
            temporary.write_text(text + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: str | Path) -> FinetuneResult:
        """Read the result of a run folder.

        Raises
        ------
        InputError
            If the folder has no readable ``result.json``.
        """
        folder = Path(folder)
        try:
            content = json.loads((folder / RESULT).read_text(encoding="utf-8"))
            return cls(
                task=content["task"],
                classes=tuple(content["classes"]),
                best_step=content["best_step"],
                steps=content["steps"],
                seconds=content["seconds"],
                stopped=content["stopped"],
                dev=Scores.from_json(content["dev"]),
                test=None if content["test"] is None else Scores.from_json(content["test"]),
                leakage=LeakageReport.from_json(content["leakage"]),
                sequences=content["sequences"],
                notes=tuple(content["notes"]),
                model=folder / "model",
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{folder / RESULT} is no result of a fine-tuning run "
                f"({type(error).__name__}: {error}): give the folder of a run that has finished."
            ) from error
