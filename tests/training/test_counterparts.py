"""Positional counterparts: against a brute-force comparison, and on a set of replaced segments."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import matthews_corrcoef

from dnabert2_explore.errors import InputError
from dnabert2_explore.training.baselines import fit_positional
from dnabert2_explore.training.counterparts import PositionalIndex, positional as module
from dnabert2_explore.training.labelled.leakage import check_leakage
from dnabert2_explore.training.labelled.tables import Labelled
from dnabert2_explore.training.scores.rules import compare_with_rules


def labelled(bases, labels, second=None):
    names = tuple(str(i) for i in range(len(bases)))
    return Labelled(
        tuple(bases), second, np.asarray(labels), ("0", "1"), "classification", names
    )  # fmt: skip


def replaced(text, rng, segments=5, keep=2):
    """Negatives as DeePromoter makes them: most segments are of random bases, some stay."""
    size = len(text) // segments
    kept = set(rng.choice(segments, size=keep, replace=False).tolist())
    parts = [text[i * size : (i + 1) * size] for i in range(segments)]
    return "".join(
        part if i in kept else "".join(rng.choice(list("ACGT"), size=size))
        for i, part in enumerate(parts)
    )


@pytest.fixture
def splits():
    """Positives and their negatives, dealt to different splits."""
    rng = np.random.default_rng(0)
    texts = ["".join(rng.choice(list("ACGT"), size=100)) for _ in range(240)]
    found = {"train": ([], []), "dev": ([], []), "test": ([], [])}
    for i, text in enumerate(texts):
        pair = [(text, 1), (replaced(text, rng), 0)]
        other = "test" if i % 2 else "dev"
        first = int(rng.integers(2))
        for split, (bases, label) in (("train", pair[first]), (other, pair[1 - first])):
            found[split][0].append(bases)
            found[split][1].append(label)
    return {name: labelled(*rows) for name, rows in found.items()}


def brute(asked, known):
    """Twins of each row, pair by pair and place by place."""
    out = np.zeros((len(asked), 2), dtype=int)
    for row, text in enumerate(asked.bases):
        for other, label in zip(known.bases, known.labels, strict=True):
            if len(other) != len(text):
                continue
            same = [a == b and a != "N" for a, b in zip(text, other, strict=True)]
            plain = np.mean([a == b for a, b in zip(text, other, strict=True)])
            words = any(all(same[i : i + module.WORD]) for i in range(len(text) - module.WORD + 1))
            out[row, label] += words and module.IDENTITY <= plain < 1
    return out


def test_twins_are_those_of_brute_force(splits, monkeypatch):
    train, test = splits["train"], splits["test"]
    rng = np.random.default_rng(1)
    more = labelled(
        [
            train.bases[0],  # a copy is no counterpart
            train.bases[0][1:] + "A",  # nor is what stands elsewhere
            train.bases[1][:20] + "N" + train.bases[1][21:],
            train.bases[2][:14] + "N" * 86,
            "ACGT",
            "",
            replaced(train.bases[3], rng) + "ACG",  # of another length
        ],
        [0, 1, 0, 1, 0, 1, 0],
    )
    for asked in (test, more):
        want = brute(asked, train)
        for chunk in (1 << 22, 300):  # all words at once, and a place at a time
            monkeypatch.setattr(module, "_CHUNK", chunk)
            np.testing.assert_array_equal(PositionalIndex([train]).labels(asked), want)
    assert brute(test, train).sum() >= len(test)
    assert brute(more, train)[:3].any(axis=1).tolist() == [False, False, True]


def test_a_word_that_many_hold_in_a_place_says_nothing():
    rng = np.random.default_rng(2)
    signal = "TATAAAAGGCGCGCC"

    def row():
        return signal + "N" + "".join(rng.choice(list("ACGT"), size=10))

    few, many = [row() for _ in range(20)], [row() for _ in range(21)]
    asked = labelled([row()], [0])
    assert PositionalIndex([labelled(few, [1] * 20)]).labels(asked).tolist() == [[0, 20]]
    assert PositionalIndex([labelled(many, [1] * 21)]).labels(asked).tolist() == [[0, 0]]


def test_the_rule_wins_where_segments_were_replaced(splits):
    train, dev, test = splits["train"], splits["dev"], splits["test"]
    fitted = fit_positional(train, dev)
    answers = fitted.probabilities(test).argmax(axis=1)
    assert matthews_corrcoef(test.labels, answers) == 1
    assert fitted.settings["opposite"]
    found = compare_with_rules(train, dev, test, np.eye(2)[test.labels], samples=20)
    assert found.rule == "positional"
    assert "opposite to the positional twin's" in str(found)
    # Relatives with their own label: dev says so, and the rule answers the same label.
    turned = labelled(train.bases, 1 - train.labels)
    fitted = fit_positional(turned, dev)
    assert not fitted.settings["opposite"]
    assert fitted.title == "label of the positional twin"
    three = Labelled(train.bases, None, train.labels, ("a", "b", "c"), train.task, train.names)
    with pytest.raises(InputError, match="not defined for 3 classes"):
        fit_positional(three, dev)


def test_check_leakage_tells_it(splits):
    train, test = splits["train"], splits["test"]
    (pair,) = check_leakage({"train": train, "test": test}).pairs
    assert (pair.positional, pair.positional_opposite) == (120, 120)
    assert pair.positional_mcc == pytest.approx(1)
    assert "120 (100.0%) of 120 test sequences have a positional twin in train" in str(pair)
    assert "takes no model and has MCC 1.000" in str(pair)
    paired = labelled(train.bases, train.labels, train.bases)
    other = labelled(test.bases, test.labels, test.bases)
    (pair,) = check_leakage({"train": paired, "test": other}).pairs
    assert pair.positional is None  # one enhancer has many promoters
