"""The sites of motifs in sequences, and the tokens they are cut into."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ...results.origins import recorded
from ...results.rich_display import RichDisplay, counted
from ...sequences.motifs.motif import Motif
from ...tokens import Tokens
from .background import EVEN, is_even

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["HitTokens", "Hits"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class HitTokens(RichDisplay):
    """How the hits in one sequence are cut into tokens.

    Attributes
    ----------
    hits : numpy.ndarray, shape (n,), int64
        Rows of the `Hits` they belong to.
    first, last : numpy.ndarray, shape (n,), int64
        Half-open range of tokens that overlap each hit.
    """

    hits: NDArray[np.int64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]

    def _line(self) -> str:
        whole = int((self.pieces == 1).sum())
        return f"{counted(len(self), 'hit')}, {whole:,} of them within one token"

    def table(self) -> pd.DataFrame:
        """Return a row a hit: ``hit`` (its row in `Hits`), ``first``, ``last``, ``pieces``."""
        import pandas as pd

        columns = {"hit": self.hits, "first": self.first, "last": self.last, "pieces": self.pieces}
        return pd.DataFrame(columns)

    def __len__(self) -> int:
        return len(self.hits)

    @property
    def pieces(self) -> NDArray[np.int64]:
        """Into how many tokens each hit is cut, shape (n,); 1 is whole."""
        return self.last - self.first


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Hits(RichDisplay):
    """Where motifs occur, ordered by sequence and start.

    Attributes
    ----------
    sequence, motif : numpy.ndarray, shape (n,), int64
        Indices into `names` and `motifs`.
    start, end : numpy.ndarray, shape (n,), int64
        0-based, half-open, on the sequence as it was passed, whichever the strand.
    strand : numpy.ndarray, shape (n,), int8
        1, or -1 where the reverse complement is the motif's site. A palindrome has both.
    score : numpy.ndarray, shape (n,), float64
        Log-likelihood ratio of motif and background, in bits.
    p_value : numpy.ndarray, shape (n,), float64
        Probability of that score or more at one place of random bases, as common as `background`
        says; not corrected for how many places, strands and motifs were looked at.
    motifs : tuple of Motif
    names : tuple of str
        Of the sequences.
    lengths : numpy.ndarray, shape (sequences,), int64
        Of the sequences, in characters as passed.
    threshold : float
        Hits have p-values below it.
    both_strands : bool
    background : tuple of four float
        How often A, C, G and T occur by chance.
    """

    sequence: NDArray[np.int64]
    motif: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    strand: NDArray[np.int8]
    score: NDArray[np.float64]
    p_value: NDArray[np.float64]
    motifs: tuple[Motif, ...]
    names: tuple[str, ...]
    lengths: NDArray[np.int64]
    threshold: float
    both_strands: bool
    background: tuple[float, float, float, float] = EVEN

    def __len__(self) -> int:
        return len(self.start)

    def __str__(self) -> str:
        strands = "both strands" if self.both_strands else "the strand as given"
        return (
            f"{counted(len(self), 'hit')} of {counted(len(self.motifs), 'motif')} "
            f"in {counted(len(self.names), 'sequence')} "
            f"(FIMO, p < {self.threshold:g}, {strands}, {self._bases()} background)"
        )

    def _bases(self) -> str:
        if is_even(self.background):
            return "even"
        return f"{self.background[1] + self.background[2]:.0%} GC"

    @recorded
    def of(self, sequence: int) -> Hits:
        """Return the hits in one sequence, counted from 0; motifs and names are as before.

        Raises
        ------
        InputError
            If there is no such sequence.
        """
        return self._rows(self._slice(sequence))

    def table(self) -> pd.DataFrame:
        """Return the hits as a table, one row each.

        Returns
        -------
        pandas.DataFrame
            ``sequence`` and ``motif`` (names), ``accession``, ``start``, ``end`` (0-based,
            half-open), ``strand`` (``+`` or ``-``), ``score`` (bits), ``p_value``.
        """
        import pandas as pd

        table = pd.DataFrame(
            {
                "sequence": [self.names[i] for i in self.sequence],
                "motif": [self.motifs[i].name for i in self.motif],
                "accession": [self.motifs[i].accession for i in self.motif],
                "start": self.start,
                "end": self.end,
                "strand": np.where(self.strand > 0, "+", "-"),
                "score": self.score,
                "p_value": self.p_value,
            }
        )
        table.attrs["about"] = str(self)
        return table

    @recorded
    def tokens(self, number: int, segmentation: Tokens) -> HitTokens:
        """Find the tokens under each hit in one sequence.

        Parameters
        ----------
        number : int
            Index of the sequence.
        segmentation : Tokens
            Of the same sequence; BPE, k-mers or any other.

        Returns
        -------
        HitTokens

        Raises
        ------
        InputError
            If there is no such sequence, or the segmentation is of one of another length.
        """
        rows = self._slice(number)
        if len(segmentation.bases) != self.lengths[number]:
            raise InputError(
                f"The segmentation is of {len(segmentation.bases):,} bases, and sequence "
                f"{self.names[number]} has {self.lengths[number]:,}: cut the sequence that was "
                "scanned."
            )
        ranges = np.array(
            [
                segmentation.covering(int(start), int(end))
                for start, end in zip(self.start[rows], self.end[rows], strict=True)
            ],
            dtype=np.int64,
        ).reshape(-1, 2)
        return HitTokens(np.arange(rows.start, rows.stop), ranges[:, 0], ranges[:, 1])

    def counts(self) -> NDArray[np.int64]:
        """Hits of each motif in each sequence, shape (sequences, motifs)."""
        shape = (len(self.names), len(self.motifs))
        flat = self.sequence * shape[1] + self.motif
        return np.bincount(flat, minlength=shape[0] * shape[1]).reshape(shape)

    def _slice(self, sequence: int) -> slice:
        if not 0 <= sequence < len(self.names):
            raise InputError(
                f"There is no sequence {sequence} among {len(self.names)}: count from 0."
            )
        first, last = np.searchsorted(self.sequence, [sequence, sequence + 1])
        return slice(int(first), int(last))

    def _rows(self, rows: slice) -> Hits:
        columns = ("sequence", "motif", "start", "end", "strand", "score", "p_value")
        return replace(self, **{name: getattr(self, name)[rows] for name in columns})
