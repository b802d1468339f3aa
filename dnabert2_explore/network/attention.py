"""Attention backends: exact softmax attention with ALiBi, each in its own way."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch.nn import functional

from .alibi import AlibiBias

__all__ = ["BACKENDS", "eager_attention", "refuse_backend", "sdpa_attention"]

#: Tokens up to which SDPA on the CPU reads its bias from memory. Shorter sequences win nothing by
#: the view and pay for reversing the queries; the bias of 12 heads takes 50 MB at this length.
DENSE_UP_TO = 1024


def _bias(alibi: AlibiBias, length: int, positions: torch.Tensor | None) -> torch.Tensor:
    return alibi.dense(length) if positions is None else alibi.at(positions)


def eager_attention(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    alibi: AlibiBias,
    positions: torch.Tensor | None = None,
    dropout: float = 0.0,
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Compute attention step by step; the only backend that returns its probabilities.

    Parameters
    ----------
    query, key, value : torch.Tensor, shape (batch, heads, n, head_dim)
        Sequences of equal length, without padding.
    alibi : AlibiBias
    positions : torch.Tensor, shape (n,), optional
        Places of the tokens, if they are not neighbours.
    dropout : float
        Probability of dropping an attention weight.

    Returns
    -------
    context : torch.Tensor, shape (batch, heads, n, head_dim)
    probabilities : torch.Tensor, shape (batch, heads, n, n)
        After softmax, before dropout; rows are queries.
    """
    bias = _bias(alibi, query.shape[2], positions)
    scores = query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5 + bias
    # Softmax in half precision loses small weights; float32 and float64 stay as they are.
    wide = torch.promote_types(scores.dtype, torch.float32)
    probabilities = scores.softmax(dim=-1, dtype=wide).to(value.dtype)
    context = functional.dropout(probabilities, p=dropout, training=dropout > 0) @ value
    return context, probabilities


def sdpa_attention(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    alibi: AlibiBias,
    positions: torch.Tensor | None = None,
    dropout: float = 0.0,
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """PyTorch's fused attention; takes and returns what `eager_attention` does.

    The probabilities never exist in memory, so the second value is always None. For long
    sequences on the CPU the bias does not either: queries are taken in reverse order, for which
    it is a view, so that memory stays linear in length.
    """
    if positions is None and query.device.type == "cpu" and query.shape[2] > DENSE_UP_TO:
        context = functional.scaled_dot_product_attention(
            query.flip(2), key, value, attn_mask=alibi.reversed(query.shape[2]), dropout_p=dropout
        )
        return context.flip(2), None
    # CUDA's kernels read the bias in aligned blocks, which an overlapping view does not offer.
    bias = _bias(alibi, query.shape[2], positions)
    context = functional.scaled_dot_product_attention(
        query, key, value, attn_mask=bias, dropout_p=dropout
    )
    return context, None


AttentionFunction = Callable[..., tuple[torch.Tensor, torch.Tensor | None]]

#: Backends by the name `attn_implementation` knows them under. Each adds ALiBi.
BACKENDS: dict[str, AttentionFunction] = {"eager": eager_attention, "sdpa": sdpa_attention}


def refuse_backend(name: str | None) -> str:
    """Return `name` if that backend keeps ALiBi ("sdpa" for None); raise otherwise.

    Raises
    ------
    ValueError
        For a backend that would compute without ALiBi, such as transformers' stock
        ``flash_attention_2``, which takes no additive bias.
    """
    name = name or "sdpa"
    if name not in BACKENDS:
        raise ValueError(
            f"Attention backend {name!r} would drop DNABERT-2's ALiBi bias or is unknown: "
            f"choose one of {', '.join(map(repr, BACKENDS))}."
        )
    return name
