"""A map that begins with some of its sequences, where all of them take long, and grows."""

from __future__ import annotations

from collections.abc import Callable, Sequence as Items

import numpy as np
from ipywidgets import HBox

from ...common.costs import duration
from ..core.controls import button, part, show

__all__ = ["Growth"]


class Growth(HBox):
    """How many of the sequences are on the map, and what more of them take; hidden for all.

    Class ``dx-growth``; parts ``dx-grow`` (twice as many) and ``dx-grow-all``. `grow` is called
    with the number of sequences that a person wants on the map.
    """

    def __init__(self, grow: Callable[[int], None]) -> None:
        self.n = self.whole = 0
        self.words = part("dx-hint")
        self.more = button("", "dx-grow", "", lambda: grow(min(2 * self.n, self.whole)))
        self.every = button("", "dx-grow-all", "", lambda: grow(self.whole))
        super().__init__([self.words, self.more, self.every])
        self.add_class("dx-growth").add_class("dx-chosen-row")
        self.show(0, 0, 0.0)

    def show(self, n: int, whole: int, each: float) -> None:
        """Say that `n` of the `whole` are on the map, and that one takes `each` seconds."""
        self.n, self.whole = n, whole
        left = whole - n
        show(self, left > 0)
        self.every.layout.display = self.layout.display  # what `reproduce` looks for
        show(self.more, left > n)
        self.words.value = f"{n:,} of {whole:,} sequences, drawn at random."
        self.more.description = f"{n:,} more (about {duration(n * each)})"
        self.every.description = f"All (about {duration(left * each)})"

    @staticmethod
    def order(reference: Items[int], placed: Items[int]) -> list[int]:
        """Return one's own sequences first, and the others as the seed 0 draws them."""
        drawn = np.random.default_rng(0).permutation(len(reference))
        return [*placed, *(reference[i] for i in drawn)]
