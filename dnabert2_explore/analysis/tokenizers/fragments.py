"""Whether tokenizers keep motifs whole, beside any other place of the same sequences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...common.stats import interval
from ...encoder import Bases, Encoder
from ...encoder.inputs import bases_of
from ...errors import InputError
from ...results.origins import recorded
from ...results.rich_display import RichDisplay, counted
from ...tokens import DnaTokenizer, Tokens
from .comparison import compare_tokenizers

if TYPE_CHECKING:
    import pandas as pd

    from ..motifs import Hits

__all__ = ["MotifFragments", "fragment_motifs"]

_SAMPLES = 1000


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class MotifFragments(RichDisplay):
    """Into how many tokens the sites of motifs are cut.

    Attributes
    ----------
    tokenizers : tuple of str
    motifs : tuple of str
        Those with a hit.
    sites : numpy.ndarray, shape (motifs,), int64
    pieces, chance : numpy.ndarray, shape (tokenizers, motifs), float64
        Tokens that share a base with a site, the mean over sites; and with a stretch of the same
        length anywhere in the same sequence, the mean over all of them.
    low, high : numpy.ndarray, shape (tokenizers, motifs), float64
        95% interval of the difference, by bootstrap over sequences; NaN with one sequence.
    whole, whole_chance : numpy.ndarray, shape (tokenizers, motifs), float64
        Share of sites within a single token, and of other stretches.
    """

    tokenizers: tuple[str, ...]
    motifs: tuple[str, ...]
    sites: NDArray[np.int64]
    pieces: NDArray[np.float64]
    chance: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    whole: NDArray[np.float64]
    whole_chance: NDArray[np.float64]

    def _line(self) -> str:
        said = ", ".join(
            f"{name} {mine:.2f} tokens a site (other places {other:.2f})"
            for name, mine, other in zip(
                self.tokenizers,
                np.average(self.pieces, axis=1, weights=self.sites),
                np.average(self.chance, axis=1, weights=self.sites),
                strict=True,
            )
        )
        return (
            f"{counted(int(self.sites.sum()), 'site')} of "
            f"{counted(len(self.motifs), 'motif')}: {said}"
        )

    def table(self) -> pd.DataFrame:
        """Return a row a tokenizer and motif.

        Returns
        -------
        pandas.DataFrame
            ``tokenizer``, ``motif``, ``sites``, ``pieces``, ``chance``, ``difference`` with ``low``
            and ``high``, ``whole``, ``whole_chance``.
        """
        import pandas as pd

        return pd.DataFrame(
            [
                (
                    tokenizer, motif, int(self.sites[j]), self.pieces[i, j], self.chance[i, j],
                    self.pieces[i, j] - self.chance[i, j], self.low[i, j], self.high[i, j],
                    self.whole[i, j], self.whole_chance[i, j],
                )
                for i, tokenizer in enumerate(self.tokenizers)
                for j, motif in enumerate(self.motifs)
            ],
            columns=["tokenizer", "motif", "sites", "pieces", "chance", "difference", "low", "high",
                     "whole", "whole_chance"],
        )  # fmt: skip


@recorded
def fragment_motifs(
    enc: Encoder,
    sequences: Iterable[Bases],
    hits: Hits,
    *,
    others: Mapping[str, DnaTokenizer | Encoder | str | PathLike[str]] | None = None,
    seed: int = 0,
) -> MotifFragments:
    """Count the tokens that share each site of a motif, in each tokenizer.

    A vocabulary learnt from genomes might keep what binds proteins whole, or cut it anywhere. So
    the count at sites stands beside that at all stretches of that length in the same sequences.

    Parameters
    ----------
    enc : Encoder
    sequences : iterable of str or Sequence
        Those that `hits` are of, in their order.
    hits : Hits
        From :func:`~dnabert2_explore.scan_motifs`.
    others : mapping of str to DnaTokenizer, Encoder or path, optional
        Further BPE tokenizers, as of :func:`~dnabert2_explore.compare_tokenizers`.
    seed : int
        Of the bootstrap.

    Returns
    -------
    MotifFragments
        Of the BPEs, of DNABERT's overlapping 6-mers (which share a stretch anywhere alike) and of
        6-mers.

    Raises
    ------
    InputError
        If there is no hit, or the sequences are not those of the hits.

    Examples
    --------
    >>> import dnabert2_explore as dx
    >>> windows = dx.demo.motif()[:40]
    >>> hits = dx.scan_motifs(windows, dx.jaspar_motif("NFE2"))
    >>> found = dx.fragment_motifs(dx.load("pocket"), windows, hits)
    >>> found.tokenizers
    ('pocket BPE', '6-mers, overlapping', '6-mers')
    """
    texts = [bases_of(one) for one in sequences]
    if not len(hits):
        raise InputError("There are no hits to look at: scan with a higher threshold.")
    if [len(text) for text in texts] != hits.lengths.tolist():
        raise InputError(
            f"The hits are of {len(hits.lengths)} sequences with other lengths than these "
            f"{len(texts)}: pass the sequences that were scanned, in their order."
        )
    used = np.unique(hits.sequence)
    kinds = np.unique(hits.motif)
    column = {int(kind): j for j, kind in enumerate(kinds)}
    names: tuple[str, ...] = ()
    # Sums by tokenizer, motif and sequence: pieces, chance, whole, whole by chance.
    sums = np.zeros((0, 4, len(kinds), len(used)))
    counts = np.zeros((len(kinds), len(used)))
    for place, number in enumerate(used):
        cuts = [
            cut
            for cut in compare_tokenizers(enc, texts[number], others).cuts
            if cut.tokenizer is not None or "6-mers" in cut.name
        ]
        if not names:
            names = tuple(cut.name for cut in cuts)
            sums = np.zeros((len(cuts), 4, len(kinds), len(used)))
        rows = np.flatnonzero(hits.sequence == number)
        columns = [column[int(kind)] for kind in hits.motif[rows]]
        np.add.at(counts, (columns, place), 1)
        lengths = hits.end[rows] - hits.start[rows]
        for row, cut in enumerate(cuts):
            mine = _pieces(cut.tokens, hits.start[rows], lengths)
            for length in np.unique(lengths):
                starts = np.arange(len(texts[number]) - length + 1)
                other = _pieces(cut.tokens, starts, np.full(len(starts), length))
                for i in np.flatnonzero(lengths == length):
                    where = (columns[i], place)
                    sums[row, 0][where] += mine[i]
                    sums[row, 1][where] += other.mean()
                    sums[row, 2][where] += mine[i] == 1
                    sums[row, 3][where] += (other == 1).mean()
    sites = counts.sum(axis=1)
    means = sums.sum(axis=3) / sites
    low, high = _interval(sums[:, 0] - sums[:, 1], counts, seed)
    return MotifFragments(
        names,
        tuple(hits.motifs[kind].label for kind in kinds),
        sites.astype(np.int64),
        means[:, 0],
        means[:, 1],
        low,
        high,
        means[:, 2],
        means[:, 3],
    )


def _pieces(
    tokens: Tokens, starts: NDArray[np.int64], lengths: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Tokens that share a base with each stretch."""
    begun = np.searchsorted(tokens.spans[:, 0], starts + lengths, side="left")
    over = np.searchsorted(tokens.spans[:, 1], starts, side="right")
    return np.asarray(begun - over)


def _interval(
    differences: NDArray[np.float64], counts: NDArray[np.float64], seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """95% interval of the mean difference a site, over resamples of sequences."""
    n = counts.shape[1]
    if n < 2:
        nothing = np.full(differences.shape[:2], np.nan)
        return nothing, nothing
    drawn = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=_SAMPLES)
    sites = counts @ drawn.T
    with np.errstate(invalid="ignore"):  # a motif that no sequence of a resample has
        values = np.where(sites > 0, (differences @ drawn.T) / sites, np.nan)
    return interval(values)
