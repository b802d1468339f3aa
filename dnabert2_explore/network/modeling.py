"""DNABERT-2 as a standard transformers model, with the published parameter names.

The computation is the one of Zhou et al. 2023 (arXiv 2306.15006), built on MosaicBERT: post-norm
blocks, ALiBi instead of position embeddings, a gated GELU MLP. What the original lacks is added:
attentions, hidden states, ``ModelOutput``, ``inputs_embeds``.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, cast

import torch
from torch import nn
from torch.nn import functional
from transformers import PreTrainedModel
from transformers.modeling_layers import GradientCheckpointingLayer
from transformers.modeling_outputs import (
    BaseModelOutputWithPooling,
    MaskedLMOutput,
    SequenceClassifierOutput,
)
from transformers.utils.generic import can_return_tuple

from .alibi import AlibiBias
from .attention import BACKENDS, refuse_backend
from .config import Dnabert2Config
from .packing import Packing

__all__ = [
    "Dnabert2ForMaskedLM",
    "Dnabert2ForSequenceClassification",
    "Dnabert2Model",
    "Dnabert2PreTrainedModel",
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
        return self.activation(self.dense(vectors))


class Dnabert2PreTrainedModel(PreTrainedModel):
    """Weights, loading and saving shared by all DNABERT-2 models."""

    config_class = Dnabert2Config
    base_model_prefix = "bert"
    supports_gradient_checkpointing = True
    _no_split_modules = ["Dnabert2Embeddings", "Dnabert2Layer"]  # noqa: RUF012
    _supports_sdpa = True
    # Trainer would otherwise hand over num_items_in_batch and leave the averaging to us.
    accepts_loss_kwargs = False

    def get_correct_attn_implementation(
        self, requested_attention: str | None, is_init_check: bool = False
    ) -> str:
        """Refuse every backend that would compute without ALiBi."""
        return refuse_backend(requested_attention)

    @classmethod
    def _can_set_attn_implementation(cls) -> bool:
        # transformers guesses this from the source text; backends here are looked up per call.
        return True


class Dnabert2Model(Dnabert2PreTrainedModel):
    """The DNABERT-2 encoder.

    Parameters
    ----------
    config : Dnabert2Config
    add_pooling_layer : bool
        Whether to build the pooler (random in the published checkpoint, which has none).
    """

    def __init__(self, config: Dnabert2Config, add_pooling_layer: bool = True) -> None:
        super().__init__(config)
        self.embeddings = Dnabert2Embeddings(config)
        self.encoder = Dnabert2Encoder(config)
        self.pooler: Dnabert2Pooler | None = Dnabert2Pooler(config) if add_pooling_layer else None
        self.post_init()

    def get_input_embeddings(self) -> nn.Module:
        """Return the token embedding table."""
        return self.embeddings.word_embeddings

    def set_input_embeddings(self, value: nn.Embedding) -> None:
        """Replace the token embedding table."""
        self.embeddings.word_embeddings = value

    def attention_blocks(self) -> list[Dnabert2SelfAttention]:
        """Return each layer's self-attention, from the first layer to the last."""
        layers = (cast(Dnabert2Layer, layer) for layer in self.encoder.layer)
        return [layer.attention.self for layer in layers]

    def _begin(
        self,
        input_ids: torch.Tensor | None,
        attention_mask: torch.Tensor | None,
        token_type_ids: torch.Tensor | None = None,
        inputs_embeds: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, Packing, AlibiBias]:
        """Pack the batch and embed its tokens, (total, hidden)."""
        words = inputs_embeds
        if words is None:
            # Looked up in the padded layout, so that hooks on the table (Captum's) see a batch.
            words = self.embeddings.word_embeddings(input_ids)
        if attention_mask is None:
            packing = Packing.dense(words.shape[0], words.shape[1], words.device)
        else:
            packing = Packing.from_mask(attention_mask)
        if token_type_ids is None and input_ids is not None:
            token_type_ids = self.part_types(input_ids)
        types = None if token_type_ids is None else packing.pack(token_type_ids)
        hidden = self.embeddings(packing.pack(words), types)
        alibi = AlibiBias(
            self.config.num_attention_heads, packing.longest, hidden.dtype, hidden.device
        )
        return hidden, packing, alibi

    def part_types(
        self, ids: torch.Tensor, packing: Packing | None = None
    ) -> torch.Tensor | None:
        """Token types of an anchored model: 0 up to the first [SEP], 1 behind it.

        Parameters
        ----------
        ids : torch.Tensor, shape (…, n), or (total,) with a `packing`
        packing : Packing, optional
            Of packed ids.

        Returns
        -------
        torch.Tensor or None
            Of the shape of `ids`; None of a model that reads sequences whole.
        """
        if self.config.anchor is None:
            return None
        ends = (ids == self.config.sep_token_id).long()
        before = ends.cumsum(-1) - ends
        if packing is not None:
            before = before - before[packing.offsets[:-1].long()][packing.documents]
        return (before > 0).long()

    def packed_states(
        self, ids: torch.Tensor, packing: Packing, layers: Collection[int]
    ) -> dict[int, torch.Tensor]:
        """Compute hidden states of packed tokens, and no layer beyond those asked for.

        Parameters
        ----------
        ids : torch.Tensor, shape (total,)
            Token ids of all sequences, one behind the other.
        packing : Packing
            ``Packing.from_lengths`` of their lengths.
        layers : collection of int
            0 for the embeddings, i for the output of layer i (counted from 1).

        Returns
        -------
        dict of int to torch.Tensor, shape (total, hidden)
            What `forward` returns as ``hidden_states[i]``, without padding.
        """
        types = self.part_types(ids, packing)
        hidden = self.embeddings(self.embeddings.word_embeddings(ids), types)
        alibi = AlibiBias(
            self.config.num_attention_heads, packing.longest, hidden.dtype, hidden.device
        )
        states = {0: hidden} if 0 in layers else {}
        for index, layer in enumerate(self.encoder.layer[: max(layers)], start=1):
            hidden, _ = layer(hidden, packing, alibi)
            if index in layers:
                states[index] = hidden
        return states

    @can_return_tuple
    def forward(
        self,
        input_ids: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        token_type_ids: torch.Tensor | None = None,
        inputs_embeds: torch.Tensor | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        **kwargs: Any,
    ) -> BaseModelOutputWithPooling:
        """Encode token ids or embeddings.

        Parameters
        ----------
        input_ids : torch.Tensor, shape (batch, n)
            Token ids; exactly one of `input_ids` and `inputs_embeds` is needed.
        attention_mask : torch.Tensor, shape (batch, n), optional
            1 for tokens, 0 for padding, which may stand anywhere. None: no padding.
        token_type_ids : torch.Tensor, shape (batch, n), optional
        inputs_embeds : torch.Tensor, shape (batch, n, hidden), optional
            Takes the place of the token embeddings; token types are still added.
        output_attentions, output_hidden_states : bool, optional
            Return attention probabilities (eager backend only), and the embeddings with every
            layer's output.

        Returns
        -------
        BaseModelOutputWithPooling
            `last_hidden_state` (batch, n, hidden), exactly 0 at padding, as in the original;
            `pooler_output` (batch, hidden) if there is a pooler; `hidden_states`, layers + 1
            tensors; `attentions`, one (batch, heads, n, n) per layer.

        Raises
        ------
        ValueError
            If both or neither kind of input is given, the mask is not 2-dimensional, or attentions
            are asked of a backend that never forms them.
        """
        if (input_ids is None) == (inputs_embeds is None):
            raise ValueError("Give exactly one of input_ids and inputs_embeds.")
        if output_attentions is None:
            output_attentions = self.config.output_attentions
        if output_hidden_states is None:
            output_hidden_states = self.config.output_hidden_states
        if output_attentions and self.config._attn_implementation != "eager":
            raise ValueError(
                f"Backend {self.config._attn_implementation!r} never forms attention maps: call "
                'set_attn_implementation("eager") first.'
            )
        if attention_mask is not None and attention_mask.dim() != 2:
            raise ValueError(
                f"attention_mask has {attention_mask.dim()} dimensions: give (batch, tokens) with "
                "1 for tokens and 0 for padding."
            )
        hidden, packing, alibi = self._begin(
            input_ids, attention_mask, token_type_ids, inputs_embeds
        )
        hidden_states = [packing.unpack(hidden)] if output_hidden_states else None
        attentions: list[torch.Tensor] | None = [] if output_attentions else None
        # A batch of padding only has nothing to attend to.
        for layer in self.encoder.layer if packing.groups else ():
            hidden, maps = layer(hidden, packing, alibi)
            if hidden_states is not None:
                hidden_states.append(packing.unpack(hidden))
            if attentions is not None:
                attentions.append(packing.unpack_maps(maps))
        last = packing.unpack(hidden)
        return BaseModelOutputWithPooling(
            last_hidden_state=last,
            pooler_output=self.pooler(last[:, 0]) if self.pooler is not None else None,
            hidden_states=tuple(hidden_states) if hidden_states is not None else None,
            attentions=tuple(attentions) if attentions is not None else None,
        )


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
        return self.predictions(hidden)


