"""Composition counterparts: sequences of another that a dinucleotide shuffle could have made.

A shuffle that keeps dinucleotides (Altschul & Erickson 1985) keeps the first base, the last base
and the count of every dinucleotide. Where a data set's negatives are such shuffles of its
positives, and the two were dealt to different splits, a test sequence is told by its counterpart.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...sequences.codes import blocks, codes

if TYPE_CHECKING:
    from ..labelled.tables import Labelled

__all__ = ["CompositionIndex", "composition_keys"]

_LETTERS = 5  # A, C, G, T, and all else as one
_CHUNK = 1 << 21  # bases counted at a time


def composition_keys(data: Labelled) -> list[bytes]:
    """Write first base, last base and dinucleotide counts of each row, in linear time.

    Rows with the same key are counterparts of one another, or the same. Both sequences of a pair
    count, each for itself. N counts as a fifth letter.

    Examples
    --------
    >>> from dnabert2_explore.training.labelled.tables import Labelled
    >>> bases = ("ACAGA", "AGACA", "ACAAG")
    >>> rows = Labelled(bases, None, np.zeros(3, int), ("x",), "classification", bases)
    >>> one, shuffled, other = composition_keys(rows)
    >>> one == shuffled, one == other
    (True, False)
    """
    return [b"".join(keys) for keys in zip(*map(_keys, data.parts), strict=True)]


def _keys(bases: tuple[str, ...]) -> list[bytes]:
    return [key for start, end in blocks(bases, _CHUNK) for key in _chunk_keys(bases[start:end])]


def _chunk_keys(bases: tuple[str, ...]) -> list[bytes]:
    letters = codes("".join(bases)).astype(np.int64)
    lengths = np.array([len(one) for one in bases])
    owner = np.repeat(np.arange(len(bases)), lengths)
    within = owner[:-1] == owner[1:]
    cell = owner[:-1] * _LETTERS**2 + letters[:-1] * _LETTERS + letters[1:]
    counts = np.bincount(cell[within], minlength=len(bases) * _LETTERS**2)
    table = np.zeros((len(bases), 2 + _LETTERS**2), dtype=np.uint32)
    table[:, 2:] = counts.reshape(len(bases), -1)
    some = np.flatnonzero(lengths)
    ends = lengths.cumsum()
    table[some, 0] = 1 + letters[ends[some] - lengths[some]]
    table[some, 1] = 1 + letters[ends[some] - 1]
    return [row.tobytes() for row in table]


class CompositionIndex:
    """Labelled rows, for example train and dev with the same classes, by their composition.

    Of a task without classes every row has the label 0.
    """

    def __init__(self, known: Iterable[Labelled]) -> None:
        self.classes = 1
        self._of_key: dict[bytes, NDArray[np.int64]] = {}
        self._of_text: dict[str, NDArray[np.int64]] = {}
        for data in known:
            classified = data.task == "classification"
            self.classes = len(data.classes) if classified else 1
            labels = data.labels if classified else np.zeros(len(data), dtype=np.int64)
            for key, text, label in zip(
                composition_keys(data), data.joined("-"), labels, strict=True
            ):
                for counts in (
                    self._of_key.setdefault(key, np.zeros(self.classes, dtype=np.int64)),
                    self._of_text.setdefault(text, np.zeros(self.classes, dtype=np.int64)),
                ):
                    counts[int(label)] += 1

    def labels(self, data: Labelled) -> NDArray[np.int64]:
        """Count the counterparts of each row by their label; the same sequence again is none.

        Shape (n, classes), int64; 0 in all columns for a row without a counterpart.
        """
        out = np.zeros((len(data), self.classes), dtype=np.int64)
        for row, (key, text) in enumerate(
            zip(composition_keys(data), data.joined("-"), strict=True)
        ):
            if key in self._of_key:
                out[row] = self._of_key[key]
                if text in self._of_text:
                    out[row] -= self._of_text[text]
        return out
