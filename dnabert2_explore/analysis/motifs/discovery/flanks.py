"""Compare discovered patterns with known motifs, weak positions around them included."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

import numpy as np

from ....errors import InputError
from ....sequences import as_dna, reverse_complement
from ....sequences.motifs.motif import ALPHABET, Motif
from ..match import Matches, match_motifs
from .pattern import Discovery, Pattern

__all__ = ["FLANK", "check_flank", "match_patterns", "widened"]

#: Bases beside a pattern that are compared too: as many as a pattern may grow by in one step.
FLANK = 6


def check_flank(flank: int) -> None:
    """Raise `InputError` if `flank` is negative."""
    if flank < 0:
        raise InputError(f"flank is {flank}: give 0 or more positions.")


def widened(pattern: Pattern, sequences: Sequence[str], flank: int = FLANK) -> Motif:
    """Count the bases around a pattern's sites too: a motif ``2 * flank`` positions longer.

    Sites at a sequence's end count where they have a base; the motif is even where no site has one.
    """
    check_flank(flank)
    sites = pattern.sites
    counts = np.zeros((len(pattern) + 2 * flank, 4))
    for index, start, end, strand in zip(
        sites.sequence, sites.start, sites.end, sites.strand, strict=True
    ):
        bases = as_dna(sequences[index])
        left, right = max(0, flank - int(start)), max(0, int(end) + flank - len(bases))
        word = bases[max(0, start - flank) : end + flank]
        word = "N" * left + word + "N" * right
        for place, letter in enumerate(word if strand > 0 else reverse_complement(word)):
            if letter in ALPHABET:
                counts[place, ALPHABET.index(letter)] += 1
    counts[counts.sum(axis=1) == 0] = 1
    motif = pattern.motif
    return Motif(motif.name, counts, motif.accession, motif.sites, motif.source)


def match_patterns(
    discovery: Discovery,
    sequences: Sequence[str],
    database: Iterable[Motif] | None = None,
    flank: int = FLANK,
) -> Matches:
    """Compare the patterns of a discovery with known motifs by TOMTOM.

    A pattern ends where a model's contributions, and what its sites share, become weak; a profile
    from ChIP or SELEX goes on. So what is compared is the pattern with `flank` positions of its
    sites on either side. Long flanks of one composition resemble long profiles of the same
    composition (G and C make CTCF): keep them short. The database is JASPAR's vertebrate profiles
    by default.

    The `queries` of what is returned are the patterns' motifs, and offsets and overlaps are theirs,
    so that both can be drawn one above the other; p-values and `shared` are of what was compared.
    Raises InputError where there is no pattern, or `flank` is negative.
    """
    if not discovery.patterns:
        raise InputError("There is no pattern to compare: discover some first.")
    wide = [widened(pattern, sequences, flank) for pattern in discovery.patterns]
    found = match_motifs(wide, database)
    lengths = np.array([len(pattern) for pattern in discovery.patterns])[found.query]
    targets = np.array([len(motif) for motif in found.database])[found.target]
    offset = found.offset + flank
    overlap = np.minimum(offset + lengths, targets) - np.maximum(offset, 0)
    return dataclasses.replace(
        found,
        queries=discovery.motifs,
        offset=offset,
        overlap=np.where(found.overlap > 0, np.maximum(overlap, 0), 0),
    )
