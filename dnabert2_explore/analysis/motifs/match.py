"""Which known motifs a motif resembles."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...errors import ExploreWarning, InputError, silenced, warn
from ...results.origins import recorded
from ...results.rich_display import RichDisplay, counted
from ...sequences.motifs.jaspar import as_motifs
from ...sequences.motifs.motif import Motif
from .scan import numba_alone

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Match", "Matches", "SmallDatabaseWarning", "match_motifs"]

#: Targets below which MEME's own TOMTOM warns.
FEW = 50
#: Bits that a match has to share; JASPAR's vaguest profile of vertebrates has 5.8 in all.
SHARED = 5.0
#: What is told of a query and a target.
_NUMBERS = ("p_value", "q_value", "offset", "overlap", "strand", "shared")


class SmallDatabaseWarning(ExploreWarning):
    """There are too few targets for the p-values of their matches to mean much."""


@dataclass(frozen=True, slots=True, repr=False)
class Match(RichDisplay):
    """One motif laid over another.

    Attributes
    ----------
    query, target : Motif
    p_value, q_value : float
    offset : int
        Position of the target, on `strand`, at which the query begins; negative where it begins
        before it.
    overlap : int
        Positions that both have; 0 where no alignment is better than none.
    strand : int
        1, or -1 where the query resembles the target's reverse complement.
    shared : float
        Information that both have in the overlap, in bits: at each position the lesser of the two.
    """

    query: Motif
    target: Motif
    p_value: float
    q_value: float
    offset: int
    overlap: int
    strand: int
    shared: float

    def __str__(self) -> str:
        return f"{self.query.label} beside {self.target.label}, q = {self.q_value:.2g}"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Matches(RichDisplay):
    """The nearest targets of each query, best first.

    Attributes
    ----------
    queries, database : tuple of Motif
    query, target : numpy.ndarray, shape (n,), int64
        Indices into `queries` and `database`, ordered by query and p-value.
    p_value : numpy.ndarray, shape (n,), float64
        Probability that a random motif of the target's length resembles the query as much, at the
        best of all offsets and strands. 1 where both share too little information to tell.
    q_value : numpy.ndarray, shape (n,), float64
        Least false discovery rate at which the match counts, among all pairs of a query and a
        target that were compared.
    offset, overlap : numpy.ndarray, shape (n,), int64
        As in `Match`.
    strand : numpy.ndarray, shape (n,), int8
        1 or -1.
    shared : numpy.ndarray, shape (n,), float64
        In bits, as in `Match`.
    """

    queries: tuple[Motif, ...]
    database: tuple[Motif, ...]
    query: NDArray[np.int64]
    target: NDArray[np.int64]
    p_value: NDArray[np.float64]
    q_value: NDArray[np.float64]
    offset: NDArray[np.int64]
    overlap: NDArray[np.int64]
    strand: NDArray[np.int8]
    shared: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.query)

    def __str__(self) -> str:
        return (
            f"the nearest of {counted(len(self.database), 'motif')} to each of "
            f"{len(self.queries):,} "
            "(TOMTOM; q-values over all pairs)"
        )

    def __getitem__(self, row: int) -> Match:
        return Match(
            query=self.queries[self.query[row]],
            target=self.database[self.target[row]],
            **{name: getattr(self, name)[row].item() for name in _NUMBERS},
        )

    @recorded
    def best(self, query: int) -> Match:
        """Return the nearest target of a query, however far it is.

        Parameters
        ----------
        query : int
            Index into `queries`.

        Returns
        -------
        Match

        Raises
        ------
        InputError
            If there is no such query.
        """
        if not 0 <= query < len(self.queries):
            raise InputError(f"There is no query {query} among {len(self.queries)}: count from 0.")
        return self[int(np.searchsorted(self.query, query))]

    def table(self) -> pd.DataFrame:
        """Return the matches as a table, one row each.

        Returns
        -------
        pandas.DataFrame
            ``query`` and ``target`` (names), ``accession`` (of the target), ``p_value``,
            ``q_value``, ``offset``, ``overlap``, ``strand`` (``+`` or ``-``), ``shared``
            (bits).
        """
        import pandas as pd

        table = pd.DataFrame(
            {
                "query": [self.queries[i].name for i in self.query],
                "target": [self.database[i].name for i in self.target],
                "accession": [self.database[i].accession for i in self.target],
                "p_value": self.p_value,
                "q_value": self.q_value,
                "offset": self.offset,
                "overlap": self.overlap,
                "strand": np.where(self.strand > 0, "+", "-"),
                "shared": self.shared,
            }
        )
        table.attrs["about"] = str(self)
        return table


@recorded
def match_motifs(
    queries: Motif | str | Iterable[Motif | str],
    database: Motif | str | Iterable[Motif | str] | None = None,
    *,
    nearest: int | None = 10,
) -> Matches:
    """Find known motifs that resemble others, by TOMTOM (Gupta et al. 2007; memelite).

    Columns are compared by Euclidean distance, both strands and all offsets are tried, and columns
    without a partner count (the complete score of Tanaka et al. 2011). What a column would score
    by chance is told from the columns of the targets: other targets, other p-values.

    Few columns of a database are even, so that to TOMTOM two stretches that say nothing resemble
    each other beyond chance, an even motif and the gap in a long CTCF profile at p = 1e-14. Where
    the overlap shares less than 5 bits, the pair therefore counts as no match, with p = 1.

    q-values are by Benjamini and Hochberg (1995) over all pairs of this call, every query with
    every target, also those that are not among the nearest: the same query alone and among others
    has different ones.

    Parameters
    ----------
    queries : Motif, str, or iterable of them
        A str is a word such as TGACTCA, or a name or accession among JASPAR's vertebrates.
        Compared as they are; see `Motif.trimmed` for ends that say nothing, which make matches
        worse.
    database : Motif, str, or iterable of them, optional
        Targets, 50 or more; by default :func:`~dnabert2_explore.sequences.motifs.jaspar.jaspar`.
    nearest : int, optional
        Targets to keep for each query; None keeps all.

    Returns
    -------
    Matches

    Raises
    ------
    InputError
        If there are no queries or no targets, or `nearest` is below 1.

    Warns
    -----
    SmallDatabaseWarning
        If there are fewer than 50 targets.

    References
    ----------
    Gupta, Stamatoyannopoulos, Bailey and Noble 2007, Quantifying similarity between motifs.
    Tanaka, Bailey, Grant and Noble 2011, Improved similarity scores for comparing motifs.

    Examples
    --------
    >>> from dnabert2_explore.sequences.motifs.jaspar import jaspar_motif
    >>> best = match_motifs(jaspar_motif("CTCF").reverse_complement()).best(0)
    >>> best.target.label, best.strand, best.q_value < 1e-6
    ('CTCF (MA0139.2)', -1, True)
    """
    asked, known = as_motifs(queries), as_motifs(database)
    if not asked or not known:
        what = "motifs to match" if not asked else "motifs to match against"
        raise InputError(f"There are no {what}: give at least one.")
    if nearest is not None and nearest < 1:
        raise InputError(f"The nearest {nearest} targets were asked for: ask for 1 or more.")
    if len(known) < FEW:
        warn(
            f"P-values against {counted(len(known), 'motif')} depend on which these are, since "
            f"their columns stand for chance: match against {FEW} or more, such as jaspar().",
            SmallDatabaseWarning,
        )
    from scipy.stats import false_discovery_control

    told = ("p_value", "offset", "overlap", "strand")
    found = dict(zip(told, _compare(asked, known), strict=True))
    found["shared"] = _shared(asked, known, found["offset"], found["strand"])
    p_value = np.where(found["shared"] < SHARED, 1, found["p_value"])
    q_value = false_discovery_control(p_value.ravel(), method="bh").reshape(p_value.shape)
    found |= {"p_value": p_value, "q_value": q_value}
    kept = len(known) if nearest is None else min(nearest, len(known))
    # Of two targets that are as near, the longer overlap says more.
    rows = np.lexsort((-found["overlap"], p_value), axis=1)[:, :kept]
    pick = np.arange(len(asked))[:, None], rows
    return Matches(
        queries=asked,
        database=known,
        query=np.repeat(np.arange(len(asked)), kept),
        target=rows.ravel(),
        **{name: found[name][pick].ravel() for name in _NUMBERS},
    )


def _compare(queries: tuple[Motif, ...], targets: tuple[Motif, ...]) -> tuple[NDArray, ...]:
    """P-value, offset, overlap and strand of each pair, shape (queries, targets) each."""
    from memelite import tomtom  # numba and what else it brings take a second

    forward = [motif.probabilities.T for motif in targets]
    # It counts fewer targets as too few than MEME does; match_motifs has warned.
    with numba_alone(), silenced(UserWarning, "tomtom was given"):
        # Strands apart, since memelite calls a palindrome's the reverse one.
        p, score, offset, overlap, _ = tomtom(
            [motif.probabilities.T for motif in queries],
            [*forward, *(matrix[::-1, ::-1] for matrix in forward)],
            reverse_complement=False,
        )
    n = len(targets)
    back = score[:, n:] > score[:, :n]
    # The better of two independent chances, without rounding small ones to 0.
    least = np.minimum(p[:, :n], p[:, n:])
    p_value = np.clip(least * (2 - least), 0, 1)
    aligned = np.maximum(score[:, :n], score[:, n:]) > 0
    placed = [
        np.where(aligned, np.where(back, both[:, n:], both[:, :n]), 0).astype(np.int64)
        for both in (offset, overlap)
    ]
    return p_value, *placed, np.where(back, -1, 1).astype(np.int8)


def _shared(
    queries: tuple[Motif, ...],
    targets: tuple[Motif, ...],
    offset: NDArray[np.int64],
    strand: NDArray[np.int8],
) -> NDArray[np.float64]:
    """Bits that each pair shares where it overlaps, shape (queries, targets)."""
    width = max(map(len, targets))
    both = np.zeros((2, len(targets), width))  # strands; past its end a target has no information
    for number, motif in enumerate(targets):
        both[0, number, : len(motif)] = motif.information
        both[1, number, : len(motif)] = motif.information[::-1]
    shared = np.empty(offset.shape)
    every = np.arange(len(targets))[:, None]
    for number, motif in enumerate(queries):
        at = offset[number][:, None] + np.arange(len(motif))
        theirs = both[(strand[number] < 0).astype(int)[:, None], every, np.clip(at, 0, width - 1)]
        inside = (at >= 0) & (at < width)
        shared[number] = (np.minimum(motif.information, theirs) * inside).sum(axis=1)
    return shared
