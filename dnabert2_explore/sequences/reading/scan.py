"""Whether a FASTA file holds letters that no sequence does, about as fast as it is read."""

from __future__ import annotations

import re

from .letters import NUCLEOTIDE_BYTES

__all__ = ["LetterScan"]

_HEADER = re.compile(rb"\n>[^\n]*")
_ALLOWED = NUCLEOTIDE_BYTES + b"\r\n"


class LetterScan:
    r"""Looks through a FASTA file, block by block.

    It may take for strange what is not (comments before the first record), so that who asks looks
    again; the other way round it makes no mistakes.

    Attributes
    ----------
    strange : bool
        Whether a line that is no header held anything but nucleotide codes.

    Examples
    --------
    >>> scan = LetterScan()
    >>> for block in (b">chr1 the fi", b"rst\nACGT\nNN"):
    ...     scan.feed(block)
    >>> scan.strange
    False
    >>> scan.feed(b"AC>GT")
    >>> scan.strange
    True
    """

    def __init__(self) -> None:
        self.strange = False
        self._before = b"\n"  # stands for the line that the last block ended in

    def feed(self, block: bytes) -> None:
        """Look through the next block; where it is cut does not matter."""
        if self.strange:
            return
        text = self._before + block
        line = text[text.rfind(b"\n") + 1 :] if b"\n" in text else text
        self._before = b"\n" if not line else b"\n>" if line[:1] == b">" else b"N"
        if b"\n>" in text:
            text = _HEADER.sub(b"", text)
        self.strange = bool(text.translate(None, _ALLOWED))
