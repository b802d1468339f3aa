"""The last few results, so that going back computes nothing."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

__all__ = ["Kept", "Last"]

K = TypeVar("K")
V = TypeVar("V")


class Kept(OrderedDict[K, V], Generic[K, V]):
    """A dictionary that holds no more than `most` entries: the oldest goes.

    Examples
    --------
    >>> kept = Kept(2)
    >>> kept["a"], kept["b"], kept["c"] = 1, 2, 3
    >>> list(kept)
    ['b', 'c']
    """

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most

    def __setitem__(self, key: K, value: V) -> None:
        super().__setitem__(key, value)
        while len(self) > self.most:
            self.popitem(last=False)


class Last(Generic[K, V]):
    """What was made of a thing, for as long as it is asked of the same one."""

    def __init__(self) -> None:
        self._kept: tuple[K, V] | None = None

    def of(self, thing: K, make: Callable[[K], V]) -> V:
        """Return what `make` makes of it."""
        if self._kept is None or self._kept[0] is not thing:
            self._kept = thing, make(thing)
        return self._kept[1]
