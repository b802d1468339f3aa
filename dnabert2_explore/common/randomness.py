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


class _Turns:
    """A re-entrant lock that who takes it again and again does not keep from others.

    Who waits for the lock holds the gate before it: whoever gives the lock back comes to the gate
    before taking it once more, and lets that one pass. Of an `RLock` alone, training would leave
    nothing to views.
    """

    def __init__(self) -> None:
        self._gate, self._lock = threading.Lock(), threading.RLock()
        self._mine = threading.local()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Hold the lock."""
        if getattr(self._mine, "depth", 0):
            with self._lock:
                yield
            return
        with self._gate:
            self._lock.acquire()
        self._mine.depth = 1
        try:
            yield
        finally:
            self._mine.depth = 0
            self._lock.release()


_one_at_a_time = _Turns()


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
    were. Who draws from them meanwhile, or seeds them, without `drawing` or `seeded` gets numbers
    of this stream, and its seed is lost.

    Parameters
    ----------
    seed : int
    device : torch.device, optional
        The GPU it draws on beside the CPU; by default all that are in use.

    Attributes
    ----------
    states : list of torch.Tensor
        Where it is: the CPU's state, then that of each GPU. None before the first drawing.

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

    def __init__(self, seed: int, device: torch.device | None = None) -> None:
        self.seed, self.device = seed, device
        self.states: list[torch.Tensor] | None = None

    @contextmanager
    def drawing(self) -> Iterator[None]:
        """Draw this stream's numbers; only one thread is inside of any at a time."""
        import torch

        with _one_at_a_time.turn():
            gpus = self._gpus()
            with torch.random.fork_rng(devices=gpus):
                # What is queued for GPUs that are not in use would seed them when they are.
                idle = torch.cuda.is_available() and not torch.cuda.is_initialized()
                (torch.default_generator.manual_seed if idle else torch.manual_seed)(self.seed)
                if self.states is not None:
                    torch.set_rng_state(self.states[0])
                    for gpu, state in zip(gpus, self.states[1:], strict=False):
                        torch.cuda.set_rng_state(state, gpu)
                try:
                    yield
                finally:
                    self.states = [torch.get_rng_state(), *map(torch.cuda.get_rng_state, gpus)]

    def _gpus(self) -> list[int]:
        import torch

        if not torch.cuda.is_initialized():
            return []
        if self.device is None:
            return list(range(torch.cuda.device_count()))
        if self.device.type != "cuda":
            return []
        return [torch.cuda.current_device() if self.device.index is None else self.device.index]
