"""Averaged weights: the moving average written out by hand, and what is done with it."""

from __future__ import annotations

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from dnabert2_explore.network import Dnabert2Config, Dnabert2ForMaskedLM
from dnabert2_explore.network.composed import ComposedNetwork
from dnabert2_explore.training.loop.averaging import averaged


def test_the_average_is_that_of_a_plain_loop() -> None:
    torch.manual_seed(0)
    module = nn.Linear(3, 2)
    average = averaged(module, 0.9)
    written = None
    for step in range(30):
        with torch.no_grad():
            module.weight += torch.randn(2, 3)
            module.bias += torch.randn(2)
        average.update_parameters(module)
        now = [p.detach().clone() for p in module.parameters()]
        if step == 0:
            written = now  # what was before the first step is forgotten
        else:
            kept = min(0.9, (1 + step) / (10 + step))
            written = [kept * a + (1 - kept) * b for a, b in zip(written, now, strict=True)]
    for one, other in zip(average.module.parameters(), written, strict=True):
        torch.testing.assert_close(one.detach(), other, rtol=1e-5, atol=1e-6)


def test_a_step_waits_for_the_device_as_often_for_many_weights_as_for_few() -> None:
    class Read(TorchDispatchMode):
        count = 0

        def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
            self.count += operation is torch.ops.aten._local_scalar_dense.default
            return operation(*args, **kwargs or {})

    counts = []
    for layers in (1, 20):
        module = nn.Sequential(*(nn.Linear(2, 2) for _ in range(layers)))
        average = averaged(module, 0.9)
        average.update_parameters(module)  # the first only copies
        with Read() as read:
            average.update_parameters(module)
        counts.append(read.count)
    assert counts[0] == counts[1] > 0


def test_no_decay_no_average() -> None:
    assert averaged(nn.Linear(2, 2), 0.0) is None


def test_the_average_of_a_composed_network_folds_its_own_table() -> None:
    torch.manual_seed(0)
    tokens = ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]", *"ACGT"]
    network = Dnabert2ForMaskedLM(
        Dnabert2Config(
            vocab_size=len(tokens), hidden_size=8, num_hidden_layers=1, num_attention_heads=2,
            intermediate_size=8,
        )
    )  # fmt: skip
    composed = ComposedNetwork(network, tokens, fresh=True)
    average = averaged(composed, 0.5)
    tables = []
    for _ in range(4):
        with torch.no_grad():
            composed.mixing += 1.0
        average.update_parameters(composed)
        tables.append(composed.table().detach().clone())
    expected = tables[0]
    for step, table in enumerate(tables[1:], start=1):
        kept = min(0.5, (1 + step) / (10 + step))
        expected = kept * expected + (1 - kept) * table
    folded = average.module.fold()
    torch.testing.assert_close(folded.get_input_embeddings().weight, expected, check_stride=False)
    # The decoder is the table, in the copy as in the network.
    assert folded.get_output_embeddings().weight is folded.get_input_embeddings().weight
    assert not torch.equal(folded.get_input_embeddings().weight, tables[-1])
