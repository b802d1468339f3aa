"""Clusters that are there and clusters that are not; spaces beside each other."""

from __future__ import annotations

import numpy as np
import pytest

import dnabert2_explore as dx
from dnabert2_explore import Cancelled, InputError
from dnabert2_explore.analysis.maps import linear_cka


def test_planted_clusters_come_back_and_noise_does_not():
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(3, 10)) * 4
    made = np.concatenate(
        [c + 0.3 * rng.normal(size=(n, 10)) for c, n in zip(centres, (60, 40, 30), strict=True)]
    )
    steps = []
    found = dx.find_clusters(made, progress=lambda *done: steps.append(done))
    assert found.sizes.tolist() == [60, 40, 30]
    assert (found.labels[:60] == 0).all()
    assert (found.labels[100:] == 2).all()
    assert (found.stability > 0.95).all()
    assert steps[-1] == (10, 10)
    assert list(found.table()["size"]) == [60, 40, 30]
    assert "3 of them stable" in repr(found)

    noise = dx.find_clusters(rng.normal(size=(150, 10)))
    assert not (noise.stability > 0.75).any()
    np.testing.assert_array_equal(found.labels, dx.find_clusters(made).labels)  # same seed


def test_clusters_of_too_few_or_of_nan_are_refused():
    with pytest.raises(InputError, match="at least 30"):
        dx.find_clusters(np.zeros((20, 3)))
    with pytest.raises(InputError, match="Row 2"):
        dx.find_clusters(np.where(np.arange(40)[:, None] == 2, np.nan, np.ones((40, 2))))

    def stop(done, total):
        raise Cancelled("Cancelled.")

    with pytest.raises(Cancelled):
        dx.find_clusters(np.random.default_rng(0).normal(size=(60, 3)), progress=stop)


def test_cka_is_the_alignment_of_kernels():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(30, 5)), rng.normal(size=(30, 7))
    centring = np.eye(30) - 1 / 30
    k, m = (centring @ (v @ v.T) @ centring for v in (x, y))
    expected = np.sum(k * m) / np.sqrt(np.sum(k * k) * np.sum(m * m))
    assert linear_cka(x, y) == pytest.approx(expected)
    turn, _ = np.linalg.qr(rng.normal(size=(5, 5)))
    assert linear_cka(x, 3 * x @ turn + 1) == pytest.approx(1)
    assert np.isnan(linear_cka(np.ones((5, 2)), x[:5]))


def test_spaces_beside_each_other():
    rng = np.random.default_rng(2)
    x = rng.normal(size=(200, 6))
    found = dx.compare_spaces({"a": x, "b": 2 * x, "c": rng.normal(size=(200, 6))})
    assert found.cka[0, 1] == pytest.approx(1)
    assert found.kept[0, 1] == pytest.approx(1)
    assert found.kept[0, 2] == pytest.approx(found.by_chance, abs=0.03)
    assert found.cka[0, 2] == pytest.approx(found.cka_null[0, 2], abs=0.05)
    assert list(found.table()["second"]) == ["b", "c", "c"]
    with pytest.raises(InputError, match="cannot be compared"):
        dx.compare_spaces({"a": x})
    with pytest.raises(InputError, match="cannot be compared"):
        dx.compare_spaces({"a": x, "b": x[1:]})
