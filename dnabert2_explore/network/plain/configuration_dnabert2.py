"""Configuration of DNABERT-2 for transformers, without dnabert2-explore.

Written by `dnabert2-explore export-model` beside the weights. Apache-2.0.
"""

from __future__ import annotations

from typing import Any

from transformers import PreTrainedConfig

__all__ = ["Dnabert2Config"]


class Dnabert2Config(PreTrainedConfig):
    """Shape of the network; the defaults are the published 117M model."""

    model_type = "dnabert2"

    def __init__(
        self,
        vocab_size: int = 4096,
        hidden_size: int = 768,
        num_hidden_layers: int = 12,
        num_attention_heads: int = 12,
        intermediate_size: int = 3072,
        hidden_dropout_prob: float = 0.1,
        attention_probs_dropout_prob: float = 0.0,
        type_vocab_size: int = 2,
        initializer_range: float = 0.02,
        layer_norm_eps: float = 1e-12,
        classifier_dropout: float | None = None,
        classifier_pooling: str = "cls",
        pooler: bool | None = None,
        tie_word_embeddings: bool = True,
        pad_token_id: int | None = 3,
        anchor: str | int | None = None,
        sep_token_id: int = 2,
        **kwargs: Any,
    ) -> None:
        if hidden_size % num_attention_heads:
            raise ValueError(
                f"hidden_size {hidden_size} is not a multiple of num_attention_heads "
                f"{num_attention_heads}: choose a width that the heads divide."
            )
        if classifier_pooling not in ("cls", "mean"):
            raise ValueError(f"classifier_pooling {classifier_pooling!r}: choose 'cls' or 'mean'.")
        self.vocab_size = vocab_size
        self.hidden_size = hidden_size
        self.num_hidden_layers = num_hidden_layers
        self.num_attention_heads = num_attention_heads
        self.intermediate_size = intermediate_size
        self.hidden_dropout_prob = hidden_dropout_prob
        self.attention_probs_dropout_prob = attention_probs_dropout_prob
        self.type_vocab_size = type_vocab_size
        self.initializer_range = initializer_range
        self.layer_norm_eps = layer_norm_eps
        self.classifier_dropout = classifier_dropout
        self.classifier_pooling = classifier_pooling
        self.pooler = pooler
        self.tie_word_embeddings = tie_word_embeddings
        self.pad_token_id = pad_token_id
        self.anchor = anchor  # sequences are read in two parts, [CLS] left [SEP] right [SEP]
        self.sep_token_id = sep_token_id
        kwargs.pop("digest", None)  # of the file that was read, not of one that is written
        super().__init__(**kwargs)
