"""Which letters a source may hold, and the sentence for those it may not."""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import InputError

__all__ = ["NUCLEOTIDE_BYTES", "check_letters", "foreign", "strip_space"]

_NUCLEOTIDES = "ACGTUNRYSWKMBDHV"
_DROP_NUCLEOTIDES = dict.fromkeys(map(ord, _NUCLEOTIDES + _NUCLEOTIDES.lower()))
NUCLEOTIDE_BYTES = (_NUCLEOTIDES + _NUCLEOTIDES.lower()).encode("ascii")
_SPACE_BYTES = bytes(c for c in range(128) if chr(c).isspace())
_GAPS = frozenset("-.")
_AMINO_ACIDS = frozenset("EFILPQZJO*")  # letters of proteins that no nucleotide code uses
_MOST_LISTED = 12


def strip_space(text: str) -> str:
    """Return ``text`` without white space, quickly for the ASCII that bases normally are."""
    if text.isascii():
        return text.encode("ascii").translate(None, _SPACE_BYTES).decode("ascii")
    return "".join(text.split()).replace("\u200b", "").replace("\ufeff", "")


def foreign(bases: str) -> str:
    """Return the characters of ``bases`` that are no nucleotide code, in order."""
    if bases.isascii():
        return bases.encode("ascii").translate(None, NUCLEOTIDE_BYTES).decode("ascii")
    return bases.translate(_DROP_NUCLEOTIDES)


def check_letters(bases: str, where: str, lines: Iterable[tuple[int, str]] = ()) -> None:
    """Raise the one clear sentence if ``bases`` is empty or holds anything but nucleotide codes.

    Parameters
    ----------
    bases : str
        White space already removed.
    where : str
        Source and record, to begin the sentence with.
    lines : iterable of (int, str)
        The lines the bases came from, 1-based; the first offending one is named.

    Raises
    ------
    InputError
        If there are no bases, alignment gaps, protein letters or other characters.
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
    if proteins:
        raise InputError(
            f"{where} looks like a protein: {_listed(proteins)} are not nucleotide codes; expected "
            "A, C, G, T (or U, N and the other IUPAC codes): give the DNA that encodes it."
        )
    raise InputError(
        f"{where} holds {len(strange):,} characters that are not nucleotide codes "
        f"({_listed(kinds)}); expected A, C, G, T (or U, N and the other IUPAC codes): remove "
        "them, or write N where a base is unknown."
    )


def _listed(letters: Iterable[str]) -> str:
    """Name the letters, the printable ones as they are."""
    shown = [c if c.isprintable() else repr(c)[1:-1] for c in sorted(letters)]
    more = f" and {len(shown) - _MOST_LISTED} more" if len(shown) > _MOST_LISTED else ""
    return ", ".join(shown[:_MOST_LISTED]) + more
