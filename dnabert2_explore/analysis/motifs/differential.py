"""Motifs that more sequences of one set hold than of another."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...common.costs import says_cost
from ...common.progress import Progress
from ...errors import InputError, silenced
from ...results.origins import recorded
from ...results.rich_display import RichDisplay, counted
from ...sequences import Composition, clean
from ...sequences.given import as_sequences
from ...sequences.motifs.jaspar import as_motifs
from ...sequences.motifs.motif import Motif
from .scan import Bases, OutOfReachWarning, out_of_reach, scan_motifs

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Differential", "SetOfSequences", "differential_motifs"]


@dataclass(frozen=True, slots=True)
class SetOfSequences:
    """What two sets should share before a difference in motifs says anything.

    Attributes
    ----------
    n : int
        Sequences.
    gc : float
        Share of G and C among A, C, G and T; NaN without any.
    mean_length : float
        In bases.
    """

    n: int
    gc: float
    mean_length: float

    def __str__(self) -> str:
        return (
            f"{counted(self.n, 'sequence')}, GC {self.gc:.1%}, "
            f"{self.mean_length:,.0f} bp on average"
        )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Differential(RichDisplay):
    """How many sequences of two sets hold each motif, the surest difference first.

    Attributes
    ----------
    motifs : tuple of Motif
        Those that were tested, ordered by q-value.
    first_count, second_count : numpy.ndarray, shape (motifs,), int64
        Sequences of each set with at least one hit.
    p_value : numpy.ndarray, shape (motifs,), float64
        Fisher's exact test, two-sided.
    q_value : numpy.ndarray, shape (motifs,), float64
        By Benjamini and Hochberg over the motifs tested.
    first, second : SetOfSequences
    left_out : tuple of Motif
        Motifs of which no site could reach `threshold`.
    threshold : float
        On the p-value of a hit.
    """

    motifs: tuple[Motif, ...]
    first_count: NDArray[np.int64]
    second_count: NDArray[np.int64]
    p_value: NDArray[np.float64]
    q_value: NDArray[np.float64]
    first: SetOfSequences
    second: SetOfSequences
    left_out: tuple[Motif, ...]
    threshold: float

    def __len__(self) -> int:
        return len(self.motifs)

    def __str__(self) -> str:
        return (
            f"{counted(len(self), 'motif')} (FIMO hits, p < {self.threshold:g}) "
            f"in {self.first} and "
            f"{self.second}; Fisher's exact test"
        )

    @property
    def first_rate(self) -> NDArray[np.float64]:
        """Share of the first set with a hit, shape (motifs,)."""
        return self.first_count / self.first.n

    @property
    def second_rate(self) -> NDArray[np.float64]:
        """Share of the second set with a hit, shape (motifs,)."""
        return self.second_count / self.second.n

    @property
    def difference(self) -> NDArray[np.float64]:
        """Rate of the first set minus that of the second, shape (motifs,), -1 to 1."""
        return self.first_rate - self.second_rate

    @property
    def odds_ratio(self) -> NDArray[np.float64]:
        """Odds of a hit in the first set over those in the second, shape (motifs,).

        Infinite where only the first has what it takes, NaN where none or all have a hit.
        """
        a, c = self.first_count.astype(float), self.second_count.astype(float)
        with np.errstate(divide="ignore", invalid="ignore"):
            return (a * (self.second.n - c)) / ((self.first.n - a) * c)

    @property
    def gc(self) -> NDArray[np.float64]:
        """Expected share of G and C in a motif's sites, shape (motifs,)."""
        return np.array([motif.probabilities[:, 1:3].sum() / len(motif) for motif in self.motifs])

    def table(self) -> pd.DataFrame:
        """Return the motifs as a table, one row each.

        Returns
        -------
        pandas.DataFrame
            ``motif``, ``accession``, ``first`` and ``second`` (sequences with a hit),
            ``first_rate``, ``second_rate``, ``difference``, ``odds_ratio``, ``p_value``,
            ``q_value``, ``gc``. ``attrs["about"]`` holds the two sets' GC and lengths.
        """
        import pandas as pd

        table = pd.DataFrame(
            {
                "motif": [motif.name for motif in self.motifs],
                "accession": [motif.accession for motif in self.motifs],
                "first": self.first_count,
                "second": self.second_count,
                "first_rate": self.first_rate,
                "second_rate": self.second_rate,
                "difference": self.difference,
                "odds_ratio": self.odds_ratio,
                "p_value": self.p_value,
                "q_value": self.q_value,
                "gc": self.gc,
            }
        )
        table.attrs["about"] = str(self)
        return table


