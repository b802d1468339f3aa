"""What work takes: how it is written, and who says it before most of it is done."""

from __future__ import annotations

import inspect
import sys
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from contextvars import ContextVar
from functools import wraps
from typing import Any, TypeVar, cast

from .context import held

__all__ = [
    "LONG", "RATE", "Teller", "duration", "expect_cost", "pass_seconds", "say_cost", "says_cost",
    "untold",
]  # fmt: skip

F = TypeVar("F", bound=Callable[..., Any])

#: Seconds above which the cost of work is said before it starts.
LONG = 10.0
#: Floating-point operations a second that one core of a laptop reaches here, about.
RATE = 6e10
#: Bases of a token, about.
_BASES_PER_TOKEN = 5
#: Seconds after which the pace of the first steps is believed.
_SOON = 0.5
#: Steps from which what comes before the first of them is not reckoned to its pace.
_MANY = 20

_told: ContextVar[bool] = ContextVar("_told", default=False)


def pass_seconds(parameters: int, bases: int) -> float:
    """Estimate what one pass through a network takes one core, attention left out.

    `parameters` are those of its layers, each of which multiplies once a token.
    """
    return 2 * parameters * bases / _BASES_PER_TOKEN / RATE


def duration(seconds: float) -> str:
    """Say how long something takes.

    Examples
    --------
    >>> duration(42), duration(600)
    ('42 s', '10 min')
    """
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def expect_cost(progress: object, seconds: float) -> None:
    """Say before it begins what work takes by a formula, where a `Teller` follows it.

    `progress` is what the call was given, or `says_cost` gave it.
    """
    if isinstance(progress, Teller):
        progress.expect(seconds)


class Teller:
    """A ``progress(done, total)`` that says on stderr what a call takes, if that is long.

    Before it begins where a formula tells it (`expect`), otherwise from the pace of the first
    steps, as soon as it can be told; then a line every `every` seconds, in the `unit` of its steps.
    What is over in `LONG` seconds says nothing.
    """

    def __init__(self, what: str, unit: str = "", every: float = 30.0) -> None:
        self._what, self._unit, self._every = what, unit, every
        self._begun = time.monotonic()
        self._first: tuple[float, int] | None = None
        self._last = self._begun
        self._said = False

    def expect(self, seconds: float) -> None:
        """Say what all of it takes, if that is long."""
        if seconds > LONG and not self._said:
            self._said, self._last = True, time.monotonic()
            self._say(f"takes about {duration(seconds)}; Ctrl-C stops it")

    def __call__(self, done: int, total: int) -> None:
        """Hear how far it is."""
        now = time.monotonic()
        if self._first is None:
            # A run that goes on where another stopped did not do all of that; and before the first
            # of many steps, files were read and modules loaded.
            early = done < total / 2 and total < done * _MANY
            self._first = (self._begun, 0) if early else (now, done)
        since, before = self._first
        gone = now - since
        if done <= before or done >= total or gone < _SOON:
            return
        left = gone / (done - before) * (total - done)
        if not self._said:
            self.expect(gone + left)
        elif now - self._last >= self._every:
            self._last = now
            unit = f" {self._unit}" if self._unit else ""
            rate = f", {(done - before) / gone:,.0f} {self._unit}/s" if self._unit else ""
            self._say(f"{done:,} of {total:,}{unit}{rate}, about {duration(left)} left", ": ")

    def _say(self, words: str, between: str = " ") -> None:
        print(f"{self._what}{between}{words}", file=sys.stderr, flush=True)


def say_cost(what: str, seconds: float) -> None:
    """Say on stderr what something takes that cannot say how far it is."""
    if seconds > LONG and _listened():
        print(f"{what} takes about {duration(seconds)}; Ctrl-C stops it", file=sys.stderr)


def untold() -> AbstractContextManager[bool]:
    """Say nothing meanwhile: somebody else does."""
    return held(_told, True)


def _listened() -> bool:
    """Whether this is what a person called, and not a part of it or a view's work."""
    return not _told.get() and threading.current_thread() is threading.main_thread()


def says_cost(call: F) -> F:
    """Let a call that has a parameter ``progress`` say what it takes where it is given none.

    What it calls in turn says nothing. Ctrl-C stops it between two lines of Python, as always.
    """
    place = list(inspect.signature(call).parameters).index("progress")
    # dx.features.train is called so.
    called = f"features.{call.__name__}" if ".features." in call.__module__ else call.__name__

    @wraps(call)
    def told(*args: Any, **kwargs: Any) -> Any:
        if not _listened():
            return call(*args, **kwargs)
        if len(args) <= place and kwargs.get("progress") is None:
            kwargs["progress"] = Teller(f"{called}(…)")
        with untold():
            return call(*args, **kwargs)

    return cast(F, told)
