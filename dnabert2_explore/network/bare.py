"""DNABERT-2 as plain torch modules, which load without transformers' base class of models.

That class takes as long to import as torch itself. What tokenizes, embeds, predicts and explains
needs nothing of it; `network.modeling.pretrained_of` makes a transformers model of these on demand.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from .attention import refuse_backend
from .config import Dnabert2Config
from .forward import EncoderForward, Network
from .headed import ClassifierForward, MaskedLMForward

__all__ = ["BareClassifier", "BareEncoder", "BareMaskedLM", "BareNetwork", "Unfilled"]


class Unfilled(TorchFunctionMode):
    """While it lasts, modules leave their weights as they were allocated.

    For a network on the meta device, whose weights come from a file. What fills them there loads
    torch._dynamo, which takes as long as torch.
    """

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Leave out what `torch.nn.init` would do."""
        kwargs = kwargs or {}
        if getattr(func, "__module__", "") == "torch.nn.init":
            return args[0] if args else kwargs["tensor"]
        return func(*args, **kwargs)


class BareNetwork(Network):
    """What a transformers model would be asked for while it computes, under the same names."""

    def __init__(self, config: Dnabert2Config, *_args: Any) -> None:
        super().__init__()
        self.config = config

    @property
    def device(self) -> torch.device:
        """Where the weights lie."""
        return next(self.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        """Type of the weights."""
        return next(self.parameters()).dtype

    def post_init(self) -> None:
        """Leave the weights as they are, which come from a file."""

    def get_input_embeddings(self) -> nn.Embedding:
        """Return the token embedding table."""
        return cast(EncoderForward, self.bert).get_input_embeddings()

    def set_attn_implementation(self, attn_implementation: str) -> None:
        """Choose the attention backend; one that would drop ALiBi is refused."""
        self.config._attn_implementation = refuse_backend(attn_implementation)

    def tie_weights(self) -> None:
        """Share what the configuration says is shared; only a masked-LM head shares anything."""


class BareEncoder(EncoderForward, BareNetwork):
    """The DNABERT-2 encoder."""


class BareMaskedLM(MaskedLMForward, BareNetwork):
    """DNABERT-2 with its masked-language-model head."""

    encoder_class = BareEncoder

    def tie_weights(self) -> None:
        """Make the decoder's weight that of the token embeddings, where they are one."""
        if self.config.tie_word_embeddings:
            self.cls.predictions.decoder.weight = self.bert.embeddings.word_embeddings.weight


class BareClassifier(ClassifierForward, BareNetwork):
    """DNABERT-2 with a classification (or regression) head."""

    encoder_class = BareEncoder
