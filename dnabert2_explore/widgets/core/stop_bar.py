"""The line of a run that can be stopped without losing what it has found."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .controls import show
from .jobs import Job, JobBar

__all__ = ["StopBar"]


class StopBar(JobBar):
    """The line of a run that can be stopped without losing what it has found.

    `stop` asks the run to end at its next step, at a button that says `words`. Without `numbers`
    something else shows how far the run is.
    """

    def __init__(
        self, stop: Callable[[], None], words: str = "Stop, keep the best", numbers: bool = True
    ) -> None:
        super().__init__()
        if not numbers:
            show(self._text, False)
        self._stop = stop
        self._button.description = words
        self._button.tooltip = "End after this step; the best weights so far are kept and tested"
        self._button.add_class("dx-stop")

    def follow(self, job: Job[Any], what: str) -> None:
        """Show `job` from now on."""
        self._button.disabled = False
        super().follow(job, what)

    def _on_cancel(self) -> None:
        # Not job.cancel(): that would throw away what the run returns.
        self._button.disabled = True
        self._stop()
