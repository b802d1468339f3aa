from __future__ import annotations

import json
import math

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as sk

from dnabert2_explore.errors import InputError
from dnabert2_explore.training.scores.metrics import Scores, metric_names, score


def chances(rng, n, k, digits=2):
    """Probabilities with ties."""
    raw = rng.dirichlet(np.ones(k), n).round(digits) + 1e-3
    return raw / raw.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("k", [2, 4])
def test_classification_is_scikit_learns(k):
    rng = np.random.default_rng(k)
    labels, outputs = rng.integers(k, size=300), chances(rng, 300, k)
    names = tuple("abcd"[:k])
    found = score("classification", labels, outputs, names, bootstrap=0)
    said = outputs.argmax(1)
    assert tuple(found.values) == metric_names("classification", names)
    assert found["mcc"] == pytest.approx(sk.matthews_corrcoef(labels, said), abs=1e-12)
    assert found["accuracy"] == pytest.approx(sk.accuracy_score(labels, said), abs=1e-12)
    assert found["f1_macro"] == pytest.approx(sk.f1_score(labels, said, average="macro"), abs=1e-12)
    assert found["f1_b"] == pytest.approx(sk.f1_score(labels, said, average=None)[1], abs=1e-12)
    truth = np.eye(k)[labels]
    columns = [1] if k == 2 else range(k)
    areas = [sk.roc_auc_score(truth[:, c], outputs[:, c]) for c in columns]
    precisions = [sk.average_precision_score(truth[:, c], outputs[:, c]) for c in columns]
    assert found["auroc"] == pytest.approx(np.mean(areas), abs=1e-12)
    assert found["auprc"] == pytest.approx(np.mean(precisions), abs=1e-12)
    assert found.loss == pytest.approx(sk.log_loss(labels, outputs), abs=1e-12)


def test_multi_label_is_the_mean_over_labels():
    rng = np.random.default_rng(0)
    labels, outputs = rng.integers(2, size=(200, 3)), rng.random((200, 3)).round(2)
    found = score("multi_label", labels, outputs, ("a", "b", "c"), bootstrap=0)
    said = outputs >= 0.5
    columns = range(3)
    for name, function in (("mcc", sk.matthews_corrcoef), ("f1_macro", sk.f1_score)):
        each = [function(labels[:, c], said[:, c]) for c in columns]
        assert found[name] == pytest.approx(np.mean(each), abs=1e-12)
    assert found["accuracy"] == pytest.approx(sk.accuracy_score(labels, said), abs=1e-12)
    areas = [sk.roc_auc_score(labels[:, c], outputs[:, c]) for c in columns]
    assert found["auroc"] == pytest.approx(np.mean(areas), abs=1e-12)


def test_regression_is_scipys():
    rng = np.random.default_rng(0)
    labels = rng.normal(5, 2, 200).round(1)
    outputs = (labels + rng.normal(0, 1, 200)).round(1)
    found = score("regression", labels, outputs, bootstrap=0)
    assert found["r2"] == pytest.approx(sk.r2_score(labels, outputs), abs=1e-12)
    assert found["spearman"] == pytest.approx(stats.spearmanr(labels, outputs)[0], abs=1e-12)
    assert found["pearson"] == pytest.approx(stats.pearsonr(labels, outputs)[0], abs=1e-12)
    assert found["rmse"] == pytest.approx(np.sqrt(((labels - outputs) ** 2).mean()), abs=1e-12)
    assert found.loss == pytest.approx(found["rmse"] ** 2)


def test_intervals_are_percentiles_of_resampled_scores():
    rng = np.random.default_rng(1)
    labels, outputs = rng.integers(3, size=80), chances(rng, 80, 3)
    found = score("classification", labels, outputs, ("a", "b", "c"), bootstrap=200, seed=7)
    again = np.random.default_rng(7)
    mcc, area = [], []
    for _ in range(200):
        rows = again.integers(80, size=80)
        mcc.append(sk.matthews_corrcoef(labels[rows], outputs[rows].argmax(1)))
        area.append(sk.roc_auc_score(labels[rows], outputs[rows], multi_class="ovr"))
    for name, sample in (("mcc", mcc), ("auroc", area)):
        low, high = np.percentile(sample, [2.5, 97.5])
        assert found.values[name].low == pytest.approx(low, abs=1e-10)
        assert found.values[name].high == pytest.approx(high, abs=1e-10)


