"""Motifs out of enriched k-mers: those that lie over one another, pooled where they occur."""

from __future__ import annotations

from collections.abc import Iterator, Sequence as Items

import numpy as np
from numpy.typing import NDArray

from ...sequences import as_dna, reverse_complement
from ...sequences.codes import codes
from ...sequences.kmers import kmer_words, turned_kmers
from ...sequences.motifs.motif import Motif
from ..motifs.discovery.pattern import Sites
from .words import Enrichment

__all__ = ["pooled_motifs", "pooled_sites"]

_TOP = 100  # enriched k-mers that are pooled
_FLANK = 4  # bases counted on either side of the first k-mer


def pooled_motifs(found: Enrichment, selected: Items[str], *, most: int = 6) -> tuple[Motif, ...]:
    """Pool enriched k-mers that resemble each other into motifs, at the `most` so many.

    The surest k-mer begins a motif. Others join it that lie over it, on either strand, shifted by
    up to two bases and with one mismatch at most; then the next that is left begins another. The
    motif counts the bases at all places of its k-mers in the selected sequences, with flanks, and
    is trimmed; it is named after its first k-mer, and its ``sites`` are places. Tokens, which are
    of any length, are not pooled.

    Examples
    --------
    >>> from dnabert2_explore.analysis.enrichment import enriched_kmers
    >>> with_it, without = ["ccgTGACTCAtgc"] * 9, ["ccgTGACTGAtgc"] * 9
    >>> found = enriched_kmers(with_it, without, k=5, match="none")
    >>> [motif.consensus for motif in pooled_motifs(found, with_it, most=1)]
    ['CGTGACTCATGC']
    """
    k, groups = _groups(found)
    texts = [as_dna(text) for text in selected]
    motifs: list[Motif] = []
    for members in groups:
        if len(motifs) == most:
            break
        counts, sites = _counted(members, texts, k)
        if sites:
            motif = Motif(next(iter(members)), counts, sites=sites, source="pooled k-mers")
            motifs.append(motif.trimmed())
    return tuple(motifs)


def pooled_sites(found: Enrichment, selected: Items[str], name: str) -> Sites:
    """Find the places that the motif of `pooled_motifs` with that name was counted from.

    Sequence by sequence; each as long as the k-mer, less what hangs over an end.

    Examples
    --------
    >>> from dnabert2_explore.analysis.enrichment import enriched_kmers
    >>> with_it, without = ["ccgTGACTCAtgc"] * 9, ["ccgTGACTGAtgc"] * 9
    >>> found = enriched_kmers(with_it, without, k=5, match="none")
    >>> (motif,) = pooled_motifs(found, with_it, most=1)
    >>> places = pooled_sites(found, with_it, motif.name)
    >>> motif.name, motif.sites, len(places), int(places.start[0]), int(places.end[0])
    ('ACTCA', 9, 9, 5, 10)
    """
    k, groups = _groups(found)
    texts = [as_dna(text) for text in selected]
    empty = np.empty(0, dtype=np.int64)
    parts: list[tuple[NDArray[np.int64], ...]] = [(empty,) * 4]
    for members in groups:
        if next(iter(members)) == name:
            parts += [
                (
                    first + row,
                    np.maximum(head, 0),
                    np.minimum(head + k, np.array([len(texts[first + r]) for r in row])),
                    side,
                )
                for first, _, row, head, side in _places(members, texts, k)
                if len(row)
            ]
    sequence, start, end, strand = (np.concatenate(each) for each in zip(*parts, strict=True))
    order = np.lexsort((start, sequence))
    return Sites(sequence[order], start[order], end[order], strand[order])


def _groups(found: Enrichment) -> tuple[int, list[dict[str, tuple[int, int]]]]:
    """Length of the k-mers, and those that lie over each other, the surest first."""
    top = [found.words[i] for i in found.enriched()[:_TOP]]
    k = len(top[0]) if top else 0
    if any(len(word) != k or set(word) - set("ACGT") for word in top):
        return k, []
    groups = []
    while top:
        groups.append(_aligned(top[0], top))
        top = [word for word in top if word not in groups[-1]]
    return k, groups


def _aligned(seed: str, words: list[str]) -> dict[str, tuple[int, int]]:
    """K-mers that lie over the seed: shift against it, and strand."""
    k = len(seed)
    reach = min(2, k - 3)
    # The fewest mismatches, then the least shift, then the strand as it is written.
    tried = [
        (abs(shift), shift, strand)
        for shift in range(-max(reach, 0), max(reach, 0) + 1)
        for strand in (1, -1)
    ]
    members: dict[str, tuple[int, int]] = {}
    for word in words:
        best: tuple[int, int, int, int] | None = None
        for distance, shift, strand in tried:
            own = word if strand > 0 else reverse_complement(word)
            over = zip(seed[max(shift, 0) : k + min(shift, 0)], own[max(-shift, 0) :], strict=False)
            wrong = sum(a != b for a, b in over)
            # Beside a shift a mismatch leaves too little that is the same.
            if wrong <= (0 if distance else 1):
                key = (wrong, distance, -strand, shift)
                best = key if best is None or key < best else best
        if best is not None:
            members[word] = (best[3], -best[2])
    return members


def _places(
    members: dict[str, tuple[int, int]], texts: list[str], k: int
) -> Iterator[tuple[int, int, NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]]:
    """Find the places of the members, a block of sequences at a time.

    Yields the block, the sequence of each place in it, where the seed's k-mer begins, which may lie
    before the first base, and the strand it reads on.
    """
    turned = turned_kmers(k)
    shift = np.zeros(4**k, dtype=np.int64)
    strand = np.zeros(4**k, dtype=np.int8)
    for member, (offset, which) in members.items():
        number = int(member.translate(str.maketrans("ACGT", "0123")), 4)
        # A k-mer stands for its reverse complement, which is the same site on the other strand.
        for index, sign in ((turned[number], -which), (number, which)):
            shift[index], strand[index] = offset, sign
    for first, after, row, start, word in kmer_words(texts, k):
        hit = np.flatnonzero(strand[word])
        side, by = strand[word[hit]].astype(np.int64), shift[word[hit]]
        head = start[hit] - side * by
        # Two members at one site are one place.
        rows, longest = row[hit].astype(np.int64), max(map(len, texts[first:after])) + 2 * k
        _, once = np.unique(((rows * longest) + head + k) * 2 + (side > 0), return_index=True)
        yield first, after, rows[once], head[once], side[once]


def _counted(
    members: dict[str, tuple[int, int]], texts: list[str], k: int
) -> tuple[NDArray[np.float64], int]:
    """Bases about all places of the members, shape (k + flanks, 4), and how many places."""
    width = k + 2 * _FLANK
    counts = np.zeros((width, 4))
    sites = 0
    for first, after, row, head, side in _places(members, texts, k):
        if not len(row):
            continue
        padded = [texts[i] for i in range(first, after)]
        flat = codes("N" * width + ("N" * width).join(padded) + "N" * width)
        begin = np.cumsum([width, *(len(t) + width for t in padded[:-1])])
        # The window's first base in reading direction of the seed.
        lead = begin[row] + np.where(side > 0, head - _FLANK, head + k - 1 + _FLANK)
        windows = flat[lead[:, None] + side[:, None] * np.arange(width)]
        windows = np.where((side[:, None] < 0) & (windows < 4), 3 - windows, windows)
        sites += len(row)
        for base in range(4):
            counts[:, base] += (windows == base).sum(axis=0)
    counts[counts.sum(axis=1) == 0] = 0.25  # beyond the ends of all sequences
    return counts, sites
