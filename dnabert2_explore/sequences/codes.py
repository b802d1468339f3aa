"""Bases as small integers, the form that baselines and comparisons of sequences start from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["BASE_CODES", "UNKNOWN", "UPPER_T", "blocks", "codes", "padded_codes"]

#: Code of everything that is not A, C, G or T, and of what lies behind the end of a sequence.
UNKNOWN = 4

#: Code of each byte, shape (256,): A, C, G, T are 0 to 3, everything else is `UNKNOWN`.
BASE_CODES = np.full(256, UNKNOWN, dtype=np.int8)
BASE_CODES[np.frombuffer(b"ACGT", dtype=np.uint8)] = np.arange(4)

#: For `bytes.translate`: a, c, g, t and u in upper case, U as T.
UPPER_T = bytes.maketrans(b"acgtuU", b"ACGTTT")


def codes(bases: str) -> NDArray[np.int8]:
    """Write A, C, G, T as 0 to 3 and everything else as 4; shape (n,).

    Examples
    --------
    >>> codes("ACGTNa").tolist()
    [0, 1, 2, 3, 4, 4]
    """
    return BASE_CODES[np.frombuffer(bases.encode("ascii", "replace"), dtype=np.uint8)]


def blocks(bases: Sequence[str], most: int) -> Iterator[tuple[int, int]]:
    """Yield runs [first, after) of sequences: of so many bases at most, or of one alone.

    Examples
    --------
    >>> list(blocks(["ACG", "T", "ACGTACGT"], 4))
    [(0, 2), (2, 3)]
    """
    first = size = 0
    for place, one in enumerate(bases):
        if place > first and size + len(one) > most:
            yield first, place
            first, size = place, 0
        size += len(one)
    if len(bases):
        yield first, len(bases)


def padded_codes(bases: Sequence[str], length: int) -> NDArray[np.int8]:
    """Code sequences in rows of one length, (n, length) int8, cut or filled with 4 at the end."""
    out = np.full((len(bases), length), UNKNOWN, dtype=np.int8)
    for row, one in enumerate(bases):
        part = codes(one[:length])
        out[row, : len(part)] = part
    return out
