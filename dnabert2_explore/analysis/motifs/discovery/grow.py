"""Grow patterns: from a seqlet and its likes to a motif and all seqlets that hold it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..scored_sequences import ScoredSequences

__all__ = [
    "LONGEST",
    "AlignedSites",
    "GrownMotif",
    "SeqletSpans",
    "enrichment",
    "grow",
    "join",
    "pooled",
    "resemblance",
]

#: Longest motif, in bp.
LONGEST = 30
_FLANK = 6  # bases looked at beside a motif, into which it may grow
_BITS = 0.3  # information a position of a motif has at least
_BRIDGE = 3  # positions with less that a motif may bridge
_LEAST_BITS = 6.0  # a motif with less says too little to tell its sites from others
_PRIOR = 0.1  # share of seqlets that hold the motif, as first guessed
_ROUNDS = 20

_Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class SeqletSpans:
    """Seqlets in `ScoredSequences`: ``start`` and ``end`` as its positions."""

    start: _Ints
    end: _Ints


@dataclass(frozen=True, slots=True, eq=False)
class AlignedSites:
    """Sites of equal length: the seqlet each belongs to, its leftmost position and strand."""

    seqlet: _Ints
    start: _Ints
    strand: _Ints
    length: int

    def turned(self) -> AlignedSites:
        """Return the same sites, read from the other strand."""
        return AlignedSites(self.seqlet, self.start, -self.strand, self.length)

    def cut(self, left: int, length: int) -> AlignedSites:
        """Move to the part that begins at `left` (below 0: before the sites), as each reads."""
        start = np.where(
            self.strand > 0, self.start + left, self.start + self.length - left - length
        )
        return AlignedSites(self.seqlet, start, self.strand, length)


@dataclass(frozen=True, slots=True, eq=False)
class GrownMotif:
    """A motif, its sites, and the least log-odds a site has, in nats."""

    sites: AlignedSites
    frequencies: NDArray[np.float64]
    odds: NDArray[np.float64]
    threshold: float


def grow(
    scored: ScoredSequences,
    spans: SeqletSpans,
    alive: NDArray[np.bool_],
    first: AlignedSites,
    least: int,
) -> GrownMotif | None:
    """Refine a motif and its sites, from `first` on, by turns until they no longer change.

    Each of the seqlets `alive` has at most one site, the best of both strands that shares at least
    half of the shorter of seqlet and motif. It is a site where that is more probable than not:
    log-odds of the motif against the background above ln(m (1 - s) / s), with m placements to
    choose from and a share s of seqlets that hold the motif (the ZOOPS model of MEME, Bailey &
    Elkan 1994, with hard assignments). None where fewer than `least` seqlets, or too little
    information, remain.
    """
    background = scored.background
    open_ = np.flatnonzero(alive)
    sites, share = first, _PRIOR
    for _ in range(_ROUNDS):
        found = _motif(scored, sites, background)
        if found is None:
            return None
        left, frequencies = found
        odds = _odds(frequencies, background)
        score, start, strand, choices = _best_sites(scored, spans, open_, odds)
        threshold = float(np.log(choices * (1 - share) / share))
        good = score > threshold
        if good.sum() < least:
            return None
        new = AlignedSites(open_[good], start[good], strand[good], len(odds))
        old = sites.cut(left, len(odds))
        share = float(np.clip(good.sum() / len(open_), 1e-4, 0.9))
        sites = new
        if _same(new, old):
            break
    return GrownMotif(sites, _frequencies(scored, sites, background), odds, threshold)


def _same(one: AlignedSites, other: AlignedSites) -> bool:
    columns = ("seqlet", "start", "strand")
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in columns)


def _frequencies(
    scored: ScoredSequences, sites: AlignedSites, background: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Count base frequencies at the sites, with one pseudocount shared out as the background is."""
    hot, _ = scored.stretches(sites.start, sites.strand, sites.length)
    counts = hot.sum(axis=0, dtype=np.float64) + background
    return np.asarray(counts / counts.sum(axis=1, keepdims=True))


def _motif(
    scored: ScoredSequences, sites: AlignedSites, background: NDArray[np.float64]
) -> tuple[int, NDArray[np.float64]] | None:
    """Find the informative part around the sites: where it begins, and its frequencies."""
    wide = sites.cut(-_FLANK, sites.length + 2 * _FLANK)
    frequencies = _frequencies(scored, wide, background)
    bits = (frequencies * np.log2(frequencies / background)).sum(axis=1)
    begin, end = informative(bits, len(sites.start))
    if bits[begin:end].clip(0).sum() < _LEAST_BITS:
        return None
    return begin - _FLANK, frequencies[begin:end]


def informative(bits: NDArray[np.float64], sites: int) -> tuple[int, int]:
    """Find the run [start, end) with most information, over gaps of up to 3 positions with little.

    As many random bases as the `sites` that frequencies were counted from seem to have 3 / (2 ln 2
    sites) bits (Schneider et al. 1986, J. Mol. Biol. 188:415), which do not count. The one best
    position where none has 0.3 bits.
    """
    real = bits - 3 / (2 * np.log(2) * max(sites, 1))
    kept = np.flatnonzero(real >= min(_BITS, float(real.max())))
    parts = np.split(kept, np.flatnonzero(np.diff(kept) > _BRIDGE + 1) + 1)
    part = max(parts, key=lambda at: float(real[at].sum()))
    begin, end = int(part[0]), int(part[-1]) + 1
    while end - begin > LONGEST:
        begin, end = (begin + 1, end) if real[begin] < real[end - 1] else (begin, end - 1)
    return begin, end


