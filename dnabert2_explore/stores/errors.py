"""What can go wrong with a store that is no fault of the input."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import ExploreError

__all__ = ["StoreError", "damaged", "writing"]

_FULL = (errno.ENOSPC, errno.EDQUOT)  # the disk, or what the user may take of it


class StoreError(ExploreError, OSError):
    """A store that cannot be written or computed any further; what it holds stays readable."""


def damaged(what: str | Path, reason: str) -> StoreError:
    """Say that a file which describes a store is damaged, and how."""
    return StoreError(
        f"{what} is lost or damaged ({reason}): restore it from a copy, or delete the store and "
        "embed again."
    )


@contextmanager
def writing(path: Path, state: Callable[[], str]) -> Iterator[None]:
    """Turn what the disk answers into one sentence, which says what `state` does."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StoreError(
                f"No space left for {path}: {state()}; free space and run the same call to go on."
            ) from error
        raise StoreError(
            f"{path} cannot be written ({error.strerror or error}): {state()}; mend that and "
            "run the same call to go on."
        ) from error
