"""Curves of vocabularies: one training makes them all, and numbers are those of the library."""

from __future__ import annotations

import numpy as np
import pytest

import dnabert2_explore as dx
from dnabert2_explore.figures import vocabulary_figure
from dnabert2_explore.training.tokenizer import blank_tokenizer, trainer_of
from dnabert2_explore.training.vocabulary import first_entries


@pytest.fixture(scope="module")
def texts():
    return ["".join(one.bases for one in dx.demo.windows()[at::5]) for at in range(2)]


def test_first_entries_are_what_a_smaller_training_makes(texts):
    words = [text[at : at + 200] for text in texts for at in range(0, 40_000, 200)]

    def trained(size):
        made = blank_tokenizer()
        made.train_from_iterator(words, trainer_of(size))
        return made

    whole = trained(900)
    for size in (9, 40, 333, 900):
        smaller, alone = first_entries(whole, size), trained(size)
        assert smaller.get_vocab() == alone.get_vocab()
        assert [one.ids for one in smaller.encode_batch(words)] == [
            one.ids for one in alone.encode_batch(words)
        ]


def test_the_curve_by_hand(texts):
    seen = []
    found = dx.vocabulary_curve(texts, sizes=(9, 64, 512), progress=lambda *how: seen.append(how))
    assert found.sizes == (9, 64, 512)
    assert found.compression[0] == 1  # four bases alone
    assert found.used[0] == 1
    assert (np.diff(found.compression) > 0).all()
    # Real sequence has words that its dinucleotides do not explain.
    assert found.compression[-1] > found.shuffled[-1] > 1
    assert seen[-1] == (5, 5)
    again = dx.vocabulary_curve(texts, sizes=(9, 64, 512))
    np.testing.assert_array_equal(again.shuffled, found.shuffled)
    figure = vocabulary_figure(found)
    np.testing.assert_allclose(figure.data[1].y, found.compression)
    assert list(found.table().columns) == ["entries", "compression", "shuffled", "used"]


def test_short_sequences_are_stretches_of_their_own():
    sites = [one.bases for one in dx.demo.splice()]  # 200 bp each
    found = dx.vocabulary_curve([*sites, "ACGT" * 24], sizes=(16, 64))  # 96 bp: left out
    assert found.held_out == 200 * len(sites[::10])
    assert found.trained_on + found.held_out == 200 * len(sites)
    by_size = {size: found.compression[i] for i, size in enumerate(found.sizes)}
    assert 1 < by_size[16] < by_size[64]


def test_it_can_be_stopped_says_its_cost_and_what_is_wrong(texts, monkeypatch, capsys):
    def stop(_done, _total):
        raise dx.Cancelled

    with pytest.raises(dx.Cancelled):
        dx.vocabulary_curve(texts, sizes=(16,), progress=stop)
    monkeypatch.setattr("dnabert2_explore.training.vocabulary._SECONDS", 1e5)
    dx.vocabulary_curve(texts, sizes=(16,))
    assert capsys.readouterr().err.startswith("vocabulary_curve(…) takes about ")
    for given, sizes, words in (
        ("ACGT" * 99, (16,), "at least 10"),
        (texts, (3,), "at least 9"),
        (texts, (), "at least 9"),
        ("AC" * 9000, (4096,), "could be learnt"),
    ):
        with pytest.raises(dx.InputError, match=words):
            dx.vocabulary_curve(given, sizes=sizes, progress=lambda *_: None)
