"""Words of a selection: against brute force, scipy, and selections that mean nothing."""

from __future__ import annotations

import re

import numpy as np
import pytest
from scipy.stats import fisher_exact, hypergeom

from dnabert2_explore import InputError
from dnabert2_explore.analysis.enrichment import (
    enriched_kmers,
    enriched_tokens,
    pooled_motifs,
    pooled_sites,
    strata_of,
)
from dnabert2_explore.analysis.enrichment.association import (
    common_odds_ratio,
    expected_count,
    stratified_p,
)
from dnabert2_explore.sequences import reverse_complement
from dnabert2_explore.sequences.kmers import kmer_counts, kmer_name, kmer_words

from ...conftest import random_bases


def texts(n, length=200, alphabet="ACGT", seed=0):
    return [random_bases(length, seed=seed * 10_000 + i, alphabet=alphabet) for i in range(n)]


def test_kmers_are_read_where_they_stand():
    bases = ["ACGTNACG", "", "AC", "TTTT"]
    found = [
        (first + r, int(s), kmer_name(w, 3))
        for first, _, row, start, word in kmer_words(bases, 3)
        for r, s, w in zip(row, start, word, strict=True)
    ]
    brute = [
        (i, j, t[j : j + 3])
        for i, t in enumerate(bases)
        for j in range(len(t) - 2)
        if "N" not in t[j : j + 3]
    ]
    assert found == brute


def test_blocks_change_nothing(monkeypatch):
    from dnabert2_explore.sequences import kmers

    bases = texts(7, 50)
    whole = kmer_counts(bases, 3)
    monkeypatch.setattr(kmers, "_CELLS", 60)
    np.testing.assert_array_equal(kmer_counts(bases, 3), whole)


@pytest.mark.parametrize("n", [(12, 30), (700, 2100)])  # exact, and Pearson III
def test_one_stratum_is_fishers_test(n):
    rng = np.random.default_rng(1)
    selected = rng.binomial(n[0], 0.3, (1, 40))
    rest = rng.binomial(n[1], 0.25, (1, 40))
    found = stratified_p(selected, rest, np.array([n[0]]), np.array([n[1]]))
    for a, c, p in zip(selected[0], rest[0], found, strict=True):
        table = [[a, n[0] - a], [c, n[1] - c]]
        tails = [fisher_exact(table, alternative=side).pvalue for side in ("less", "greater")]
        expected = min(2 * min(tails), 1)
        assert p == pytest.approx(expected, rel=1e-9 if n[0] < 100 else 0.06)


def test_strata_are_convolved():
    rng = np.random.default_rng(2)
    n1, n0 = np.array([9, 5, 14]), np.array([20, 40, 11])
    selected = rng.binomial(n1[:, None], 0.4, (3, 30))
    rest = rng.binomial(n0[:, None], 0.3, (3, 30))
    found = stratified_p(selected, rest, n1, n0)
    for word in range(30):
        chance = np.ones(1)
        for s in range(3):
            m = selected[s, word] + rest[s, word]
            chance = np.convolve(
                chance, hypergeom.pmf(np.arange(n1[s] + 1), n1[s] + n0[s], m, n1[s])
            )
        seen = selected[:, word].sum()
        two = 2 * min(chance[seen:].sum(), chance[: seen + 1].sum())
        assert found[word] == pytest.approx(min(two, 1), rel=1e-9)


def test_far_tails_of_the_approach_stay_near_the_exact_ones():
    n1, n0 = np.array([600, 600]), np.array([1800, 5400])
    selected = np.array([[70, 20], [40, 7]])
    rest = np.array([[80, 330], [120, 260]])
    found = stratified_p(selected, rest, n1, n0)
    for word in range(2):
        chance = np.ones(1)
        for s in range(2):
            m = selected[s, word] + rest[s, word]
            chance = np.convolve(chance, hypergeom.pmf(np.arange(m + 1), n1[s] + n0[s], m, n1[s]))
        seen = selected[:, word].sum()
        exact = 2 * min(chance[seen:].sum(), chance[: seen + 1].sum())
        assert np.log10(found[word]) == pytest.approx(np.log10(exact), rel=0.1)
        assert exact < 1e-6


def test_effect_sizes_are_those_of_the_textbook():
    # Two strata of 2 x 2 tables; the common odds ratio by Mantel and Haenszel's formula.
    selected, rest = np.array([[10], [4]]), np.array([[5], [6]])
    n1, n0 = np.array([20, 10]), np.array([25, 30])
    above = 10 * 20 / 45 + 4 * 24 / 40
    below = 10 * 5 / 45 + 6 * 6 / 40
    assert common_odds_ratio(selected, rest, n1, n0)[0] == pytest.approx(above / below)
    assert expected_count(selected, rest, n1, n0)[0] == pytest.approx(20 * 5 / 25 + 10 * 6 / 30)


def test_counts_are_sequences_with_the_word_on_either_strand():
    mine, yours = texts(15, 40, seed=3), texts(25, 40, seed=4)
    found = enriched_kmers(mine, yours, 3, match="none")
    for word, a, b in zip(found.words, found.selected_count, found.rest_count, strict=True):
        pattern = re.compile(f"{word}|{reverse_complement(word)}")
        assert a == sum(bool(pattern.search(t)) for t in mine)
        assert b == sum(bool(pattern.search(t)) for t in yours)


