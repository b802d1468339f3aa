"""Attention through PyTorch's fused kernels, with memory linear in length."""

from __future__ import annotations

import torch
from torch.nn import functional

from ..alibi import DENSE_UP_TO, AlibiBias
from ..packing import Packing

__all__ = ["sdpa_attention"]

#: Queries that attend in one call where the bias of all of them would be too much: on a GPU, whose
#: kernels read the bias in aligned blocks that an overlapping view does not offer, and where
#: padding lies between tokens.
BLOCK = 512


def sdpa_attention(
    qkv: torch.Tensor, packing: Packing, alibi: AlibiBias, dropout: float = 0.0
) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """Fused attention, one call for all sequences of equal length.

    Called as every backend is (see this package); it forms no maps. For long sequences the bias is
    never in memory as a whole: on the CPU queries are taken in reverse order, for which it is a
    view; elsewhere it is made for one block of queries at a time.
    """
    contexts = []
    for group in packing.groups:
        query, key, value = packing.sequences(qkv, group)
        length, positions = group.length, group.positions
        if length <= DENSE_UP_TO:
            context = _fused(query, key, value, alibi.rows(length, positions), dropout)
        elif query.device.type == "cpu" and positions is None:
            context = _fused(query.flip(2), key, value, alibi.reversed(length), dropout).flip(2)
        else:
            context = torch.cat(
                [
                    _fused(
                        query[:, :, start : start + BLOCK],
                        key,
                        value,
                        alibi.rows(length, positions, start, start + BLOCK),
                        dropout,
                    )
                    for start in range(0, length, BLOCK)
                ],
                dim=2,
            )
        contexts.append(packing.tokens(context))
    return contexts[0] if len(contexts) == 1 else torch.cat(contexts), []


def _fused(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    bias: torch.Tensor,
    dropout: float,
) -> torch.Tensor:
    return functional.scaled_dot_product_attention(
        query, key, value, attn_mask=bias, dropout_p=dropout
    )
