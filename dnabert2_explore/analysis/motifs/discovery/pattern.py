"""Patterns: what seqlets have in common, as motifs with their sites."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ....results.rich_display import RichDisplay, counted
from ....sequences.motifs.motif import Motif

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Discovery", "Pattern", "Sites"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Sites(RichDisplay):
    """Where a pattern stands.

    Attributes
    ----------
    sequence : numpy.ndarray, shape (n,), int64
        Index of the sequence.
    start, end : numpy.ndarray, shape (n,), int64
        0-based half-open, on the sequence as given.
    strand : numpy.ndarray, shape (n,), int64
        1 where the sequence reads as the motif, -1 where its reverse complement does.
    """

    sequence: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    strand: NDArray[np.int64]

    def _line(self) -> str:
        return f"{len(self):,} in {counted(len(np.unique(self.sequence)), 'sequence')}"

    def __len__(self) -> int:
        return len(self.start)

    def first_in(self, sequence: int) -> tuple[int, int] | None:
        """Return the first site in a sequence, 0-based half-open; None where it has none."""
        mine = np.flatnonzero(self.sequence == sequence)
        if not len(mine):
            return None
        first = mine[self.start[mine].argmin()]
        return int(self.start[first]), int(self.end[first])

    def table(self) -> pd.DataFrame:
        """Return the sites as a table, one row each.

        Returns
        -------
        pandas.DataFrame
            ``sequence`` (its index), ``start``, ``end`` (0-based half-open), ``strand``.
        """
        import pandas as pd

        return pd.DataFrame(
            {"sequence": self.sequence, "start": self.start, "end": self.end,
             "strand": np.where(self.strand > 0, "+", "-")}
        )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Pattern(RichDisplay):
    """Seqlets that share a motif.

    Attributes
    ----------
    motif : Motif
        Base frequencies at the sites.
    contribution : numpy.ndarray, shape (length, 4), float64
        Mean over the sites of the contribution of each position, in the column of the base that
        stands there; in multiples of a sequence's mean absolute contribution.
    sign : int
        1 where the bases speak for the output, -1 where they speak against it.
    sites : Sites
    e_value : float
        Patterns as concentrated in seqlets that chance would give; NaN where the caller tests
        nothing of the kind.
    """

    motif: Motif
    contribution: NDArray[np.float64]
    sign: int
    sites: Sites
    e_value: float

    def _line(self) -> str:
        motif = self.motif
        return (
            f"{motif.name} {motif.consensus}, {counted(len(self.sites), 'site')}, "
            f"sign {self.sign:+d}"
        )

    def __len__(self) -> int:
        return len(self.motif)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Discovery(RichDisplay):
    """The patterns found in a set of sequences, those with most sites first.

    Attributes
    ----------
    patterns : tuple of Pattern
    caller : str
        ``"seqlets"`` or ``"modisco"``.
    n_sequences, n_seqlets, n_in_patterns : int
        Sequences given, seqlets called, and seqlets that belong to a pattern.
    n_control : int or None
        Patterns that the same search found in contributions rotated along their sequences, where
        none is to be found; None where it was not made: without patterns, and by ``"modisco"``.
    lengths : numpy.ndarray, shape (n_sequences,), int64
        Of the sequences, in bp.
    settings : mapping of str to (str, int, float or bool)
        Everything that decided the outcome, the null included.
    """

    patterns: tuple[Pattern, ...]
    caller: str
    n_sequences: int
    n_seqlets: int
    n_in_patterns: int
    n_control: int | None
    lengths: NDArray[np.int64]
    settings: Mapping[str, str | int | float | bool]

    def _line(self) -> str:
        names = ", ".join(motif.consensus for motif in self.motifs[:6])
        return (
            f"{counted(len(self), 'motif')} from "
            f"{counted(self.n_seqlets, 'seqlet')} in {self.n_sequences:,} "
            "sequences" + (f": {names}" if names else "")
        )

    def __len__(self) -> int:
        return len(self.patterns)

    @property
    def motifs(self) -> tuple[Motif, ...]:
        """The patterns' motifs, to match with a database or to scan for."""
        return tuple(pattern.motif for pattern in self.patterns)

    def table(self) -> pd.DataFrame:
        """Return the patterns as a table, one row each.

        Returns
        -------
        pandas.DataFrame
            ``pattern``, ``consensus``, ``length`` (bp), ``sign``, ``sites``, ``sequences`` (with a
            site), ``information`` (bits), ``contribution`` (the sum of `Pattern.contribution`),
            ``e_value``.
        """
        import pandas as pd

        every = self.patterns
        return pd.DataFrame(
            {
                "pattern": [p.motif.name for p in every],
                "consensus": [p.motif.consensus for p in every],
                "length": [len(p) for p in every],
                "sign": [p.sign for p in every],
                "sites": [len(p.sites) for p in every],
                "sequences": [len(np.unique(p.sites.sequence)) for p in every],
                "information": [float(p.motif.information.sum()) for p in every],
                "contribution": [float(p.contribution.sum()) for p in every],
                "e_value": [p.e_value for p in every],
            }
        )
