"""What DNABERT-2 is built of, for padded batches, in torch alone. Apache-2.0.

Beside ``modeling_dnabert2.py``, which says where it comes from.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from .configuration_dnabert2 import Dnabert2Config

__all__ = [
    "Dnabert2Embeddings",
    "Dnabert2MaskedLMHead",
    "Dnabert2Pooler",
    "attention_bias",
    "class_loss",
    "problem_of",
    "refuse_unknown",
    "token_loss",
]


def alibi_slopes(n_heads: int) -> list[float]:
    """One slope a head: a geometric series; between powers of two, filled from the next one's."""

    def series(n: int) -> list[float]:
        return [2.0 ** (-8.0 * (i + 1) / n) for i in range(n)]

    lower = 2 ** int(math.log2(n_heads))
    return series(lower) + series(2 * lower)[0::2][: n_heads - lower]


def attention_bias(mask: torch.Tensor, n_heads: int, dtype: torch.dtype) -> torch.Tensor:
    """ALiBi and padding as one bias, (batch, heads, n, n); distances count padding, too."""
    places = torch.arange(mask.shape[1], device=mask.device)
    distance = (places[None, :] - places[:, None]).abs().to(torch.float32)
    slopes = torch.tensor(alibi_slopes(n_heads), dtype=torch.float32, device=mask.device)
    bias = (distance * -slopes[:, None, None]).to(dtype)[None]  # rounded in float32 first
    lowest = torch.finfo(dtype).min / 2
    return bias + (1 - mask[:, None, None, :].to(dtype)) * lowest


def refuse_unknown(keywords: dict[str, Any]) -> None:
    """Raise for keywords that would change nothing, in silence."""
    unknown = [name for name, value in keywords.items() if value is not None]
    if unknown:
        raise TypeError(
            f"DNABERT-2 takes no {', '.join(unknown)}: leave it out, or check the spelling."
        )


def token_loss(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Mean cross entropy in nats a labelled token; -100 is none, nor is 0 ([UNK]), as published."""
    targets = labels.masked_fill(labels <= 0, -100).flatten()
    total = functional.cross_entropy(logits.flatten(0, -2), targets, reduction="sum")
    return total / (targets != -100).sum().clamp(min=1)


def problem_of(config: Any, labels: torch.Tensor) -> str:
    """Say which kind of answer a loss is of."""
    if config.problem_type is not None:
        return str(config.problem_type)
    if config.num_labels == 1:
        return "regression"
    whole = labels.dtype in (torch.long, torch.int)
    return "single_label_classification" if whole else "multi_label_classification"


def class_loss(config: Any, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Compute what `problem_type` asks for; without one, the labels' type decides."""
    labels = labels.to(logits.device)
    kind = problem_of(config, labels)
    if kind == "regression":
        return functional.mse_loss(logits.squeeze(), labels.squeeze().to(logits.dtype))
    if kind == "single_label_classification":
        return functional.cross_entropy(logits, labels.view(-1))
    return functional.binary_cross_entropy_with_logits(logits, labels.to(logits.dtype))


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
        """Embed: `words` (…, hidden), `token_type_ids` (…,)."""
        if token_type_ids is None:
            types = self.token_type_embeddings.weight[0]
        else:
            types = self.token_type_embeddings(token_type_ids)
        return self.dropout(self.LayerNorm(words + types))


class Dnabert2SelfAttention(nn.Module):
    def __init__(self, config: Dnabert2Config) -> None:
        super().__init__()
        self.n_heads = config.num_attention_heads
        self.dropout = config.attention_probs_dropout_prob
        self.Wqkv = nn.Linear(config.hidden_size, 3 * config.hidden_size)

    def forward(
        self, hidden: torch.Tensor, bias: torch.Tensor, present: torch.Tensor, with_maps: bool
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        batch, n, width = hidden.shape
        projected = self.Wqkv(hidden).view(batch, n, 3, self.n_heads, width // self.n_heads)
        query, key, value = projected.permute(2, 0, 3, 1, 4).unbind(0)
        dropout = self.dropout if self.training else 0.0
        if with_maps:
            scores = query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5 + bias
            maps = scores.softmax(-1, dtype=torch.promote_types(scores.dtype, torch.float32))
            maps = maps.to(value.dtype) * present[:, None]  # rows of padding are no attention
            context = functional.dropout(maps, dropout, self.training) @ value
        else:
            maps = None
            context = functional.scaled_dot_product_attention(
                query, key, value, attn_mask=bias, dropout_p=dropout
            )
        return context.transpose(1, 2).reshape(batch, n, width), maps


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
    def __init__(self, config: Dnabert2Config) -> None:
        super().__init__()
        self.self = Dnabert2SelfAttention(config)
        self.output = Dnabert2AttentionOutput(config)

    def forward(
        self, hidden: torch.Tensor, bias: torch.Tensor, present: torch.Tensor, with_maps: bool
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        context, maps = self.self(hidden, bias, present, with_maps)
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
        gate, content = self.gated_layers(hidden).chunk(2, dim=-1)
        return self.layernorm(self.wo(self.dropout(functional.gelu(gate) * content)) + hidden)


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
        self.LayerNorm = nn.LayerNorm(config.hidden_size, eps=1e-12)  # whatever layer_norm_eps is

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
