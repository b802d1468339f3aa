"""Every statistic beside scikit-learn's or scipy's, plain and with weights."""

import numpy as np
import pytest
from scipy import stats as scipy_stats
from sklearn import metrics

from dnabert2_explore.common.stats import Ranking, Ranks, f1, interval, matthews, pearson, spearman


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_confusion_as_scikit_learn_sums_it_up(rng, classes):
    truth, said = rng.integers(classes, size=(2, 4, 60))
    tables = np.array([metrics.confusion_matrix(a, b, labels=range(classes))
                       for a, b in zip(truth, said, strict=True)])  # fmt: skip
    expected = [metrics.matthews_corrcoef(a, b) for a, b in zip(truth, said, strict=True)]
    np.testing.assert_allclose(matthews(tables), expected, rtol=1e-12)
    each = [metrics.f1_score(a, b, average=None) for a, b in zip(truth, said, strict=True)]
    np.testing.assert_allclose(f1(tables), each, rtol=1e-12)


def test_confusion_of_one_class_says_nothing():
    assert matthews(np.array([[3, 0], [4, 0]])) == 0  # one answer for everything
    assert np.isnan(matthews(np.array([[3, 4], [0, 0]])))  # one class to be told
    np.testing.assert_array_equal(f1(np.array([[3, 0, 0], [0, 2, 0], [0, 0, 0]])), [1, 1, np.nan])


def test_areas_as_scikit_learn_measures_them(rng):
    scores = rng.integers(0, 9, 80).astype(float)  # many ties
    positive = rng.random(80) < 0.3
    weights = rng.integers(0, 4, (5, 80)).astype(float)
    ranking = Ranking(scores, positive)
    for row, area, average in zip(weights, *ranking.areas(weights), strict=True):
        assert area == pytest.approx(metrics.roc_auc_score(positive, scores, sample_weight=row))
        assert average == pytest.approx(
            metrics.average_precision_score(positive, scores, sample_weight=row)
        )
    assert ranking.areas()[0] == pytest.approx(metrics.roc_auc_score(positive, scores))


def test_correlations_as_scipy_computes_them(rng):
    x = rng.integers(0, 6, 50).astype(np.float32)
    y = (x + rng.normal(size=50)).astype(np.float32)
    assert pearson(x, y) == pytest.approx(scipy_stats.pearsonr(*map(np.float64, (x, y)))[0])
    assert spearman(x, y) == pytest.approx(scipy_stats.spearmanr(x, y)[0])
    np.testing.assert_array_equal(Ranks(x).of(), scipy_stats.rankdata(x))
    times = rng.integers(0, 4, 50)
    many = np.repeat(np.arange(50), times)
    assert pearson(x, y, times.astype(float)) == pytest.approx(pearson(x[many], y[many]))
    weighted = Ranks(x).of(times.astype(float))
    np.testing.assert_allclose(weighted[many], scipy_stats.rankdata(x[many]))


@pytest.mark.parametrize("constant", [np.full(7, 0.1), np.zeros(7), np.zeros(0)])
def test_what_does_not_vary_correlates_with_nothing(constant):
    assert np.isnan(pearson(constant, np.arange(len(constant), dtype=float)))
    assert np.isnan(spearman(np.arange(len(constant), dtype=float), constant))


def test_intervals_leave_out_what_is_undefined(rng):
    draws = rng.normal(size=(3, 400))
    draws[:, ::7] = np.nan
    low, high = interval(draws)
    for row, a, b in zip(draws, low, high, strict=True):
        assert (a, b) == pytest.approx(tuple(np.percentile(row[~np.isnan(row)], [2.5, 97.5])))
