"""Cluster seqlets into patterns, starting from those with the closest neighbours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ....common.progress import Progress, quiet
from ..scored_sequences import ScoredSequences
from .grow import AlignedSites, GrownMotif, SeqletSpans, enrichment, grow, join, pooled, resemblance
from .neighbours import Neighbours, neighbours
from .seqlets import Seqlets

__all__ = ["FoundPattern", "cluster"]

_FLANK = 5  # bases beside the widest seqlet that are compared too
_REACH = 8  # largest offset of two seqlets
_NEIGHBOURS = 30
_FEWEST = 5  # neighbours without which a seqlet is no start
_TRIES = 25  # starts in a row that lead nowhere, after which no more are tried


@dataclass(frozen=True, slots=True, eq=False)
class FoundPattern:
    """A pattern among seqlets of one sign, and how far chance explains it."""

    grown: GrownMotif
    sign: int
    e_value: float


def cluster(
    scored: ScoredSequences,
    seqlets: Seqlets,
    least: int,
    similar: float,
    e_value: float,
    progress: Progress | None = None,
) -> list[FoundPattern]:
    """Find the patterns of positive and of negative seqlets, those with most sites first.

    Seqlets are compared with each other (see `neighbours`). The one whose neighbours are closest is
    grown into a motif with all seqlets that hold it (see `grow`), at the `least` so many, which are
    then set aside; and so on, until 25 starts in a row lead nowhere. A pattern that resembles an
    earlier one, by a correlation of `similar` or more, adds its sites to it. `e_value` is the
    largest number of patterns that chance may give: the p-value of `enrichment` times the number of
    seqlets, each of which could have been a start.
    """
    found = [
        one
        for sign in (1, -1)
        for one in _of_one_sign(
            scored, seqlets.take(seqlets.sign == sign), sign, least, similar, e_value, progress
        )
    ]
    return sorted(found, key=lambda one: -len(one.grown.sites.start))


def _of_one_sign(
    scored: ScoredSequences,
    seqlets: Seqlets,
    sign: int,
    least: int,
    similar: float,
    e_value: float,
    progress: Progress | None,
) -> list[FoundPattern]:
    if len(seqlets) < max(least, _FEWEST + 1):
        return []
    first = scored.first[seqlets.sequence]
    spans = SeqletSpans(first + seqlets.start, first + seqlets.end)
    length = int((spans.end - spans.start).max()) + 2 * _FLANK
    start = (spans.start + spans.end - length) // 2
    hot, scores = scored.stretches(start, np.ones(len(start), dtype=np.int64), length)
    near = neighbours(hot, np.maximum(scores * sign, 0.0), seqlets.sequence, _NEIGHBOURS, _REACH)
    order = np.argsort(-near.similarity.mean(axis=1), kind="stable")
    alive = np.ones(len(seqlets), dtype=bool)
    found: list[FoundPattern] = []
    failed, report = 0, progress or quiet
    for done, seed in enumerate(order):
        report(done, len(order))
        if failed == _TRIES:
            break
        if not alive[seed]:
            continue
        sites = _start(near, int(seed), start, length, alive)
        grown = None if sites is None else grow(scored, spans, alive, sites, least)
        chance = np.inf if grown is None else enrichment(scored, spans, grown) * len(seqlets)
        if grown is None or chance > e_value:
            failed += 1
            continue
        failed = 0
        alive[grown.sites.seqlet] = False
        found = _merged(scored, found, FoundPattern(grown, sign, chance), similar)
    report(len(order), len(order))
    return found


def _start(
    near: Neighbours, seed: int, start: NDArray[np.int64], length: int, alive: NDArray[np.bool_]
) -> AlignedSites | None:
    """Align the neighbours that are left to the seed."""
    kept = alive[near.index[seed]] & (near.similarity[seed] > 0)
    if kept.sum() < _FEWEST:
        return None
    other, shift, strand = (rows[seed][kept] for rows in (near.index, near.shift, near.strand))
    return AlignedSites(
        np.append(seed, other),
        np.append(start[seed], start[other] - shift * strand),
        np.append(1, strand),
        length,
    )


def _merged(
    scored: ScoredSequences, found: list[FoundPattern], new: FoundPattern, similar: float
) -> list[FoundPattern]:
    """Add a pattern, or put its sites to those of the one it resembles most.

    A site either belongs to a motif or not; those with a rarer base at one place are left at first,
    and found as a pattern of their own.
    """
    likes = [resemblance(one.grown, new.grown) for one in found]
    at = max(range(len(likes)), key=lambda i: likes[i][0], default=-1)
    if at < 0 or likes[at][0] < similar:
        return [*found, new]
    _, offset, strand = likes[at]
    old = found[at]
    both = pooled(scored, join(old.grown.sites, new.grown.sites, offset, strand))
    merged = FoundPattern(both, old.sign, min(old.e_value, new.e_value))
    return [*found[:at], merged, *found[at + 1 :]]
