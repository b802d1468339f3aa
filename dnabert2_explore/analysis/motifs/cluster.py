"""Cluster seqlets into patterns, starting from those with the closest neighbours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...progress import Progress
from .ground import Ground
from .grow import Grown, Places, Stand, enrichment, grow, join, pooled, resemblance
from .neighbours import Neighbours, neighbours
from .seqlets import Seqlets

__all__ = ["Found", "cluster"]

_FLANK = 5  # bases beside the widest seqlet that are compared too
_REACH = 8  # largest offset of two seqlets
_NEIGHBOURS = 30
_FEWEST = 5  # neighbours without which a seqlet is no start
_TRIES = 25  # starts in a row that lead nowhere, after which no more are tried


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """A pattern among seqlets of one sign, and how far chance explains it."""

    grown: Grown
    sign: int
    e_value: float


def cluster(
    ground: Ground,
    seqlets: Seqlets,
    least: int,
    similar: float,
    e_value: float,
    progress: Progress | None = None,
) -> list[Found]:
    """Find the patterns of positive and of negative seqlets.

    Seqlets are compared with each other (see `neighbours`). The one whose neighbours are closest is
    grown into a motif with all seqlets that hold it (see `grow`), which are then set aside; and so
    on, until 25 starts in a row lead nowhere. A pattern that resembles an earlier one adds its
    sites to it.

    Parameters
    ----------
    ground : Ground
    seqlets : Seqlets
    least : int
        Fewest sites of a pattern.
    similar : float
        Correlation from which two patterns are one.
    e_value : float
        Largest number of patterns that chance may give: the p-value of `enrichment` times the
        number of seqlets, each of which could have been a start.
    progress : callable, optional
        Called with starts tried and starts in all.
    """
    found = [
        one
        for sign in (1, -1)
        for one in _of_one_sign(
            ground, seqlets.take(seqlets.sign == sign), sign, least, similar, e_value, progress
        )
    ]
    return sorted(found, key=lambda one: -len(one.grown.stand.start))


def _places(ground: Ground, seqlets: Seqlets) -> Places:
    first = ground.first[seqlets.sequence]
    return Places(first + seqlets.start, first + seqlets.end)


def _of_one_sign(
    ground: Ground,
    seqlets: Seqlets,
    sign: int,
    least: int,
    similar: float,
    e_value: float,
    progress: Progress | None,
) -> list[Found]:
    if len(seqlets) < max(least, _FEWEST + 1):
        return []
    places = _places(ground, seqlets)
    length = int((places.end - places.start).max()) + 2 * _FLANK
    start = (places.start + places.end - length) // 2
    hot, scores = ground.stretches(start, np.ones(len(start), dtype=np.int64), length)
    near = neighbours(hot, np.maximum(scores * sign, 0.0), seqlets.sequence, _NEIGHBOURS, _REACH)
    order = np.argsort(-near.similarity.mean(axis=1), kind="stable")
    alive = np.ones(len(seqlets), dtype=bool)
    found: list[Found] = []
    failed = 0
    for done, seed in enumerate(order):
        if progress is not None:
            progress(done, len(order))
        if failed == _TRIES:
            break
        if not alive[seed]:
            continue
        first = _start(near, int(seed), start, length, alive)
        grown = None if first is None else grow(ground, places, alive, first, least)
        chance = np.inf if grown is None else enrichment(ground, places, grown) * len(seqlets)
        if grown is None or chance > e_value:
            failed += 1
            continue
        failed = 0
        alive[grown.stand.seqlet] = False
        found = _merged(ground, found, Found(grown, sign, chance), similar)
    if progress is not None:
        progress(len(order), len(order))
    return found


def _start(
    near: Neighbours, seed: int, start: NDArray[np.int64], length: int, alive: NDArray[np.bool_]
) -> Stand | None:
    """Align the neighbours that are left to the seed."""
    kept = alive[near.index[seed]] & (near.similarity[seed] > 0)
    if kept.sum() < _FEWEST:
        return None
    other, shift, strand = (rows[seed][kept] for rows in (near.index, near.shift, near.strand))
    return Stand(
        np.append(seed, other),
        np.append(start[seed], start[other] - shift * strand),
        np.append(1, strand),
        length,
    )


def _merged(ground: Ground, found: list[Found], new: Found, similar: float) -> list[Found]:
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
    both = pooled(ground, join(old.grown.stand, new.grown.stand, offset, strand))
    merged = Found(both, old.sign, min(old.e_value, new.e_value))
    return [*found[:at], merged, *found[at + 1 :]]
