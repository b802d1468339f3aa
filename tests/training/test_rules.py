from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.metrics import matthews_corrcoef

from dnabert2_explore.sequences.shuffle import shuffle_dinucleotides
from dnabert2_explore.training.labelled.tables import Labelled
from dnabert2_explore.training.scores.rules import RULES, RuleComparison, compare_with_rules

from .test_baselines import composed, labelled


def twins(count, seed=0):
    """Train and test of sequences and their shuffles, each pair in both."""
    rng = np.random.default_rng(seed)
    one = ["".join(rng.choice(list("ACGT"), size=60)) for _ in range(count)]
    other = [shuffle_dinucleotides(text, rng) for text in one]
    labels = rng.integers(2, size=count)
    return labelled(one, labels), labelled(other, 1 - labels)


def answers(labels, wrong):
    found = labels.copy()
    found[::wrong] = 1 - found[::wrong]
    return np.eye(2)[found]


def test_a_model_beside_the_twin_rule():
    train, test = twins(80)
    dev = composed(20, 3)
    found = compare_with_rules(train, dev, test, answers(test.labels, 5))
    assert found.rule == "twins"
    assert found.score.value == pytest.approx(1)
    mcc = matthews_corrcoef(test.labels, answers(test.labels, 5).argmax(axis=1))
    assert found.minus.value == pytest.approx(mcc - 1)
    assert found.minus.low < found.minus.value < found.minus.high < 0
    assert set(found.others) == set(RULES)
    assert str(found).endswith("the model does worse")
    assert "label opposite to the composition twin's, MCC 1.000" in str(found)
    assert RuleComparison.from_json(json.loads(json.dumps(found.to_json()))) == found


def test_a_model_that_knows_more():
    rng = np.random.default_rng(0)
    rows = ["".join(rng.choice(list("ACGT"), size=30)) for _ in range(240)]
    data = labelled(rows, rng.integers(2, size=240))
    train, dev, test = (data.take(range(a, a + 80)) for a in (0, 80, 160))
    found = compare_with_rules(train, dev, test, answers(test.labels, 20))
    assert found.minus.low > 0
    assert "knows more than that" in str(found)
    plain = compare_with_rules(train, dev, test, answers(test.labels, 20), samples=0)
    assert str(plain).endswith(f"{plain.minus.value:+.3f}")
    assert np.isnan(plain.minus.low)


def test_where_rules_do_not_apply():
    values = Labelled(("ACGT",), None, np.array([0.5]), (), "regression", ("1",))
    assert compare_with_rules(values, values, values, np.zeros((1, 1))) is None
    three = labelled(composed(60, 0).bases, np.arange(60) % 3, ("x", "y", "z"))
    found = compare_with_rules(three, three, three, np.eye(3)[np.arange(60) % 3])
    assert "twins" not in found.others
    one = labelled(composed(10, 0).bases, [0] * 10)
    assert compare_with_rules(composed(40, 0), composed(40, 1), one, np.eye(2)[[0] * 10]) is None
