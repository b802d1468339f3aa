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
