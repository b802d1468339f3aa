"""Motifs planted into sequences: data whose truth is known."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ...errors import InputError
from ..transform import reverse_complement
from .motif import Motif

__all__ = ["Planted", "decoy", "plant", "planted_set"]


@dataclass(frozen=True, slots=True)
class Planted:
    """A sequence with a site at [start, end), 0-based.

    Its label is ``"planted"`` for a site of the motif, ``"decoy"`` for one of the motif with its
    positions shuffled; its strand 1, or -1 for the reverse complement.
    """

    bases: str
    label: str
    start: int
    end: int
    strand: int


def plant(bases: str, site: str, position: int, strand: int = 1) -> str:
    """Write a site over the bases from a 0-based position on; the length stays.

    Strand -1 writes the site's reverse complement. A site that does not fit is an `InputError`.

    Examples
    --------
    >>> plant("AAAAAAAA", "GATA", 2), plant("AAAAAAAA", "GATA", 2, strand=-1)
    ('AAGATAAA', 'AATATCAA')
    """
    if len(site) > len(bases):
        raise InputError(
            f"A site of {len(site)} bp is longer than the background of {len(bases)} bp: give a "
            "longer background."
        )
    if not 0 <= position <= len(bases) - len(site):
        raise InputError(
            f"A site of {len(site)} bp does not fit at position {position} of a background of "
            f"{len(bases)} bp: choose 0 to {len(bases) - len(site)}."
        )
    written = site if strand > 0 else reverse_complement(site)
    return f"{bases[:position]}{written}{bases[position + len(site) :]}"


def decoy(motif: Motif, rng: np.random.Generator) -> Motif:
    """Return the motif with its positions shuffled: the same bases, no longer the motif.

    Drawn until it agrees with the motif, on either strand, at no more than half of the positions;
    of motifs that cannot (one letter over and over), the most different of 100 drawings.
    """
    best, least = motif, 2.0
    for _ in range(100):
        order = rng.permutation(len(motif))
        made = Motif(f"{motif.name} shuffled", motif.probabilities[order])
        words = (motif.consensus, motif.reverse_complement().consensus)
        alike = max(
            np.mean([a == b for a, b in zip(made.consensus, w, strict=True)]) for w in words
        )
        if alike < least:
            best, least = made, float(alike)
        if least <= 0.5:
            break
    return best


def planted_set(
    backgrounds: Iterable[str],
    motif: Motif,
    seed: int = 0,
    both_strands: bool = True,
    decoys: int = 1,
) -> list[Planted]:
    """Plant a site into every background, by turns one of the motif and a decoy.

    A classifier that tells the two apart has to read the order of the bases: both classes have the
    same backgrounds' composition, and sites of the same bases.

    Parameters
    ----------
    backgrounds : iterable of str
        Each at least as long as the motif.
    motif : Motif
        Sites are drawn from it.
    seed : int
        Of sites, positions (anywhere) and strands.
    both_strands : bool
        Plant a half of the sites on the reverse strand.
    decoys : int
        Orders of the motif's positions that decoys are drawn from, by turns. With one, a
        classifier may learn the decoy instead of the motif.

    Returns
    -------
    list of Planted
        One for each background, in their order.

    Raises
    ------
    InputError
        If the motif is longer than a background, or there is no decoy.

    Examples
    --------
    >>> made = planted_set(["A" * 40, "C" * 40], Motif.of_word("GATTACA"), both_strands=False)
    >>> [one.label for one in made], made[0].bases[made[0].start : made[0].end]
    (['planted', 'decoy'], 'GATTACA')
    """
    if decoys < 1:
        raise InputError(f"decoys is {decoys}; expected at least 1.")
    rng = np.random.default_rng(seed)
    others = [decoy(motif, rng) for _ in range(decoys)]
    made = []
    for number, bases in enumerate(backgrounds):
        label, source = (("planted", motif), ("decoy", others[number // 2 % decoys]))[number % 2]
        site = source.sample(rng)
        room = len(bases) - len(site)
        position = int(rng.integers(room + 1)) if room >= 0 else 0
        strand = -1 if both_strands and rng.random() < 0.5 else 1
        written = plant(bases, site, position, strand)
        made.append(Planted(written, label, position, position + len(site), strand))
    return made
