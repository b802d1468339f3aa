from __future__ import annotations

import numpy as np
import pytest
import torch

from dnabert2_explore.errors import Cancelled, InputError
from dnabert2_explore.training.baselines import (
    BASELINES,
    SmallCnn,
    fit_cnn,
    fit_kmers,
    fit_majority,
    fit_position_weights,
    kmer_frequencies,
    position_weights,
)
from dnabert2_explore.training.tables import Labelled


def labelled(bases, labels, classes=("x", "y"), second=None):
    names = tuple(f"sequence {i + 1}" for i in range(len(bases)))
    return Labelled(tuple(bases), second, np.array(labels), classes, "classification", names)


def planted(count, seed, length=20):
    """Class 1 has GT in the middle, class 0 has AG there; all else is random."""
    rng = np.random.default_rng(seed)
    letters = rng.choice(list("ACGT"), size=(count, length))
    labels = rng.integers(2, size=count)
    letters[:, length // 2 : length // 2 + 2] = np.where(
        labels[:, None] == 1, list("GT"), list("AG")
    )
    return labelled(["".join(row) for row in letters], labels, ("AG", "GT"))


def composed(count, seed, length=60):
    """Class 1 is rich in G and C; where they stand says nothing."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    weights = ((0.4, 0.1, 0.1, 0.4), (0.1, 0.4, 0.4, 0.1))
    bases = ["".join(rng.choice(list("ACGT"), size=length, p=weights[k])) for k in labels]
    return labelled(bases, labels, ("poor", "rich"))


def right(fitted, data):
    return float((fitted.probabilities(data).argmax(axis=1) == data.labels).mean())


def test_position_weights_find_what_is_planted():
    fitted = fit_position_weights(planted(300, 0), planted(100, 1))
    assert right(fitted, planted(100, 2)) == 1.0
    assert fitted.settings["flank"] == 5


def test_weights_by_hand():
    data = labelled(("AC", "AC", "GT"), [0, 0, 1])
    model = position_weights(data, flank=1, pseudocount=1.0)
    # All: position 1 A 2+1, C 1, G 1+1, T 1 of 7; position 2 A 1, C 3, G 1, T 2 of 7.
    background = np.array([4, 4, 3, 3]) / 14
    class_x = np.array([[3, 1, 1, 1], [1, 3, 1, 1]]) / 6
    np.testing.assert_allclose(model.weights[0], np.log(class_x / background))
    np.testing.assert_allclose(model.prior, np.log([2 / 3, 1 / 3]))
    assert model.predict(("AC", "GT", "NN")).tolist() == [0, 1, 0]


def test_majority():
    data = labelled(("A", "A", "C"), [0, 0, 1])
    np.testing.assert_allclose(fit_majority(data, data).probabilities(data), [[2 / 3, 1 / 3]] * 3)


def test_windows_of_several_lengths():
    data = labelled(("ACGT", "ACG"), [0, 1])
    with pytest.raises(InputError, match="windows of one length; found 3 to 4"):
        position_weights(data, flank=1)
    with pytest.raises(InputError, match="flank is 9"):
        position_weights(planted(10, 0, length=8), flank=9)


def test_kmers_by_hand():
    found = kmer_frequencies(["ACGTA", "ANCC", "A"], k=2)
    assert found.shape == (3, 16)
    words = ["AC", "CG", "GT", "TA"]
    places = ["ACGT".index(w[0]) * 4 + "ACGT".index(w[1]) for w in words]
    np.testing.assert_allclose(found[0, places], 0.25)
    assert found[1, 5] == 1.0  # CC; nothing is counted across N
    assert found[2].sum() == 0.0  # no word at all
    with pytest.raises(InputError, match="k is 9"):
        kmer_frequencies(["ACGT"], k=9)


def test_kmers_hear_composition_and_not_order():
    fitted = fit_kmers(composed(200, 0), composed(60, 1))
    test = composed(60, 2)
    assert right(fitted, test) > 0.95
    found = fitted.probabilities(test)
    np.testing.assert_allclose(found.sum(axis=1), 1.0)
    assert fitted.parameters == 257


def test_a_class_that_training_has_not_seen_has_no_probability():
    training = composed(40, 0)
    three = labelled(training.bases, training.labels, ("poor", "rich", "other"))
    found = fit_kmers(three, three).probabilities(three)
    assert found.shape == (40, 3)
    assert not found[:, 2].any()


def test_cnn_finds_what_is_planted_and_is_the_same_each_time():
    torch.manual_seed(5)
    before = torch.rand(1, generator=None)
    torch.manual_seed(5)
    one = fit_cnn(planted(600, 0), planted(100, 1), epochs=6, learning_rate=3e-3)
    assert torch.equal(torch.rand(1), before)  # the caller's generator goes on undisturbed
    two = fit_cnn(planted(600, 0), planted(100, 1), epochs=6, learning_rate=3e-3)
    test = planted(100, 2)
    assert right(one, test) > 0.9
    np.testing.assert_array_equal(one.probabilities(test), two.probabilities(test))
    assert 100_000 < one.parameters < 400_000


def test_cnn_reads_both_sequences_of_a_pair():
    data = composed(120, 0)
    same = labelled(("ACGT" * 15,) * 120, data.labels, data.classes, second=data.bases)
    fitted = fit_cnn(same, same, epochs=3, batch=16)
    assert right(fitted, same) > 0.9
    assert right(fit_kmers(same, same), same) > 0.9
    with pytest.raises(InputError, match="not pairs"):
        fit_position_weights(same, same)


def test_an_unknown_base_is_no_base():
    network = SmallCnn(2).eval()
    seen = []
    network.trunk[0].register_forward_pre_hook(lambda _module, given: seen.append(given[0]))
    with torch.no_grad():
        network(torch.tensor([[[0, 3, 4, 4]]]))
    assert seen[0][0].tolist() == [[1, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0], [0, 1, 0, 0]]


def test_cnn_can_be_stopped():
    def stop(done, total):
        raise Cancelled("enough")

    with pytest.raises(Cancelled):
        fit_cnn(composed(40, 0), composed(20, 1), progress=stop)
    with pytest.raises(InputError, match="epochs 0"):
        fit_cnn(composed(40, 0), composed(20, 1), epochs=0)


@pytest.mark.parametrize("name", BASELINES)
def test_all_are_called_alike(name):
    more = {"epochs": 1} if name == "cnn" else {}
    fitted = BASELINES[name](planted(60, 0), planted(30, 1), seed=1, **more)
    found = fitted.probabilities(planted(30, 2))
    assert fitted.name == name
    assert found.shape == (30, 2)
    np.testing.assert_allclose(found.sum(axis=1), 1.0)
