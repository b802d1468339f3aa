"""Times of several calls, taken in turns, and the fastest matrix product of a device."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import torch
from torch.nn import functional

__all__ = ["MatrixProduct", "alternately", "clock_of"]


def clock_of(device: torch.device) -> str:
    """Say what is counted on a device: "CPU" seconds of the process, or "wall" time.

    One thread's processor time is its wall time on an idle machine, and stays it on a busy one.
    Several threads wait for each other, so that only the clock on the wall tells.
    """
    return "CPU" if device.type == "cpu" and torch.get_num_threads() == 1 else "wall"


def alternately(
    calls: Sequence[Callable[[], object]],
    device: torch.device,
    repeats: int = 3,
    seconds: float = 0.0,
) -> list[float]:
    """Time calls in turns, so that a machine that gets busy slows all of them.

    Nothing is called beforehand: warm them up first. A GPU is waited for before and after each
    call. There are `repeats` turns, at least 1, in reverse order every second time, and further
    ones until so many seconds have passed. The best seconds of each call count, of the clock that
    `clock_of` names: what disturbs a measurement only makes it longer.
    """
    now = time.process_time if clock_of(device) == "CPU" else time.perf_counter
    best = [float("inf")] * len(calls)
    begun = time.perf_counter()
    turn = 0
    while turn < max(1, repeats) or time.perf_counter() - begun < seconds:
        order = range(len(calls)) if turn % 2 == 0 else reversed(range(len(calls)))
        for index in order:
            _wait(device)
            start = now()
            calls[index]()
            _wait(device)
            best[index] = min(best[index], now() - start)
        turn += 1
    return best


class MatrixProduct:
    """A large product of square matrices: as fast as a device multiplies, when it is called.

    They have `size` rows, by default 8,192 on a GPU and 1,536 on a CPU; `flops` are the
    floating-point operations of one call.
    """

    def __init__(self, device: torch.device, dtype: torch.dtype, size: int | None = None) -> None:
        gpu = device.type == "cuda"
        size = size or (8192 if gpu else 1536)
        generator = torch.Generator().manual_seed(0)
        self._left, self._right = (
            torch.randn(size, size, generator=generator).to(device, dtype) for _ in range(2)
        )
        # A GPU needs some milliseconds of work to reach its clock.
        self._times = 20 if gpu else 1
        self.flops = 2.0 * size**3 * self._times

    def __call__(self) -> None:
        """Multiply, in the layout that linear layers have."""
        for _ in range(self._times):
            functional.linear(self._left, self._right)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
