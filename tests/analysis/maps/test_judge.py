"""Judging a map: against scikit-learn, closed forms, and maps that mean nothing."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.manifold import trustworthiness
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, cross_val_predict
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import dnabert2_explore as dx
from dnabert2_explore import Cancelled, InputError
from dnabert2_explore.analysis.maps import (
    centred_unit,
    label_purity,
    nearest,
    neighbours,
    plane_keeps,
    probe,
    remove_composition,
    share_explained,
)


@pytest.fixture(scope="module")
def rng():
    return np.random.default_rng(0)


@pytest.fixture(scope="module")
def cloud(rng):
    return rng.normal(size=(120, 8)) + 3 * rng.normal(size=(4, 8))[rng.integers(0, 4, 120)]


def sequences_of(gc, length=300, seed=1):
    rng = np.random.default_rng(seed)
    return ["".join(rng.choice(list("ACGT"), length, p=[(1 - g) / 2, g / 2, g / 2, (1 - g) / 2]))
            for g in gc]  # fmt: skip


@pytest.mark.parametrize("cells", [1 << 24, 500])
def test_neighbours_and_trustworthiness_are_scikit_learns(cloud, rng, monkeypatch, cells):
    monkeypatch.setattr(neighbours, "_CELLS", cells)
    unit = centred_unit(cloud)
    plane = cloud[:, :2] + rng.normal(size=(120, 2))
    index = NearestNeighbors(n_neighbors=8, metric="cosine").fit(unit)
    expected = index.kneighbors(unit, return_distance=False)[:, 1:]
    found = nearest(unit, 7)
    assert all(set(a) == set(b) for a, b in zip(found.tolist(), expected.tolist(), strict=True))
    trust, kept = plane_keeps(unit, plane, 7)
    assert trust == pytest.approx(
        trustworthiness(unit, plane, n_neighbors=7, metric="cosine"), abs=1e-6
    )
    page = NearestNeighbors(n_neighbors=8).fit(plane).kneighbors(plane, return_distance=False)
    both = [len(set(a) & set(b)) for a, b in zip(page[:, 1:].tolist(), expected.tolist(),
                                                  strict=True)]  # fmt: skip
    assert kept == pytest.approx(np.mean(both) / 7)


def test_neighbours_of_ones_group_do_not_count(cloud):
    groups = np.repeat(np.arange(6), 20)
    found = nearest(centred_unit(cloud), 5, groups)
    assert not (groups[found] == groups[:, None]).any()
    lonely = nearest(centred_unit(cloud[:4]), 3, np.array([0, 0, 0, 1]))
    assert (lonely[3] >= 0).all()
    assert sorted((lonely[0] >= 0).tolist()) == [False, False, True]
    assert label_purity(lonely, np.array([0, 0, 1, 0])) == 4 / 6


def test_a_line_is_explained_as_its_correlation_says(rng):
    x = rng.normal(size=(4000, 1))
    y = np.c_[0.6 * x[:, 0] + 0.8 * rng.normal(size=4000), rng.normal(size=4000)]
    each, whole = share_explained(x, y)
    assert each[0] == pytest.approx(np.corrcoef(x[:, 0], y[:, 0])[0, 1] ** 2, abs=0.01)
    assert each[1] < 0.005
    weights = y.var(axis=0) / y.var(axis=0).sum()
    assert whole == pytest.approx(float(weights @ each), abs=0.005)
    assert share_explained(np.ones((50, 1)), y[:50]) == (pytest.approx(np.zeros(2)), 0.0)


def test_many_features_of_noise_explain_nothing(rng):
    assert share_explained(rng.normal(size=(300, 256)), rng.normal(size=(300, 2)))[1] < 0.03


@pytest.mark.parametrize("grouped", [False, True])
def test_the_probe_is_scikit_learns(rng, grouped):
    labels = np.repeat([0, 1, 2], 60)
    groups = np.tile(np.arange(12), 15)
    x = rng.normal(size=(180, 6)) + 0.8 * labels[:, None]
    found = probe(x, labels, groups if grouped else None, seed=3)
    kind = StratifiedGroupKFold if grouped else StratifiedKFold
    model = make_pipeline(StandardScaler(),
                          LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto"))  # fmt: skip
    told = cross_val_predict(
        model,
        x,
        labels,
        groups=groups if grouped else None,
        cv=kind(5, shuffle=True, random_state=3),
    )
    assert found.score == pytest.approx(balanced_accuracy_score(labels, told))
    assert found.low < found.score < found.high


def test_what_is_removed_is_gone(rng):
    gc = rng.uniform(0.3, 0.7, 400)
    texts = sequences_of(gc)
    own = np.array([(t.count("G") + t.count("C")) / len(t) for t in texts])
    vectors = np.c_[10 * own + 0.1 * rng.normal(size=400), rng.normal(size=400)]
    left = remove_composition(vectors, texts, "gc")
    assert abs(np.corrcoef(left[:, 0], own)[0, 1]) < 0.1
    assert np.corrcoef(left[:, 1], vectors[:, 1])[0, 1] > 0.99
    with pytest.raises(InputError, match="Composition 'cg' is unknown"):
        remove_composition(vectors, texts, "cg")
    with pytest.raises(InputError, match="10 or more"):
        remove_composition(vectors[:5], texts[:5])


@pytest.fixture(scope="module")
def gc_map(rng):
    """A map that is GC and nothing else; the label is drawn at random."""
    gc = rng.uniform(0.3, 0.7, 150)
    texts = sequences_of(gc)
    own = np.array([(t.count("G") + t.count("C")) / len(t) for t in texts])
    vectors = np.c_[50 * own, rng.normal(size=(150, 5))]
    return texts, vectors, [f"c{i}" for i in rng.integers(0, 3, 150)]


def test_a_map_of_gc_says_so_first(gc_map):
    texts, vectors, labels = gc_map
    twin = np.random.default_rng(5).normal(size=(150, 4))
    steps = []
    found = dx.judge_map(
        dx.project(vectors, method="pca"), vectors, texts, labels, label="class", pca=True,
        beside={"untrained twin": twin}, progress=lambda *done: steps.append(done),
    )  # fmt: skip
    assert found.headline.startswith("GC content explains more of this map than class")
    assert found.axes["GC content"][0][0] > 0.9
    values = np.linalg.svd(vectors - vectors.mean(0), compute_uv=False) ** 2
    assert found.axis_variance == pytest.approx(values[:2] / values.sum(), rel=1e-4)
    spaces = {s.space: s for s in found.scores}
    assert list(spaces) == ["model", "4-mers", "GC content", "untrained twin", "shuffled labels"]
    for score in spaces.values():  # a random label is told by nothing
        assert score.probe.score == pytest.approx(1 / 3, abs=0.15)
        assert score.purity == pytest.approx(1 / 3, abs=0.08)
    assert "does not go beyond" in found.verdict or "better" in found.verdict
    assert steps[-1] == (7, 7)
    table = found.table()
    assert {"R² of the map", "trustworthiness"} <= set(table["what"])
    assert str(found).startswith(found.headline)


def test_a_label_that_is_there_is_told_beyond_composition(rng):
    texts = sequences_of(np.full(120, 0.5))
    codes = np.repeat([0, 1], 60)
    vectors = rng.normal(size=(120, 6)) + 4 * codes[:, None]
    found = dx.judge_map(vectors[:, :2], vectors, texts, ["ab"[c] for c in codes], label="kind")
    assert found.headline.startswith("kind explains")
    assert "It goes beyond" in found.verdict
    assert found.scores[0].purity > 0.95


def test_groups_are_kept_apart(rng):
    # Each species has a place of its own, and category means nothing beyond it.
    species = np.repeat(np.arange(12), 15)
    vectors = (rng.normal(size=(12, 10)) * 5)[species] + rng.normal(size=(180, 10))
    labels = ["ab"[s % 2] for s in species]
    texts = sequences_of(np.full(180, 0.5))
    alone = dx.judge_map(vectors[:, :2], vectors, texts, labels)
    apart = dx.judge_map(vectors[:, :2], vectors, texts, labels,
                         groups=[f"s{s}" for s in species], grouped_by="species")  # fmt: skip
    assert alone.scores[0].purity > 0.9
    assert alone.scores[0].probe.score > 0.9
    assert apart.scores[0].purity < 0.75
    assert apart.scores[0].probe.score < 0.75
    assert "of species it has not seen" in apart.verdict
    assert "of other species" in apart.neighbourhood
    assert f"{apart.scores[0].purity:.0%} share its label" in apart.neighbourhood


def test_what_cannot_be_told_is_said(gc_map):
    texts, vectors, labels = gc_map
    plane = vectors[:, :2]
    one = dx.judge_map(plane, vectors, texts, ["a"] * 150)
    assert one.scores == ()
    assert "one class" in str(one)
    assert one.verdict == one.neighbourhood == ""
    many = dx.judge_map(plane, vectors, texts, [f"c{i // 2}" for i in range(150)])
    assert many.n_classes == 75
    assert "too few sequences of each label" in many.verdict
    every = dx.judge_map(plane, vectors, texts, [str(i) for i in range(150)])
    assert every.scores == ()
    assert "one sequence alone are left out (150" in every.left_out
    some = dx.judge_map(plane, vectors, texts, ["", *labels[1:]])
    assert "1 sequences have no label" in some.left_out
    none = dx.judge_map(plane, vectors, texts)
    assert none.label == ""
    assert none.headline.startswith("GC content explains")
    alike = dx.judge_map(np.zeros((20, 2)), np.ones((20, 4)), ["ACGT"] * 20)
    assert "0%" in alike.headline


def test_bad_input_is_one_clear_sentence(gc_map):
    texts, vectors, labels = gc_map
    plane = vectors[:, :2]
    with pytest.raises(InputError, match="150 sequences and 149 rows of labels"):
        dx.judge_map(plane, vectors, texts, labels[1:])
    with pytest.raises(InputError, match="9 sequences cannot be judged"):
        dx.judge_map(plane[:9], vectors[:9], texts[:9])
    holed = vectors.copy()
    holed[4, 1] = np.nan
    with pytest.raises(InputError, match=r"Row 4 .* of vectors"):
        dx.judge_map(plane, holed, texts)

    def stop(done, total):
        raise Cancelled("Cancelled.")

    with pytest.raises(Cancelled):
        dx.judge_map(plane, vectors, texts, progress=stop)


def test_gains_are_paired_and_their_interval_is_of_the_difference(rng):
    """Two spaces that fail on the same sequences differ surely, however wide each interval is."""
    from dnabert2_explore.analysis.maps.probe import difference, probe

    codes = np.tile([0, 1], 60)
    groups = np.arange(120) // 6
    hard = (groups < 7)[:, None]  # whole groups that nothing tells
    signal = np.where(hard, 0, 4.0 * codes[:, None])
    good = rng.normal(size=(120, 2)) + signal
    worse = good.copy()
    worse[(groups >= 7) & (np.arange(120) % 6 == 0)] = rng.normal(size=(13, 2)) + 2
    first, second = probe(good, codes, groups), probe(worse, codes, groups)
    gain = difference(first, second)
    assert gain.score == pytest.approx(first.score - second.score)
    # By hand: the same groups drawn for both.
    assert gain.low == pytest.approx(np.percentile(first.draws - second.draws, 2.5))
    assert gain.low > 0
    assert first.low < second.score  # interval and point would not have said so
    assert difference(first, first).high == 0
