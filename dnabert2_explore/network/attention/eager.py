"""Attention step by step: the reference, and the only backend that forms attention maps."""

from __future__ import annotations

import torch
from torch.nn import functional

from ..alibi import AlibiBias
from ..packing import Packing

__all__ = ["eager_attention"]


def eager_attention(
    qkv: torch.Tensor, packing: Packing, alibi: AlibiBias, dropout: float = 0.0
) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """Compute scores, softmax and context one after the other.

    Called as every backend is (see this package). The probabilities are those after softmax and
    before dropout; rows are queries.
    """
    maps = []
    for group in packing.groups:
        query, key, _ = packing.sequences(qkv, group)
        bias = alibi.rows(group.length, group.positions)
        scores = query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5 + bias
        # Softmax in half precision loses small weights; float32 and float64 stay as they are.
        wide = torch.promote_types(scores.dtype, torch.float32)
        maps.append(scores.softmax(dim=-1, dtype=wide).to(qkv.dtype))
    used = maps
    if packing.padded_maps:
        maps = [packing.pad_maps(maps)]
        used = packing.pack_maps(maps[0])
    contexts = []
    for group, probabilities in zip(packing.groups, used, strict=True):
        value = packing.sequences(qkv, group)[2]
        weights = functional.dropout(probabilities, p=dropout, training=dropout > 0)
        contexts.append(packing.tokens(weights @ value))
    return torch.cat(contexts), maps
