"""What is dropped into backgrounds: a motif's sites, and those of its control."""

from __future__ import annotations

import numpy as np

from ...errors import InputError
from ...sequences import reverse_complement
from ...sequences.motifs.jaspar import jaspar_motif
from ...sequences.motifs.motif import ALPHABET, Motif
from ...sequences.motifs.plant import decoy

__all__ = ["as_motif", "control_motif", "draw_sites"]

#: Decoys that a control is chosen from.
_DRAWN = 25


def as_motif(motif: Motif | str) -> Motif:
    """Return a motif for a word of A, C, G and T, or for a name or accession of JASPAR.

    Parameters
    ----------
    motif : Motif or str

    Returns
    -------
    Motif

    Raises
    ------
    InputError
        If there is no such profile among JASPAR's vertebrates; take others from
        `sequences.jaspar`.

    Examples
    --------
    >>> as_motif("gtaagt").consensus, as_motif("CTCF").accession
    ('GTAAGT', 'MA0139.2')
    """
    if isinstance(motif, Motif):
        return motif
    text = motif.strip()
    if not text:
        raise InputError("There is no motif: give a word such as GTAAGT, or a JASPAR name.")
    return jaspar_motif(text) if set(text.upper()) - set(ALPHABET) else Motif.of_word(text)


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
