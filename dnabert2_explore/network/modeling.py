"""DNABERT-2 as a standard transformers model, with the published parameter names.

What the networks compute is in `network.forward`; here they become what ``from_pretrained``,
``save_pretrained``, ``Trainer`` and peft work with.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel
from transformers.modeling_layers import GradientCheckpointingLayer

from . import blocks
from .attention import refuse_backend
from .bare import BareClassifier, BareEncoder, BareMaskedLM, BareNetwork, Unfilled
from .blocks import Dnabert2SelfAttention
from .config import Dnabert2Config
from .forward import EncoderForward, Network
from .headed import ClassifierForward, MaskedLMForward
from .registry import register

__all__ = [
    "Dnabert2ForMaskedLM",
    "Dnabert2ForSequenceClassification",
    "Dnabert2Layer",
    "Dnabert2Model",
    "Dnabert2PreTrainedModel",
    "Dnabert2SelfAttention",
    "pretrained_of",
]


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

    def _check_and_adjust_attn_implementation(
        self, attn_implementation: str | None, *_args: Any, **_kwargs: Any
    ) -> str:
        # transformers takes every name with "flash" in it for a kernel of its own or of the hub,
        # whatever the method above says. Backends here are ours: there is nothing to look for.
        return refuse_backend(attn_implementation)

    @classmethod
    def _can_set_attn_implementation(cls) -> bool:
        # transformers guesses this from the source text; backends here are looked up per call.
        return True


class Dnabert2Layer(blocks.Dnabert2Layer, GradientCheckpointingLayer):
    """An encoder block whose activations can be computed again in the backward pass."""


class Dnabert2Model(EncoderForward, Dnabert2PreTrainedModel):
    """The DNABERT-2 encoder, as a transformers model.

    Parameters
    ----------
    config : Dnabert2Config
    add_pooling_layer : bool, optional
        Whether to build the pooler. By default as the checkpoint has it (`config.has_pooler`): the
        published one has none, and a pooler of random weights tells nothing.
    """

    layer_class = Dnabert2Layer

    def save_pretrained(self, *args: Any, **kwargs: Any) -> None:
        """Save as transformers does; config.json says whether there is a pooler."""
        self.config.pooler = self.pooler is not None
        super().save_pretrained(*args, **kwargs)


class Dnabert2ForMaskedLM(MaskedLMForward, Dnabert2PreTrainedModel):
    """DNABERT-2 with its masked-language-model head, as published, as a transformers model."""

    encoder_class = Dnabert2Model
    _tied_weights_keys = {  # noqa: RUF012
        "cls.predictions.decoder.weight": "bert.embeddings.word_embeddings.weight"
    }

    def get_output_embeddings(self) -> nn.Module:
        """Return the decoder, whose weight is tied to the token embeddings."""
        return self.cls.predictions.decoder

    def set_output_embeddings(self, new_embeddings: nn.Linear) -> None:
        """Replace the decoder."""
        self.cls.predictions.decoder = new_embeddings


class Dnabert2ForSequenceClassification(ClassifierForward, Dnabert2PreTrainedModel):
    """DNABERT-2 with a classification (or regression) head, as a transformers model."""

    encoder_class = Dnabert2Model


#: Class of a bare network with a head -> the transformers model that computes the same.
_PRETRAINED: dict[type[BareNetwork], type[Dnabert2PreTrainedModel]] = {
    BareMaskedLM: Dnabert2ForMaskedLM,
    BareClassifier: Dnabert2ForSequenceClassification,
}


def pretrained_of(network: Network) -> Dnabert2PreTrainedModel:
    """Make a transformers model of a bare network: of the same modules and weights, not of copies.

    One that is a transformers model is handed back as it is.
    """
    if isinstance(network, Dnabert2PreTrainedModel):
        return network
    assert isinstance(network, BareNetwork)
    with torch.device("meta"), Unfilled():  # its own weights are never made
        made = (
            Dnabert2Model(network.config, add_pooling_layer=network.pooler is not None)
            if isinstance(network, BareEncoder)
            else _PRETRAINED[type(network)](network.config)
        )
    for name, module in network.named_children():
        if name == "bert":
            for part, inner in module.named_children():
                setattr(made.bert, part, inner)
        else:
            setattr(made, name, module)
    body: Any = getattr(made, "bert", made)
    for layer in body.encoder.layer:
        layer.__class__ = Dnabert2Layer  # itself, hooks and all, as torch's FSDP 2 does it
    return made.train(network.training)


# At the end, for the Auto classes' own import may have led here, or be led to from here.
register()
