"""What DNABERT-2 is built of, with the published parameter names: embeddings, blocks, heads.

Everything here computes on packed tokens (see `network.packing`).
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional
from transformers.modeling_layers import GradientCheckpointingLayer

from .alibi import AlibiBias
from .attention import BACKENDS, refuse_backend
from .config import Dnabert2Config
from .packing import Packing

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


class Dnabert2Embeddings(nn.Module):
    """Token plus token-type embeddings, normalised. There are no position embeddings."""

    def __init__(self, config: Dnabert2Config) -> None:
        super().__init__()
        # No padding_idx: the original trains every row, [UNK] (id 0) included.
        self.word_embeddings = nn.Embedding(config.vocab_size, config.hidden_size)
        self.token_type_embeddings = nn.Embedding(config.type_vocab_size, config.hidden_size)
        self.LayerNorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(self, words: torch.Tensor, token_type_ids: torch.Tensor | None) -> torch.Tensor:
        """Embed packed tokens: `words` (total, hidden), `token_type_ids` (total,)."""
        if token_type_ids is None:
            types = self.token_type_embeddings.weight[0]
        else:
            types = self.token_type_embeddings(token_type_ids)
        return self.dropout(self.LayerNorm(words + types))


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
        """Attend within each sequence.

        Returns
        -------
        context : torch.Tensor, shape (total, hidden)
        maps : list of torch.Tensor
            One (sequences, heads, n, n) a group, from a backend that forms them; else empty.
        """
        dropout = self.config.attention_probs_dropout_prob if self.training else 0.0
        backend = BACKENDS[refuse_backend(self.config._attn_implementation)]
        context, maps = backend(self.split(self.Wqkv(hidden)), packing, alibi, dropout)
        return context.flatten(-2), maps


class Dnabert2AttentionOutput(nn.Module):
    """Projection, residual and LayerNorm after attention."""

    def __init__(self, config: Dnabert2Config) -> None:
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)
        self.LayerNorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(self, context: torch.Tensor, residual: torch.Tensor) -> torch.Tensor:
        return self.LayerNorm(self.dropout(self.dense(context)) + residual)


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


class Dnabert2GatedMLP(nn.Module):
    """Gated GELU MLP: gelu(first half) times second half, projected back."""

    def __init__(self, config: Dnabert2Config) -> None:
        super().__init__()
        self.gated_layers = nn.Linear(config.hidden_size, 2 * config.intermediate_size, bias=False)
        self.wo = nn.Linear(config.intermediate_size, config.hidden_size)
        self.layernorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        # Eight times as wide as the hidden states: a long sequence would need gigabytes for it.
        if hidden.device.type == "cpu" and not torch.is_grad_enabled():
            parts = [self._mix(part) for part in hidden.split(MLP_TOKENS)]
            return parts[0] if len(parts) == 1 else torch.cat(parts)
        return self._mix(hidden)

    def _mix(self, hidden: torch.Tensor) -> torch.Tensor:
        gate, content = self.gated_layers(hidden).chunk(2, dim=-1)
        return self.layernorm(self.wo(self.dropout(functional.gelu(gate) * content)) + hidden)


class Dnabert2Layer(GradientCheckpointingLayer):
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

    def __init__(self, config: Dnabert2Config) -> None:
        super().__init__()
        self.layer = nn.ModuleList(Dnabert2Layer(config) for _ in range(config.num_hidden_layers))


class Dnabert2Pooler(nn.Module):
    """tanh(dense(x)) of one vector per sequence."""

    def __init__(self, config: Dnabert2Config) -> None:
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)
        self.activation = nn.Tanh()  # a module, so that DeepLift's rule for it can hook in

    def forward(self, vectors: torch.Tensor) -> torch.Tensor:
        """Map (sequences, hidden) to (sequences, hidden)."""
        return self.activation(self.dense(vectors))


class Dnabert2PredictionTransform(nn.Module):
    """Dense, GELU, LayerNorm before the decoder."""

    def __init__(self, config: Dnabert2Config) -> None:
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)
        # The original leaves this one at 1e-12 whatever layer_norm_eps says.
        self.LayerNorm = nn.LayerNorm(config.hidden_size, eps=1e-12)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        return self.LayerNorm(functional.gelu(self.dense(hidden)))


class Dnabert2Predictions(nn.Module):
    """Transform, then the decoder tied to the token embeddings."""

    def __init__(self, config: Dnabert2Config) -> None:
        super().__init__()
        self.transform = Dnabert2PredictionTransform(config)
        self.decoder = nn.Linear(config.hidden_size, config.vocab_size)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        return self.decoder(self.transform(hidden))


class Dnabert2MaskedLMHead(nn.Module):
    """Masked-LM head (nested as the published names `cls.predictions.…` are)."""

    def __init__(self, config: Dnabert2Config) -> None:
        super().__init__()
        self.predictions = Dnabert2Predictions(config)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """Map (…, hidden) to logits (…, vocabulary)."""
        return self.predictions(hidden)
