"""Which letters a source may hold, and the sentence for those it may not."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from ...errors import ExploreWarning, InputError, warn

__all__ = [
    "NUCLEOTIDE_BYTES",
    "ReadingWarning",
    "SourceWarnings",
    "check_letters",
    "foreign",
    "kmer_length",
    "read_words",
    "strip_space",
    "whole_number",
]

_NUCLEOTIDES = "ACGTUNRYSWKMBDHV"
_DROP_NUCLEOTIDES = dict.fromkeys(map(ord, _NUCLEOTIDES + _NUCLEOTIDES.lower()))
NUCLEOTIDE_BYTES = (_NUCLEOTIDES + _NUCLEOTIDES.lower()).encode("ascii")
_SPACE_BYTES = bytes(c for c in range(128) if chr(c).isspace())
_GAPS = frozenset("-.")
_AMINO_ACIDS = frozenset("EFILPQZJO")  # letters of proteins that no nucleotide code uses
_MOST_LISTED = 12
_KMERS = range(3, 13)
_PIECE = 1 << 20
_MOST_DIGITS = 18  # more are beyond 2^63, and int() refuses more than 4,300


class ReadingWarning(ExploreWarning):
    """What was read can be meant in two ways; the sentence says how it was read."""


class SourceWarnings:
    """Says each kind of thing about a source once; `source` begins every sentence."""

    def __init__(self, source: str) -> None:
        self.source = source
        self._kinds: set[str] = set()
        self._names: dict[str, int] = {}

    def once(self, kind: str, message: str) -> None:
        """Warn, unless this kind was told before."""
        if kind not in self._kinds:
            self._kinds.add(kind)
            warn(f"{self.source}{message}", ReadingWarning)

    def unique(self, name: str, place: int, noun: str = "record", unit: str = "lines") -> str:
        """Return a record's name, with a number behind it if an earlier record has it.

        `place` is its line, or what `unit` says.
        """
        if name not in self._names:
            self._names[name] = place
            return name
        number = 2
        while f"{name}_{number}" in self._names:
            number += 1
        new = f"{name}_{number}"
        self._names[new] = place
        self.once(
            "names",
            f" names two {noun}s {name!r} ({unit} {self._names[name]:,} and {place:,}): the later "
            f"one is called {new!r}, and so on for any other name that comes again.",
        )
        return new


def whole_number(text: str) -> int | None:
    """Return the number that ASCII digits write; None for anything else, and beyond 10^18.

    ``str.isdigit`` takes what ``int`` does not read (``²``), and ``int`` reads digits of every
    script.

    Examples
    --------
    >>> whole_number("012"), whole_number("²"), whole_number("-1"), whole_number("9" * 19)
    (12, None, None, None)
    """
    fits = text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS
    return int(text) if fits else None


def strip_space(text: str) -> str:
    """Return ``text`` without white space, quickly for the ASCII that bases normally are."""
    if text.isascii():
        return text.encode("ascii").translate(None, _SPACE_BYTES).decode("ascii")
    return "".join(text.split()).replace("\u200b", "").replace("\ufeff", "")


def kmer_length(text: str) -> int:
    """Return k if `text` is a sequence written as overlapping k-mers, else 0.

    That is how DNABERT-1's data files write a sequence: words of one length, each the one before
    shifted by one base. Words that are all alike (one base only) are taken for groups, which is
    what wrapped files have.

    Examples
    --------
    >>> kmer_length("ACGT CGTT GTTA"), kmer_length("ACGT TTGA CCAT"), kmer_length("ACGTT")
    (4, 0, 0)
    """
    head = text[:40].split(maxsplit=2)
    if len(head) < 2 or len(head[0]) not in _KMERS or head[0][1:] != head[1][:-1]:
        return 0  # as good as always, and cheap
    words = text.split()
    k = len(words[0])
    overlap = len(set(words)) > 1 and all(
        len(b) == k and a[1:] == b[:-1] for a, b in pairwise(words)
    )
    # Two words of a few letters fit by chance.
    return k if overlap and (len(words) > 2 or k > 4) else 0


def read_words(text: str, told: SourceWarnings, where: str = "") -> str:
    """Return the bases that `text` writes: without white space, k-mers joined back.

    Of k-mers `told` tells; `where` is what of the source this is, such as ``", line 3"``.
    """
    k = kmer_length(text)
    if not k:
        return strip_space(text)
    told.once(
        "kmers",
        f"{where} is written as overlapping {k}-mers, each shifted by one base, as the first "
        "DNABERT read them: these are joined back into the sequence they came from.",
    )
    first, *rest = text.split()
    return first + "".join(word[-1] for word in rest)


def check_letters(bases: str, where: str, lines: Iterable[tuple[int, str]] = ()) -> None:
    """Raise the one clear sentence if ``bases`` is empty or holds anything but nucleotide codes.

    White space is already removed. The sentence, an `InputError`, begins with source and record,
    `where`, and names the first offending one of the `lines` (from 1) that the bases came from; it
    tells alignment gaps, protein letters and other characters apart.
    """
    if not bases:
        raise InputError(
            f"{where} has no bases; expected at least one: add its sequence or remove the record."
        )
    strange = foreign(bases)
    if not strange:
        return
    for number, line in lines:
        if foreign(strip_space(line)):
            where = f"{where}, line {number}"
            break
    kinds = set(strange)
    if kinds <= _GAPS:
        raise InputError(
            f"{where} holds {len(strange):,} alignment gaps ({_listed(kinds)}); expected unaligned "
            "bases: remove the gap characters."
        )
    proteins = {letter for letter in kinds if letter.upper() in _AMINO_ACIDS}
    if proteins and not any(c.isdecimal() or c in "/\\<>=" for c in kinds):
        raise InputError(
            f"{where} looks like a protein: {_listed(proteins)} are not nucleotide codes; expected "
            "A, C, G, T (or U, N and the other IUPAC codes): give the DNA that encodes it."
        )
    raise InputError(
        f"{where} holds {len(strange):,} characters that are not nucleotide codes "
        f"({_listed(kinds)}); expected A, C, G, T (or U, N and the other IUPAC codes): remove "
        "them, or write N where a base is unknown."
    )


def foreign(bases: str) -> str:
    """Return the characters of ``bases`` that are no nucleotide code, in order."""
    if len(bases) > _PIECE:  # a chromosome is not copied whole
        pieces = range(0, len(bases), _PIECE)
        return "".join(foreign(bases[start : start + _PIECE]) for start in pieces)
    if bases.isascii():
        return bases.encode("ascii").translate(None, NUCLEOTIDE_BYTES).decode("ascii")
    return bases.translate(_DROP_NUCLEOTIDES)


def _listed(letters: Iterable[str]) -> str:
    """Name the letters, the printable ones as they are."""
    shown = [c if c.isprintable() else repr(c)[1:-1] for c in sorted(letters)]
    more = f" and {len(shown) - _MOST_LISTED} more" if len(shown) > _MOST_LISTED else ""
    return ", ".join(shown[:_MOST_LISTED]) + more
