"""Searching a store: exactly what brute force finds, and what chance gives."""

from __future__ import annotations

import numpy as np
import pytest

from dnabert2_explore import InputError, Sequence
from dnabert2_explore.stores import check_store, nearest, open_store
from dnabert2_explore.stores.filling import plan
from dnabert2_explore.stores.nearest import nearest_rows

from .fake import FakeEmbedder


class Model:
    """The fake embedder as an encoder."""

    weights_sha256 = "a" * 64

    def embed(self, sequences, layer, pooling):
        assert pooling == "mean"
        fake = FakeEmbedder()
        both = fake.compute(fake.prepare([s.bases for s in sequences]))
        return both[:, fake.layers.index(layer)]


def brute(vectors, queries, k):
    with np.errstate(invalid="ignore"):
        unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    asked = queries / np.linalg.norm(queries, axis=1, keepdims=True)
    products = np.nan_to_num(asked @ unit.T, nan=-np.inf)
    order = np.argsort(-products, axis=1, kind="stable")[:, :k]
    return order, np.take_along_axis(products, order, axis=1)


@pytest.mark.parametrize("rows", [7, 1024])
def test_blocks_find_what_brute_force_finds(monkeypatch, rows):
    monkeypatch.setattr(nearest, "_ROWS", rows)
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(500, 12)).astype(np.float32)
    vectors[3] = np.nan
    queries = rng.normal(size=(4, 12)).astype(np.float32)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    asked = queries / np.linalg.norm(queries, axis=1, keepdims=True)
    found, products = nearest_rows(unit, asked, 9)
    expected, values = brute(vectors, queries, 9)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_allclose(products, values, rtol=1e-5)


def test_few_rows_leave_places_empty():
    rows, products = nearest_rows(np.eye(3, dtype=np.float32), np.eye(3, dtype=np.float32)[:1], 5)
    assert rows[0].tolist() == [0, 1, 2, -1, -1]
    assert np.isneginf(products[0, 3:]).all()


@pytest.fixture
def opened(store):
    return open_store(store)


@pytest.mark.parametrize("indexed", [False, True])
def test_a_window_finds_itself_and_its_place(opened, indexed, monkeypatch):
    monkeypatch.setattr(plan, "_BLOCK", 1)  # a chunk at a time
    vectors = np.asarray(opened.vectors(5)[:])
    asked = np.flatnonzero(np.isfinite(vectors).all(axis=1))[[0, 4, 9]]
    if indexed:
        seen = []
        path = opened.build_index(5, progress=lambda *done: seen.append(done))
        assert np.load(path, mmap_mode="r").shape == vectors.shape
        assert seen[-1] == (len(vectors), len(vectors))
        assert check_store(opened).damaged == ()
    hits = opened.search(vectors[asked], k=4)
    _, values = brute(vectors, vectors[asked], 4)
    np.testing.assert_allclose(hits.similarity, values, rtol=1e-5)
    np.testing.assert_allclose(hits.similarity[:, 0], 1, rtol=1e-5)
    where = opened.coordinates()
    for query in range(3):
        for place, row in enumerate(hits.window[query]):
            assert opened.names[hits.record[query, place]] == where["record"][row]
            assert hits.start[query, place] == where["start"][row]
            assert hits.end[query, place] == where["end"][row]
    assert hits.null_share is None
    assert "give sequences" in hits.null
    table = hits.table()
    assert list(table["rank"][:4]) == [1, 2, 3, 4]
    assert len(table) == 12
    assert repr(hits).startswith("<StoreHits: the 4 nearest windows to each of 3 queries")


def test_sequences_are_searched_with_a_null_of_like_gc(opened, genome):
    where = opened.coordinates()
    row = int(np.flatnonzero(where["unknown"] == 0)[2])
    bases = genome.fetch(int(opened.array("record")[row]), where["start"][row], where["end"][row])
    hits = opened.search([Sequence("mine", bases)], k=3, encoder=Model(), genome=genome.path)
    assert hits.queries == ("mine",)
    assert hits.similarity[0, 0] == pytest.approx(1, rel=1e-5)
    assert "of like GC content" in hits.null
    assert (np.diff(hits.null_share[0]) >= 0).all()
    assert "null_share" in hits.table()


