"""Sequences with planted motifs and contributions that point at them, and some that do not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dnabert2_explore.sequences.motifs.motif import Motif

# Frequencies in the manner of JASPAR's profiles, made up here: conserved cores, softer edges.
AP1 = Motif(
    "AP-1",
    np.array(
        [
            [2, 3, 3, 92],
            [3, 2, 92, 3],
            [92, 3, 3, 2],
            [8, 70, 14, 8],
            [2, 2, 2, 94],
            [3, 92, 3, 2],
            [94, 2, 2, 2],
            [15, 30, 20, 35],
        ]
    ),
)
GATA = Motif(
    "GATA",
    np.array(
        [
            [55, 10, 10, 25],
            [2, 2, 94, 2],
            [95, 1, 2, 2],
            [2, 2, 1, 95],
            [93, 2, 2, 3],
            [85, 3, 10, 2],
            [15, 10, 70, 5],
        ]
    ),
)


@dataclass(frozen=True)
class Planted:
    sequences: list[str]
    contributions: list[np.ndarray]
    sites: list[tuple[int, int, int] | None]  # start, end, which motif


def planted(
    motifs: list[Motif],
    n: int = 400,
    lengths: tuple[int, int] = (70, 100),
    height: float = 4.0,
    tokens: bool = False,
    share: float = 0.8,
    seed: int = 0,
) -> Planted:
    """Random sequences; most hold one of the motifs, on either strand, which scores high.

    With `tokens` the scores are spread evenly over chunks of 3 to 7 bases.
    """
    rng = np.random.default_rng(seed)
    result = Planted([], [], [])
    for number in range(n):
        length = int(rng.integers(lengths[0], lengths[1] + 1))
        bases = rng.choice(list("ACGT"), length)
        scores = rng.normal(size=length)
        site = None
        if motifs and rng.random() < share:
            which = number % len(motifs)
            motif = motifs[which] if rng.random() < 0.5 else motifs[which].reverse_complement()
            start = int(rng.integers(0, length - len(motif) + 1))
            bases[start : start + len(motif)] = list(motif.sample(rng))
            scores[start : start + len(motif)] += height
            site = (start, start + len(motif), which)
        if tokens:
            scores = spread(scores, rng)
        result.sequences.append("".join(bases))
        result.contributions.append(scores)
        result.sites.append(site)
    return result


def spread(scores: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Give each base the mean of its chunk, as methods that score tokens do."""
    result = scores.copy()
    start = 0
    while start < len(scores):
        end = start + int(rng.integers(3, 8))
        result[start:end] = scores[start:end].mean()
        start = end
    return result


def likeness(one: Motif, other: Motif) -> float:
    """Best correlation of two motifs over strands and offsets at which 6 positions overlap."""
    best = -1.0
    for turned in (other, other.reverse_complement()):
        for shift in range(6 - len(turned), len(one) - 5):
            low, high = max(shift, 0), min(shift + len(turned), len(one))
            a = one.probabilities[low:high].ravel()
            b = turned.probabilities[low - shift : high - shift].ravel()
            if high - low >= 6:
                best = max(best, float(np.corrcoef(a, b)[0, 1]))
    return best