class Dnabert2ForMaskedLM(Dnabert2PreTrainedModel):
    """DNABERT-2 with its masked-language-model head, as published."""

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

    @can_return_tuple
    def forward(
        self,
        input_ids: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        token_type_ids: torch.Tensor | None = None,
        inputs_embeds: torch.Tensor | None = None,
        labels: torch.Tensor | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        **kwargs: Any,
    ) -> MaskedLMOutput:
        """Predict tokens; takes what `Dnabert2Model` does.

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
            input_ids,
            attention_mask,
            token_type_ids,
            inputs_embeds,
            output_attentions=output_attentions,
            output_hidden_states=output_hidden_states,
        )
        hidden = outputs.last_hidden_state
        targets: torch.Tensor | None
        if labels is not None and self.config.sparse_prediction:
            labelled = labels > 0
            logits = self.cls(hidden[labelled])
            targets = labels[labelled]
        else:
            logits = self.cls(hidden)
            targets = None if labels is None else labels.masked_fill(labels <= 0, -100).view(-1)
        loss = None
        if targets is not None:
            total = functional.cross_entropy(
                logits.view(-1, logits.shape[-1]), targets, ignore_index=-100, reduction="sum"
            )
            loss = total / (targets != -100).sum().clamp(min=1)
        return MaskedLMOutput(
            loss=loss,
            logits=logits,
            hidden_states=outputs.hidden_states,
            attentions=outputs.attentions,
        )


class Dnabert2ForSequenceClassification(Dnabert2PreTrainedModel):
    """DNABERT-2 with a classification (or regression) head on its pooler."""

    def __init__(self, config: Dnabert2Config) -> None:
        super().__init__(config)
        self.num_labels = config.num_labels
        self.bert = Dnabert2Model(config)
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
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        **kwargs: Any,
    ) -> SequenceClassifierOutput:
        """Classify sequences; takes what `Dnabert2Model` does.

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
            input_ids,
            attention_mask,
            token_type_ids,
            inputs_embeds,
            output_attentions=output_attentions,
            output_hidden_states=output_hidden_states,
        )
        if self.config.classifier_pooling == "mean":
            hidden = outputs.last_hidden_state
            # Padding is exactly 0 in `hidden`, so the sum needs no mask.
            count = (
                hidden.new_full((hidden.shape[0], 1), hidden.shape[1])
                if attention_mask is None
                else attention_mask.sum(dim=1, keepdim=True).clamp(min=1).to(hidden.dtype)
            )
            assert self.bert.pooler is not None  # built in __init__
            pooled = self.bert.pooler(hidden.sum(dim=1) / count)
        else:
            pooled = outputs.pooler_output
        logits = self.classifier(self.dropout(pooled))
        return SequenceClassifierOutput(
            loss=None if labels is None else self._loss(logits, labels),
            logits=logits,
            hidden_states=outputs.hidden_states,
            attentions=outputs.attentions,
        )

    def packed_logits(self, ids: torch.Tensor, packing: Packing) -> torch.Tensor:
        """Classify packed tokens; takes what `Dnabert2Model.packed_states` does.

        Returns
        -------
        torch.Tensor, shape (sequences, num_labels)
            What `forward` returns as ``logits``.
        """
        last = self.config.num_hidden_layers
        hidden = self.bert.packed_states(ids, packing, (last,))[last]
        if self.config.classifier_pooling == "mean":
            means = torch.segment_reduce(hidden.float(), "mean", lengths=packing.lengths, axis=0)
            vectors = means.to(hidden.dtype)
        else:
            vectors = hidden[packing.offsets[:-1]]
        assert self.bert.pooler is not None  # built in __init__
        return self.classifier(self.dropout(self.bert.pooler(vectors)))

    def _loss(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        if self.config.problem_type is None:
            if self.num_labels == 1:
                self.config.problem_type = "regression"
            elif labels.dtype in (torch.long, torch.int):
                self.config.problem_type = "single_label_classification"
            else:
                self.config.problem_type = "multi_label_classification"
        if self.config.problem_type == "regression":
            return functional.mse_loss(logits.squeeze(), labels.squeeze().to(logits.dtype))
        if self.config.problem_type == "single_label_classification":
            return functional.cross_entropy(logits, labels.view(-1))
        return functional.binary_cross_entropy_with_logits(logits, labels.to(logits.dtype))
