"""Random numbers from torch's and numpy's global generators, which all threads share."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

__all__ = ["seeded"]

_one_at_a_time = threading.RLock()


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Draw the same numbers each time, and leave the caller's generators as they were.

    For what draws from the global generators and takes no seed: networks when they are made, and
    Captum. Views compute in threads of their own, and two that seed and draw at once would get each
    other's numbers, so that only one thread is inside at a time. Who needs a network's lock too
    takes that first. The seed is of the CPU's generators, and of every GPU's that is in use.

    Examples
    --------
    >>> import torch
    >>> with seeded(0):
    ...     one = torch.rand(3)
    >>> with seeded(0):
    ...     print(torch.equal(one, torch.rand(3)))
    True
    """
    import torch

    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
    with _one_at_a_time:
        state = np.random.get_state()
        with torch.random.fork_rng(devices=list(devices)):
            torch.manual_seed(seed)
            np.random.seed(seed % 2**32)
            try:
                yield
            finally:
                np.random.set_state(state)
