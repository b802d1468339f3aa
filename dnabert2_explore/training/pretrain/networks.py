"""The network a run begins with: random weights, or those of a checkpoint."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...common.randomness import RandomStream
from ...encoder import SHIPPED
from ...errors import InputError
from ...network import Dnabert2Config, Dnabert2ForMaskedLM, Dnabert2Model
from ...network.checkpoints.load import Checkpoint, find_checkpoint, load_network, read_config
from ..corpus.rows import load_backend, tokenizer_file
from .config import PretrainConfig

if TYPE_CHECKING:
    from tokenizers import Tokenizer

__all__ = ["Network", "Start", "begin"]

Network = Dnabert2ForMaskedLM | Dnabert2Model


@dataclass(frozen=True, slots=True, eq=False)
class Start:
    """What a run begins with: the network, on the CPU in float32, and its tokenizer.

    For the contrastive objective alone it is the bare encoder. The file is ``tokenizer.json``;
    `fresh` has the numbers that fresh weights begin with.
    """

    network: Network
    tokenizer: Tokenizer
    tokenizer_file: Path
    fresh: RandomStream

    @property
    def vocabulary(self) -> list[str]:
        """Entries of the tokenizer in the order of their ids."""
        by_token = self.tokenizer.get_vocab()
        return sorted(by_token, key=by_token.__getitem__)

    @property
    def tokenizer_sha256(self) -> str:
        """Digest of the tokenizer's vocabulary and merges, wherever its file lies."""
        return hashlib.sha256(self.tokenizer.to_str().encode()).hexdigest()[:16]


def begin(config: PretrainConfig, resumed: Path | None) -> Start:
    """Build the network and its tokenizer.

    The weights are read afterwards from the checkpoint `resumed`; a model to train further is then
    not needed any more. Network settings that do not fit together, a model to train further without
    a masked-LM head, or another tokenizer than its own are an `InputError`; a model or tokenizer
    that cannot be read is a `CheckpointError`.
    """
    fresh = RandomStream(config.seed)
    if not config.init_from:
        file = tokenizer_file(config.tokenizer)
        tokenizer = load_backend(file)
        # Dropout 0 unless asked for: with less than one pass over the genomes nothing overfits.
        shape = {"hidden_dropout_prob": 0.0} | config.network
        try:
            shaped = Dnabert2Config(
                vocab_size=tokenizer.get_vocab_size(), sparse_prediction=True, **shape
            )
        except (TypeError, ValueError) as error:
            raise InputError(f"network: {error}") from error
        with fresh.drawing():
            network = _built(shaped, config).float()
        return Start(network, tokenizer, file, fresh)
    if resumed is not None:
        shaped = read_config(resumed / "config.json")
        shaped.sparse_prediction = True
        with fresh.drawing():
            network = _built(shaped, config).float()
        file = resumed / "tokenizer.json"
        return Start(network, load_backend(file), file, fresh)
    checkpoint = find_checkpoint(SHIPPED.get(config.init_from, config.init_from))
    with fresh.drawing():
        network = _trained(config, checkpoint)
    file = tokenizer_file(config.tokenizer) if config.tokenizer else checkpoint.tokenizer
    tokenizer = load_backend(file)
    if tokenizer.get_vocab() != load_backend(checkpoint.tokenizer).get_vocab():
        raise InputError(
            f"the tokenizer {file} is not that of {config.init_from}: its ids mean other tokens; "
            "leave tokenizer empty to take the model's own."
        )
    return Start(network.float(), tokenizer, file, fresh)


def _built(shaped: Dnabert2Config, config: PretrainConfig) -> Network:
    """Build a network with random weights and the heads that the objective needs."""
    shaped = _embedding(shaped, config)
    if config.objective == "contrastive":
        return Dnabert2Model(shaped, add_pooling_layer=False)
    return Dnabert2ForMaskedLM(shaped)


def _trained(config: PretrainConfig, checkpoint: Checkpoint) -> Network:
    source = load_network(checkpoint)
    shaped = Dnabert2Config.from_dict(source.config.to_dict() | config.network)
    shaped = _embedding(shaped, config)
    if config.objective == "contrastive":
        encoder = source if isinstance(source, Dnabert2Model) else source.bert
        weights = {k: v for k, v in encoder.state_dict().items() if not k.startswith("pooler.")}
        bare = Dnabert2Model(shaped, add_pooling_layer=False)
        bare.load_state_dict(weights)
        return bare
    if not isinstance(source, Dnabert2ForMaskedLM):
        raise InputError(
            f"init_from {config.init_from!r} has no masked-LM head, which objective "
            f"{config.objective!r} continues; give a model pre-trained with it and not fine-tuned, "
            "or set objective to contrastive."
        )
    shaped.sparse_prediction = True
    # Copied: what was loaded may be a file mapped into memory, which training must not write to.
    network = Dnabert2ForMaskedLM(shaped)
    network.load_state_dict(source.state_dict())
    return network


def _embedding(shaped: Dnabert2Config, config: PretrainConfig) -> Dnabert2Config:
    """Let the model say which layers its vectors are made of."""
    layers = list(config.embedding_layers) or None
    try:
        return Dnabert2Config.from_dict(shaped.to_dict() | {"embedding_layers": layers})
    except ValueError as error:
        raise InputError(str(error)) from error
