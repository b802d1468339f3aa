"""The sequences end to end as numbers: all of the bases in which sites are found and counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...common.arrays import check_each
from ...errors import InputError
from ...sequences import as_dna
from ...sequences.codes import UNKNOWN, codes

__all__ = ["GAP", "ScoredSequences"]

#: Positions without a base around and between sequences: no site reaches across.
GAP = 128


@dataclass(frozen=True, slots=True, eq=False)
class ScoredSequences:
    """Sequences and their scaled contributions, end to end with gaps between.

    Attributes
    ----------
    codes : numpy.ndarray, shape (n,), int8
        0 to 3 for A, C, G, T; 4 for any other letter and for gaps.
    scores : numpy.ndarray, shape (n,), float64
        0 in gaps.
    owner : numpy.ndarray, shape (n,), int64
        Index of the sequence, -1 in gaps.
    first : numpy.ndarray, shape (sequences,), int64
        Where each sequence begins.
    """

    codes: NDArray[np.int8]
    scores: NDArray[np.float64]
    owner: NDArray[np.int64]
    first: NDArray[np.int64]

    @classmethod
    def of(cls, sequences: Sequence[str], scores: Sequence[NDArray[np.float64]]) -> ScoredSequences:
        """Lay out sequences and scores; raise InputError where a base has no score of its own."""
        check_each("sequences", len(sequences), **{"arrays of contributions": scores})
        for number, (bases, values) in enumerate(zip(sequences, scores, strict=True)):
            if len(bases) != len(values):
                raise InputError(
                    f"Sequence {number} (0-based) has {len(bases):,} bases and {len(values):,} "
                    "contributions: give one contribution for each base."
                )
        lengths = np.array([len(bases) for bases in sequences], dtype=np.int64)
        first = GAP + np.cumsum(lengths + GAP) - (lengths + GAP)
        total = int(first[-1] + lengths[-1] + GAP)
        coded = np.full(total, UNKNOWN, dtype=np.int8)
        laid = np.zeros(total)
        owner = np.full(total, -1, dtype=np.int64)
        for number, (bases, values) in enumerate(zip(sequences, scores, strict=True)):
            here = slice(first[number], first[number] + lengths[number])
            coded[here], laid[here], owner[here] = codes(as_dna(bases)), values, number
        return cls(coded, laid, owner, first)

    @property
    def background(self) -> NDArray[np.float64]:
        """Share of each base, both strands together, shape (4,)."""
        counts = np.bincount(self.codes, minlength=5)[:4] + 1.0
        both = counts + counts[::-1]
        return np.asarray(both / both.sum())

    def stretches(
        self, start: NDArray[np.int64], strand: NDArray[np.int64], length: int
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Bases as one-hot (n, length, 4) and contributions (n, length), as each strand reads.

        `start` is the leftmost position, whichever the `strand` (1 or -1). All 0 without a base.
        """
        at = start[:, None] + np.arange(length)
        hot = np.eye(5, 4, dtype=np.float32)[self.codes[at]]
        scores = self.scores[at].astype(np.float32)
        turned = strand < 0
        hot[turned] = hot[turned][:, ::-1, ::-1]
        scores[turned] = scores[turned][:, ::-1]
        return hot, scores
