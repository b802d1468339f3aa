"""Positional counterparts: sequences that kept stretches of one another in their places.

Negatives of some promoter sets are positives in which most segments were replaced by random bases
and the others left where they were (DeePromoter, Oubounyt et al. 2019: 8 of 20 segments of 15 bases
stay). Where the two were dealt to different splits, the stretches that stayed tell a test sequence
from its counterpart. That this is so in GUE was found by seqleak (Tomar 2026, Apache-2.0), whose
check ``construction.segment`` looks for the same with other words and limits.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...sequences.codes import UNKNOWN, codes

if TYPE_CHECKING:
    from ..labelled.tables import Labelled

__all__ = ["PositionalIndex"]

#: Bases that have to be the same in the same place, in a row: a segment of DeePromoter. By chance
#: two sequences of 100 bases share such a word once in ten million pairs.
WORD = 15
#: Words that more of the known sequences hold in a place are repeats or signals, and say little.
COMMON = 20
#: Share of all bases that have to be the same in the same place; unrelated ones have about 0.27.
IDENTITY = 0.4
#: Bases looked at from the left end.
MOST = 2000

_CHUNK = 1 << 22  # words compared at a time


class PositionalIndex:
    """Labelled rows, for example train and dev with the same classes, by the words at each place.

    Of a task without classes every row has the label 0; of pairs the first sequence counts.

    Examples
    --------
    >>> from dnabert2_explore.training.labelled.tables import Labelled
    >>> kept = "ACGTTGCATCAGGTCA"
    >>> bases = (kept + "TTTTTTTT", kept + "CGCGCGCG", "GGGGGGGG" + kept)
    >>> rows = Labelled(bases, None, np.array([1, 0, 0]), ("x", "y"), "classification", bases)
    >>> PositionalIndex([rows.take([0])]).labels(rows.take([1, 2])).tolist()
    [[0, 1], [0, 0]]
    """

    def __init__(self, known: Iterable[Labelled]) -> None:
        self.classes = 1
        rows: dict[int, list[str]] = {}
        labels: dict[int, list[int]] = {}
        for data in known:
            classified = data.task == "classification"
            self.classes = len(data.classes) if classified else 1
            for row, text in enumerate(data.bases):
                rows.setdefault(len(text), []).append(text)
                labels.setdefault(len(text), []).append(int(data.labels[row]) if classified else 0)
        self._letters = {length: _letters(texts) for length, texts in rows.items()}
        self._labels = {length: np.array(of) for length, of in labels.items()}

    def labels(self, data: Labelled) -> NDArray[np.int64]:
        """Count the counterparts of each row by their label; the same sequence again is none.

        Shape (n, classes), int64; 0 in all columns for a row without a counterpart. Time grows with
        the number of bases.
        """
        out = np.zeros((len(data), self.classes), dtype=np.int64)
        lengths = np.array([len(text) for text in data.bases])
        for length in np.unique(lengths):
            if length < WORD or int(length) not in self._letters:
                continue
            rows = np.flatnonzero(lengths == length)
            asked = _letters([data.bases[row] for row in rows])
            known = self._letters[int(length)]
            query, partner = _pairs(asked, known)
            same = _identity(asked, known, query, partner)
            right = (same >= IDENTITY) & (same < 1)
            labels = self._labels[int(length)][partner[right]]
            np.add.at(out, (rows[query[right]], labels), 1)
        return out


def _letters(texts: list[str]) -> NDArray[np.int8]:
    """Codes of sequences of one length, their first `MOST` bases: (n, length)."""
    cut = [text[:MOST] for text in texts]
    return codes("".join(cut)).reshape(len(cut), -1)


def _pairs(
    asked: NDArray[np.int8], known: NDArray[np.int8]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of either that share a word in its place, each pair once."""
    places = asked.shape[1] - WORD + 1
    step = max(1, _CHUNK // max(len(asked), len(known)))
    found = [np.zeros(0, dtype=np.int64)]
    for start in range(0, places, step):
        size = min(step, places - start)
        mine, of_mine = _words(asked, start, size)
        theirs, of_theirs = _words(known, start, size)
        order = np.argsort(theirs, kind="stable")
        words, starts, counts = np.unique(theirs[order], return_index=True, return_counts=True)
        if not len(words):
            continue
        place = np.minimum(np.searchsorted(words, mine), len(words) - 1)
        right = (words[place] == mine) & (counts[place] <= COMMON)
        place, of_mine = place[right], of_mine[right]
        repeat = counts[place]
        offsets = np.arange(repeat.sum()) - np.repeat(repeat.cumsum() - repeat, repeat)
        partner = of_theirs[order][np.repeat(starts[place], repeat) + offsets]
        found.append(np.unique(np.repeat(of_mine, repeat) * len(known) + partner))
    both = np.unique(np.concatenate(found))
    return both // len(known), both % len(known)


def _words(
    letters: NDArray[np.int8], start: int, size: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Words at some places, with their place, and the row of each; those with an N are left out."""
    word = np.zeros((len(letters), size), dtype=np.int64)
    whole = np.ones((len(letters), size), dtype=bool)
    for base in range(WORD):
        here = letters[:, start + base : start + base + size]
        whole &= here < UNKNOWN
        word = word * 4 + here
    word += np.arange(size) << (2 * WORD)
    rows = np.broadcast_to(np.arange(len(letters))[:, None], word.shape)
    return word[whole], rows[whole]


def _identity(
    asked: NDArray[np.int8],
    known: NDArray[np.int8],
    query: NDArray[np.int64],
    partner: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Share of bases that two rows have in the same place."""
    same = np.zeros(len(query))
    step = max(1, _CHUNK // asked.shape[1])
    for start in range(0, len(query), step):
        some = slice(start, start + step)
        same[some] = (asked[query[some]] == known[partner[some]]).mean(axis=1)
    return same
