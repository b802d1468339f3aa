"""What counting tokens and their neighbours can predict."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError

__all__ = ["N_SPECIAL", "NeighbourModel"]

#: Ids below are [UNK], [CLS], [SEP], [PAD], [MASK].
N_SPECIAL = 5


class NeighbourModel:
    """Token frequencies, alone and given the token on the left and on the right.

    ``P(t | l)`` is ``(count(l, t) + k P(t)) / (count(l) + k)`` with `smoothing` k, likewise for the
    right neighbour; both together are ``P(t | l) P(t | r) / P(t)``, normalised (the neighbours
    taken as independent given the token). A neighbour that is hidden or special is left out.
    Frequencies have one count added to every token. Counted are unmasked training rows, (rows,
    tokens) int64; ids below `n_special` are never neighbours nor targets.
    """

    def __init__(
        self,
        rows: NDArray[np.int64],
        vocabulary: int,
        smoothing: float,
        n_special: int = N_SPECIAL,
    ) -> None:
        if smoothing <= 0:
            raise InputError(f"smoothing is {smoothing}; expected more than 0.")
        self.n_special, self.smoothing = n_special, smoothing
        counts = np.bincount(rows[rows >= n_special], minlength=vocabulary).astype(np.float64)
        counts[n_special:] += 1.0
        self.frequencies = counts / counts.sum()
        pairs = np.zeros((vocabulary, vocabulary), dtype=np.float32)
        left, right = rows[:, :-1].ravel(), rows[:, 1:].ravel()
        both = (left >= n_special) & (right >= n_special)
        np.add.at(pairs, (left[both], right[both]), 1.0)
        self._pairs = pairs

    def _log_given(self, counts: NDArray[np.float32]) -> NDArray[np.float64]:
        """Rows of pair counts -> log P(t | neighbour)."""
        with np.errstate(divide="ignore"):  # log 0 at special tokens, which are never targets
            return np.log(
                (counts + self.smoothing * self.frequencies)
                / (counts.sum(axis=1, keepdims=True) + self.smoothing)
            )

    def log_probabilities(
        self, left: NDArray[np.int64], right: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Log probability of every token between neighbours (n,) each, shape (n, vocabulary).

        Special ids, also [MASK], count as unknown.
        """
        with np.errstate(divide="ignore"):
            base = np.log(self.frequencies)
        logs = np.tile(base, (len(left), 1))
        ordinary = slice(self.n_special, None)
        for ids, table in ((left, self._pairs), (right, self._pairs.T)):
            known = ids >= self.n_special
            given = self._log_given(table[ids[known]])
            logs[known, ordinary] += given[:, ordinary] - base[ordinary]
        top = logs.max(axis=1, keepdims=True)
        norm = top + np.log(np.exp(logs - top).sum(axis=1, keepdims=True))
        return logs - norm
