"""Errors raised on purpose; each message says what is wrong, where, and the mend."""

from __future__ import annotations

import re
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

__all__ = [
    "Cancelled",
    "CheckpointError",
    "ExploreError",
    "ExploreWarning",
    "InputError",
    "LibraryError",
    "caught_warnings",
    "panicked",
    "panics_told",
    "silenced",
    "warn",
]

_Catcher = tuple[type[Warning], Callable[[Warning], object]]
_OURS = __name__.partition(".")[0]
#: Modules whose frames stand between ours: they are not whom a warning is for.
_BETWEEN = {_OURS, "contextlib", "functools", "torch"}


class ExploreError(Exception):
    """Base of every error raised on purpose; widgets show its message instead of a traceback."""


class InputError(ExploreError, ValueError):
    """Sequences, files or arguments that cannot be used as they are."""


class CheckpointError(ExploreError, OSError):
    """A model that is missing, incomplete, or not a DNABERT-2."""


class Cancelled(ExploreError):  # noqa: N818 - a request, not a fault
    """Raised from a ``progress`` callback to stop the work that reports to it."""


class LibraryError(ExploreError, RuntimeError):
    """A library written in Rust broke down on what it was given."""


class ExploreWarning(UserWarning):
    """Base of every warning: what was done is whole, and something about it should be known."""


_guard = threading.Lock()
#: Filters for warnings of libraries, and how many want each now.
_entries: dict[tuple[type[Warning], str], tuple[tuple[Any, ...], int]] = {}
#: Whoever catches our warnings in this thread, the innermost last, and what is silenced in it.
_catchers: ContextVar[tuple[_Catcher, ...]] = ContextVar("catchers", default=())
_silences: ContextVar[tuple[tuple[type[Warning], re.Pattern[str]], ...]] = ContextVar(
    "silences", default=()
)


def warn(message: str, category: type[Warning] = ExploreWarning) -> None:
    """Warn, and name the line outside the package that led here, whatever stands between.

    Parameters
    ----------
    message : str
    category : type of Warning
    """
    if _is_silenced(category, message):
        return
    for kind, hear in reversed(_catchers.get()):
        if issubclass(category, kind):
            hear(category(message))
            return
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and _root(frame.f_globals) in _BETWEEN:
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


@contextmanager
def caught_warnings(
    category: type[Warning] = ExploreWarning, hear: Callable[[Warning], object] | None = None
) -> Iterator[list[Warning]]:
    """Catch our own warnings (those of `warn`) in this thread, in the list that is yielded.

    Unlike ``warnings.catch_warnings``, which sets the list of filters of the whole process aside
    and puts it back whatever other threads have made of it meanwhile.

    Parameters
    ----------
    category : type of Warning
        What is caught; the others go their way.
    hear : callable, optional
        Called with each as soon as it comes.

    Examples
    --------
    >>> with caught_warnings() as told:
    ...     warn("so be it")
    >>> told
    [ExploreWarning('so be it')]
    """
    told: list[Warning] = []

    def catch(one: Warning) -> None:
        told.append(one)
        if hear is not None:
            hear(one)

    before = _catchers.set((*_catchers.get(), (category, catch)))
    try:
        yield told
    finally:
        _catchers.reset(before)


@contextmanager
def silenced(category: type[Warning] = Warning, message: str = "") -> Iterator[None]:
    """Keep warnings of a kind to ourselves: our own in this thread, and those of libraries.

    Libraries warn by the filters of the process, so that other threads do not hear such warnings of
    theirs either meanwhile.

    Parameters
    ----------
    category : type of Warning
    message : str
        Regular expression that its message begins with, in any case of letters.

    Examples
    --------
    >>> with silenced(UserWarning, "n_jobs"):
    ...     warnings.warn("n_jobs value 1 overridden")
    """
    pattern = re.compile(message, re.IGNORECASE)
    before = _silences.set((*_silences.get(), (category, pattern)))
    libraries = not issubclass(category, ExploreWarning)
    try:
        if libraries:
            _count_filter(category, pattern, 1)
        yield
    finally:
        _silences.reset(before)
        if libraries:
            _count_filter(category, pattern, -1)


def _count_filter(category: type[Warning], pattern: re.Pattern[str], by: int) -> None:
    key = (category, pattern.pattern)
    with _guard:
        new = ("ignore", pattern if pattern.pattern else None, category, None, 0)
        entry, count = _entries.get(key, (new, 0))
        _entries[key] = entry, count + by
        _put_filters_right()


def _put_filters_right() -> None:
    """Have the filters that somebody wants in the list, first, and the others out of it.

    What another thread restores meanwhile, as ``warnings.catch_warnings`` does and with it
    scikit-learn, may lack the former and hold the latter; a user's own, of the same kind, stay.
    """
    filters: list[object] = warnings.filters  # type: ignore[assignment]
    ours = {id(entry): count for entry, count in _entries.values()}
    filters[:] = [
        *(entry for entry, count in _entries.values() if count),
        *(one for one in filters if id(one) not in ours),
    ]


def _is_silenced(category: type[Warning], message: str) -> bool:
    return any(
        issubclass(category, kind) and pattern.match(message) for kind, pattern in _silences.get()
    )


def _root(names: dict[str, object]) -> str:
    return str(names.get("__name__", "")).partition(".")[0]


def panicked(error: BaseException) -> bool:
    """Tell whether an error is a panic of Rust code (tokenizers, safetensors, pybigtools …).

    pyo3 raises it as ``PanicException``, a BaseException that passes every ``except Exception``;
    each library has a class of its own of that name.
    """
    return type(error).__name__ == "PanicException" and not isinstance(error, Exception)


@contextmanager
def panics_told() -> Iterator[None]:
    """Raise a panic of Rust code as a `LibraryError`, which is shown like any other error.

    Raises
    ------
    LibraryError
    """
    try:
        yield
    except BaseException as error:
        if not panicked(error):
            raise
        said = " ".join((str(error).splitlines() or [""])[0].split())[:150]
        raise LibraryError(
            f"A library broke down on this ({said or 'it does not say why'}): check the file it "
            "comes from, and report it with that file."
        ) from error
