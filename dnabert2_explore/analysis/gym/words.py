"""What is dropped into backgrounds: a motif's sites, and those of its control."""

from __future__ import annotations

import numpy as np

from ...sequences import reverse_complement
from ...sequences.motifs.motif import Motif
from ...sequences.motifs.plant import decoy

__all__ = ["control_motif", "draw_sites"]

#: Decoys that a control is chosen from.
_DRAWN = 25


def control_motif(motif: Motif, rng: np.random.Generator) -> Motif:
    """Return a decoy that also shares no long run of bases with the motif, on either strand.

    `decoy` compares position by position; a site that is only shifted (TGTAAG for GTAAGT) passes
    there and is still most of the motif. Of 25 decoys, the one with the shortest run shared.
    """
    words = (motif.consensus, reverse_complement(motif.consensus))
    drawn = [decoy(motif, rng) for _ in range(_DRAWN)]
    return min(drawn, key=lambda one: max(_shared(one.consensus, word) for word in words))


def draw_sites(motif: Motif, samples: int, rng: np.random.Generator) -> list[str]:
    """Return samples of the motif, or its consensus alone where `samples` is 0."""
    return [motif.sample(rng) for _ in range(samples)] if samples else [motif.consensus]


def _shared(a: str, b: str) -> int:
    """Length of the longest word that both contain."""
    best = 0
    for start in range(len(a)):
        while start + best < len(a) and a[start : start + best + 1] in b:
            best += 1
    return best