def test_intervals_of_ranks_with_weights():
    rng = np.random.default_rng(2)
    labels = rng.normal(size=40).round(1)
    outputs = (labels + rng.normal(size=40)).round(1)
    found = score("regression", labels, outputs, bootstrap=100, seed=3)
    again = np.random.default_rng(3)
    sample = []
    for _ in range(100):
        rows = again.integers(40, size=40)
        sample.append(stats.spearmanr(labels[rows], outputs[rows])[0])
    assert found.values["spearman"].low == pytest.approx(np.percentile(sample, 2.5), abs=1e-10)


def test_an_interval_covers_what_it_says():
    rng = np.random.default_rng(5)
    hits = 0
    for trial in range(100):
        right = rng.random(200) < 0.8
        labels = rng.integers(2, size=200)
        said = np.where(right, labels, 1 - labels)
        found = score("classification", labels, np.eye(2)[said], ("a", "b"), 200, trial)
        one = found.values["accuracy"]
        hits += one.low <= 0.8 <= one.high
    assert 88 <= hits <= 100


def test_undefined_is_said_and_not_zero():
    outputs = np.array([[0.9, 0.1], [0.2, 0.8]])
    found = score("classification", np.array([1, 1]), outputs, ("a", "b"))
    assert math.isnan(found["mcc"])
    assert math.isnan(found["auroc"])
    assert found["accuracy"] == 0.5
    assert "mcc, auroc, auprc undefined" in found.notes[0]
    assert "MCC undefined" in str(found)
    same = score("classification", np.array([0, 1]), np.array([[0.9, 0.1]] * 2), ("a", "b"))
    assert same["mcc"] == 0.0
    flat = score("regression", np.array([1.0, 1.0, 1.0]), np.array([1.0, 2.0, 3.0]))
    assert math.isnan(flat["r2"])
    assert math.isnan(flat["pearson"])
    assert flat["rmse"] > 0


def test_a_class_without_rows_is_left_out_of_means():
    labels = np.array([0, 0, 1, 1])
    outputs = np.array([[0.8, 0.1, 0.1], [0.6, 0.3, 0.1], [0.1, 0.8, 0.1], [0.2, 0.7, 0.1]])
    found = score("classification", labels, outputs, ("a", "b", "c"), bootstrap=10)
    assert found["f1_macro"] == 1.0
    assert found["auroc"] == 1.0
    assert math.isnan(found["f1_c"])


def test_json_keeps_everything():
    outputs = np.array([[0.9, 0.1], [0.2, 0.8]])
    for labels in ([0, 1], [1, 1]):
        found = score("classification", np.array(labels), outputs, ("a", "b"), bootstrap=20)
        text = json.dumps(found.to_json(), allow_nan=False)
        assert str(Scores.from_json(json.loads(text))) == str(found)
        assert Scores.from_json(json.loads(text)).to_json() == found.to_json()


def test_a_probability_too_small_for_float32_is_not_infinite():
    found = score(
        "classification", np.array([0, 1]), np.array([[0.0, 1.0], [0.0, 1.0]]), ("a", "b")
    )
    assert found.loss == pytest.approx(-math.log(np.finfo(np.float32).tiny) / 2)


@pytest.mark.parametrize(
    ("task", "labels", "outputs", "message"),
    [
        ("guess", [0], [[1, 0]], "task is 'guess'"),
        ("classification", [], np.zeros((0, 2)), "nothing to score"),
        ("classification", [0, 1], [[1, 0]], "do not fit classification"),
        ("classification", [0], [[np.nan, 0]], "sequence 1 is not finite"),
    ],
)
def test_bad_input(task, labels, outputs, message):
    with pytest.raises(InputError, match=message):
        score(task, np.array(labels), np.array(outputs), ("a", "b"))
