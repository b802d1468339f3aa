from __future__ import annotations

import json

import numpy as np
import pytest

from dnabert2_explore.sequences import reverse_complement
from dnabert2_explore.sequences.shuffle import shuffle_dinucleotides
from dnabert2_explore.training.labelled.leakage import LeakageReport, check_leakage
from dnabert2_explore.training.labelled.tables import Labelled


def random_bases(rng, length):
    return "".join(rng.choice(list("ACGT"), length))


def labelled(bases, second=None):
    names = tuple(f"s{i}" for i in range(len(bases)))
    labels = np.arange(len(bases)) % 2
    return Labelled(tuple(bases), second, labels, ("a", "b"), "classification", names)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_nothing_in_common(rng):
    train, test = ([random_bases(rng, 100) for _ in range(50)] for _ in range(2))
    report = check_leakage({"train": labelled(train), "test": labelled(test)})
    assert report.clean
    assert str(report) == "No sequence of test is in train, exactly or nearly."


def test_copies_other_strands_changes_and_shifts_are_found(rng):
    genome = random_bases(rng, 20_000)
    train = [genome[i : i + 100] for i in range(0, 10_000, 200)]
    changed = list(train[7])
    changed[40] = "A" if changed[40] != "A" else "C"
    test = [
        train[3],  # a copy
        reverse_complement(train[5]),  # the other strand
        "".join(changed),  # one base of 100: 69 of its 85 words are left
        genome[2030:2130],  # overlaps train[10] by 70 bases: 55 of 85 words
        reverse_complement(genome[2440:2540]),  # overlaps train[12] by 60: 45 of 85
        genome[3080:3180],  # overlaps train[15] by 20: 5 of 85
        genome[15_000:15_100],
    ]
    (pair,) = check_leakage({"train": labelled(train), "test": labelled(test)}).pairs
    assert (pair.exact, pair.near, pair.checked, pair.total) == (2, 3, 7, 7)
    assert pair.examples == ("s0 and s3", "s1 and s5", "s2 and s7")
    strict = check_leakage({"train": labelled(train), "test": labelled(test)}, threshold=0.7)
    assert strict.pairs[0].near == 1
    text = str(check_leakage({"train": labelled(train), "test": labelled(test)}))
    assert "2 (28.6%) of 7 test sequences are in train too, and 3 more share at least 50%" in text


def test_every_two_splits_are_compared(rng):
    one, two = random_bases(rng, 60), random_bases(rng, 60)
    splits = {"train": labelled([one]), "dev": labelled([two]), "test": labelled([two, one])}
    report = check_leakage(splits)
    found = {(p.first, p.second): p.exact for p in report.pairs}
    assert found == {("train", "dev"): 0, ("train", "test"): 1, ("dev", "test"): 1}
    assert not report.clean
    assert LeakageReport.from_json(json.loads(json.dumps(report.to_json()))) == report


def test_against_counting_words_one_by_one(rng):
    genome = random_bases(rng, 600)
    starts = rng.integers(0, 520, size=(2, 40))
    train, test = ([genome[i : i + 80] for i in row] for row in starts)
    test[0] = test[0][:30] + "N" + test[0][31:]

    def words(text):
        found = (text[i : i + 16] for i in range(len(text) - 15))
        return {min(w, reverse_complement(w)) for w in found if "N" not in w}

    keys = {min(text, reverse_complement(text)) for text in train}
    expected = sum(
        max(len(words(text) & words(other)) for other in train) >= 0.5 * len(words(text))
        for text in test
        if min(text, reverse_complement(text)) not in keys
    )
    (pair,) = check_leakage({"train": labelled(train), "test": labelled(test)}).pairs
    assert pair.near == expected > 3


def test_a_sample_is_checked_where_there_are_many(rng):
    train = [random_bases(rng, 50) for _ in range(30)]
    near = [text[:-1] + ("A" if text[-1] != "A" else "C") for text in train]
    (pair,) = check_leakage({"train": labelled(train), "test": labelled(near)}, most=10).pairs
    assert (pair.near, pair.checked, pair.total) == (10, 10, 30)
    assert "and 10 of 10 checked more" in str(pair)


def test_repeats_and_short_or_unknown_sequences_are_no_matches():
    train, test = ["A" * 40] * 3 + ["N" * 40, "ACGT"], ["A" * 60, "N" * 50, "ACG"]
    (pair,) = check_leakage({"train": labelled(train), "test": labelled(test)}).pairs
    assert (pair.exact, pair.near) == (0, 1)  # one word of A is all of the first


def test_pairs_must_both_be_found(rng):
    a, b, c = (random_bases(rng, 60) for _ in range(3))
    train = labelled([a], (b,))
    test = labelled([a, a], (b, c))
    (pair,) = check_leakage({"train": train, "test": test}).pairs
    assert pair.exact == 1


def test_parts_of_a_large_split_are_looked_through_one_by_one(rng, monkeypatch):
    from dnabert2_explore.training.labelled import near

    train = [random_bases(rng, 90) for _ in range(40)]
    test = [text[:80] + random_bases(rng, 10) for text in train]
    whole = check_leakage({"train": labelled(train), "test": labelled(test)})
    monkeypatch.setattr(near, "CHUNK", 200)
    assert check_leakage({"train": labelled(train), "test": labelled(test)}) == whole
    assert whole.pairs[0].near == 40


def shuffled(text, rng):
    while (other := shuffle_dinucleotides(text, rng)) == text:
        pass
    return other


