"""What a run starts from: a pre-trained model, or a small network that has learnt nothing."""

from __future__ import annotations

import re
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import torch

from ....encoder import SHIPPED
from ....errors import InputError
from ....network import Dnabert2Config, Dnabert2Model, Dnabert2PreTrainedModel
from ....network.checkpoints.load import Checkpoint, find_checkpoint, load_network, read_config
from ....tokens import DnaTokenizer

__all__ = ["SCRATCH", "UNTRAINED", "Source", "find_source"]

#: "scratch:2x128" is a network of 2 layers, 128 wide, with random weights.
SCRATCH = "scratch:"
#: "untrained:pocket" is a network of pocket's shape, with random weights.
UNTRAINED = "untrained:"
_SHAPE = re.compile(r"([1-9]\d?)x([1-9]\d{1,3})", re.ASCII)
#: Width of a head; ALiBi's slopes are made for any number of heads.
_HEAD = 32
#: Whose tokenizer a network from nothing gets.
_TOKENS_OF = "pocket"


@dataclass(frozen=True, slots=True)
class Source:
    """What a run starts from.

    `shape` is that of a network from nothing, of which `checkpoint` has the files of the model
    whose tokenizer it gets.
    """

    checkpoint: Checkpoint
    shape: Dnabert2Config | None

    @property
    def fresh(self) -> bool:
        """Whether it has learnt nothing."""
        return self.shape is not None

    @property
    def tokenizer(self) -> Path:
        """Return its ``tokenizer.json``."""
        return self.checkpoint.tokenizer

    @property
    def parameters(self) -> int:
        """Weights of the network; of a shape, nothing is built for it."""
        with torch.device("meta") if self.fresh else nullcontext():
            return sum(one.numel() for one in self.network().parameters())

    def network(self) -> Dnabert2PreTrainedModel:
        """Load it, or build it with random weights, in float32.

        torch's generator is used for random weights.
        """
        if self.shape is None:
            return load_network(self.checkpoint, torch.float32)
        return Dnabert2Model(self.shape, add_pooling_layer=False)


def find_source(model: str) -> Source:
    """Find what `FinetuneConfig.model` names.

    "scratch:…" of no shape that can be is an `InputError`, a model that is not there a
    `CheckpointError`.
    """
    if model.startswith(UNTRAINED):
        checkpoint = _checkpoint(model.removeprefix(UNTRAINED))
        return Source(checkpoint, read_config(checkpoint.config))
    if not model.startswith(SCRATCH):
        return Source(_checkpoint(model), None)
    found = _SHAPE.fullmatch(model.removeprefix(SCRATCH))
    if found is None or int(found[2]) % _HEAD:
        raise InputError(
            f"model is {model!r}; expected layers and width, a multiple of {_HEAD}, such as "
            f"{SCRATCH}2x128."
        )
    checkpoint = _checkpoint(_TOKENS_OF)
    hidden = int(found[2])
    shape = Dnabert2Config(
        vocab_size=len(DnaTokenizer.from_file(checkpoint.tokenizer)),
        hidden_size=hidden,
        num_hidden_layers=int(found[1]),
        num_attention_heads=hidden // _HEAD,
        intermediate_size=4 * hidden,
        initializer_range=0.05,
    )
    return Source(checkpoint, shape)


def _checkpoint(model: str) -> Checkpoint:
    return find_checkpoint(SHIPPED.get(model, model))
