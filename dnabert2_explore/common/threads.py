"""Threads of torch on the CPU, changed for a while."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["torch_threads"]


@contextmanager
def torch_threads(count: int = 0) -> Iterator[None]:
    """Let torch use `count` threads; afterwards this thread of Python has as many as before.

    Libraries that share OpenMP with torch change the number too: numba sets its own. It decides how
    sums are split, and with that their last digit. Threads of Python that begin meanwhile keep
    `count`: torch takes it for their default. 0 leaves the number alone at first, and does nothing
    where torch is not loaded.

    Examples
    --------
    >>> import torch
    >>> before = torch.get_num_threads()
    >>> with torch_threads(1):
    ...     print(torch.get_num_threads())
    1
    >>> torch.get_num_threads() == before
    True
    """
    if not count and "torch" not in sys.modules:  # which takes seconds to load
        yield
        return
    import torch

    before = torch.get_num_threads()
    if count:
        torch.set_num_threads(count)
    try:
        yield
    finally:
        # Asked again, since numba changes OpenMP's number without telling torch.
        if torch.get_num_threads() != before:
            torch.set_num_threads(before)
