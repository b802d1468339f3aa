"""The loop: one step after the other, until the last, a time limit, or someone who stops it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from ...common.progress import Progress
from ...errors import Cancelled
from .processes import Processes
from .update import Outcome

__all__ = ["Loop", "TrainingStep"]

Batch = TypeVar("Batch")


@dataclass(frozen=True, slots=True)
class TrainingStep:
    """A step that was taken.

    Parameters
    ----------
    step : int
        How many were taken with it.
    outcome : Outcome
    seconds : float
        Since the loop began.
    last, late, cancelled : bool
        Whether it was the last planned, or the last in time; whether the run was stopped. Of
        several processes all say the same.
    """

    step: int
    outcome: Outcome
    seconds: float
    last: bool
    late: bool
    cancelled: bool


class Loop:
    """Takes steps, and tells how far it is.

    Parameters
    ----------
    processes : Processes
    total : int
        Steps planned.
    minutes : float
        The step after which so many have passed since `begun` is the last; 0 for no limit.
    progress : callable, optional
        Called as progress(step, total) after every step; may raise `Cancelled`, in any process.
    begun : float, optional
        By `time.monotonic`; by default, now.

    Attributes
    ----------
    step : int
        Steps taken.
    cancelled : Cancelled or None
        What `progress` raised.
    """

    def __init__(
        self,
        processes: Processes,
        total: int,
        minutes: float = 0.0,
        progress: Progress | None = None,
        begun: float | None = None,
    ) -> None:
        self.processes, self.total, self.step = processes, total, 0
        self.cancelled: Cancelled | None = None
        self._minutes, self._progress = minutes, progress
        self._begun = time.monotonic() if begun is None else begun

    def take(
        self, first: int, batches: Iterable[Batch], update: Callable[[Batch, int], Outcome]
    ) -> Iterator[TrainingStep]:
        """Take steps `first` … and yield each; whoever asks for no more ends the run.

        After a step that is late or cancelled there is none.
        """
        self.step = first
        for batch in batches:
            outcome = update(batch, self.step)
            self.step += 1
            self.tick()
            seconds = time.monotonic() - self._begun
            late, cancelled = self.processes.any(
                bool(self._minutes) and seconds >= 60 * self._minutes, self.cancelled is not None
            )
            last = self.step == self.total
            yield TrainingStep(self.step, outcome, seconds, last, late, cancelled)
            if late or cancelled:
                return

    def tick(self) -> None:
        """Tell how far it is; a `Cancelled` is kept for the end of the step."""
        if self._progress is None or self.cancelled is not None:
            return
        try:
            self._progress(self.step, self.total)
        except Cancelled as cancelled:
            self.cancelled = cancelled
