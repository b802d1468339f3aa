from __future__ import annotations

import numpy as np
import pytest
import torch

from dnabert2_explore.errors import Cancelled, InputError
from dnabert2_explore.training.baselines import (
    BASELINES,
    SmallCnn,
    fit_cnn,
    fit_composition,
    fit_kmers,
    fit_majority,
    fit_markov,
    fit_position_weights,
    kmer_frequencies,
    position_weights,
)
from dnabert2_explore.training.baselines.strands import both_strands, other_strand
from dnabert2_explore.training.labelled.tables import Labelled


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
    several = np.array(["ACGTA", "ANCC"])  # as a column of a table holds them
    np.testing.assert_array_equal(
        kmer_frequencies(several, k=2), kmer_frequencies(list(several), k=2)
    )


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


def stranded(count, seed, length=40):
    """Class 1 has TTGACA somewhere, class 0 its mirror image; all else is random."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    rows = []
    for label in labels:
        row = "".join(rng.choice(list("ACGT"), size=length))
        place = int(rng.integers(0, length - 6))
        rows.append(row[:place] + ("TTGACA" if label else "ACAGTT") + row[place + 6 :])
    return labelled(rows, labels)


def test_markov_by_hand():
    # Class x: C follows A twice, A follows C once; class y: G follows A once.
    data = labelled(("ACAC", "AG", "T"), [0, 1, 1])
    fitted = fit_markov(data, data, order=1, smoothings=(1.0,))
    after = {"x": {"AC": 3 / 6, "CA": 2 / 5}, "y": {"AC": 1 / 5, "CA": 1 / 4}}
    odds = (1 / 3 * after["x"]["AC"] * after["x"]["CA"]) / (
        2 / 3 * after["y"]["AC"] * after["y"]["CA"]
    )
    found = fitted.probabilities(labelled(("ACA", "ANA", "G"), [0, 1, 0]))
    assert found[0, 0] / found[0, 1] == pytest.approx(odds)
    np.testing.assert_allclose(found[1:], [[1 / 3, 2 / 3]] * 2)  # nothing known: the prior
    assert fitted.parameters == 3 * 4 * 2


def test_markov_of_three_classes_hears_order_where_composition_is_equal():
    rng = np.random.default_rng(0)

    def made(count):
        labels = np.arange(count) % 3
        words = (("AC", "GT"), ("CA", "TG"), ("AG", "CT"))  # all bases alike in all three
        rows = ["".join(rng.choice(words[k], size=30)) for k in labels]
        return labelled(rows, labels, ("x", "y", "z"))

    fitted = fit_markov(made(60), made(30), order=2)
    assert right(fitted, made(60)) > 0.95
    assert fitted.settings["smoothing"] == 0.1  # the first of equals
    with pytest.raises(InputError, match="order is 6"):
        fit_markov(made(6), made(6), order=6)


def test_markov_reads_both_sequences_of_a_pair():
    data = composed(120, 0)
    same = labelled(("ACGT" * 15,) * 120, data.labels, data.classes, second=data.bases)
    assert right(fit_markov(same, same), same) > 0.9


def test_rows_of_both_strands():
    data = labelled(("AAC", "GGA"), [0, 1], second=("TC", "TT"))
    both = both_strands(data, "both")
    assert both.bases == ("AAC", "GGA", "GTT", "TCC")
    assert both.second == ("TC", "TT", "GA", "AA")
    assert both.labels.tolist() == [0, 1, 0, 1]
    assert len(both.names) == 4
    assert both_strands(data, "given") is data
    with pytest.raises(InputError, match="strands is 'three'"):
        both_strands(data, "three")


@pytest.mark.parametrize("name", BASELINES)
def test_of_both_strands_the_answer_is_the_same(name):
    more = {"epochs": 1} if name == "cnn" else {}
    fitted = BASELINES[name](stranded(80, 0), stranded(40, 1), strands="both", **more)
    test = stranded(40, 2)
    found = fitted.probabilities(test)
    np.testing.assert_allclose(found, fitted.probabilities(other_strand(test)), atol=1e-6)
    np.testing.assert_allclose(found.sum(axis=1), 1.0)
    if name not in ("majority", "twins", "positional"):
        assert fitted.settings["strands"] == "both"
        assert fitted.title.endswith("both strands")
    with pytest.raises(InputError, match="strands is 'x'"):
        BASELINES[name](stranded(8, 0), stranded(8, 1), strands="x")


@pytest.mark.parametrize("fit", [fit_kmers, fit_markov])
def test_what_was_learnt_of_one_strand_is_known_of_the_other(fit):
    training, dev, test = (stranded(n, s) for n, s in ((300, 0), (200, 1), (400, 2)))
    turned = other_strand(test)
    assert right(fit(training, dev), turned) < 0.7
    assert right(fit(training, dev, strands="both"), turned) > 0.9


def test_kmers_of_both_strands_are_as_many_as_there_are():
    fitted = fit_kmers(stranded(40, 0), stranded(40, 1), strands="both")
    assert fitted.parameters == 136 + 1  # (4**4 + 4**2) / 2: 16 words are their own complements


def test_the_label_opposite_to_the_twins():
    # ACAGA and AGACA are counterparts, and so are CCTCAC and CACCTC; the rest has none.
    training = labelled(("ACAGA", "TTTT", "CCTCAC"), [0, 1, 1])
    dev = labelled(("GGGG", "CACCTC"), [1, 0])
    fitted = fit_composition(training, dev)
    test = labelled(("AGACA", "ACAGA", "CTCACC", "GATTACA"), [1, 0, 1, 1])
    prior = [1 / 3, 2 / 3]
    np.testing.assert_allclose(
        # A copy has no counterpart here; of CTCACC's ends none fit.
        fitted.probabilities(test), [[0, 1], prior, prior, prior]
    )  # fmt: skip
    three = labelled(("A", "C", "G"), [0, 1, 2], ("x", "y", "z"))
    with pytest.raises(InputError, match="not defined for 3 classes"):
        fit_composition(three, three)


@pytest.mark.parametrize("name", BASELINES)
def test_all_are_called_alike(name):
    more = {"epochs": 1} if name == "cnn" else {}
    fitted = BASELINES[name](planted(60, 0), planted(30, 1), seed=1, **more)
    found = fitted.probabilities(planted(30, 2))
    assert fitted.name == name
    assert found.shape == (30, 2)
    np.testing.assert_allclose(found.sum(axis=1), 1.0)
