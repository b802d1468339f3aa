"""The explicit cleaning that stands before every tokenizer; it keeps coordinates and counts.

The published tokenizers turn N, lower case and U into ``[UNK]`` without a word, and read a literal
``[MASK]`` in the text as a special token. Here the input becomes a string over A, C, G, T and N
first, and what was changed is counted.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from ..errors import ExploreWarning, InputError, warn
from .codes import UPPER_T

__all__ = ["Cleaned", "Composition", "UnknownBasesWarning", "clean", "in_place", "warn_unknown"]

_IUPAC = "RYSWKMBDHV"  # the ambiguity codes other than N
_OTHER = 0x80  # stands for every character outside ASCII that is not white space
# Zero-width space and byte-order mark come along when text is pasted from web pages and editors.
_WIDE_SPACE = np.array(
    [*(c for c in range(0x80, 0x3001) if chr(c).isspace()), 0x200B, 0xFEFF], dtype=np.uint32
)
_SPACE = np.array([chr(c).isspace() and c < _OTHER for c in range(256)])
_SPACE_BYTES = bytes(np.flatnonzero(_SPACE).tolist())
_TABLE = bytes(c if c in b"ACGT" else ord("N") for c in UPPER_T)


class UnknownBasesWarning(ExploreWarning):
    """Some bases are not A, C, G or T, and the models know them only as unknown."""


@dataclass(frozen=True, slots=True)
class Composition:
    """How many characters of each kind a text held.

    ``a + c + g + t + n + iupac + unknown == length``, white space left out. All are counted in
    either case; U counts as T. `iupac` are ambiguity codes other than N (R Y S W K M B D H V),
    `unknown` is everything else: gaps, digits, other letters, punctuation. The other counts say how
    the text was written: `lower`, nucleotide codes in lower case (often soft-masked repeats);
    `uracil`, U; `whitespace`, dropped.
    """

    length: int
    a: int
    c: int
    g: int
    t: int
    n: int
    iupac: int
    unknown: int
    lower: int
    uracil: int
    whitespace: int

    @property
    def ambiguous(self) -> int:
        """Bases that are not A, C, G, T or U: ``n + iupac + unknown``."""
        return self.n + self.iupac + self.unknown

    @classmethod
    def total(cls, compositions: Iterable[Composition]) -> Composition:
        """Add up what several texts held.

        Examples
        --------
        >>> Composition.total(clean(text).composition for text in ("ACN", "GG")).length
        5
        """
        each = list(compositions)
        return cls(**{f.name: sum(getattr(one, f.name) for one in each) for f in fields(cls)})


@dataclass(frozen=True, slots=True, eq=False)
class Cleaned:
    """A text as the tokenizers read it: upper case, over A, C, G, T and N only.

    `positions` (len(bases),) int64 are the 0-based index of each base in the caller's text; None
    where the two coordinates are the same because nothing was dropped. `composition` is what the
    text held before.
    """

    bases: str
    positions: NDArray[np.int64] | None
    composition: Composition


def clean(text: str) -> Cleaned:
    """Make ``text`` upper case, U to T, drop white space and turn all else into N.

    What is no str is an `InputError`.

    Examples
    --------
    >>> cleaned = clean("acgu NNR-")
    >>> cleaned.bases
    'ACGTNNNN'
    >>> cleaned.positions
    array([0, 1, 2, 3, 5, 6, 7, 8])
    >>> cleaned.composition.ambiguous
    4
    """
    if not isinstance(text, str):
        raise InputError(
            f"Bases were given as {type(text).__name__}; expected a str: pass the letters, for "
            "example sequence.bases."
        )
    data = _one_byte_each(text)
    codes = np.frombuffer(data, dtype=np.uint8)
    counts = np.bincount(codes, minlength=256)
    composition = _composition(counts)
    positions = np.flatnonzero(~_SPACE[codes]) if composition.whitespace else None
    bases = data.translate(_TABLE, _SPACE_BYTES).decode("ascii")
    return Cleaned(bases, positions, composition)


def in_place(text: str) -> str:
    """Clean letters in the coordinates of ``text``; each white space becomes a blank and stays.

    Examples
    --------
    >>> in_place("acg uR")
    'ACG TN'
    """
    cleaned = clean(text)
    if cleaned.positions is None:
        return cleaned.bases
    letters = [" "] * len(text)
    for place, letter in zip(cleaned.positions, cleaned.bases, strict=True):
        letters[place] = letter
    return "".join(letters)


def warn_unknown(composition: Composition) -> None:
    """Warn with the numbers if `clean` found bases other than A, C, G, T and U.

    Callers decide when, so that one call of theirs warns once. Lower case and U are normalised
    without loss and do not warn.
    """
    if not composition.ambiguous:
        return
    kinds = [
        f"{count:,} {kind}"
        for count, kind in (
            (composition.n, "N"),
            (composition.iupac, "other IUPAC codes"),
            (composition.unknown, "other characters"),
        )
        if count
    ]
    share = composition.ambiguous / composition.length
    warn(
        f"{composition.ambiguous:,} of {composition.length:,} bases ({share:.2%}) are not A, C, G "
        f"or T ({', '.join(kinds)}) and are read as N, which the model knows only as unknown: "
        "leave these stretches out where they matter.",
        UnknownBasesWarning,
    )


def _one_byte_each(text: str) -> bytes:
    """Return exactly one byte for each character, so that indices stay those of ``text``."""
    if text.isascii():
        return text.encode("ascii")
    wide = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    narrow = np.where(wide < _OTHER, wide, _OTHER)
    narrow[np.isin(wide, _WIDE_SPACE)] = ord(" ")
    return narrow.astype(np.uint8).tobytes()


def _composition(counts: NDArray[np.int64]) -> Composition:
    def number(letters: str) -> int:
        return int(counts[list(letters.encode("ascii"))].sum())

    whitespace = int(counts[_SPACE].sum())
    length = int(counts.sum()) - whitespace
    a, c, g, n = (number(letter + letter.lower()) for letter in "ACGN")
    t, uracil = number("TtUu"), number("Uu")
    iupac = number(_IUPAC + _IUPAC.lower())
    return Composition(
        length=length,
        a=a,
        c=c,
        g=g,
        t=t,
        n=n,
        iupac=iupac,
        unknown=length - a - c - g - t - n - iupac,
        lower=number(("ACGTUN" + _IUPAC).lower()),
        uracil=uracil,
        whitespace=whitespace,
    )
