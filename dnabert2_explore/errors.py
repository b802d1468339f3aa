"""Errors raised on purpose; each message says what is wrong, where, and the mend."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = [
    "Cancelled",
    "CheckpointError",
    "ExploreError",
    "ExploreWarning",
    "InputError",
    "LibraryError",
    "panicked",
    "panics_told",
    "warn",
]

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


def warn(message: str, category: type[Warning] = ExploreWarning) -> None:
    """Warn, and name the line outside the package that led here, whatever stands between.

    Parameters
    ----------
    message : str
    category : type of Warning
    """
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and _root(frame.f_globals) in _BETWEEN:
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


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
