"""Embeddings of both strands: the mean of the two, wherever a model says so."""

from __future__ import annotations

import numpy as np
import pytest

import dnabert2_explore as dx
from dnabert2_explore.sequences import reverse_complement
from dnabert2_explore.stores import open_store

SEQUENCES = ["ACGTTGCAATGGCCAAT" * 5, "TTGACA" * 9, "GATTACA"]


@pytest.fixture
def enc():
    return dx.load("pocket", cache=False)


@pytest.mark.parametrize("layer", [-1, [0, 2]])
def test_the_vector_of_both_strands_is_their_mean(enc, layer):
    turned = [reverse_complement(one) for one in SEQUENCES]
    each = [enc.embed(some, layer=layer) for some in (SEQUENCES, turned)]
    np.testing.assert_allclose(
        enc.embed(SEQUENCES, layer=layer, strands="both"), (each[0] + each[1]) / 2, atol=1e-6
    )
    np.testing.assert_allclose(
        enc.embed(turned, layer=layer, strands="both"),
        enc.embed(SEQUENCES, layer=layer, strands="both"),
        atol=1e-6,
    )


def test_of_max_it_is_the_larger_value(enc):
    turned = [reverse_complement(one) for one in SEQUENCES]
    each = [enc.embed(some, pooling="max") for some in (SEQUENCES, turned)]
    found = enc.embed(SEQUENCES, pooling="max", strands="both")
    np.testing.assert_allclose(found, np.maximum(*each), atol=1e-6)


def test_a_models_own_setting_holds_for_calls_caches_and_stores(enc, tmp_path):
    both = enc.embed(SEQUENCES, strands="both")
    enc.config.embedding_strands = "both"
    np.testing.assert_array_equal(enc.embed(SEQUENCES), both)
    assert np.abs(enc.embed(SEQUENCES, strands="one") - both).max() > 1e-3
    enc.embed_to(tmp_path / "x.zarr", SEQUENCES)
    np.testing.assert_allclose(open_store(tmp_path / "x.zarr").vectors()[:], both, atol=1e-6)


def test_progress_counts_sequences_once(enc):
    ticks = []
    enc.embed(SEQUENCES, strands="both", progress=lambda *tick: ticks.append(tick))
    assert ticks[-1] == (3, 3)


def test_another_word_is_refused(enc):
    with pytest.raises(dx.InputError, match="'one' or 'both'"):
        enc.embed(SEQUENCES, strands="two")


def test_layers_of_a_model_stand_side_by_side(enc, tmp_path):
    each = [enc.embed(SEQUENCES, layer=layer) for layer in (0, 2)]
    enc.config.embedding_layers = [0, 2]
    found = enc.embed(SEQUENCES)
    assert found.shape == (3, enc.embedding_size) == (3, 2 * enc.config.hidden_size)
    np.testing.assert_array_equal(found, np.hstack(each))
    np.testing.assert_array_equal(enc.embed(SEQUENCES, layer=-1), enc.embed(SEQUENCES, layer=4))
    long = enc.embed_long(SEQUENCES[0])
    np.testing.assert_array_equal(long.vector, found[0])
    assert long.layer == (0, 2)
    assert "layers 0 and 2" in str(long)
    enc.embed_to(tmp_path / "x.zarr", SEQUENCES)
    store = open_store(tmp_path / "x.zarr")
    for layer, vectors in zip((0, 2), each, strict=True):
        np.testing.assert_allclose(store.vectors(layer)[:], vectors, atol=1e-6)


@pytest.mark.parametrize("layers", [[], [5], [-1], [1, 1], [1.0], "12", [True]])
def test_layers_that_are_none_of_the_networks_are_refused(layers):
    with pytest.raises(ValueError, match="expected different layers from 0 to 4"):
        dx.network.Dnabert2Config(num_hidden_layers=4, embedding_layers=layers)
