"""DNABERT-2 for transformers, without dnabert2-explore: padded batches, exact ALiBi.

Written by `dnabert2-explore export-model` beside the weights, and tested to compute what
dnabert2-explore computes. That package packs batches without padding and is faster; this file and
``blocks_dnabert2.py`` are what `trust_remote_code=True` runs, short enough to be read before they
are trusted. Apache-2.0.

The network is that of Zhou et al. 2023 (arXiv 2306.15006): post-norm blocks, ALiBi (Press et al.
2021, arXiv 2108.12409) in place of position embeddings, a gated GELU MLP.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel
from transformers.modeling_layers import GradientCheckpointingLayer
from transformers.modeling_outputs import (
    BaseModelOutputWithPooling,
    MaskedLMOutput,
    SequenceClassifierOutput,
)

from .blocks_dnabert2 import (
    Dnabert2Attention,
    Dnabert2Embeddings,
    Dnabert2GatedMLP,
    Dnabert2MaskedLMHead,
    Dnabert2Pooler,
    attention_bias,
    class_loss,
    refuse_unknown,
    token_loss,
)
from .configuration_dnabert2 import Dnabert2Config

__all__ = ["Dnabert2ForMaskedLM", "Dnabert2ForSequenceClassification", "Dnabert2Model"]


class Dnabert2Layer(GradientCheckpointingLayer):
    def __init__(self, config: Dnabert2Config) -> None:
        super().__init__()
        self.attention = Dnabert2Attention(config)
        self.mlp = Dnabert2GatedMLP(config)

    def forward(
        self, hidden: torch.Tensor, bias: torch.Tensor, present: torch.Tensor, with_maps: bool
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        attended, maps = self.attention(hidden, bias, present, with_maps)
        return self.mlp(attended) * present, maps


class Dnabert2Encoder(nn.Module):
    """The stack of blocks."""

    def __init__(self, config: Dnabert2Config) -> None:
        super().__init__()
        self.layer = nn.ModuleList(Dnabert2Layer(config) for _ in range(config.num_hidden_layers))


class Dnabert2PreTrainedModel(PreTrainedModel):
    config_class = Dnabert2Config
    base_model_prefix = "bert"
    # "eager" and "sdpa" are the same here; whatever drops an additive bias is not offered.
    _supports_sdpa = True
    supports_gradient_checkpointing = True
    _no_split_modules = ["Dnabert2Embeddings", "Dnabert2Layer"]  # noqa: RUF012
    accepts_loss_kwargs = False


class Dnabert2Model(Dnabert2PreTrainedModel):
    """The encoder; by default with a pooler only where the weights have one (a classifier's do)."""

    def __init__(self, config: Dnabert2Config, add_pooling_layer: bool | None = None) -> None:
        super().__init__(config)
        if add_pooling_layer is None:
            heads = config.architectures or []
            add_pooling_layer = "Dnabert2ForSequenceClassification" in heads or (
                bool(config.pooler) and "Dnabert2ForMaskedLM" not in heads
            )
        self.embeddings = Dnabert2Embeddings(config)
        self.encoder = Dnabert2Encoder(config)
        self.pooler = Dnabert2Pooler(config) if add_pooling_layer else None
        self.post_init()

    def get_input_embeddings(self) -> nn.Module:
        """Return the token embedding table."""
        return self.embeddings.word_embeddings

    def set_input_embeddings(self, value: nn.Embedding) -> None:
        """Replace the token embedding table."""
        self.embeddings.word_embeddings = value

    def forward(
        self,
        input_ids: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        token_type_ids: torch.Tensor | None = None,
        inputs_embeds: torch.Tensor | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
        **kwargs: Any,
    ) -> Any:
        """Encode (batch, n) ids; `last_hidden_state` is 0 at padding."""
        refuse_unknown(kwargs)
        if (input_ids is None) == (inputs_embeds is None):
            raise ValueError("Give exactly one of input_ids and inputs_embeds.")
        config = self.config
        with_maps = config.output_attentions if output_attentions is None else output_attentions
        with_states = (
            config.output_hidden_states if output_hidden_states is None else output_hidden_states
        )
        words = inputs_embeds
        if words is None:
            words = self.embeddings.word_embeddings(input_ids)
        if token_type_ids is None and input_ids is not None and config.anchor is not None:
            ends = (input_ids == config.sep_token_id).long()
            token_type_ids = (ends.cumsum(-1) - ends > 0).long()  # 1 behind the first [SEP]
        if attention_mask is None:
            attention_mask = torch.ones(words.shape[:2], dtype=torch.long, device=words.device)
        present = attention_mask[..., None].to(words.dtype)
        bias = attention_bias(attention_mask, config.num_attention_heads, words.dtype)
        # What is handed out is what the next layer computes with, so that gradients reach it.
        last = self.embeddings(words, token_type_ids) * present
        states, attentions = [last], []
        for layer in self.encoder.layer:
            last, maps = layer(last, bias, present, with_maps)
            states.append(last)
            if with_maps:
                attentions.append(maps)
        outputs = BaseModelOutputWithPooling(
            last_hidden_state=last,
            pooler_output=None if self.pooler is None else self.pooler(last[:, 0]),
            hidden_states=tuple(states) if with_states else None,
            attentions=tuple(attentions) if with_maps else None,
        )
        return outputs.to_tuple() if return_dict is False else outputs


class Dnabert2ForMaskedLM(Dnabert2PreTrainedModel):
    """The encoder with its masked-language-model head."""

    _tied_weights_keys = {  # noqa: RUF012
        "cls.predictions.decoder.weight": "bert.embeddings.word_embeddings.weight"
    }

    def __init__(self, config: Dnabert2Config) -> None:
        super().__init__(config)
        self.bert = Dnabert2Model(config, add_pooling_layer=False)
        self.cls = Dnabert2MaskedLMHead(config)
        self.post_init()

    def get_output_embeddings(self) -> nn.Module:
        """Return the decoder, whose weight is tied to the token embeddings."""
        return self.cls.predictions.decoder

    def set_output_embeddings(self, new_embeddings: nn.Linear) -> None:
        """Replace the decoder."""
        self.cls.predictions.decoder = new_embeddings

    def forward(
        self,
        input_ids: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        token_type_ids: torch.Tensor | None = None,
        inputs_embeds: torch.Tensor | None = None,
        labels: torch.Tensor | None = None,
        return_dict: bool | None = None,
        **kwargs: Any,
    ) -> Any:
        """Predict tokens; labels of -100, and of 0 ([UNK]) as in the original, are ignored."""
        outputs = self.bert(input_ids, attention_mask, token_type_ids, inputs_embeds, **kwargs)
        logits = self.cls(outputs.last_hidden_state)
        found = MaskedLMOutput(
            loss=None if labels is None else token_loss(logits, labels),
            logits=logits,
            hidden_states=outputs.hidden_states,
            attentions=outputs.attentions,
        )
        return found.to_tuple() if return_dict is False else found


class Dnabert2ForSequenceClassification(Dnabert2PreTrainedModel):
    """The encoder with a classifier on the pooled vector of a sequence."""

    def __init__(self, config: Dnabert2Config) -> None:
        super().__init__(config)
        self.num_labels = config.num_labels
        self.bert = Dnabert2Model(config, add_pooling_layer=True)
        dropout = config.classifier_dropout
        self.dropout = nn.Dropout(config.hidden_dropout_prob if dropout is None else dropout)
        self.classifier = nn.Linear(config.hidden_size, config.num_labels)
        self.post_init()

    def forward(
        self,
        input_ids: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        token_type_ids: torch.Tensor | None = None,
        inputs_embeds: torch.Tensor | None = None,
        labels: torch.Tensor | None = None,
        return_dict: bool | None = None,
        **kwargs: Any,
    ) -> Any:
        """Classify; the loss follows `config.problem_type`."""
        outputs = self.bert(input_ids, attention_mask, token_type_ids, inputs_embeds, **kwargs)
        pooled = outputs.pooler_output
        if self.config.classifier_pooling == "mean":
            assert self.bert.pooler is not None  # built in __init__
            hidden = outputs.last_hidden_state  # 0 at padding: the sum needs no mask
            if attention_mask is None:
                pooled = self.bert.pooler(hidden.mean(dim=1))
            else:
                count = attention_mask.sum(dim=1, keepdim=True).clamp(min=1).to(hidden.dtype)
                pooled = self.bert.pooler(hidden.sum(dim=1) / count)
        logits = self.classifier(self.dropout(pooled))
        found = SequenceClassifierOutput(
            loss=None if labels is None else class_loss(self.config, logits, labels),
            logits=logits,
            hidden_states=outputs.hidden_states,
            attentions=outputs.attentions,
        )
        return found.to_tuple() if return_dict is False else found
