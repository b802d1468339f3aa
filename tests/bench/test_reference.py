"""What is compared computes the same."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from dnabert2_explore.bench import shapes
from dnabert2_explore.bench.ours import embed_ours
from dnabert2_explore.bench.reference import (
    KeptBias,
    embed_reference,
    pad,
    reference_states,
)
from dnabert2_explore.network import Dnabert2Config, Dnabert2Model, alibi_slopes

TINY = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "initializer_range": 0.2,
}
CPU = torch.device("cpu")


@pytest.fixture
def network() -> Dnabert2Model:
    torch.manual_seed(0)
    return Dnabert2Model(Dnabert2Config(**TINY), add_pooling_layer=False).eval()


@pytest.fixture
def ids() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.integers(5, 4096, size=n) for n in (9, 31, 12, 31, 8)]


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_the_reference_path_is_the_model(network, ids, attention) -> None:
    network.set_attn_implementation(attention)
    batch, mask = pad(ids)
    with torch.inference_mode():
        expected = network(batch, mask).last_hidden_state
        states = reference_states(network, batch, mask)
    torch.testing.assert_close(states, expected, atol=1e-5, rtol=0)
    assert (states[mask == 0] == 0).all()


def test_the_bias_is_kept_as_the_original_keeps_it(network, ids) -> None:
    """512 tokens from the beginning; a longer input makes it anew once, for all that follow."""
    kept = KeptBias(network.config, CPU)
    begun = kept.upto(512)
    assert kept.upto(30).data_ptr() == begun.data_ptr()
    longer = kept.upto(600)
    assert longer.data_ptr() != begun.data_ptr()
    assert kept.upto(512).data_ptr() == kept.upto(600).data_ptr() == longer.data_ptr()
    torch.testing.assert_close(longer[:, :512, :512], begun, atol=0, rtol=0)
    slopes = alibi_slopes(network.config.num_attention_heads)
    torch.testing.assert_close(longer[:, 3, 599], -596 * slopes)
    batch, mask = pad(ids)
    with torch.inference_mode():
        first = reference_states(network, batch, mask)
        again = reference_states(network, batch, mask, kept)
    assert torch.equal(first, again)


@pytest.mark.parametrize("rows", [1, 2, 32])
def test_both_paths_give_the_same_vectors_in_the_same_order(network, ids, rows) -> None:
    old, new = [], []
    a = embed_reference(network, ids, rows, states=old)
    b = embed_ours(network, ids, states=new)
    np.testing.assert_allclose(a, b, atol=1e-5)
    assert [s.shape for s in old] == [s.shape for s in new] == [(len(i), 32) for i in ids]
    for one, other in zip(old, new, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=0)


def test_the_reference_is_held_to_the_values_of_the_original(shared) -> None:
    """Not only to ours: the original's own hidden states."""
    import json

    from safetensors.torch import load_file

    golden = shared / "reference" / "golden"
    (stem,) = [p.stem for p in sorted(golden.glob("*_f32.npz")) if "long" not in p.stem][:1]
    values = np.load(golden / f"{stem}.npz")
    shape = stem.split("_")[0]
    config = Dnabert2Config(**json.loads((golden / f"{shape}_config.json").read_text()))
    model = Dnabert2Model(config, add_pooling_layer=False).eval()
    weights = {
        name.removeprefix("bert."): tensor
        for name, tensor in load_file(golden / f"{shape}_weights.safetensors").items()
    }
    model.load_state_dict({name: weights[name] for name in model.state_dict()})
    batch, mask = (torch.from_numpy(values[name]) for name in ("input_ids", "attention_mask"))
    if values["token_type_ids"].any():
        pytest.skip(f"{stem} has token types, which the reference path leaves out")
    with torch.inference_mode():
        states = reference_states(model, batch, mask)
    expected = torch.from_numpy(values["last_hidden_state"])
    torch.testing.assert_close(states, expected, atol=1e-4, rtol=0)


def test_networks_of_a_shape_are_the_same_every_time(monkeypatch) -> None:
    monkeypatch.setitem(shapes.SHAPES, "tiny", TINY)
    torch.manual_seed(7)
    before = torch.random.get_rng_state()
    one, two = (shapes.make_network("tiny", CPU) for _ in range(2))
    assert torch.equal(torch.random.get_rng_state(), before)
    for a, b in zip(one.parameters(), two.parameters(), strict=True):
        assert torch.equal(a, b)