def test_random_queries_are_no_better_than_the_null(opened, genome):
    # Windows drawn like the null: their share is uniform, so that a third is below a third.
    rng = np.random.default_rng(1)
    texts = ["".join(rng.choice(list("ACGT"), 50)) for _ in range(60)]
    hits = opened.search(texts, k=opened.n_windows, encoder=Model(), genome=genome.path)
    middle = hits.null_share[hits.window >= 0]
    assert 0.4 < np.median(middle) < 0.6


def test_what_cannot_be_searched_is_said(opened):
    with pytest.raises(InputError, match=r"\(1, 5\); expected \(queries, 6\)"):
        opened.search(np.zeros(5))
    with pytest.raises(InputError, match="query 2 holds NaN"):
        opened.search(np.array([[1.0] * 6, [np.nan] * 6]))
    with pytest.raises(InputError, match="without a model"):
        opened.search("ACGT")
    with pytest.raises(InputError, match="k is 0"):
        opened.search(np.ones(6), k=0)
    with pytest.raises(InputError, match="no layer 3"):
        opened.search(np.ones(6), layer=3)
    other = Model()
    other.weights_sha256 = "b" * 64
    with pytest.raises(InputError, match="other weights"):
        opened.search(["ACGT"], encoder=other)
    opened.forget([0])
    with pytest.raises(InputError, match="not finished"):
        open_store(opened.path).build_index()


@pytest.mark.parametrize("threads", [1, 3])
def test_threads_find_what_one_finds(monkeypatch, threads):
    monkeypatch.setattr(nearest, "_ROWS", 8)
    monkeypatch.setattr(nearest, "_THREADS", threads)
    monkeypatch.setattr(nearest.os, "cpu_count", lambda: 4)
    rng = np.random.default_rng(0)
    unit = rng.normal(size=(700, 6)).astype(np.float32)
    unit[300:] = unit[:400]  # equal rows: the earlier one comes first, whoever found it
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    seen = []
    found, _ = nearest_rows(unit, unit[:5], 6, lambda *done: seen.append(done))
    expected, _ = brute(unit, unit[:5], 6)
    np.testing.assert_array_equal(found, expected)
    assert seen[-1] == (700, 700)


class Several(Model):
    """A model whose own vector is both layers of the store, side by side."""

    embedding_layers = (2, 5)

    def embed(self, sequences, layer, pooling):
        fake = FakeEmbedder()
        both = fake.compute(fake.prepare([s.bases for s in sequences]))
        if isinstance(layer, int):
            return both[:, fake.layers.index(layer)]
        return both[:, [fake.layers.index(one) for one in layer]]


@pytest.mark.parametrize("indexed", [False, True])
def test_a_model_of_several_layers_is_searched_by_its_own_vector(opened, genome, indexed):
    """As `embed` and the atlas have it: not by the deepest layer alone."""
    both = np.concatenate([opened.vectors(2)[:], opened.vectors(5)[:]], axis=1)
    if indexed:
        opened.build_index()
    row = int(np.flatnonzero(np.isfinite(both).all(axis=1))[2])
    where = opened.coordinates()
    bases = genome.fetch(0, int(where["start"][row]), int(where["end"][row]))
    hits = opened.search([Sequence("mine", bases)], k=4, encoder=Several(), genome=genome.path)
    _rows, values = brute(both, both[[row]], 4)
    assert hits.layers == (2, 5)
    np.testing.assert_allclose(hits.similarity, values, rtol=1e-5)
    assert hits.null_share is not None
    assert "layers 2 and 5" in str(hits)
    by_width = opened.search(both[[row]], k=4)
    assert by_width.layers == (2, 5)
    np.testing.assert_array_equal(by_width.window, hits.window)
    assert opened.search(opened.vectors(5)[row], k=4).layers == (5,)
    assert opened.search(["ACGTACGTAC"], k=2, encoder=Several(), layer=2).layers == (2,)
