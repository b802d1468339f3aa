from __future__ import annotations

import numpy as np
import pytest
import torch

from dnabert2_explore import InputError, attend, load


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


def test_golden_maps_of_the_original(shared) -> None:
    """The same formula on the golden projections: see tests/network for the network itself."""
    from dnabert2_explore.network import alibi_slopes

    slopes = np.load(shared / "reference" / "golden" / "alibi_slopes.npz")
    np.testing.assert_array_equal(slopes["slopes_12"], alibi_slopes(12).numpy())


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
