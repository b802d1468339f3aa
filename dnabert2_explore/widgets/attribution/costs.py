"""What the attribution view takes, and what it does in place of what takes long."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from ...common.costs import LONG
from ...encoder import Encoder
from ...encoder.passes.cost import measured_seconds, surely_quick
from .tasks import PER_TOKEN, Task

__all__ = ["QUICK", "Costs"]

#: The method that stands in where another one takes long: one backward pass, no baseline, memory
#: linear in length (AttnLRP needs 5 GB for 10 kb with 117M).
QUICK = "input_x_gradient"


class Costs:
    """Seconds of tasks, before they are begun, and to which of the long ones a person agreed."""

    def __init__(self) -> None:
        self._agreed: set[Hashable] = set()
        self._tried: Encoder | None = None

    def agree(self, task: Task) -> None:
        """Let a task take what it takes."""
        self._agreed.add(task.key)

    def forget(self) -> None:
        """Ask again."""
        self._agreed.clear()

    def trial(self, enc: Encoder, task: Task) -> Task | None:
        """Make what has to be tried out before the cost of a task can be told; or None."""
        quick = surely_quick(enc, _tokens(task), task.passes)
        if quick or task.key in self._agreed or self._tried is enc:
            return None

        def work(_progress: Any) -> bool:
            measured_seconds(enc, 1)
            self._tried = enc
            return True

        return Task(("trial", id(enc)), "trying out the model", work)

    def long(self, enc: Encoder, task: Task) -> float:
        """Return the seconds of a task that has to be agreed to first; 0 of all others."""
        quick = surely_quick(enc, _tokens(task), task.passes)
        if quick or task.key in self._agreed or self._tried is not enc:
            return 0.0
        seconds = measured_seconds(enc, _tokens(task), task.passes)
        return seconds if seconds > LONG else 0.0


def _tokens(task: Task) -> int:
    return int(task.bases / PER_TOKEN) + 2
