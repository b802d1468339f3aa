"""Errors raised on purpose; each message says what is wrong, where, and the mend."""

from __future__ import annotations

import re
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

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
#: What somebody silences in libraries, or has.
_known: dict[tuple[type[Warning], str], _Silence] = {}
#: Whoever catches our warnings in this thread, the innermost last, and what is silenced in it.
_catchers: ContextVar[tuple[_Catcher, ...]] = ContextVar("catchers", default=())
_silences: ContextVar[tuple[_Silence, ...]] = ContextVar("silences", default=())


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
    one = _Silence(category, message)
    libraries = not issubclass(category, ExploreWarning)
    before = _silences.set((*_silences.get(), one))
    if libraries:
        one = _kept(one, 1)
    try:
        yield
    finally:
        if libraries:
            _kept(one, -1)
        _silences.reset(before)


class _Silence:
    """What is silenced; in ``warnings.filters`` it stands in the place of a pattern of messages.

    It matches nothing while nobody asks for silence: what another thread restores meanwhile, as
    ``warnings.catch_warnings`` does and with it scikit-learn, may hold it still.
    """

    def __init__(self, category: type[Warning], message: str) -> None:
        self.category, self.pattern = category, message  # scikit-learn asks for the pattern
        self._regex = re.compile(message, re.IGNORECASE)
        self.count = 0
        self.entry = ("ignore", self, category, None, 0)

    def match(self, message: str) -> bool:
        """Tell whether a library's message is silenced now."""
        return self.count > 0 and self.begins(message)

    def begins(self, message: str) -> bool:
        """Tell whether a message is of this kind."""
        return self._regex.match(message) is not None


def _kept(one: _Silence, by: int) -> _Silence:
    """Count who wants a library silent; put the filters that are wanted first, the others out."""
    with _guard:
        one = _known.setdefault((one.category, one.pattern), one)
        one.count += by
        filters: list[object] = warnings.filters  # type: ignore[assignment]
        ours = {id(known.entry) for known in _known.values()}
        filters[:] = [
            *(known.entry for known in _known.values() if known.count),
            *(other for other in filters if id(other) not in ours),  # a user's own, of its kind
        ]
    return one


def _is_silenced(category: type[Warning], message: str) -> bool:
    return any(
        issubclass(category, one.category) and one.begins(message) for one in _silences.get()
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
