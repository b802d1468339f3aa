"""Working without the hub: what a file names is taken from this machine, or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["offline"]

_NAME = "HF_HUB_OFFLINE"


@contextmanager
def offline() -> Iterator[None]:
    """Keep this process, and those that it starts, from asking the hub for anything.

    Also where a folder names a model of the hub, as that of an adapter does.
    """
    from huggingface_hub import constants

    before, said = os.environ.get(_NAME), constants.HF_HUB_OFFLINE
    os.environ[_NAME] = "1"
    constants.HF_HUB_OFFLINE = True  # was read when it was imported
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = said
        if before is None:
            del os.environ[_NAME]
        else:
            os.environ[_NAME] = before
