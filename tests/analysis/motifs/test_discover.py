from __future__ import annotations

import numpy as np
import pytest

from dnabert2_explore.analysis.motifs.discovery.discover import discover_patterns
from dnabert2_explore.errors import InputError
from dnabert2_explore.sequences import reverse_complement

from .planted import AP1, GATA, likeness, planted


def place_names(data, pattern) -> float:
    """Share of a pattern's sites that overlap the planted site of their sequence."""
    sites = pattern.sites
    good = [
        data.sites[i] is not None and start < data.sites[i][1] and end > data.sites[i][0]
        for i, start, end in zip(sites.sequence, sites.start, sites.end, strict=True)
    ]
    return float(np.mean(good))


@pytest.mark.parametrize("tokens", [False, True], ids=["bases", "tokens"])
def test_a_planted_motif_is_found_on_both_strands(tokens):
    data = planted([AP1], tokens=tokens)
    found = discover_patterns(data.sequences, data.contributions)
    assert len(found) == 1
    (pattern,) = found.patterns
    assert likeness(pattern.motif, AP1) > 0.9
    assert pattern.sign == 1
    assert len(pattern.sites) > 0.7 * sum(site is not None for site in data.sites)
    assert place_names(data, pattern) > 0.95
    assert 0.3 < (pattern.sites.strand > 0).mean() < 0.7
    assert found.n_control == 0


@pytest.mark.parametrize("tokens", [False, True], ids=["bases", "tokens"])
def test_two_planted_motifs_give_two_patterns(tokens):
    data = planted([AP1, GATA], n=600, tokens=tokens)
    found = discover_patterns(data.sequences, data.contributions)
    assert len(found) == 2
    likes = np.array([[likeness(motif, m) for m in (AP1, GATA)] for motif in found.motifs])
    assert sorted(likes.argmax(axis=1)) == [0, 1]
    assert (likes.max(axis=1) > 0.9).all()


def test_motifs_that_speak_against_the_output_are_negative_patterns():
    up, down = planted([AP1], n=300), planted([GATA], n=300, seed=1)
    contributions = [*up.contributions, *(-scores for scores in down.contributions)]
    found = discover_patterns([*up.sequences, *down.sequences], contributions)
    signs = {p.sign: p for p in found.patterns}
    assert len(found) == 2
    assert likeness(signs[1].motif, AP1) > 0.9
    assert likeness(signs[-1].motif, GATA) > 0.9
    assert signs[-1].contribution.sum() < 0 < signs[1].contribution.sum()


@pytest.mark.parametrize("seed", range(4))
def test_noise_spread_over_tokens_gives_no_pattern(seed):
    data = planted([], n=600, tokens=True, seed=seed)
    found = discover_patterns(data.sequences, data.contributions)
    assert found.n_seqlets > 100
    assert found.patterns == ()


def test_motifs_that_the_contributions_do_not_point_at_give_no_pattern():
    """A motif in every sequence is no pattern unless the contributions are at it."""
    data = planted([AP1], n=600, height=0.0, share=1.0, tokens=True)
    assert discover_patterns(data.sequences, data.contributions).patterns == ()


def test_noise_by_base_has_too_few_seqlets():
    data = planted([])
    with pytest.raises(InputError, match=r"seqlets in 400 sequences are too few .* of 20 sites"):
        discover_patterns(data.sequences, data.contributions)


def test_sites_read_as_the_motif_and_contributions_are_their_mean():
    data = planted([AP1], n=200, seed=5)
    found = discover_patterns(data.sequences, data.contributions)
    (pattern,) = found.patterns
    words, scores = [], []
    for i, start, end, strand in zip(
        pattern.sites.sequence,
        pattern.sites.start,
        pattern.sites.end,
        pattern.sites.strand,
        strict=True,
    ):
        word = data.sequences[i][start:end]
        values = data.contributions[i] / np.abs(data.contributions[i]).mean()
        words.append(word if strand > 0 else reverse_complement(word))
        scores.append(values[start:end][::strand])
    hot = np.array([[[b == base for base in "ACGT"] for b in word] for word in words], dtype=float)
    np.testing.assert_allclose(pattern.motif.probabilities, hot.mean(axis=0), atol=1e-9)
    expected = (hot * np.array(scores)[:, :, None]).mean(axis=0)
    np.testing.assert_allclose(pattern.contribution, expected, rtol=1e-4, atol=1e-5)


def test_the_same_settings_give_the_same_patterns():
    data = planted([AP1], n=200, tokens=True)
    one, other = (discover_patterns(data.sequences, data.contributions) for _ in range(2))
    np.testing.assert_array_equal(
        one.patterns[0].motif.probabilities, other.patterns[0].motif.probabilities
    )
    assert one.settings == other.settings


def test_unknown_bases_and_u_are_read_as_they_should_be():
    data = planted([AP1], n=200)
    changed = [bases.replace("T", "U").lower() for bases in data.sequences]
    changed[0] = "N" * len(changed[0])
    found = discover_patterns(changed, data.contributions)
    assert likeness(found.motifs[0], AP1) > 0.9
    assert 0 not in found.patterns[0].sites.sequence


def test_the_table_has_a_row_for_each_pattern_and_counts_add_up():
    data = planted([AP1, GATA], n=600)
    found = discover_patterns(data.sequences, data.contributions)
    table = found.table()
    assert table.pattern.tolist() == ["pattern 1", "pattern 2"]
    assert table.sites.sum() == found.n_in_patterns <= found.n_seqlets
    assert (table.e_value <= 1e-6).all()


def test_progress_goes_up_to_the_end():
    data = planted([AP1], n=100)
    seen = []
    discover_patterns(data.sequences, data.contributions, progress=lambda *at: seen.append(at))
    done = [at for at, _ in seen]
    assert done == sorted(done)
    assert seen[-1][0] == seen[-1][1] == seen[0][1]


@pytest.mark.parametrize(
    ("sequences", "contributions", "settings", "message"),
    [
        ([], [], {}, "no sequences"),
        (["ACGTACGT"], [], {}, "no contributions"),
        (["ACGTACGT"], [np.ones(8)] * 2, {}, "1 sequences and 2 arrays"),
        (["ACGTACGT"], [np.ones(7)], {}, "has 8 bases and 7 contributions"),
        (["ACGTACGT"], [np.ones(8)], {}, "too few"),
        (["ACGTACGT"], [np.ones(8)], {"caller": "meme"}, "choose one of seqlets, modisco"),
        (["ACGTACGT"], [np.ones(8)], {"least": 1}, "least is 1"),
        (["ACGTACGT"], [np.ones(8)], {"widths": (5, 500)}, "at most 64 bp"),
    ],
)
def test_what_cannot_be_used_is_named(sequences, contributions, settings, message):
    with pytest.raises(InputError, match=message):
        discover_patterns(sequences, contributions, **settings)
