"""What takes long says what it takes, before most of it is done; in Python as on the screen."""

from __future__ import annotations

import inspect
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, TypeVar, cast

__all__ = ["LONG", "Teller", "duration", "says_cost", "tell_cost", "untold"]

F = TypeVar("F", bound=Callable[..., Any])

#: Seconds above which the cost is said first.
LONG = 10.0
#: Seconds after which the pace of the first steps is believed.
_SOON = 0.5

_told: ContextVar[bool] = ContextVar("_told", default=False)


def duration(seconds: float) -> str:
    """Say how long something takes.

    Examples
    --------
    >>> duration(12.3), duration(400), duration(9000)
    ('12 s', '7 min', '2.5 h')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


class Teller:
    """A ``progress(done, total)`` that says on stderr what a call takes, if that is long.

    From the pace of the first steps, as soon as it can be told; then a line every `every` seconds.
    What is over in `LONG` seconds says nothing.

    Parameters
    ----------
    what : str
        Name of the work.
    unit : str
        Of its steps.
    every : float
        Seconds between two lines.
    """

    def __init__(self, what: str, unit: str = "", every: float = 30.0) -> None:
        self._what, self._unit, self._every = what, unit, every
        self._begun = time.monotonic()
        self._first: tuple[float, int] | None = None
        self._last = self._begun
        self._said = False

    def __call__(self, done: int, total: int) -> None:
        """Hear how far it is."""
        now = time.monotonic()
        if self._first is None:
            # A run that goes on where another stopped did not do all of that.
            self._first = (self._begun, 0) if done < total / 2 else (now, done)
        since, before = self._first
        gone = now - since
        if done <= before or done >= total or gone < _SOON:
            return
        left = gone / (done - before) * (total - done)
        if not self._said:
            if gone + left > LONG:
                self._said, self._last = True, now
                self._say(f"takes about {duration(gone + left)}; Ctrl-C stops it")
        elif now - self._last >= self._every:
            self._last = now
            unit = f" {self._unit}" if self._unit else ""
            rate = f", {(done - before) / gone:,.0f} {self._unit}/s" if self._unit else ""
            self._say(f"{done:,} of {total:,}{unit}{rate}, about {duration(left)} left", ": ")

    def _say(self, words: str, between: str = " ") -> None:
        print(f"{self._what}{between}{words}", file=sys.stderr, flush=True)


def tell_cost(what: str, seconds: float) -> None:
    """Say what something takes that cannot say how far it is."""
    if seconds > LONG and _listened():
        print(f"{what} takes about {duration(seconds)}; Ctrl-C stops it", file=sys.stderr)


@contextmanager
def untold() -> Iterator[None]:
    """Say nothing meanwhile: somebody else does."""
    before = _told.set(True)
    try:
        yield
    finally:
        _told.reset(before)


def _listened() -> bool:
    """Whether this is what a person called, and not a part of it or a view's work."""
    return not _told.get() and threading.current_thread() is threading.main_thread()


def says_cost(call: F) -> F:
    """Let a call that has a parameter ``progress`` say what it takes where it is given none.

    What it calls in turn says nothing. Ctrl-C stops it between two lines of Python, as always.
    """
    place = list(inspect.signature(call).parameters).index("progress")

    @wraps(call)
    def told(*args: Any, **kwargs: Any) -> Any:
        if not _listened():
            return call(*args, **kwargs)
        if len(args) <= place and kwargs.get("progress") is None:
            kwargs["progress"] = Teller(f"{call.__name__}(…)")
        with untold():
            return call(*args, **kwargs)

    return cast(F, told)
