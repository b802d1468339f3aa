from __future__ import annotations

import numpy as np
import pytest

from dnabert2_explore.errors import InputError
from dnabert2_explore.training.pretrain.masking import IGNORED, mask_tokens

VOCABULARY = 4096


@pytest.fixture(scope="module")
def ids():
    rows = np.random.default_rng(0).integers(5, VOCABULARY, size=(400, 128))
    rows[:, 0], rows[:, -1], rows[:, 5] = 1, 2, 0  # [CLS], [SEP] and an [UNK]
    return rows


def mask(ids, **settings):
    settings = {"vocabulary": VOCABULARY} | settings
    return mask_tokens(ids, np.random.default_rng(7), **settings)


def test_shares_are_those_of_bert(ids):
    before = ids.copy()
    inputs, labels = mask(ids)
    np.testing.assert_array_equal(ids, before)
    chosen = labels != IGNORED
    ordinary = int((ids >= 5).sum())
    assert chosen.sum() / ordinary == pytest.approx(0.15, abs=0.01)
    hidden = (inputs == 4) & chosen
    kept = (inputs == ids) & chosen
    other = chosen & ~hidden & ~kept
    assert hidden.sum() / chosen.sum() == pytest.approx(0.8, abs=0.02)
    assert kept.sum() / chosen.sum() == pytest.approx(0.1, abs=0.02)
    assert other.sum() / chosen.sum() == pytest.approx(0.1, abs=0.02)
    assert inputs[other].min() >= 5
    np.testing.assert_array_equal(labels[chosen], ids[chosen])
    np.testing.assert_array_equal(inputs[~chosen], ids[~chosen])


def test_special_tokens_and_unknowns_are_never_chosen(ids):
    _, labels = mask(ids, probability=1.0)
    np.testing.assert_array_equal(labels != IGNORED, ids >= 5)


def test_all_mask_strategy(ids):
    inputs, labels = mask(ids, strategy="mask")
    assert set(inputs[labels != IGNORED]) == {4}


def test_same_generator_same_masks(ids):
    for one, two in zip(mask(ids), mask(ids), strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("strategy", ["bert", "mask"])
def test_a_share_of_a_batch_is_hidden_as_in_the_whole(ids, strategy):
    whole = mask(ids, strategy=strategy)
    part = slice(100, 200)
    shared = mask(ids[part], strategy=strategy, part=part, total=len(ids))
    for one, two in zip(shared, whole, strict=True):
        np.testing.assert_array_equal(one, two[part])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"probability": 0.0}, "mask probability is 0.0"),
        ({"probability": 1.5}, "mask probability is 1.5"),
        ({"strategy": "span"}, "mask strategy is 'span'"),
        ({"vocabulary": 5}, "no ordinary tokens"),
    ],
)
def test_bad_settings(ids, settings, message):
    with pytest.raises(InputError, match=message):
        mask(ids, **settings)
