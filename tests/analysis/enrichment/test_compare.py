"""Composition, classes and place of a selection, against scipy and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import fisher_exact, mannwhitneyu
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import NearestNeighbors

import dnabert2_explore as dx
from dnabert2_explore import Cancelled, InputError, Sequence
from dnabert2_explore.analysis.enrichment import class_shares, contrasts, place_of

from ...conftest import random_bases


def named(n, alphabet="ACGT", seed=0, **more):
    return [
        Sequence(f"s{i}", random_bases(120, seed=1000 * seed + i, alphabet=alphabet), **more)
        for i in range(n)
    ]


def test_composition_is_mann_whitney():
    mine = [s.bases for s in named(20, "ACGGT")]
    yours = [s.bases for s in named(30, seed=1)]
    (gc, cpg) = contrasts(mine, yours)
    assert (gc.name, cpg.name) == ("GC content", "CpG observed / expected")
    a, b = ([sum(map(t.count, "GC")) / len(t) for t in one] for one in (mine, yours))
    assert gc.p_value == pytest.approx(mannwhitneyu(a, b).pvalue)
    assert gc.exceeds == pytest.approx(roc_auc_score([1] * 20 + [0] * 30, [*a, *b]))
    assert gc.selected == pytest.approx(100 * np.median(a))


def test_classes_are_fishers_test():
    mine = named(10, label="virus") + named(5, label="fungi")
    yours = named(4, label="virus") + named(20, label="fungi", fields={"note": "x"})
    found = {(c.column, c.value): c for c in class_shares(mine, yours)}
    virus = found["label", "virus"]
    assert (virus.selected, virus.rest) == (10, 4)
    assert virus.p_value == pytest.approx(fisher_exact([[10, 5], [4, 20]]).pvalue)
    assert ("note", "x") in found


def test_place_is_that_of_brute_force():
    rng = np.random.default_rng(0)
    mine, yours = rng.normal(size=(40, 6)) + 1, rng.normal(size=(90, 6))
    place = place_of(mine, yours, n_neighbors=5, most=3)
    unit = [v / np.linalg.norm(v, axis=1, keepdims=True) for v in (mine, yours)]
    assert place.medoids[0] == (unit[0] @ unit[0].T).sum(axis=1).argmax()
    assert place.nearest[0] == (unit[1] @ unit[0].T).mean(axis=1).argmax()
    assert place.similarity[0] == pytest.approx((unit[1] @ unit[0].T).mean(axis=1).max(), rel=1e-5)
    every = np.concatenate(unit)
    index = NearestNeighbors(n_neighbors=6, metric="cosine").fit(every)
    near = index.kneighbors(every[:40], return_distance=False)[:, 1:]
    assert place.within == pytest.approx((near < 40).mean())
    assert place.by_chance == pytest.approx(39 / 129)


def test_a_random_selection_is_no_group():
    vectors = np.random.default_rng(1).normal(size=(600, 16))
    place = place_of(vectors[:200], vectors[200:])
    assert place.within == pytest.approx(place.by_chance, abs=0.03)


def test_rows_without_numbers_are_passed_over():
    vectors = np.random.default_rng(2).normal(size=(20, 4))
    holed = vectors.copy()
    holed[3] = np.nan
    assert 3 not in place_of(holed, vectors).medoids
    with pytest.raises(InputError, match="free of NaN"):
        place_of(np.full((3, 4), np.nan), vectors)
    with pytest.raises(InputError, match="4 numbers and the others 5"):
        place_of(vectors, np.zeros((3, 5)))


def test_everything_at_once():
    mine, yours = named(30, "ACGTTGCA", label="a"), named(60, seed=3, label="b")
    vectors = np.random.default_rng(3).normal(size=(90, 8))
    seen = []
    found = dx.compare_sequences(
        mine, yours, vectors=(vectors[:30], vectors[30:]), progress=lambda *done: seen.append(done)
    )
    assert found.place is not None
    assert found.classes[0].column == "label"
    assert found.tokens is None
    assert "nearest neighbours in the full space" in str(found)
    assert list(found.table().columns)[:2] == ["word", "selected"]
    assert seen[-1] == (5, 5)

    def stop(done, total):
        raise Cancelled("Cancelled.")

    with pytest.raises(Cancelled):
        dx.compare_sequences(mine, yours, progress=stop)
