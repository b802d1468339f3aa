"""Patching by head, held to a plain forward pass with one head's values put in by a hook."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import dnabert2_explore as dx
from dnabert2_explore.analysis.inside import patch_heads

SITE = dx.demo.splice()[0].bases
ALT = SITE[:100] + "A" + SITE[101:]


@pytest.fixture(scope="module")
def splice():
    return dx.load("pocket-splice", cache=False)


def logit(enc, tokens, target: int, layer: int | None = None, put=None) -> tuple[float, list]:
    """One logit of a plain pass; a hook changes what the heads of one layer hand on."""
    kept, hooks = [], []
    for number, block in enumerate(enc.body.attention_blocks()):

        def hook(_module, _inputs, output, number=number):
            kept.append(output[0].clone())
            return (put(output[0]), output[1]) if number == layer else output

        hooks.append(block.register_forward_hook(hook))
    try:
        with torch.inference_mode():
            found = enc.network(input_ids=torch.from_numpy(tokens.ids)[None]).logits[0, target]
    finally:
        for one in hooks:
            one.remove()
    return float(found), kept


def test_every_head_as_a_hook_computes_it(splice):
    found = patch_heads(splice, SITE, ALT, "donor")
    target = splice.classes.index("donor")
    ref_score, ref_mixed = logit(splice, found.ref, target)
    alt_score, _ = logit(splice, found.alt, target)
    assert found.ref_score == pytest.approx(ref_score, abs=1e-4)
    assert found.effect == pytest.approx(alt_score - ref_score, abs=1e-4)
    assert len(found.ref) == len(found.alt)  # so that tokens pair up one by one
    layers, heads = found.restored.shape
    width = splice.config.hidden_size // heads
    for layer in range(layers):
        for chosen in [*range(heads), None]:
            part = slice(None) if chosen is None else slice(chosen * width, (chosen + 1) * width)

            def put(mixed: torch.Tensor, layer=layer, part=part) -> torch.Tensor:
                made = mixed.clone()
                made[:, part] = ref_mixed[layer][:, part]
                return made

            score, _ = logit(splice, found.alt, target, layer, put)
            expected = (score - alt_score) / (ref_score - alt_score)
            value = found.layers[layer] if chosen is None else found.restored[layer, chosen]
            assert value == pytest.approx(expected, abs=1e-4)
    assert found.table()["restored"].is_monotonic_decreasing


def test_heads_with_what_passes_by_give_back_everything(splice):
    found = patch_heads(splice, SITE, ALT, "donor", twin=True)
    assert found.paired == 1
    np.testing.assert_allclose(found.everything, 1, atol=1e-4)
    assert found.twin is not None
    np.testing.assert_allclose(found.twin.everything, 1, atol=1e-3)
    assert "untrained network" in repr(found)
    # The state before the first layer is all there is: nothing passes it by.
    whole = dx.patch(splice, SITE, ALT, "donor")
    assert whole.everything[0] == pytest.approx(found.everything[0], abs=1e-4)


def test_heads_without_values_give_back_nothing(splice):
    mute = dx.load("pocket-splice", cache=False)
    hidden = mute.config.hidden_size
    width = hidden // mute.config.num_attention_heads
    block = mute.body.attention_blocks()[1]
    with torch.no_grad():
        for part in (block.Wqkv.weight, block.Wqkv.bias):
            part[2 * hidden + width : 2 * hidden + 2 * width] = 0  # values of layer 1, head 1
    found = patch_heads(mute, SITE, ALT, "donor")
    assert found.restored[1, 1] == pytest.approx(0, abs=1e-6)
    assert abs(found.restored[1, [0, 2, 3]]).max() > 1e-4


def test_a_deletion_and_a_masked_span(splice):
    gone = patch_heads(splice, SITE, SITE[:100] + SITE[103:], "donor")
    assert np.isfinite(gone.restored).all()
    enc = dx.load("pocket", cache=False)
    seen = []
    bases = dx.demo.windows()[0].bases[:90]
    found = patch_heads(
        enc, bases, bases[:50] + bases[54:], (8, 12), progress=lambda *at: seen.append(at)
    )
    assert found.unit == "nats"
    assert seen[-1] == (4 * 9, 4 * 9)
    with pytest.raises(dx.InputError, match="no effect"):
        patch_heads(splice, SITE, SITE, "donor")
