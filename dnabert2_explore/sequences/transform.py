"""Small pure operations on bases. Coordinates are 0-based and half-open."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence as Items
from operator import index
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from .clean import in_place

if TYPE_CHECKING:
    from .sequence import Sequence

__all__ = [
    "as_dna",
    "common_ends",
    "gc_content",
    "mutate",
    "reverse_complement",
    "stretch",
    "substitutions",
    "windows",
]

# Every IUPAC code pairs with the code of its complements; U pairs as T does.
_COMPLEMENT = str.maketrans("ACGTUNRYSWKMBDHVacgtunryswkmbdhv", "TGCAANYRSWMKVHDBtgcaanyrswmkvhdb")
_REPLACEMENTS = "ACGTUNacgtun"


def as_dna(bases: str) -> str:
    """Write bases in capitals, U as T.

    Examples
    --------
    >>> as_dna("acgU")
    'ACGT'
    """
    return bases.upper().replace("U", "T")


def reverse_complement(bases: str | Sequence) -> str:
    """Return the opposite strand, read 5' to 3'.

    IUPAC codes are complemented, case is kept, U pairs with A, and any other character stays as
    it is.

    Parameters
    ----------
    bases : str or Sequence

    Returns
    -------
    str

    Examples
    --------
    >>> reverse_complement("AACGtR")
    'YaCGTT'
    """
    return _bases(bases).translate(_COMPLEMENT)[::-1]


def gc_content(bases: str | Sequence) -> float:
    """Return the share of G and C among the A, C, G, T and U of ``bases``.

    N, other IUPAC codes and white space are left out on both sides of the ratio.

    Parameters
    ----------
    bases : str or Sequence

    Returns
    -------
    float
        Between 0 and 1; ``nan`` where ``bases`` holds no A, C, G, T or U.

    Examples
    --------
    >>> gc_content("GGCANN")
    0.75
    """
    upper = _bases(bases).upper()
    strong = upper.count("G") + upper.count("C")
    weak = upper.count("A") + upper.count("T") + upper.count("U")
    return strong / (strong + weak) if strong + weak else math.nan


def _bases(given: str | Sequence) -> str:
    if isinstance(given, str):
        return given
    from .given import bases_of

    return bases_of(given)


def windows(bases: str, size: int, step: int | None = None) -> Iterator[tuple[int, str]]:
    """Cut ``bases`` into whole windows, 0-based start and bases; a shorter rest is left out.

    From one window's start to the next are `step` bases, by default ``size`` (no overlap). Neither
    may be below 1: that is an `InputError`.

    Examples
    --------
    >>> list(windows("ACGTACG", 3, step=2))
    [(0, 'ACG'), (2, 'GTA'), (4, 'ACG')]
    """
    step = size if step is None else step
    if size < 1 or step < 1:
        raise InputError(
            f"Windows of {size} bases every {step} were asked for; expected both to be at least 1: "
            "give a positive size and step."
        )
    return ((start, bases[start : start + size]) for start in range(0, len(bases) - size + 1, step))


def mutate(bases: str, position: int, base: str) -> str:
    """Return ``bases`` with the letter at ``position`` (0-based) replaced by ``base``.

    A position outside of ``bases`` or on white space, and a base that is not one of A, C, G, T, U
    and N, are an `InputError`.

    Examples
    --------
    >>> mutate("ACGT", 2, "T")
    'ACTT'
    """
    if not 0 <= position < len(bases):
        raise InputError(
            f"Position {position} lies outside of a sequence of {len(bases)} bases; expected 0 to "
            f"{len(bases) - 1}: choose a position in it (0-based)."
        )
    if bases[position].isspace():
        raise InputError(
            f"Position {position} is white space; expected a base: remove the white space or "
            "choose another position (0-based)."
        )
    if len(base) != 1 or base not in _REPLACEMENTS:
        raise InputError(
            f"{base!r} cannot stand for a base; expected one of A, C, G, T, U, N: give one letter."
        )
    return f"{bases[:position]}{base}{bases[position + 1 :]}"


def substitutions(bases: str, start: int, end: int) -> list[tuple[int, str]]:
    """List what each A, C, G and T in [start, end) can be replaced by: its position, a new base.

    Examples
    --------
    >>> substitutions("NC", 0, 2)
    [(1, 'A'), (1, 'G'), (1, 'T')]
    """
    letters = in_place(bases)
    return [
        (place, base)
        for place in range(start, end)
        if letters[place] in "ACGT"
        for base in "ACGT"
        if base != letters[place]
    ]


def common_ends(one: Items[Any], other: Items[Any]) -> tuple[int, int]:
    """Count the items that two share from the left, and of the rest from the right.

    Examples
    --------
    >>> common_ends("ACGGT", "ACGT")
    (3, 1)
    """
    most = min(len(one), len(other))
    head = next((i for i in range(most) if one[i] != other[i]), most)
    rest = most - head
    return head, next((i for i in range(rest) if one[-1 - i] != other[-1 - i]), rest)


def stretch(region: tuple[int, int] | None, length: int) -> tuple[int, int]:
    """Return a region as [start, end) of a sequence of `length` bases; None is all of it.

    One that is no stretch of the sequence is an `InputError`.

    Examples
    --------
    >>> stretch(None, 9), stretch((2, 5), 9)
    ((0, 9), (2, 5))
    """
    try:
        start, end = (0, length) if region is None else map(index, region)
    except (TypeError, ValueError):
        raise InputError(
            f"Region {region!r} is no stretch of bases: give (start, end), two whole numbers."
        ) from None
    if not 0 <= start < end <= length:
        raise InputError(
            f"Bases [{start}, {end}) are not a stretch of a sequence of {length} bases: give "
            "0 <= start < end <= length."
        )
    return start, end
