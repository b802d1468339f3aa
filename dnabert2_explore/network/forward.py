"""What the encoder of DNABERT-2 is made of and computes, whatever class of module it is.

The computation is the one of Zhou et al. 2023 (arXiv 2306.15006), built on MosaicBERT: post-norm
blocks, ALiBi instead of position embeddings, a gated GELU MLP. What the original lacks is added:
attentions, hidden states, ``ModelOutput``, ``inputs_embeds``.

`network.modeling` makes transformers models of these classes, `network.bare` torch modules that
load in half the time. What stands on the encoder is in `network.headed`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import nn
from transformers.modeling_outputs import BaseModelOutputWithPooling
from transformers.utils.generic import can_return_tuple

from .alibi import AlibiBias
from .blocks import (
    Dnabert2Embeddings,
    Dnabert2Encoder,
    Dnabert2Layer,
    Dnabert2Pooler,
    Dnabert2SelfAttention,
)
from .config import Dnabert2Config
from .packing import Packing
from .plain.blocks_dnabert2 import refuse_unknown

__all__ = ["EncoderForward", "Network"]


class Network(nn.Module):
    """A DNABERT-2 of either kind: a transformers model, or a bare torch module."""

    config: Dnabert2Config

    if TYPE_CHECKING:  # what the other base class of every network has

        @property
        def device(self) -> torch.device:
            """Where the weights lie."""

        @property
        def dtype(self) -> torch.dtype:
            """Type of the weights."""

        def get_input_embeddings(self) -> nn.Embedding:
            """Return the token embedding table."""

        def set_attn_implementation(self, attn_implementation: str) -> None:
            """Choose the attention backend; one that would drop ALiBi is refused."""

        def post_init(self) -> None:
            """Fill the weights of a transformers model with random numbers."""


class EncoderForward(Network):
    """The DNABERT-2 encoder.

    Parameters
    ----------
    config : Dnabert2Config
    add_pooling_layer : bool, optional
        Whether to build the pooler. By default as the checkpoint has it (`config.has_pooler`): the
        published one has none, and a pooler of random weights tells nothing.
    """

    layer_class: type[Dnabert2Layer] = Dnabert2Layer

    def __init__(self, config: Dnabert2Config, add_pooling_layer: bool | None = None) -> None:
        super().__init__(config)
        with_pooler = config.has_pooler if add_pooling_layer is None else add_pooling_layer
        self.embeddings = Dnabert2Embeddings(config)
        self.encoder = Dnabert2Encoder(config, self.layer_class)
        self.pooler: Dnabert2Pooler | None = Dnabert2Pooler(config) if with_pooler else None
        self.post_init()

    def get_input_embeddings(self) -> nn.Embedding:
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
        _check_shapes(words, attention_mask=attention_mask, token_type_ids=token_type_ids)
        if attention_mask is None:
            packing = Packing.dense(words.shape[0], words.shape[1], words.device)
        else:
            packing = Packing.from_mask(attention_mask).to(words.device)
        if token_type_ids is None and input_ids is not None:
            token_type_ids = self.part_types(input_ids)
        types = None if token_type_ids is None else packing.pack(token_type_ids)
        hidden = self.embeddings(packing.pack(words), types)
        return hidden, packing, self._alibi(hidden, packing)

    def _alibi(self, hidden: torch.Tensor, packing: Packing) -> AlibiBias:
        heads = self.config.num_attention_heads
        return AlibiBias(heads, packing.longest, hidden.dtype, hidden.device)

    def part_types(self, ids: torch.Tensor, packing: Packing | None = None) -> torch.Tensor | None:
        """Token types of an anchored model: 0 up to the first [SEP], 1 behind it.

        Of ids (…, n), or of packed ones, (total,) with their `packing`; None of a model that reads
        sequences whole.
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

        `ids` (total,) are those of all sequences, one behind the other, `packing` is
        ``Packing.from_lengths`` of their lengths, and layers count from 1, 0 for the embeddings:
        what `forward` returns as ``hidden_states[i]``, (total, hidden) without padding.
        """
        types = self.part_types(ids, packing)
        hidden = self.embeddings(self.embeddings.word_embeddings(ids), types)
        return self.packed_onward(hidden, 0, packing, layers)

    def packed_onward(
        self, hidden: torch.Tensor, begin: int, packing: Packing, layers: Collection[int]
    ) -> dict[int, torch.Tensor]:
        """Compute hidden states from those of a layer on, whatever they were made of.

        `hidden` (total, hidden) are the packed states of layer `begin`; layers are as for
        `packed_states`, none before it.
        """
        alibi = self._alibi(hidden, packing)
        states = {begin: hidden} if begin in layers else {}
        for index, layer in enumerate(self.encoder.layer[begin : max(layers)], start=begin + 1):
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
            If both or neither kind of input is given, there are no tokens, mask or token types
            are of another shape than the tokens, or attentions are asked of a backend that never
            forms them.
        TypeError
            For a keyword that DNABERT-2 does not know, such as ``position_ids``.
        """
        refuse_unknown(kwargs)
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
        hidden, packing, alibi = self._begin(
            input_ids, attention_mask, token_type_ids, inputs_embeds
        )
        # What is handed out is what the next layer computes with, so that gradients reach it.
        if output_attentions and torch.is_grad_enabled() and packing.indices is not None:
            packing = replace(packing, padded_maps=True, shared={})
        hidden_states: list[torch.Tensor] = []
        attentions: list[torch.Tensor] = []

        def record(hidden: torch.Tensor) -> torch.Tensor:
            if not output_hidden_states:
                return hidden
            hidden_states.append(packing.unpack(hidden))
            return packing.pack(hidden_states[-1]) if torch.is_grad_enabled() else hidden

        hidden = record(hidden)
        for layer in self.encoder.layer:
            if packing.groups:
                hidden, maps = layer(hidden, packing, alibi)
                if output_attentions:
                    attentions.append(packing.unpack_maps(maps))
            elif output_attentions:  # padding only: there is nothing to attend to
                shape = (packing.batch, self.config.num_attention_heads, *2 * (packing.width,))
                attentions.append(hidden.new_zeros(shape))
            hidden = record(hidden)
        last = hidden_states[-1] if output_hidden_states else packing.unpack(hidden)
        return BaseModelOutputWithPooling(
            last_hidden_state=last,
            pooler_output=self.pooler(last[:, 0]) if self.pooler is not None else None,
            hidden_states=tuple(hidden_states) if output_hidden_states else None,
            attentions=tuple(attentions) if output_attentions else None,
        )


def _check_shapes(words: torch.Tensor, **beside: torch.Tensor | None) -> None:
    """Raise unless there are tokens, and what stands beside them is of their shape."""
    batch, width = words.shape[:2]
    if width == 0:
        raise ValueError(
            "There are no tokens: give input_ids of shape (batch, tokens) with tokens."
        )
    for name, tensor in beside.items():
        if tensor is not None and tensor.shape != (batch, width):
            raise ValueError(
                f"{name} has the shape {tuple(tensor.shape)}: give (batch, tokens), here "
                f"{(batch, width)}."
            )