def test_shuffles_are_twins(rng):
    positives = [random_bases(rng, 100) for _ in range(60)]
    negatives = [shuffled(text, rng) for text in positives]
    first, second = np.arange(60), np.arange(60) % 2
    train = Labelled(
        tuple(positives[i] if second[i] else negatives[i] for i in first),
        None, second, ("no", "yes"), "classification", tuple(f"a{i}" for i in first),
    )  # fmt: skip
    test = Labelled(
        (*(negatives[i] if second[i] else positives[i] for i in first), random_bases(rng, 100)),
        None, np.append(1 - second, 0), ("no", "yes"), "classification",
        tuple(f"b{i}" for i in range(61)),
    )  # fmt: skip
    (pair,) = check_leakage({"train": train, "test": test}).pairs
    assert (pair.exact, pair.near, pair.twins, pair.opposite) == (0, 0, 60, 60)
    assert pair.twin_mcc == pytest.approx(1)  # without a counterpart: 0, the first of a tie
    assert "60 (98.4%) of 61 test sequences have a composition twin in train" in str(pair)
    assert "takes no model and has MCC 1.000 on test" in str(pair)
    report = check_leakage({"train": train, "test": test})
    assert not report.clean
    assert LeakageReport.from_json(json.loads(json.dumps(report.to_json()))) == report


def test_a_copy_is_no_twin_and_labels_need_not_differ(rng):
    one, two = random_bases(rng, 80), random_bases(rng, 80)
    train = labelled([one, two])  # labels 0, 1
    test = labelled([one, shuffled(one, rng), shuffled(two, rng)])  # labels 0, 1, 0
    (pair,) = check_leakage({"train": train, "test": test}).pairs
    assert (pair.exact, pair.twins, pair.opposite) == (1, 2, 2)
    same = labelled([shuffled(one, rng), shuffled(two, rng)])
    (pair,) = check_leakage({"train": train, "test": same}).pairs
    assert (pair.twins, pair.opposite) == (2, 0)
    assert pair.twin_mcc == pytest.approx(-1)
    assert "takes no model" not in str(pair)


def test_twins_of_three_classes_values_and_pairs(rng):
    a, b = random_bases(rng, 80), random_bases(rng, 80)
    three = Labelled((a, b), None, np.array([0, 2]), ("x", "y", "z"), "classification", ("1", "2"))
    test = Labelled((shuffled(a, rng),), None, np.array([1]), three.classes, three.task, ("1",))
    (pair,) = check_leakage({"train": three, "test": test}).pairs
    assert (pair.twins, pair.opposite, pair.twin_mcc) == (1, 1, None)  # no opposite of three
    values = Labelled((a,), None, np.array([0.5]), (), "regression", ("1",))
    other = Labelled((shuffled(a, rng),), None, np.array([0.1]), (), "regression", ("1",))
    (pair,) = check_leakage({"train": values, "test": other}).pairs
    assert (pair.twins, pair.opposite, pair.twin_mcc) == (1, None, None)
    both = labelled([a], (b,))
    found = check_leakage(
        {"train": both, "test": labelled([shuffled(a, rng)] * 2, (shuffled(b, rng), a))}
    )
    assert found.pairs[0].twins == 1  # both sequences of a pair have to be counterparts


def test_a_report_of_before_twins_is_read():
    (content,) = check_leakage({"train": labelled(["ACGT"]), "test": labelled(["GG"])}).to_json()
    for name in ("twins", "opposite", "twin_mcc"):
        del content[name]
    (pair,) = LeakageReport.from_json([content]).pairs
    assert pair.twins is None
    assert "twin" not in str(pair)


def dealt_apart(rng, share):
    """Sequences in train; of a share of them a shuffle of the other label in test."""
    train = [random_bases(rng, 60) for _ in range(40)]
    count = round(share * len(train))
    test = [shuffle_dinucleotides(bases, rng) for bases in train[:count]]
    test += [random_bases(rng, 60) for _ in range(len(train) - count)]
    given = labelled(train), labelled(test)
    turned = Labelled(
        given[1].bases, None, 1 - given[1].labels, ("a", "b"), "classification", given[1].names
    )
    return check_leakage({"train": given[0], "test": turned}), check_leakage(
        {"train": given[0], "test": given[1]}
    )


def test_a_score_that_shuffles_give_away_is_said_not_to_be_what_it_seems(rng):
    opposite, same = dealt_apart(rng, 0.75)
    assert opposite.giveaway == (
        "30 of 40 test sequences have a composition twin in train (as a shuffle of the same "
        "bases), all of another label"
    )
    said = opposite.caution("MCC 0.79", "the rule", "MCC 0.92")
    assert said.startswith("MCC 0.79 is not what it seems: 30 of 40")
    assert "the rule) has MCC 0.92" in said
    # Counterparts of the same label are relatives, not the way negatives were made.
    assert same.giveaway == same.caution("MCC 0.79", "the rule", "MCC 0.92") == ""
    fewer, _ = dealt_apart(rng, 0.4)
    assert fewer.giveaway == ""
    assert LeakageReport(()).giveaway == ""


def test_the_summary_counts_each_kind_once(rng):
    opposite, _ = dealt_apart(rng, 0.75)
    assert opposite.pairs[0].summary == (
        "of 40 test sequences, train holds a copy of 0, a near-copy of 0, a composition twin of 30 "
        "and a positional twin of 0"
    )
