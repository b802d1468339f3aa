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
    """A step that was taken: how many with it, and seconds since the loop began.

    It may be the last planned, or the last in time (`late`), or the run was stopped. Of several
    processes all say the same.
    """

    step: int
    outcome: Outcome
    seconds: float
    last: bool
    late: bool
    cancelled: bool


class Loop:
    """Takes `total` steps, and tells how far it is.

    The step after which so many `minutes` have passed since `begun` (by `time.monotonic`; now by
    default) is the last; 0 for no limit. `progress(step, total)` is called after every step and may
    raise `Cancelled`, in any process: `cancelled` keeps it.
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
