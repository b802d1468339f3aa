from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from dnabert2_explore import Attention, Encoder, InputError, attend, load
from dnabert2_explore.network import (
    Dnabert2Config,
    Dnabert2ForSequenceClassification,
    alibi_slopes,
)
from dnabert2_explore.sequences import UnknownBasesWarning
from dnabert2_explore.tokens import DnaTokenizer


def test_maps_equal_the_eager_network(model_folder, bases) -> None:
    enc = load(model_folder, attention="eager")
    attention = attend(enc, bases)
    with torch.inference_mode():
        maps = enc.body(enc.input_ids(attention.tokens), output_attentions=True).attentions
    assert (attention.n_layers, attention.n_heads) == (2, 4)
    for layer in range(2):
        for head in range(4):
            np.testing.assert_allclose(attention.head(layer, head), maps[layer][0, head], atol=1e-6)
    np.testing.assert_allclose(attention.mean(1), maps[1][0].mean(0), atol=1e-6)
    np.testing.assert_allclose(attention.mean(), torch.cat(maps).mean((0, 1)), atol=1e-6)


@pytest.mark.parametrize("shape", ["h12", "tiny"])
def test_maps_equal_the_originals(shared, model_folder, shape) -> None:
    """Attention probabilities that the original code computed, from our queries and keys."""
    golden = shared / "reference" / "golden"
    arrays = np.load(golden / f"{shape}_edge_f32.npz")
    config = Dnabert2Config(**json.loads((golden / f"{shape}_config.json").read_text()))
    network = Dnabert2ForSequenceClassification(config)
    weights = load_file(golden / f"{shape}_weights.safetensors")
    network.load_state_dict({k: v for k, v in weights.items() if not k.startswith("cls.")})
    enc = Encoder(network, DnaTokenizer.from_file(model_folder / "tokenizer.json"))
    row = 3  # the one without padding
    assert arrays["attention_mask"][row].all()
    n = arrays["input_ids"].shape[1]
    some = enc.tokenize("A" * n)
    tokens = replace(some, ids=arrays["input_ids"][row])
    queries, keys = enc.projections(tokens)
    slopes = alibi_slopes(config.num_attention_heads).numpy()
    attention = Attention(tokens, queries, keys, slopes, "golden")
    for layer in range(attention.n_layers):
        for head in range(attention.n_heads):
            expected = arrays["attention_probs"][layer, row, head]
            np.testing.assert_allclose(attention.head(layer, head), expected, atol=1e-4)


def test_rollout_composes_layers(enc, bases) -> None:
    attention = attend(enc, bases)
    n = len(attention.tokens)
    first, second = ((attention.mean(i) + np.eye(n)) / 2 for i in (0, 1))
    np.testing.assert_allclose(attention.rollout(), second @ first, atol=1e-6)
    np.testing.assert_allclose(attention.rollout().sum(1), 1, atol=1e-5)


def test_rollout_in_parts_is_the_same(enc, bases, monkeypatch) -> None:
    whole = attend(enc, bases).rollout()
    monkeypatch.setattr("dnabert2_explore.analysis.attend._WHOLE", 4)
    np.testing.assert_allclose(attend(enc, bases).rollout(), whole, atol=1e-6)


def test_no_such_layer_or_head(enc, bases) -> None:
    attention = attend(enc, bases)
    with pytest.raises(InputError, match="no layer 2: this model has layers 0 to 1"):
        attention.head(2, 0)
    with pytest.raises(InputError, match="no head 4"):
        attention.head(0, 4)
    with pytest.raises(InputError, match="no layer 7"):
        attention.mean(7)


def test_warns_once(enc) -> None:
    with pytest.warns(UnknownBasesWarning) as record:
        attend(enc, "ACGTNACGTACG")
    assert len(record) == 1


def test_nothing_to_attend_to(enc) -> None:
    with pytest.raises(InputError, match="has no bases"):
        attend(enc, " ")


def test_parts_are_the_softmax_of_scores_and_of_alibi_alone(enc, bases) -> None:
    attention = attend(enc, bases)
    n = len(attention.tokens)
    distance = np.abs(np.arange(n)[:, None] - np.arange(n)).astype(float)
    for head in (0, 3):
        q, k = (x[1, head].astype(float) for x in (attention.queries, attention.keys))
        scores = q @ k.T / np.sqrt(q.shape[1])
        bias = -attention.slopes[head] * distance
        for part, logits in (("both", scores + bias), ("content", scores), ("distance", bias)):
            weights = np.exp(logits - logits.max(axis=1, keepdims=True))
            weights /= weights.sum(axis=1, keepdims=True)
            np.testing.assert_allclose(attention.head(1, head, part=part), weights, atol=1e-5)
    np.testing.assert_allclose(
        attention.mean(1, part="content"),
        np.mean([attention.head(1, h, part="content") for h in range(attention.n_heads)], axis=0),
        atol=1e-6,
    )
    some = np.array([2, 0])
    np.testing.assert_allclose(attention.rows(None, None, some), attention.mean()[some], atol=1e-6)
    with pytest.raises(InputError, match="Part 'bias' is unknown"):
        attention.head(0, 0, part="bias")


def test_reach_is_what_a_long_sequence_shows(enc, bases) -> None:
    attention = attend(enc, bases)
    reach = attention.reach(0.9)
    per_token = attention.tokens.bases_per_token
    far = np.abs(np.arange(-40_000, 40_001))
    for head, slope in enumerate(attention.slopes.astype(float)):
        weights = np.exp(-slope * far)
        weights /= weights.sum()
        tokens = round(reach[head] / per_token)
        assert weights[far <= tokens].sum() >= 0.9 - 1e-9
        assert tokens == 0 or weights[far <= tokens - 1].sum() < 0.9
    with pytest.raises(InputError, match="between 0 and 1"):
        attention.reach(1.0)


def test_a_map_takes_little_more_memory_than_itself() -> None:
    import tracemalloc

    n, rng = 2500, np.random.default_rng(0)
    queries, keys = rng.normal(size=(2, 1, 2, n, 16)).astype(np.float32)
    some = load("pocket").tokenize("A" * 8)
    attention = Attention(some, queries, keys, alibi_slopes(2).numpy(), "random")
    tracemalloc.start()
    attention.head(0, 1)
    _, peak = tracemalloc.get_traced_memory()
    attention.mean(0)
    _, mean = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak <= 1.3 * 4 * n * n
    assert mean <= 1.4 * 4 * n * n
