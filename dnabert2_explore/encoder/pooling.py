"""From the hidden states of a sequence's tokens to one vector."""

from __future__ import annotations

import torch

from ..network.packing import Packing

__all__ = ["POOLINGS", "pool"]

POOLINGS = ("mean", "max", "cls")


def pool(
    states: torch.Tensor, packing: Packing, inside: torch.Tensor, pooling: str
) -> torch.Tensor:
    """Pool packed hidden states, one vector a sequence.

    Parameters
    ----------
    states : torch.Tensor, shape (total, hidden)
    packing : Packing
        Where the sequences lie.
    inside : torch.Tensor, shape (total,), bool
        Tokens that carry bases; at least one a sequence. ``"cls"`` does not read it.
    pooling : {"mean", "max", "cls"}

    Returns
    -------
    torch.Tensor, shape (sequences, hidden), float32
    """
    if pooling == "cls":
        return states[packing.offsets[:-1]].float()
    counts = torch.zeros_like(packing.lengths).index_add_(0, packing.documents, inside.long())
    return torch.segment_reduce(states[inside].float(), pooling, lengths=counts, axis=0)
