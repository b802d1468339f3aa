"""How anything is trained here: steps, the processes that share them, checkpoints and logs."""

from __future__ import annotations

from .checkpoints import latest_checkpoint
from .processes import Processes, find_processes, is_main
from .steps import Loop, TrainingStep
from .update import Outcome, Update

__all__ = [
    "Loop",
    "Outcome",
    "Processes",
    "TrainingStep",
    "Update",
    "find_processes",
    "is_main",
    "latest_checkpoint",
]
