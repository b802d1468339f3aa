"""Threads of torch on the CPU, changed for a while."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

__all__ = ["torch_threads"]


@contextmanager
def torch_threads(count: int = 0) -> Iterator[None]:
    """Let torch use `count` threads in this thread of Python; afterwards as many as before.

    Libraries that share OpenMP with torch change the number too: numba sets its own. It decides
    how sums are split, and with that their last digit.

    Parameters
    ----------
    count : int
        0 leaves the number alone at first.

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
    before = torch.get_num_threads()
    if count:
        torch.set_num_threads(count)
    try:
        yield
    finally:
        # Asked again, since numba changes OpenMP's number without telling torch.
        if torch.get_num_threads() != before:
            torch.set_num_threads(before)
