from __future__ import annotations

import numpy as np
import pytest

from dnabert2_explore.analysis.motifs.discovery.seqlets import call_seqlets, scaled
from dnabert2_explore.errors import InputError

from .planted import AP1, planted


def covered(seqlets, sites) -> tuple[int, int]:
    """Sites of which at least half lies under a positive seqlet; positive seqlets off any."""
    held, off = set(), 0
    for sequence, start, end, sign in zip(
        seqlets.sequence, seqlets.start, seqlets.end, seqlets.sign, strict=True
    ):
        site = sites[sequence]
        if sign < 0:
            continue
        if site and min(end, site[1]) - max(start, site[0]) >= (site[1] - site[0]) / 2:
            held.add(int(sequence))
        elif not site or min(end, site[1]) <= max(start, site[0]):
            off += 1
    return len(held), off


def test_planted_stretches_are_called_in_short_sequences_of_mixed_lengths():
    data = planted([AP1])
    seqlets = call_seqlets(data.contributions)
    held, off = covered(seqlets, data.sites)
    assert held >= 0.95 * sum(site is not None for site in data.sites)
    # The promised share of false ones, with room for chance.
    assert off <= 0.1 * len(seqlets)
    assert (np.diff(seqlets.p_value) >= 0).all()
    assert seqlets.q_value.max() <= 0.05


def test_negative_stretches_are_called_as_such():
    data = planted([AP1])
    turned = call_seqlets([-scores for scores in data.contributions])
    upright = call_seqlets(data.contributions)
    assert (turned.sign < 0).mean() > 0.9
    assert turned.score[0] == pytest.approx(-upright.score[0])


def test_noise_gives_hardly_any_seqlet():
    data = planted([])
    assert len(call_seqlets(data.contributions)) <= 3


def test_shuffled_tokens_do_not_take_a_tokens_spread_for_a_signal():
    noise = planted([], tokens=True)
    assert len(call_seqlets(noise.contributions, null="tokens")) <= 3
    # Shuffled bases do, as the docstring says: these are candidates.
    assert len(call_seqlets(noise.contributions, null="bases")) > 100


def test_seqlets_do_not_overlap_and_lie_in_their_sequences():
    data = planted([AP1], tokens=True)
    seqlets = call_seqlets(data.contributions, widths=(4, 9))
    seen = [np.zeros(len(scores), dtype=bool) for scores in data.contributions]
    for sequence, start, end in zip(seqlets.sequence, seqlets.start, seqlets.end, strict=True):
        assert 0 <= start < end <= len(seen[sequence])
        assert 4 <= end - start <= 9
        assert not seen[sequence][start:end].any()
        seen[sequence][start:end] = True


def test_a_confident_sequence_does_not_drown_the_others():
    data = planted([AP1], n=100)
    loud = [scores * (1000 if i == 3 else 1) for i, scores in enumerate(data.contributions)]
    one, other = call_seqlets(data.contributions), call_seqlets(loud)
    np.testing.assert_array_equal(one.sequence, other.sequence)
    np.testing.assert_allclose(one.score, other.score)


def test_scores_are_sums_of_scaled_contributions():
    data = planted([AP1], n=60)
    seqlets = call_seqlets(data.contributions)
    scores = scaled(data.contributions)
    assert np.abs(scores[5]).mean() == pytest.approx(1.0)
    for row in seqlets.table().itertuples():
        assert row.score == pytest.approx(scores[row.sequence][row.start : row.end].sum())


def test_a_seed_repeats_the_calls_and_is_said():
    data = planted([AP1], n=80)
    one, other = (call_seqlets(data.contributions, seed=4) for _ in range(2))
    np.testing.assert_array_equal(one.p_value, other.p_value)
    assert "seed 4" in one.null


def test_sequences_shorter_than_a_width_and_without_scores_are_no_hindrance():
    data = planted([AP1], n=100)
    contributions = [*data.contributions, np.zeros(50), np.ones(3), np.full(7, 2.0)]
    seqlets = call_seqlets(contributions)
    assert len(seqlets) > 50
    assert not {100, 101} & set(seqlets.sequence.tolist())


def test_progress_counts_shuffles():
    seen = []
    call_seqlets(
        planted([AP1], n=20).contributions, shuffles=3, progress=lambda *at: seen.append(at)
    )
    assert seen == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize(
    ("contributions", "settings", "message"),
    [
        ([], {}, "no contributions"),
        ([np.ones((4, 4))], {}, r"sequence 0 \(0-based\) have shape \(4, 4\)"),
        ([np.ones(9), np.array([1.0, np.nan])], {}, "sequence 1 .* NaN"),
        ([np.ones(4)], {}, "4 bp, less than the least width, 5"),
        ([np.ones(9)], {"widths": (6, 5)}, "no range"),
        ([np.ones(9)], {"null": "dinucleotides"}, "choose one of bases, tokens"),
        ([np.ones(9)], {"fdr": 0.0}, "fdr is 0.0"),
        ([np.ones(9)], {"shuffles": 0}, "shuffles is 0"),
    ],
)
def test_what_cannot_be_used_is_named(contributions, settings, message):
    with pytest.raises(InputError, match=message):
        call_seqlets(contributions, **settings)
