"""From the hidden states of a sequence's tokens to one vector."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from ...common.names import Pooling
from ...network.packing import Packing

__all__ = ["POOLINGS", "both_strands", "pool"]

POOLINGS: tuple[Pooling, ...] = ("mean", "max", "cls")


def pool(
    states: torch.Tensor, packing: Packing, inside: torch.Tensor, pooling: str
) -> torch.Tensor:
    """Pool packed hidden states (total, hidden) to one vector a sequence, (sequences, hidden).

    In float32. `inside` (total,) marks tokens that carry bases, at least one a sequence; ``"cls"``
    does not read it.
    """
    if pooling == "cls":
        return states[packing.offsets[:-1]].float()
    counts = torch.zeros_like(packing.lengths).index_add_(0, packing.documents, inside.long())
    return torch.segment_reduce(states[inside].float(), pooling, lengths=counts, axis=0)


def both_strands(vectors: NDArray[np.float32], pooling: str) -> NDArray[np.float32]:
    """Join vectors (2 n, …) of sequences, then of their other strands in the same order, to (n, …).

    The mean of each two; of "max" the larger value.
    """
    given, turned = np.split(vectors, 2)
    return np.maximum(given, turned) if pooling == "max" else (given + turned) / np.float32(2)
