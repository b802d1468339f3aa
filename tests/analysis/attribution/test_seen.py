"""Checks hold scores against each other only where the model reads bases."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from dnabert2_explore import scorecard
from dnabert2_explore.common.stats import spearman
from dnabert2_explore.sequences import UnknownBasesWarning

from .test_settings import variation


def check(card, name):
    return next(one for one in card.checks if one.name == name)


def test_what_training_cut_off_is_in_no_correlation(classifier, bases) -> None:
    enc = variation(classifier, max_input_tokens=20)
    card = scorecard(enc, bases, 0, method="occlusion", crops=3)
    seen = card.attribution.seen
    assert 0 < seen.sum() < len(bases) / 2
    own = abs(card.attribution.base_scores[seen])
    expected = np.mean([spearman(own, abs(twin[seen])) for twin in card.twins])
    assert check(card, "randomised_weights").value == pytest.approx(expected)
    # The forward strand reads the left end, the reverse strand the right one.
    strands = check(card, "strands")
    assert strands.passed is None
    if card.strands.seen.sum() < 10:
        assert "read on both strands" in strands.words or "strand only" in strands.words
    common = card.offsets.per_crop[:, card.offsets.visible]
    assert not np.isnan(common[0]).any()
    assert card.offsets.visible.sum() <= seen.sum()


def test_a_span_that_hides_nearly_all_is_not_judged(enc, bases) -> None:
    card = scorecard(enc, bases[:60], (1, 59), method="occlusion")
    randomised = check(card, "randomised_weights")
    assert randomised.passed is None
    assert "bases only" in randomised.words


def test_a_tail_of_n_leaves_fewer_crops(classifier) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnknownBasesWarning)
        card = scorecard(classifier, "ACGTTGCATGCA"[:4] + "N" * 40, 0, method="occlusion")
    assert card.offsets.crops == 4


def test_equal_scores_are_called_so(classifier, bases, monkeypatch) -> None:
    import dataclasses

    from dnabert2_explore.analysis.attribution.trust.checks import check_randomised

    found = scorecard(classifier, bases[:60], 0, method="occlusion", crops=2).attribution
    flat = dataclasses.replace(found, base_scores=np.ones(60, np.float32))
    twins = np.random.default_rng(0).normal(size=(3, 60)).astype(np.float32)
    failed = check_randomised(flat, twins)
    assert failed.result == "not applicable"
    assert failed.words == "not applicable: the scores are all the same"
    # A twin that scores all bases alike is left out.
    twins[0] = 1
    left = check_randomised(found, twins)
    expected = np.mean([spearman(abs(found.base_scores), abs(one)) for one in twins[1:]])
    assert left.value == pytest.approx(expected)
    assert check_randomised(found, np.ones((3, 60), np.float32)).passed is None
