"""Errors raised on purpose; each message says what is wrong, where, and the mend."""

from __future__ import annotations

__all__ = ["Cancelled", "CheckpointError", "ExploreError", "InputError"]


class ExploreError(Exception):
    """Base of every error raised on purpose; widgets show its message instead of a traceback."""


class InputError(ExploreError, ValueError):
    """Sequences, files or arguments that cannot be used as they are."""


class CheckpointError(ExploreError, OSError):
    """A model that is missing, incomplete, or not a DNABERT-2."""


class Cancelled(ExploreError):  # noqa: N818 - a request, not a fault
    """Raised from a ``progress`` callback to stop the work that reports to it."""
