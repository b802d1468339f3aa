"""What an atlas shows, handed to the panels below it."""

from __future__ import annotations

from collections.abc import Sequence as Items
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...sequences import Sequence

__all__ = ["Points"]


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """The points on show: their vectors, (n, hidden), and what they are coloured by, with its unit.

    `indices` are their places among the sequences of the selection that all views share; `about`
    says how the vectors were made.
    """

    indices: tuple[int, ...]
    sequences: tuple[Sequence, ...]
    vectors: NDArray[np.float32]
    field: str
    values: Items[str] | Items[float]
    about: str

    @property
    def numeric(self) -> bool:
        """Whether they are coloured by a number."""
        return len(self.values) > 0 and not isinstance(self.values[0], str)

    def split(self, chosen: Items[int]) -> tuple[list[int], list[int]]:
        """Return the rows of the chosen points, and of the rest."""
        wanted = set(chosen)
        inside = [row for row, index in enumerate(self.indices) if index in wanted]
        outside = [row for row, index in enumerate(self.indices) if index not in wanted]
        return inside, outside
