"""The encoder with a head on it: predicted tokens, or classes and values of a sequence."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from transformers.modeling_outputs import MaskedLMOutput, SequenceClassifierOutput
from transformers.utils.generic import can_return_tuple

from .blocks import Dnabert2MaskedLMHead
from .config import Dnabert2Config
from .forward import EncoderForward, Network
from .packing import Packing
from .plain.blocks_dnabert2 import class_loss, problem_of, token_loss

__all__ = ["ClassifierForward", "MaskedLMForward"]


class MaskedLMForward(Network):
    """DNABERT-2 with its masked-language-model head, as published."""

    encoder_class: type[EncoderForward]

    def __init__(self, config: Dnabert2Config) -> None:
        super().__init__(config)
        self.bert = self.encoder_class(config, add_pooling_layer=False)
        self.cls = Dnabert2MaskedLMHead(config)
        self.post_init()

    @can_return_tuple
    def forward(
        self,
        input_ids: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        token_type_ids: torch.Tensor | None = None,
        inputs_embeds: torch.Tensor | None = None,
        labels: torch.Tensor | None = None,
        **kwargs: Any,
    ) -> MaskedLMOutput:
        """Predict tokens; takes what `EncoderForward` does.

        Parameters
        ----------
        labels : torch.Tensor, shape (batch, n), optional
            Token ids to predict; everything below 1 is ignored. (The original's rule: [UNK], id 0,
            is never a target, like -100.)

        Returns
        -------
        MaskedLMOutput
            `loss`, the mean cross entropy in nats per labelled token (0 if there is none);
            `logits` (batch, n, vocab_size), or (labelled, vocab_size) with labels and
            `config.sparse_prediction`.
        """
        outputs = self.bert(
            input_ids, attention_mask, token_type_ids, inputs_embeds, return_dict=True, **kwargs
        )
        hidden = outputs.last_hidden_state
        if labels is not None:
            labels = labels.to(hidden.device)
            if self.config.sparse_prediction:
                hidden, labels = hidden[labels > 0], labels[labels > 0]
        logits = self.cls(hidden)
        return MaskedLMOutput(
            loss=None if labels is None else token_loss(logits, labels),
            logits=logits,
            hidden_states=outputs.hidden_states,
            attentions=outputs.attentions,
        )


class ClassifierForward(Network):
    """DNABERT-2 with a classification (or regression) head on its pooler."""

    encoder_class: type[EncoderForward]

    def __init__(self, config: Dnabert2Config) -> None:
        super().__init__(config)
        self.num_labels = config.num_labels
        self.bert = self.encoder_class(config, add_pooling_layer=True)
        dropout = config.classifier_dropout
        self.dropout = nn.Dropout(config.hidden_dropout_prob if dropout is None else dropout)
        self.classifier = nn.Linear(config.hidden_size, config.num_labels)
        self.post_init()

    @can_return_tuple
    def forward(
        self,
        input_ids: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        token_type_ids: torch.Tensor | None = None,
        inputs_embeds: torch.Tensor | None = None,
        labels: torch.Tensor | None = None,
        **kwargs: Any,
    ) -> SequenceClassifierOutput:
        """Classify sequences; takes what `EncoderForward` does.

        Parameters
        ----------
        labels : torch.Tensor, shape (batch,) or (batch, num_labels), optional
            Class indices, multi-label 0/1 floats, or regression values, by `config.problem_type`.

        Returns
        -------
        SequenceClassifierOutput
            `logits` (batch, num_labels) and, with labels, `loss` (cross entropy, binary cross
            entropy with logits, or mean squared error).
        """
        outputs = self.bert(
            input_ids, attention_mask, token_type_ids, inputs_embeds, return_dict=True, **kwargs
        )
        if self.config.classifier_pooling == "mean":
            hidden = outputs.last_hidden_state
            # Padding is exactly 0 in `hidden`, so the sum needs no mask.
            count = (
                hidden.new_full((hidden.shape[0], 1), hidden.shape[1])
                if attention_mask is None
                else attention_mask.sum(dim=1, keepdim=True).clamp(min=1).to(hidden)
            )
            assert self.bert.pooler is not None  # built in __init__
            pooled = self.bert.pooler(hidden.sum(dim=1) / count)
        else:
            pooled = outputs.pooler_output
        logits = self.classifier(self.dropout(pooled))
        if labels is not None:  # as transformers' own models: what was told once holds from then on
            self.config.problem_type = problem_of(self.config, labels)
        return SequenceClassifierOutput(
            loss=None if labels is None else class_loss(self.config, logits, labels),
            logits=logits,
            hidden_states=outputs.hidden_states,
            attentions=outputs.attentions,
        )

    def packed_logits(self, ids: torch.Tensor, packing: Packing) -> torch.Tensor:
        """Classify packed tokens, as `forward` does: (sequences, num_labels).

        It takes what `EncoderForward.packed_states` does.
        """
        last = self.config.num_hidden_layers
        return self.states_logits(self.bert.packed_states(ids, packing, (last,))[last], packing)

    def states_logits(self, hidden: torch.Tensor, packing: Packing) -> torch.Tensor:
        """Classify from the last layer's packed states (total, hidden)."""
        packing = packing.to(hidden.device)
        if self.config.classifier_pooling == "mean":
            means = torch.segment_reduce(hidden.float(), "mean", lengths=packing.lengths, axis=0)
            vectors = means.to(hidden.dtype)
        else:
            vectors = hidden[packing.offsets[:-1]]
        assert self.bert.pooler is not None  # built in __init__
        return self.classifier(self.dropout(self.bert.pooler(vectors)))
