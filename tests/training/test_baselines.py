from __future__ import annotations

import numpy as np
import pytest

from dnabert2_explore.errors import InputError
from dnabert2_explore.training.baselines import (
    fit_position_weights,
    majority_scores,
    position_weight_scores,
)
from dnabert2_explore.training.tables import LabelledSequences


def planted(count, seed, length=20):
    """Class 1 has GT in the middle, class 0 has AG there; all else is random."""
    rng = np.random.default_rng(seed)
    letters = rng.choice(list("ACGT"), size=(count, length))
    labels = rng.integers(2, size=count)
    letters[:, length // 2 : length // 2 + 2] = np.where(
        labels[:, None] == 1, list("GT"), list("AG")
    )
    return LabelledSequences(tuple("".join(row) for row in letters), labels, ("AG", "GT"))


def test_finds_what_is_planted():
    found = position_weight_scores(planted(300, 0), planted(100, 1), planted(100, 2))
    assert found["mcc"] == 1.0
    assert found["flank"] == 5.0


def test_weights_by_hand():
    data = LabelledSequences(("AC", "AC", "GT"), np.array([0, 0, 1]), ("x", "y"))
    model = fit_position_weights(data, flank=1, pseudocount=1.0)
    # All: position 1 A 2+1, C 1, G 1+1, T 1 of 7; position 2 A 1, C 3, G 1, T 2 of 7.
    background = np.array([4, 4, 3, 3]) / 14
    class_x = np.array([[3, 1, 1, 1], [1, 3, 1, 1]]) / 6
    np.testing.assert_allclose(model.weights[0], np.log(class_x / background))
    np.testing.assert_allclose(model.prior, np.log([2 / 3, 1 / 3]))
    assert model.predict(("AC", "GT", "NN")).tolist() == [0, 1, 0]


def test_majority():
    data = LabelledSequences(("A", "A", "C"), np.array([0, 0, 1]), ("x", "y"))
    found = majority_scores(data, data)
    assert (found["mcc"], found["accuracy"]) == (0.0, pytest.approx(2 / 3))


def test_windows_of_several_lengths():
    data = LabelledSequences(("ACGT", "ACG"), np.array([0, 1]), ("x", "y"))
    with pytest.raises(InputError, match="windows of one length; found 3 to 4"):
        fit_position_weights(data, flank=1)
    with pytest.raises(InputError, match="flank is 9"):
        fit_position_weights(planted(10, 0, length=8), flank=9)