def test_a_random_selection_has_no_enrichment():
    every = texts(500)
    rng = np.random.default_rng(5)
    hits = 0
    for _ in range(10):
        rows = set(rng.permutation(500)[:120].tolist())
        found = enriched_kmers(
            [every[i] for i in sorted(rows)], [every[i] for i in range(500) if i not in rows], 5
        )
        hits += len(found.enriched()) + len(found.depleted())
    assert hits == 0


@pytest.mark.parametrize("match", ["gc+length", "gc"])
def test_composition_is_no_enrichment(match):
    # GC-rich sequences among sequences of all kinds: unmatched most k-mers differ, matched none.
    rng = np.random.default_rng(6)
    shares = rng.beta(4, 4, 900)
    every = ["".join(rng.choice(list("ACGT"), 200, p=[(1 - g) / 2, g / 2, g / 2, (1 - g) / 2]))
             for g in shares]  # fmt: skip
    rich = rng.random(900) < 0.2 + 0.6 * (shares > 0.5)
    mine = [t for t, r in zip(every, rich, strict=True) if r]
    yours = [t for t, r in zip(every, rich, strict=True) if not r]
    assert len(enriched_kmers(mine, yours, 4, match="none").enriched()) > 20
    assert len(enriched_kmers(mine, yours, 4, match=match).enriched()) <= 1


def test_a_planted_motif_is_found_pooled_and_named():
    motif = "TGACTCA"
    mine = [t[:90] + (motif if i % 3 else reverse_complement(motif)) + t[97:]
            for i, t in enumerate(texts(60, seed=7))]  # fmt: skip
    found = enriched_kmers(mine, texts(300, seed=8), 6)
    top = {found.words[i] for i in found.enriched()}
    planted = {motif[:6], motif[1:], reverse_complement(motif[:6]), reverse_complement(motif[1:])}
    assert top & planted
    assert found.odds_ratio[found.enriched()[0]] > 10
    (pooled, *_) = pooled_motifs(found, mine)
    both = (pooled.consensus, pooled.reverse_complement().consensus)
    assert any(motif in one for one in both)
    assert 60 <= pooled.sites <= 95
    places = pooled_sites(found, mine, pooled.name)
    assert len(places) == pooled.sites
    read = [
        mine[i][a:b] if strand > 0 else reverse_complement(mine[i][a:b])
        for i, a, b, strand in zip(
            places.sequence, places.start, places.end, places.strand, strict=True
        )
    ]
    assert all(sum(x != y for x, y in zip(one, pooled.name, strict=False)) <= 3 for one in read)
    assert {i for i, one in enumerate(read) if one == pooled.name}
    on_it = {int(i) for i, a in zip(places.sequence, places.start, strict=True) if 88 <= a <= 92}
    assert len(on_it) == 60  # every planted one is found again, where it was planted
    assert len(pooled_sites(found, mine, "no motif")) == 0


def test_strata_hold_like_sequences():
    every = [*texts(200, 200, "ACGT"), *texts(200, 800, "AACGTT", seed=1)]
    strata = strata_of(every)
    assert np.bincount(strata).min() >= 20
    for number in np.unique(strata):
        assert len({len(every[i]) for i in np.flatnonzero(strata == number)}) == 1
    assert set(strata_of(every, "none")) == {0}
    assert len(set(strata_of(every, "gc+cpg"))) > 4


def test_sequences_without_like_ones_are_counted_out():
    mine = [*texts(60), *texts(60, alphabet="GC", seed=9)]
    found = enriched_kmers(mine, texts(300, seed=2), 4)
    assert found.n_alone >= 40
    assert "have no others like them" in str(found)


def test_tokens_of_the_model(encoder_of_tests):
    mine = ["ACGTACGTAC" + t for t in texts(30, 60)]
    found = enriched_tokens(mine, texts(30, 60, seed=3), encoder_of_tests.tokenizer)
    cut = [set(encoder_of_tests.tokenize(t).tokens) for t in mine]
    for word, count in zip(found.words, found.selected_count, strict=True):
        assert count == sum(word in one for one in cut)


@pytest.fixture
def encoder_of_tests(model_folder):
    import dnabert2_explore as dx

    return dx.load(model_folder, device="cpu")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([], ["ACGT"]), "The selection"),
        ((["ACGT"], []), "The rest"),
        ((["ACGT"], ["ACGT"], 9), "k is 9"),
    ],
)
def test_bad_input_is_one_clear_sentence(arguments, message):
    with pytest.raises(InputError, match=message):
        enriched_kmers(*arguments)
    with pytest.raises(InputError, match="Matching 'at' is unknown"):
        enriched_kmers(["ACGT"], ["ACGT"], match="at")


def test_short_and_equal_sequences_have_nothing_to_tell():
    found = enriched_kmers(["ACG"] * 3, ["ACG"] * 3, 6)
    assert len(found) == 0
    assert "0 enriched" in str(found)
    assert pooled_motifs(found, ["ACG"] * 3) == ()
