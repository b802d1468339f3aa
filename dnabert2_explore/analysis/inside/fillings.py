"""All ways to fill a stretch of bases with a number of tokens, summed without listing them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..variants.segments import Vocabulary

__all__ = ["Fillings"]


class Fillings:
    """Sums over the sequences of vocabulary entries that are `length` bases long in all."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._tables = {}
        for length, (ids, bases) in vocabulary.by_length.items():
            hot = np.zeros((len(ids), length, 4))
            np.put_along_axis(hot, bases[:, :, None].astype(np.int64), 1.0, axis=2)
            self._tables[length] = (ids, hot.reshape(len(ids), length * 4))
        self.longest = max(self._tables, default=0)

    def masks(self, length: int) -> range:
        """Numbers of tokens that `length` bases can be filled with."""
        return range(-(-length // max(self.longest, 1)), length + 1)

    def sums(self, logs: NDArray[np.float64], length: int) -> tuple[NDArray[np.float64], float]:
        """Sum the probabilities of all fillings of `length` bases, apart for each place's base.

        `logs` (k, vocabulary) are those of every entry at each of k masks, taken as independent,
        which exactly k entries fill. Returns (length, 4), the summed probability of the fillings
        with A, C, G, T at each base, and that of all; 0 where there is none.
        """
        k = len(logs)
        probabilities = np.exp(logs)
        # by_length[l][j]: probability that mask j holds an entry of l bases, apart by its bases.
        tables = {
            size: (probabilities[:, ids] @ hot).reshape(k, size, 4)
            for size, (ids, hot) in self._tables.items()
            if size <= length
        }
        weights = {size: table[:, 0].sum(axis=1) for size, table in tables.items()}
        before = np.zeros((k + 1, length + 1))  # the first j masks fill s bases
        after = np.zeros((k + 1, length + 1))  # the masks from j on fill what is left behind s
        before[0, 0] = after[k, length] = 1.0
        for j in range(k):
            for size, weight in weights.items():
                before[j + 1, size:] += before[j, : length + 1 - size] * weight[j]
        for j in reversed(range(k)):
            for size, weight in weights.items():
                after[j, : length + 1 - size] += after[j + 1, size:] * weight[j]
        by_base = np.zeros((length, 4))
        for j in range(k):
            for size, table in tables.items():
                around = before[j, : length + 1 - size] * after[j + 1, size:]
                for offset in range(size):
                    by_base[offset : offset + len(around)] += around[:, None] * table[j, offset]
        return by_base, float(before[k, length])
