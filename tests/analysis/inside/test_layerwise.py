"""Probes and neighbours a layer, against scikit-learn, with labels that are known to be there."""

import numpy as np
import pytest

import dnabert2_explore as dx
from dnabert2_explore import InputError
from dnabert2_explore.analysis.inside import layerwise


@pytest.fixture(scope="module")
def enc():
    return dx.load("pocket-splice", cache=False)


@pytest.fixture(scope="module")
def sites():
    return dx.demo.splice()


def test_scores_are_scikit_learns(enc, sites):
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_score
    from sklearn.neighbors import NearestNeighbors
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    found = dx.layers(enc, sites, poolings=["mean"], seed=3)
    y = np.array([site.label for site in sites])
    vectors = enc.embed(sites, pooling="mean", layer=range(3))
    model = make_pipeline(
        StandardScaler(), LogisticRegression(C=0.1, class_weight="balanced", max_iter=200)
    )
    folds = StratifiedKFold(5, shuffle=True, random_state=3)
    for layer in range(3):
        truth = cross_val_score(model, vectors[:, layer], y, cv=folds, scoring="balanced_accuracy")
        assert found.probe[layer, 0] == pytest.approx(truth.mean())
        assert found.spread[layer, 0] == pytest.approx(truth.std())
    x = StandardScaler().fit_transform(vectors[:, 2].astype(float))
    near = NearestNeighbors(n_neighbors=11, metric="cosine").fit(x).kneighbors(x)[1][:, 1:]
    share = (y[near] == y[:, None]).mean(axis=1)
    truth = np.mean([share[y == name].mean() for name in set(y)])
    assert found.purity[2, 0] == pytest.approx(truth, abs=2e-3)
    assert found.classes == tuple(sorted(set(y)))
    assert found.chance == pytest.approx(1 / 3)
    # What it was trained on lies in its last layer, and not in an untrained network's.
    assert found.best == (2, "mean")
    assert found.probe[2, 0] > max(
        found.kmer_probe, found.twin_probe.max(), found.shuffled_probe.max()
    )
    assert len(found.table()) == 3
    assert "untrained" in repr(found)


def test_kmer_line_sees_composition():
    rng = np.random.default_rng(0)
    rich = ["".join(rng.choice(list("ACGT"), 60, p=[0.1, 0.4, 0.4, 0.1])) for _ in range(20)]
    poor = ["".join(rng.choice(list("ACGT"), 60, p=[0.4, 0.1, 0.1, 0.4])) for _ in range(20)]
    counts = layerwise._kmers([*rich, *poor])
    assert counts.shape == (40, 256)
    np.testing.assert_allclose(counts.sum(axis=1), 1, rtol=1e-5)
    assert layerwise._kmers(["ACNACGTA"])[0].sum() == pytest.approx(1)  # ACGT and CGTA only
    y = np.repeat([0, 1], 20)
    folds = layerwise._folds(y, ("rich", "poor"), None, 0)
    assert layerwise._probe(counts, y, folds).mean() == 1
    assert layerwise._purity(counts, y, None) > 0.9


def test_groups_stay_together():
    y = np.tile([0, 1], 20)
    together = np.repeat(np.arange(10), 4)
    for train, test in layerwise._folds(y, ("a", "b"), together, 0):
        assert not set(together[train]) & set(together[test])
    # Every group is a point of its own: with groups apart, neighbours know nothing.
    rng = np.random.default_rng(0)
    x = rng.normal(size=(10, 8))[together].astype(np.float32)
    labels = rng.integers(0, 2, 10)[together]
    assert layerwise._purity(x, labels, None) > layerwise._purity(x, labels, together)


def test_what_does_not_fit_is_refused(enc, sites):
    with pytest.raises(InputError, match="60 sequences and 3 labels"):
        dx.layers(enc, sites, ["a", "b", "c"])
    with pytest.raises(InputError, match="at least two classes"):
        dx.layers(enc, sites, ["a"] * 60)
    with pytest.raises(InputError, match="Class 'b' has 2 sequences"):
        dx.layers(enc, sites, ["a"] * 58 + ["b"] * 2)
    with pytest.raises(InputError, match="Sequence 1 of 60 has no label"):
        dx.layers(enc, [site.bases for site in sites])
    with pytest.raises(InputError, match="There are 2 groups"):
        dx.layers(enc, sites, groups=["x", "y"] * 30)
    with pytest.raises(InputError, match="Pooling 'sum' is unknown"):
        dx.layers(enc, sites, poolings=["sum"])
    with pytest.raises(InputError, match="No pooling"):
        dx.layers(enc, sites, poolings=[])
