"""A network over two devices, as accelerate's `device_map` lays it.

There is one device here. The second is torch's "meta", which has shapes and no values, and a watch
over every operation refuses tensors of two devices, as a GPU would.
"""

from __future__ import annotations

import pytest
import torch
from accelerate.hooks import AlignDevicesHook, add_hook_to_module
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from dnabert2_explore.network import (
    Dnabert2Config,
    Dnabert2ForMaskedLM,
    Dnabert2ForSequenceClassification,
)
from dnabert2_explore.network.alibi import AlibiBias
from dnabert2_explore.network.packing import Packing

FIRST, SECOND = torch.device("cpu"), torch.device("meta")


class Apart(TorchDispatchMode):
    """Raises where an operation other than a copy gets tensors of two devices."""

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        tensors = [t for t in tree_leaves((args, kwargs)) if isinstance(t, torch.Tensor)]
        # A number, which has no dimensions, goes anywhere.
        devices = {tensor.device for tensor in tensors if tensor.dim()}
        if len(devices) > 1 and "copy" not in operation._schema.name.split("index_copy")[0]:
            raise RuntimeError(f"{operation}: tensors on {devices}")
        kwargs = kwargs or {}
        if tensors and tensors[0].device == SECOND and kwargs.get("device") == FIRST:
            return torch.zeros(tensors[0].shape, dtype=kwargs["dtype"])  # gradients on their way
        return operation(*args, **kwargs)


@pytest.fixture
def apart():
    with Apart() as mode:
        yield mode


def spread(cls, attention: str, **changes):
    """A network whose first block lies on one device and all that follows on another."""
    config = Dnabert2Config(
        vocab_size=64,
        hidden_size=32,
        num_hidden_layers=3,
        num_attention_heads=4,
        intermediate_size=48,
        attn_implementation=attention,
        **changes,
    )
    model = cls(config)
    heads = [model.cls] if cls is Dnabert2ForMaskedLM else [model.bert.pooler, model.classifier]
    for part in (model.bert.embeddings, model.bert.encoder.layer[0]):
        add_hook_to_module(part, AlignDevicesHook(execution_device=FIRST))
    if cls is Dnabert2ForMaskedLM:  # tied, but not over two devices
        model.cls.predictions.decoder.weight = torch.nn.Parameter(torch.zeros(64, 32))
    for part in (*model.bert.encoder.layer[1:], *heads):
        part.to(SECOND)
        add_hook_to_module(part, AlignDevicesHook(execution_device=SECOND))
    return model


def test_the_watch_sees_tensors_of_two_devices(apart) -> None:
    one, two = torch.ones(2), torch.ones(2, device=SECOND)
    with pytest.raises(RuntimeError, match="tensors on"):
        one + two
    with pytest.raises(RuntimeError, match="tensors on"):
        two.index_copy(0, torch.tensor([1]), two[:1])
    assert (one.to(SECOND) + two).device == SECOND


@pytest.mark.parametrize("padding", ["none", "some", "gaps"])
@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_two_devices(apart, attention, padding) -> None:
    ids = torch.randint(5, 64, (3, 9))
    mask = None if padding == "none" else torch.ones_like(ids)
    if mask is not None:
        mask[0, 5:] = mask[1, :2] = 0
        mask[2, 4] = 1 - (padding == "gaps")
    asked = {"output_hidden_states": True, "output_attentions": attention == "eager"}
    labels = torch.tensor([0, 2, 1])
    for pooling in ("cls", "mean"):
        model = spread(
            Dnabert2ForSequenceClassification, attention, num_labels=3, classifier_pooling=pooling
        )
        out = model(ids, mask, labels=labels, **asked)
        assert out.logits.shape == (3, 3)
        assert out.logits.device == out.loss.device == SECOND
        assert [one.device for one in out.hidden_states] == [FIRST, FIRST, SECOND, SECOND]
        out.loss.backward()
        assert model.bert.embeddings.word_embeddings.weight.grad is not None
        with torch.no_grad():
            assert model(ids, mask).logits.device == SECOND
    model = spread(Dnabert2ForMaskedLM, attention)
    assert model(ids, mask, labels=ids, **asked).loss.device == SECOND


def test_a_copy_is_made_once_a_device() -> None:
    mask = torch.tensor([[1, 1, 1, 1], [1, 0, 1, 0]])
    packing, alibi = Packing.from_mask(mask), AlibiBias(4, 4)
    assert packing.to("cpu") is packing
    assert alibi.to(FIRST, non_blocking=True) is alibi
    moved = packing.to(SECOND)
    assert packing.to("meta") is moved
    assert alibi.to(SECOND) is alibi.to(SECOND)
    for tensor in (
        moved.indices,
        moved.offsets,
        moved.places,
        moved.groups[0].positions,
        alibi.to(SECOND).ramp,
        alibi.to(SECOND).dense(4),
        alibi.to(SECOND).slopes,
    ):
        assert tensor.device == SECOND
    assert moved.device == SECOND
    assert moved.longest == packing.longest
