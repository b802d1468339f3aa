"""What DNABERT-2 is built of, with the published parameter names: embeddings, blocks, heads.

Everything here computes on packed tokens (see `network.packing`). What does not care how tokens are
laid out is that of the exported files. Nothing here needs more of transformers than the
configuration, which is a quarter of what its base class of models takes to load.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import nn
from torch.nn import functional

from .alibi import AlibiBias
from .attention import BACKENDS, refuse_backend
from .config import Dnabert2Config
from .packing import Packing
from .plain import blocks_dnabert2 as plain
from .plain.blocks_dnabert2 import (
    Dnabert2AttentionOutput,
    Dnabert2Embeddings,
    Dnabert2MaskedLMHead,
    Dnabert2Pooler,
)

__all__ = [
    "Dnabert2Embeddings",
    "Dnabert2Encoder",
    "Dnabert2Layer",
    "Dnabert2MaskedLMHead",
    "Dnabert2Pooler",
    "Dnabert2SelfAttention",
]

#: Tokens whose gated activations a CPU holds at once where no gradients are kept.
MLP_TOKENS = 1024


class Dnabert2SelfAttention(nn.Module):
    """Fused query/key/value projection and the chosen attention backend."""

    def __init__(self, config: Dnabert2Config) -> None:
        super().__init__()
        self.config = config
        self.n_heads = config.num_attention_heads
        self.Wqkv = nn.Linear(config.hidden_size, 3 * config.hidden_size)

    def split(self, projected: torch.Tensor) -> torch.Tensor:
        """View `Wqkv`'s output (n, 3 · hidden) as (n, 3, heads, head_dim): query, key, value."""
        return projected.unflatten(-1, (3, self.n_heads, -1))

    def forward(
        self, hidden: torch.Tensor, packing: Packing, alibi: AlibiBias
    ) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """Attend within each sequence: context (total, hidden), and attention maps.

        Of these there is one (sequences, heads, n, n) a group, from a backend that forms them; else
        none.
        """
        dropout = self.config.attention_probs_dropout_prob if self.training else 0.0
        backend = BACKENDS[refuse_backend(self.config._attn_implementation)]
        context, maps = backend(self.split(self.Wqkv(hidden)), packing, alibi, dropout)
        return context.flatten(-2), maps


class Dnabert2Attention(nn.Module):
    """Self-attention with its output block (names as in the published checkpoint)."""

    def __init__(self, config: Dnabert2Config) -> None:
        super().__init__()
        self.self = Dnabert2SelfAttention(config)
        self.output = Dnabert2AttentionOutput(config)

    def forward(
        self, hidden: torch.Tensor, packing: Packing, alibi: AlibiBias
    ) -> tuple[torch.Tensor, list[torch.Tensor]]:
        context, maps = self.self(hidden, packing, alibi)
        return self.output(context, hidden), maps


class Dnabert2GatedMLP(plain.Dnabert2GatedMLP):
    """Gated GELU MLP, of a part of the tokens at a time where that saves memory."""

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        mix = super().forward
        # Eight times as wide as the hidden states: a long sequence would need gigabytes for it.
        if hidden.device.type == "cpu" and not torch.is_grad_enabled():
            parts = [
                super(Dnabert2GatedMLP, self).forward(part) for part in hidden.split(MLP_TOKENS)
            ]
            return parts[0] if len(parts) == 1 else torch.cat(parts)
        if hidden.device.type == "cuda" and _unchanged(self.gated_layers):
            return self.by_halves(hidden)
        return mix(hidden)

    def by_halves(self, hidden: torch.Tensor) -> torch.Tensor:
        """Compute the same with a product for each half.

        Rows of the halves of one product lie apart in memory, where a GPU's elementwise kernels are
        slow: they took a third of a pass in bfloat16.
        """
        halves = self.gated_layers.weight.chunk(2)
        gate, content = (functional.linear(hidden, rows) for rows in halves)
        mixed = self.wo(self.dropout(functional.gelu(gate) * content))
        return cast(torch.Tensor, self.layernorm(mixed + hidden))


def _unchanged(linear: nn.Module) -> bool:
    """Whether nobody put an adapter in its place, listens to it, or keeps its weight elsewhere."""
    hooks = (
        linear._forward_hooks, linear._forward_pre_hooks,
        linear._backward_hooks, linear._backward_pre_hooks,
    )  # fmt: skip
    # accelerate brings an offloaded weight within a `forward` of its own; a quantized weight is a
    # parameter of another class.
    return (
        type(linear) is nn.Linear
        and type(linear.weight) is nn.Parameter
        and "forward" not in vars(linear)
        and not any(hooks)
    )


class Dnabert2Layer(nn.Module):
    """One post-norm encoder block."""

    def __init__(self, config: Dnabert2Config) -> None:
        super().__init__()
        self.attention = Dnabert2Attention(config)
        self.mlp = Dnabert2GatedMLP(config)

    def forward(
        self, hidden: torch.Tensor, packing: Packing, alibi: AlibiBias
    ) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """Attend and mix (total, hidden); returns what `Dnabert2SelfAttention` does."""
        attended, maps = self.attention(hidden, packing, alibi)
        return self.mlp(attended), maps


class Dnabert2Encoder(nn.Module):
    """The stack of blocks."""

    def __init__(
        self, config: Dnabert2Config, layer_class: type[Dnabert2Layer] = Dnabert2Layer
    ) -> None:
        super().__init__()
        self.layer = nn.ModuleList(layer_class(config) for _ in range(config.num_hidden_layers))
