"""Near-duplicates: sequences that share many of their 16-base words, on either strand."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...sequences.codes import UNKNOWN, blocks, codes

__all__ = ["WORD", "near_duplicates"]

#: Bases of the words that are compared: their codes fit 32 bits, and chance finds few.
WORD = 16
#: Words that more of the queries hold are repeats, and say little.
COMMON = 200
#: Bases of the texts looked through at once.
CHUNK = 1 << 21


def near_duplicates(queries: list[str], texts: list[str], threshold: float) -> dict[int, int]:
    """Find queries that share at least `threshold` of their words with a text, on either strand.

    All are upper-case bases. From the index of each such query to that of its best partner.
    """
    words, owners = _words(queries)
    if not len(words):
        return {}
    # A word counts once a query; the queries' words are sorted, those of the texts looked up.
    pairs = np.unique(np.stack([words, owners.astype(np.uint64)], axis=1), axis=0)
    words, owners = pairs[:, 0], pairs[:, 1].astype(np.int64)
    held = np.bincount(owners, minlength=len(queries))
    known, starts, counts = np.unique(words, return_index=True, return_counts=True)
    maybe = np.zeros(1 << 24, dtype=bool)  # most words of the texts are of no query
    maybe[_hash(known)] = True
    best = np.zeros(len(queries))
    partner = np.zeros(len(queries), dtype=np.int64)
    for begin, after in blocks(texts, CHUNK):
        part = texts[begin:after]
        found, texts_of = _words(part)
        seen = maybe[_hash(found)]
        found, texts_of = found[seen], texts_of[seen]
        index = np.minimum(np.searchsorted(known, found), len(known) - 1)
        right = (known[index] == found) & (counts[index] <= COMMON)
        index, texts_of = index[right], texts_of[right]
        if not len(index):
            continue
        once = np.unique(np.stack([index, texts_of], axis=1), axis=0)
        index, texts_of = once[:, 0], once[:, 1]
        repeat = counts[index]
        offsets = np.arange(repeat.sum()) - np.repeat(repeat.cumsum() - repeat, repeat)
        query = owners[np.repeat(starts[index], repeat) + offsets]
        both = query * len(part) + np.repeat(texts_of, repeat)
        which, shared = np.unique(both, return_counts=True)
        share = shared / held[which // len(part)]
        for place in np.flatnonzero(share >= threshold):
            asked = int(which[place] // len(part))
            if share[place] > best[asked]:
                best[asked] = share[place]
                partner[asked] = begin + int(which[place] % len(part))
    return {int(q): int(partner[q]) for q in np.flatnonzero(best >= threshold)}


def _hash(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """24 bits of each word (Fibonacci hashing)."""
    return (words * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(40)


def _words(texts: list[str]) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Every word of A, C, G and T, written one way for both strands, and the text it is of."""
    # The separator is no base, so that no word crosses from one text into the next.
    letters = codes("-".join(texts))
    if len(letters) < WORD:
        return np.zeros(0, dtype=np.uint64), np.zeros(0, dtype=np.int64)
    known = letters < UNKNOWN
    forward = np.where(known, letters, 0).astype(np.uint64)
    backward = 3 - forward
    size = 1
    while size < WORD:  # words of 2, 4, 8, 16 bases from two of half the length
        shift = np.uint64(2 * size)
        forward = (forward[:-size] << shift) | forward[size:]
        backward = backward[:-size] | (backward[size:] << shift)
        size *= 2
    bad = np.concatenate([[0], np.cumsum(~known)])
    whole = bad[WORD:] == bad[:-WORD]
    owners = np.repeat(np.arange(len(texts)), [len(text) + 1 for text in texts])[: len(forward)]
    return np.minimum(forward, backward)[whole], owners[whole]
