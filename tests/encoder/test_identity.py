"""Whether weights are those that were loaded."""

from __future__ import annotations

import torch
from torch import nn

from dnabert2_explore.encoder.identity import Snapshot


def test_weights_that_are_parts_of_one_tensor_may_begin_anywhere():
    """Four bytes into a tensor there are no words of eight: torch refuses to read such."""
    whole = torch.arange(9, dtype=torch.float32)
    network = nn.Module()
    network.weight = nn.Parameter(whole[1:])
    before = Snapshot.of(network)
    assert Snapshot.of(network) == before
    network.weight.data[3] = 7
    assert Snapshot.of(network) != before