@recorded
@says_cost
def differential_motifs(
    first: Iterable[Bases],
    second: Iterable[Bases],
    motifs: Motif | str | Iterable[Motif | str] | None = None,
    *,
    threshold: float = 1e-4,
    progress: Progress | None = None,
) -> Differential:
    """Compare how many sequences of two sets hold each motif.

    A sequence counts once, however many hits it has. Chance hits depend on composition and length:
    where the sets differ in GC, motifs rich in G and C differ too without any biology, and longer
    sequences have more of all. Compare `Differential.gc` of the motifs on top with the GC of the
    sets, and match the sets first where both lean the same way. Motifs of one family share their
    sites, so that one difference shows many times; the tests are not independent.

    Parameters
    ----------
    first, second : iterable of str or Sequence
    motifs : Motif, str, or iterable of them, optional
        A str is a word such as TGACTCA, or a name or accession among JASPAR's vertebrates.
        By default :func:`~dnabert2_explore.sequences.motifs.jaspar.jaspar`.
    threshold : float
        On the p-value of a hit, as in `scan_motifs`; both strands are searched.
    progress : callable, optional
        Called as progress(bases done, bases in all); may raise `Cancelled`.

    Returns
    -------
    Differential

    Raises
    ------
    InputError
        If a set or `motifs` is empty, or no motif can reach `threshold`.

    Examples
    --------
    >>> ap1 = Motif.of_word("TGACTCA", "AP-1")
    >>> result = differential_motifs(["ccTGACTCAcc"] * 5, ["ccTGACTGAcc"] * 5, [ap1])
    >>> result.difference.tolist(), round(float(result.p_value[0]), 4)
    ([1.0], 0.0079)
    """
    sets = [_texts(one, which) for one, which in ((first, "first"), (second, "second"))]
    each = as_motifs(motifs)
    lost = set(out_of_reach(each, threshold))
    with silenced(OutOfReachWarning):  # the result names them
        hits = scan_motifs([*sets[0], *sets[1]], each, threshold=threshold, progress=progress)
    has = hits.counts() > 0
    n = len(sets[0])
    tested = np.array([i for i in range(len(each)) if i not in lost])
    counts = np.stack([has[:n].sum(axis=0), has[n:].sum(axis=0)])[:, tested]
    p_value, q_value = _test(counts, n, len(sets[1]))
    # By difference where q-values are the same, as at 1.
    difference = np.abs(counts[0] / n - counts[1] / len(sets[1]))
    order = np.lexsort((-difference, p_value, q_value))
    return Differential(
        motifs=tuple(each[tested[i]] for i in order),
        first_count=counts[0, order],
        second_count=counts[1, order],
        p_value=p_value[order],
        q_value=q_value[order],
        first=_describe(sets[0]),
        second=_describe(sets[1]),
        left_out=tuple(each[i] for i in sorted(lost)),
        threshold=threshold,
    )


def _test(
    counts: NDArray[np.int64], first: int, second: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    from scipy.stats import false_discovery_control, fisher_exact

    # Many motifs have the same two counts.
    pairs, which = np.unique(counts, axis=1, return_inverse=True)
    p = [fisher_exact([[a, first - a], [c, second - c]]).pvalue for a, c in pairs.T]
    p_value = np.clip(np.array(p), 0, 1)[which.ravel()]
    return p_value, false_discovery_control(p_value, method="bh")


def _texts(sequences: Iterable[Bases], which: str) -> list[str]:
    try:
        return [one.bases for one in as_sequences(sequences)]
    except InputError as error:
        raise InputError(f"The {which} set: {error}") from None


def _describe(texts: list[str]) -> SetOfSequences:
    all_of_them = Composition.total(clean(text).composition for text in texts)
    known = all_of_them.a + all_of_them.c + all_of_them.g + all_of_them.t
    return SetOfSequences(
        n=len(texts),
        gc=(all_of_them.g + all_of_them.c) / known if known else float("nan"),
        mean_length=all_of_them.length / len(texts),
    )