def _odds(frequencies: NDArray[np.float64], background: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log-odds of each base, in nats, shape (length, 5); no base is as bad as the worst."""
    odds = np.log(frequencies / background)
    return np.concatenate([odds, odds.min(axis=1, keepdims=True)], axis=1)


def _scores(scored: ScoredSequences, starts: _Ints, odds: NDArray[np.float64]) -> NDArray[Any]:
    """Log-odds of the motif on either strand at every start, shape (2, …)."""
    scores = np.zeros((2, *starts.shape))
    for column in range(len(odds)):
        codes = scored.codes[starts + column]
        for strand, table in enumerate((odds, odds[::-1, [3, 2, 1, 0, 4]])):
            scores[strand] += table[column][codes]
    return scores


def _best_sites(
    scored: ScoredSequences, spans: SeqletSpans, seqlets: _Ints, odds: NDArray[np.float64]
) -> tuple[NDArray[np.float64], _Ints, _Ints, float]:
    """Each seqlet's best placement: score, start, strand; and how many there were to choose."""
    length = len(odds)
    begin, end = spans.start[seqlets], spans.end[seqlets]
    shared = (np.minimum(end - begin, length) + 1) // 2
    low = begin - length + shared
    count = end - shared - low + 1
    starts = low[:, None] + np.arange(int(count.max()))
    owner = scored.owner[begin][:, None]
    valid = (
        (np.arange(starts.shape[1]) < count[:, None])
        & (scored.owner[starts] == owner)
        & (scored.owner[starts + length - 1] == owner)
    )
    scores = _scores(scored, starts, odds)
    scores[:, ~valid] = -np.inf
    flat = scores.transpose(1, 0, 2).reshape(len(seqlets), -1)
    best = flat.argmax(axis=1)
    rows = np.arange(len(seqlets))
    strand, column = np.divmod(best, starts.shape[1])
    choices = max(2.0 * float(valid.sum(axis=1).mean()), 1.0)
    return flat[rows, best], starts[rows, column], 1 - 2 * strand, choices


def enrichment(scored: ScoredSequences, spans: SeqletSpans, grown: GrownMotif) -> float:
    """Chance of so many of the motif's occurrences at seqlets rather than anywhere else.

    All sequences are scanned, on both strands, with the threshold of the sites; of occurrences that
    overlap by half the best counts. By chance each occurrence lies at a seqlet as often as a
    position does (binomial, one-sided). A p-value, before any correction.
    """
    from scipy.ndimage import maximum_filter1d
    from scipy.stats import binom

    length = len(grown.odds)
    count = len(scored.codes) - length + 1
    best = _scores(scored, np.arange(count), grown.odds).max(axis=0)
    valid = (scored.owner[:count] >= 0) & (scored.owner[:count] == scored.owner[length - 1 :])
    best[~valid] = -np.inf
    peak = best >= maximum_filter1d(best, 2 * (length // 2) + 1, mode="nearest")
    hits = peak & valid & (best > grown.threshold)
    begin, end = spans.start, spans.end
    shared = (np.minimum(end - begin, length) + 1) // 2
    edges = np.zeros(count + LONGEST + 64, dtype=np.int64)
    np.add.at(edges, begin - length + shared, 1)
    np.add.at(edges, end - shared + 1, -1)
    near = (np.cumsum(edges)[:count] > 0) & valid
    inside, total = int((hits & near).sum()), int(hits.sum())
    return float(binom.sf(inside - 1, total, near.sum() / max(valid.sum(), 1)))


def resemblance(one: GrownMotif, other: GrownMotif) -> tuple[float, int, int]:
    """Correlate two motifs over offsets and strands: 1 for the same.

    Positions that do not overlap count as pairs without correlation, so that a small overlap is no
    resemblance. Beside it, the offset of the other's start on the one, and 1 or -1 where the other
    has to be turned.
    """
    a = one.frequencies - 0.25
    best = (-1.0, 0, 1)
    for strand in (1, -1):
        b = (other.frequencies if strand > 0 else other.frequencies[::-1, ::-1]) - 0.25
        norm = float(np.sqrt((a**2).sum() * (b**2).sum()))
        for offset in range(1 - len(b), len(a)):
            low, high = max(offset, 0), min(offset + len(b), len(a))
            dot = float((a[low:high] * b[low - offset : high - offset]).sum())
            best = max(best, (dot / norm, offset, strand))
    return best


def join(one: AlignedSites, other: AlignedSites, offset: int, strand: int) -> AlignedSites:
    """Put the sites of another motif, aligned as `resemblance` says, to those of the one."""
    turned = other if strand > 0 else other.turned()
    moved = turned.cut(-offset, one.length)
    return AlignedSites(
        np.concatenate([one.seqlet, moved.seqlet]),
        np.concatenate([one.start, moved.start]),
        np.concatenate([one.strand, moved.strand]),
        one.length,
    )


def pooled(scored: ScoredSequences, sites: AlignedSites) -> GrownMotif:
    """Make one motif of sites as they are; sites that leave their sequence with it are left out."""
    background = scored.background
    found = _motif(scored, sites, background)
    if found is not None:
        sites = sites.cut(found[0], len(found[1]))
    owner = scored.owner[sites.start]
    inside = (owner >= 0) & (owner == scored.owner[sites.start + sites.length - 1])
    sites = AlignedSites(
        sites.seqlet[inside], sites.start[inside], sites.strand[inside], sites.length
    )
    frequencies = _frequencies(scored, sites, background)
    odds = _odds(frequencies, background)
    hot, _ = scored.stretches(sites.start, sites.strand, sites.length)
    scores = (hot * odds[None, :, :4]).sum(axis=(1, 2))
    return GrownMotif(sites, frequencies, odds, float(scores.min()))
