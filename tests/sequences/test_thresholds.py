"""Thresholds and conditions, each pinned by a closed form, by brute force, or by SciPy."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise, permutations

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import chisquare, entropy

from dnabert2_explore import Sequence
from dnabert2_explore.sequences import reverse_complement
from dnabert2_explore.sequences.motifs.motif import Motif
from dnabert2_explore.sequences.motifs.plant import decoy
from dnabert2_explore.sequences.reading.genome import Genome
from dnabert2_explore.sequences.shuffle import shuffle_dinucleotides
from dnabert2_explore.sequences.variants.variant import Variant, place, windows_of


def column(p: float) -> list[float]:
    """One base with probability p, the others alike."""
    return [p, *[(1 - p) / 3] * 3]


@pytest.mark.parametrize("bits", [0.3, 0.05, 1.2])
def test_a_motif_is_trimmed_at_that_much_information(bits) -> None:
    # Where SciPy's entropy leaves so many of two bits.
    p = brentq(lambda p: 2 - entropy(column(p), base=2) - bits, 0.2501, 0.9999, xtol=1e-14)
    above, below, full = column(p + 1e-6), column(p - 1e-6), column(1.0)
    motif = Motif("edges", np.array([below, above, below, full, below, above, below]))
    trimmed = motif.trimmed(bits)
    kept = [above, below, full, below, above]
    np.testing.assert_allclose(trimmed.probabilities, kept, atol=1e-12)
    if bits == 0.3:
        assert len(motif.trimmed()) == 5


class Orders:
    """In the place of a generator: these permutations, one after the other."""

    def __init__(self, *orders: tuple[int, ...]) -> None:
        self.orders = list(orders)

    def permutation(self, length: int) -> np.ndarray:
        return np.array(self.orders.pop(0))


def alike(word: str, other: str) -> float:
    """Share of positions where two words agree, on the better strand."""
    words = (other, reverse_complement(other))
    return max(sum(a == b for a, b in zip(word, w, strict=True)) / len(word) for w in words)


def test_a_decoy_agrees_at_half_of_the_positions_and_no_more() -> None:
    word = "GATTACCA"
    motif = Motif.of_word(word)
    by_share = {}
    for order in permutations(range(8)):
        by_share.setdefault(alike("".join(word[i] for i in order), word), order)
    half, more = by_share[0.5], by_share[0.625]
    rng = Orders(more, half, tuple(range(8)))
    assert decoy(motif, rng).consensus == "".join(word[i] for i in half)
    assert len(rng.orders) == 1  # it was taken, and no further one drawn


@pytest.mark.parametrize("word", ["ACGTAC", "AAAT", "TTTTTT", "CACGTG"])
def test_of_a_motif_without_decoy_the_most_different_order_is_taken(word) -> None:
    least = min(alike("".join(order), word) for order in permutations(word))
    found = decoy(Motif.of_word(word), np.random.default_rng(0)).consensus
    assert Counter(found) == Counter(word)
    assert alike(found, word) <= max(least, 0.5)


@pytest.mark.parametrize(
    ("run", "longest", "reach"), [(400, 200, 50), (400, 64, 16), (61, 200, 30)]
)
def test_a_deletion_is_followed_a_quarter_of_the_longest_allele(run, longest, reach) -> None:
    """Of one A in the middle of a run of them: as far as the reach, or as the run."""
    genome = Genome.from_records([Sequence("chr1", "C" * 9 + "A" * run + "C" * 9)])
    middle = 9 + run // 2
    found = place(Variant("chr1", middle, "A", ""), genome, longest)
    assert (found.start, found.ref, found.alt) == (
        middle - reach, "A" * (2 * reach + 1), "A" * 2 * reach,
    )  # fmt: skip


@pytest.mark.parametrize(("ref", "alt"), [("G", "T"), ("GG", "G"), ("G", "GACT")])
def test_windows_of_both_strands_are_the_same_change(ref, alt) -> None:
    """In the direction of the strand: alleles in their place, flanks as the genome has them."""
    bases = "ATCCGATTACAGATGGCATTACGATCA"
    genome = Genome.from_records([Sequence("chr1", bases)])
    placement = place(Variant("chr1", 14, ref, alt), genome, 20)
    plus, minus = (windows_of(placement, genome, 16, strand) for strand in "+-")
    for name in ("ref", "alt"):
        written, turned = getattr(placement, name), getattr(minus, name)
        assert turned == reverse_complement(getattr(plus, name))
        for found, allele in ((plus, written), (minus, reverse_complement(written))):
            window = getattr(found, name)
            assert window[found.start : found.start + len(allele)] == allele
    assert plus.ref == bases[plus.first : plus.first + len(plus.ref)]
    assert minus.first == plus.first


@pytest.mark.parametrize("bases", ["ACGATCGACA", "AACAGACCA", "ACACGTGTA", "AABABCBCA"])
def test_every_shuffle_with_these_dinucleotides_is_as_likely(bases) -> None:
    """All of them by brute force; the Euler condition leaves none out, and adds none."""
    pairs = Counter(pairwise(bases))
    every = {"".join((bases[0], *middle, bases[-1])) for middle in set(permutations(bases[1:-1]))}
    possible = sorted(one for one in every if Counter(pairwise(one)) == pairs)
    rng = np.random.default_rng(7)
    drawn = Counter(shuffle_dinucleotides(bases, rng) for _ in range(150 * len(possible)))
    assert set(drawn) <= set(possible)
    assert len(possible) > 1
    assert chisquare([drawn[one] for one in possible]).pvalue > 1e-3
