"""The encoder's own path: packed tokens, sorted by length, cut by a token budget."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext

import numpy as np
import torch
from numpy.typing import NDArray

from ..encoder.passes.batches import Budget, default_budget, run
from ..encoder.vectors.pooling import pool
from ..network import Dnabert2Model
from ..network.packing import Packing

__all__ = ["embed_ours"]


def embed_ours(
    network: Dnabert2Model,
    ids: Sequence[NDArray[np.int64]],
    states: list[torch.Tensor] | None = None,
) -> NDArray[np.float32]:
    """Mean embeddings (len(ids), hidden) as `Encoder.embed` computes them, over all tokens.

    `states` takes the hidden states of every sequence, (n, hidden) float32 on the CPU, in the given
    order. No two sequences may be equal then.
    """
    last = network.config.num_hidden_layers
    kept: list[torch.Tensor] = []

    def means(packed: torch.Tensor, packing: Packing) -> torch.Tensor:
        hidden = network.packed_states(packed, packing, (last,))[last]
        if states is not None:
            kept.extend(hidden.float().cpu().split(packing.lengths.tolist()))
        return pool(hidden, packing, torch.ones_like(packed, dtype=torch.bool), "mean")

    vectors = run(ids, means, network.device, nullcontext(), Budget(default_budget(network.device)))
    if states is not None:
        # `run` works from the longest to the shortest, equal ones in the given order.
        order = np.argsort([-len(sequence) for sequence in ids], kind="stable")
        by_place = dict(zip(order.tolist(), kept, strict=True))
        states += [by_place[place] for place in range(len(ids))]
    return vectors
