"""The k-mers of sequences, as numbers: counted, or found again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .codes import UNKNOWN, blocks, codes

__all__ = ["LONGEST", "kmer_counts", "kmer_frequencies", "kmer_name", "kmer_words", "turned_kmers"]

#: Longest k-mer: 65,536 of them.
LONGEST = 8
_COUNTED = 6  # 4,096 features; counts of more are sparser than a linear model can use
_CELLS = 1 << 22  # bases read at a time


def kmer_words(
    bases: Sequence[str], k: int
) -> Iterator[tuple[int, int, NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]]:
    """Read the k-mers of sequences, overlapping ones too, a block of sequences at a time.

    Of upper-case sequences; a k-mer with a letter other than A, C, G, T is left out. Yields the
    sequences of a block, [first, after), and of its m k-mers, int32 each, the sequence (counted
    from `first`), where it begins (0-based), and its number in alphabetical order. A k that is not
    1 to 8 is an `InputError`.
    """
    if not 1 <= k <= LONGEST:
        raise InputError(f"k is {k}; expected 1 to {LONGEST}.")
    for first, after in blocks(bases, _CELLS):
        # End to end with an N between: what reaches across a border holds it, and is left out.
        flat = codes("N".join(bases[first:after]))
        count = max(len(flat) - k + 1, 0)
        word = np.zeros(count, dtype=np.int32)
        known = np.ones(count, dtype=bool)
        for offset in range(k):
            column = flat[offset : offset + count]
            word *= 4
            word += column
            known &= column != UNKNOWN
        lengths = np.array([len(one) + 1 for one in bases[first:after]])
        begin = np.concatenate([[0], np.cumsum(lengths)[:-1]])
        row = np.repeat(np.arange(after - first, dtype=np.int32), lengths)[:count]
        place = np.flatnonzero(known)
        row = row[place]
        yield first, after, row, (place - begin[row]).astype(np.int32), word[place]


def kmer_name(word: int, k: int) -> str:
    """Write the k-mer with a number.

    Examples
    --------
    >>> kmer_name(5, 3)
    'ACC'
    """
    return "".join("ACGT"[(int(word) >> 2 * (k - 1 - place)) & 3] for place in range(k))


def turned_kmers(k: int) -> NDArray[np.int64]:
    """Return the number of each k-mer's reverse complement, shape (4**k,).

    Examples
    --------
    >>> [kmer_name(word, 2) for word in turned_kmers(2)[:4]]
    ['TT', 'GT', 'CT', 'AT']
    """
    words = np.arange(4**k)
    turned = np.zeros_like(words)
    rest = words.copy()
    for _ in range(k):
        turned = turned * 4 + 3 - rest % 4
        rest //= 4
    return turned


def kmer_counts(bases: Sequence[str], k: int = 4) -> NDArray[np.float32]:
    """Count each k-mer of a sequence, overlapping ones too: (n, 4**k) in alphabetical order.

    Of upper-case sequences; a k-mer with a letter other than A, C, G, T is left out. A k that is
    not 1 to 6 is an `InputError`.

    Examples
    --------
    >>> kmer_counts(["ACCA"], k=1).tolist()
    [[2.0, 2.0, 0.0, 0.0]]
    """
    if not 1 <= k <= _COUNTED:
        raise InputError(f"k is {k}; expected 1 to {_COUNTED}.")
    out = np.zeros((len(bases), 4**k), dtype=np.float32)
    for first, after, row, _, word in kmer_words(bases, k):
        flat = np.bincount(row * np.int64(4**k) + word, minlength=(after - first) * 4**k)
        out[first:after] = flat.reshape(after - first, 4**k)
    return out


def kmer_frequencies(bases: Sequence[str], k: int = 4) -> NDArray[np.float32]:
    """Share of each k-mer among a sequence's k-mers, (n, 4**k) (see `kmer_counts`).

    Rows sum to 1, or to 0 where there is no k-mer.

    Examples
    --------
    >>> kmer_frequencies(["ACCA"], k=1).tolist()
    [[0.5, 0.5, 0.0, 0.0]]
    """
    counts = kmer_counts(bases, k)
    return counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
