"""Attention backends: exact softmax attention with ALiBi on packed tokens, each in its own way.

Every backend is called as ``backend(qkv, packing, alibi, dropout)``:

qkv : torch.Tensor, shape (total, 3, heads, head_dim)
    Queries, keys and values of the packed tokens.
packing : Packing
    Where each sequence begins and ends.
alibi : AlibiBias
dropout : float
    Probability of dropping an attention weight.

It returns the context, shape (total, heads, head_dim), and a list of attention probabilities, one
(sequences, heads, n, n) a group of `packing`, from a backend that forms them; else an empty list.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from .eager import eager_attention
from .flash import flash_attention, why_not_flash
from .flex import flex_attention, why_not_flex
from .sdpa import sdpa_attention

__all__ = ["BACKENDS", "AttentionFunction", "refuse_backend", "why_not"]

AttentionFunction = Callable[..., tuple[torch.Tensor, list[torch.Tensor]]]

#: Backends by the name `attn_implementation` knows them under. Each adds ALiBi.
BACKENDS: dict[str, AttentionFunction] = {
    "eager": eager_attention,
    "sdpa": sdpa_attention,
    "flex": flex_attention,
    "flash": flash_attention,
}


def refuse_backend(name: str | None) -> str:
    """Return `name` if that backend keeps ALiBi ("sdpa" for None); a ValueError otherwise.

    Transformers' stock ``flash_attention_2``, for one, takes no additive bias.
    """
    name = name or "sdpa"
    if name not in BACKENDS:
        raise ValueError(
            f'Specified `attn_implementation="{name}"` is not supported: it is unknown, or would '
            f"drop DNABERT-2's ALiBi bias; choose one of {', '.join(map(repr, BACKENDS))}."
        )
    return name


def why_not(name: str, device: torch.device, dtype: torch.dtype) -> str | None:
    """Say why a backend cannot compute on a device in a type; None where it can."""
    checks = {"flash": why_not_flash, "flex": why_not_flex}
    return checks[name](device, dtype) if name in checks else None
