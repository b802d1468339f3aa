"""Random numbers from torch's and numpy's global generators, which all threads share."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch

__all__ = ["RandomStream", "seeded"]

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
    with RandomStream(seed).drawing():
        state = np.random.get_state()
        np.random.seed(seed % 2**32)
        try:
            yield
        finally:
            np.random.set_state(state)


class RandomStream:
    """Numbers of torch's global generators that go on where this stream was left.

    What trains for hours draws from the global generators at each step (dropout), beside views that
    draw too: each within `drawing` has its own numbers, and the caller's generators stay as they
    were.

    Parameters
    ----------
    seed : int

    Attributes
    ----------
    states : list of torch.Tensor
        Where it is: the CPU's state, then each GPU's in use. None before the first drawing.

    Examples
    --------
    >>> import torch
    >>> stream = RandomStream(0)
    >>> with stream.drawing():
    ...     one = torch.rand(1)
    >>> with stream.drawing():
    ...     two = torch.rand(1)
    >>> with seeded(0):
    ...     print(torch.equal(torch.rand(2), torch.cat([one, two])))
    True
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.states: list[torch.Tensor] | None = None

    @contextmanager
    def drawing(self) -> Iterator[None]:
        """Draw this stream's numbers; only one thread is inside of any at a time."""
        import torch

        with _one_at_a_time, torch.random.fork_rng(devices=_gpus()):
            torch.manual_seed(self.seed)
            if self.states is not None:
                torch.set_rng_state(self.states[0])
                for gpu, state in zip(_gpus(), self.states[1:], strict=False):
                    torch.cuda.set_rng_state(state, gpu)
            try:
                yield
            finally:
                self.states = [torch.get_rng_state(), *map(torch.cuda.get_rng_state, _gpus())]


def _gpus() -> list[int]:
    import torch

    return list(range(torch.cuda.device_count())) if torch.cuda.is_initialized() else []
