"""Running the rest of a network from hidden states that a caller has changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from ...common.progress import Progress
from ...network.packing import Packing
from ..model import Model
from .batches import Budget, pack, run_passes

__all__ = ["all_states", "run_onward"]


def all_states(enc: Model, ids: NDArray[np.int64]) -> torch.Tensor:
    """Hidden states of one sequence of ids (with [CLS] and [SEP]), shape (layers + 1, n, hidden).

    On the network's device and in its type.
    """
    every = range(enc.config.num_hidden_layers + 1)
    with enc.lock, torch.inference_mode():
        states = enc.body.packed_states(*pack([ids], enc.device), every)
    return torch.stack([states[layer] for layer in every])


def run_onward(
    enc: Model,
    states: Callable[[int], torch.Tensor],
    lengths: Sequence[int],
    layer: int,
    read: Callable[[NDArray[np.int64], torch.Tensor, Packing], NDArray[np.float32]],
    budget: Budget,
    progress: Progress | None = None,
) -> NDArray[np.float32]:
    """Run the layers behind `layer` on given states, packed, and read a number off each sequence.

    ``states(number)`` makes the states of a sequence at `layer` (0 the embeddings), of shape
    (lengths[number], hidden); ``read(numbers, last states (total, hidden), packing)`` returns one
    value a sequence. Together they are (sequences,).
    """
    last = enc.config.num_hidden_layers
    counts = np.asarray(lengths, dtype=np.int64)
    values = np.zeros(len(counts), dtype=np.float32)

    def one_pass(members: NDArray[np.int64]) -> None:
        hidden = torch.cat([states(int(number)) for number in members])
        packing = Packing.from_lengths(counts[members].tolist(), enc.device)
        ended = enc.body.packed_onward(hidden, layer, packing, (last,))[last]
        values[members] = read(members, ended, packing)

    run_passes(counts, one_pass, enc.device, enc.lock, budget, progress)
    return values
