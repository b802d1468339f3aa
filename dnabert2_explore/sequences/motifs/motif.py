"""Sequence motifs as position probability matrices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ...results.rich_display import RichDisplay, counted

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ALPHABET", "Motif"]

#: Order of a motif's columns.
ALPHABET = "ACGT"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Motif(RichDisplay):
    """A motif: how probable each base is at each of its positions.

    Parameters
    ----------
    name : str
        Such as ``"PAX2"``.
    probabilities : numpy.ndarray, shape (length, 4), float64
        Rows sum to 1; columns are A, C, G, T. Counts are normalised.
    accession : str
        Such as ``"MA0067.3"``; empty where it has none.
    sites : int
        Sequences it was counted from; 0 where that is not known.
    source : str
        Where it comes from, in words.

    Raises
    ------
    InputError
        If the matrix has no rows, not four columns, or a row that is no distribution.

    Examples
    --------
    >>> motif = Motif.of_word("TGACTCA", name="AP-1")
    >>> motif.consensus, len(motif), float(motif.information.sum())
    ('TGACTCA', 7, 14.0)
    >>> motif.reverse_complement().consensus
    'TGAGTCA'
    """

    name: str
    probabilities: NDArray[np.float64]
    accession: str = ""
    sites: int = 0
    source: str = ""

    def _line(self) -> str:
        places = f", from {counted(self.sites, 'site')}" if self.sites else ""
        return f"{self.label} {self.consensus}, {self.information.sum():.1f} bits{places}"

    def __post_init__(self) -> None:
        if isinstance(self.probabilities, str):
            raise InputError(f"Motif {self.name!r} is given as a word: make it with Motif.of_word.")
        matrix = np.array(self.probabilities, dtype=np.float64)
        if matrix.ndim != 2 or matrix.shape[1] != 4 or not len(matrix):
            raise InputError(
                f"Motif {self.name!r} has a matrix of shape {matrix.shape}; expected (length, 4), "
                "with the columns A, C, G, T."
            )
        sums = matrix.sum(axis=1)
        bad = np.flatnonzero(~np.isfinite(sums) | (sums <= 0) | (matrix < 0).any(axis=1))
        if bad.size:
            raise InputError(
                f"Motif {self.name!r}, position {bad[0] + 1}: {matrix[bad[0]].tolist()} are no "
                "counts or probabilities; expected four numbers from 0, not all 0."
            )
        matrix = matrix / sums[:, None]
        matrix.flags.writeable = False
        object.__setattr__(self, "probabilities", matrix)

    def __len__(self) -> int:
        return len(self.probabilities)

    @classmethod
    def of_word(cls, word: str, name: str = "") -> Motif:
        """Make a motif that is one word.

        Parameters
        ----------
        word : str
            In either case. IUPAC codes stand for each of their bases alike: R for A and G, N for
            all four.
        name : str
            By default the word.

        Raises
        ------
        InputError
            If the word is empty, or holds other letters than those for DNA.

        Examples
        --------
        >>> Motif.of_word("TGAS").probabilities[-1].tolist()  # C or G
        [0.0, 0.5, 0.5, 0.0]
        """
        from Bio.Data.IUPACData import ambiguous_dna_values

        upper = word.upper().replace("U", "T")
        meant = {code: bases for code, bases in ambiguous_dna_values.items() if code != "X"}
        if not word.isascii() or not upper or set(upper) - meant.keys():
            raise InputError(
                f"{word!r} is no motif; expected letters A, C, G, T and the other IUPAC codes for "
                "DNA: give dx.Motif(name, probabilities), a row a position, for anything else."
            )
        matrix = np.array([[base in meant[letter] for base in ALPHABET] for letter in upper], float)
        return cls(name or upper, matrix / matrix.sum(axis=1, keepdims=True))

    @property
    def label(self) -> str:
        """Name and accession, as views show it."""
        return f"{self.name} ({self.accession})" if self.accession else self.name

    @property
    def consensus(self) -> str:
        """The most probable base of each position."""
        return "".join(ALPHABET[i] for i in self.probabilities.argmax(axis=1))

    @property
    def information(self) -> NDArray[np.float64]:
        """Information of each position beside even bases, in bits, shape (length,), 0 to 2."""
        p = self.probabilities
        return 2.0 + (p * np.log2(np.where(p > 0, p, 1.0))).sum(axis=1)

    def table(self) -> pd.DataFrame:
        """Return a row a ``position`` (0-based): ``A`` to ``T``, ``information`` (bits)."""
        import pandas as pd

        numbers = pd.DataFrame(self.probabilities, columns=list(ALPHABET))
        return numbers.assign(information=self.information).rename_axis("position").reset_index()

    def reverse_complement(self) -> Motif:
        """Return the motif as the other strand has it."""
        return Motif(
            self.name, self.probabilities[::-1, ::-1], self.accession, self.sites, self.source
        )

    def trimmed(self, bits: float = 0.3) -> Motif:
        """Leave out positions at both ends that have less than `bits` of information.

        The most informative position always stays.
        """
        kept = np.flatnonzero(self.information >= min(bits, float(self.information.max())))
        part = self.probabilities[kept[0] : kept[-1] + 1]
        return Motif(self.name, part, self.accession, self.sites, self.source)

    def sample(self, rng: np.random.Generator) -> str:
        """Draw a site: each base by its probability; `rng` is consumed."""
        drawn = (rng.random((len(self), 1)) > self.probabilities.cumsum(axis=1)).sum(axis=1)
        return "".join(ALPHABET[min(i, 3)] for i in drawn)
