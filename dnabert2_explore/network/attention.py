"""Attention backends: exact softmax attention with an additive bias, each in its own way."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch.nn import functional

__all__ = ["BACKENDS", "attention_bias", "eager_attention", "refuse_backend", "sdpa_attention"]

#: What the original adds to the score of a masked key. float32 and fp16 both hold it; its softmax
#: weight is exactly 0.
MASKED = -10000.0


def attention_bias(
    alibi: torch.Tensor, attention_mask: torch.Tensor | None, dtype: torch.dtype
) -> torch.Tensor:
    """ALiBi plus padding as one additive bias, built once per forward pass.

    Parameters
    ----------
    alibi : torch.Tensor, shape (1, heads, n, n), float32
    attention_mask : torch.Tensor or None, shape (batch, n)
        1 for tokens, 0 for padding.
    dtype : torch.dtype
        Type of the queries; half types get the bias in their own type, as SDPA demands.

    Returns
    -------
    torch.Tensor, shape (1 or batch, heads, n, n)
    """
    bias = alibi
    if attention_mask is not None:
        keys = attention_mask[:, None, None, :].to(torch.float32)
        bias = bias + (1.0 - keys) * MASKED
    return bias.to(dtype)


def eager_attention(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    bias: torch.Tensor,
    dropout: float = 0.0,
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Compute attention step by step; the only backend that returns its probabilities.

    Parameters
    ----------
    query, key, value : torch.Tensor, shape (batch, heads, n, head_dim)
    bias : torch.Tensor, shape (1 or batch, heads, n, n)
    dropout : float
        Probability of dropping an attention weight.

    Returns
    -------
    context : torch.Tensor, shape (batch, heads, n, head_dim)
    probabilities : torch.Tensor, shape (batch, heads, n, n)
        After softmax, before dropout; rows are queries.
    """
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
    bias: torch.Tensor,
    dropout: float = 0.0,
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """PyTorch's fused attention with the same bias; takes and returns what `eager_attention` does.

    The probabilities never exist in memory, so the second value is always None.
    """
    context = functional.scaled_dot_product_attention(
        query, key, value, attn_mask=bias, dropout_p=dropout
    )
    return context, None


AttentionFunction = Callable[..., tuple[torch.Tensor, torch.Tensor | None]]

#: Backends by the name `attn_implementation` knows them under. Each adds the bias it is given.
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
