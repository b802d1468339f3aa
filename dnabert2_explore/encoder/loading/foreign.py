"""DNABERT and the Nucleotide Transformer as encoders: other models of DNA to compare with."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ...common.progress import Progress
from ...common.randomness import seeded
from ...errors import CheckpointError, InputError
from ...network.checkpoints.load import Checkpoint
from ...network.packing import Packing
from ...tokens.foreign import KmerTokenizer
from ..encoder import Encoder
from ..passes.batches import Budget
from ..vectors.cache import VectorCache

__all__ = ["ForeignEncoder", "foreign_kind", "load_foreign"]

_KINDS = {"bert": "DNABERT", "esm": "Nucleotide Transformer"}
_WEIGHTS = "model.safetensors"
#: Heads that embeddings do not need.
_HEADS = ("cls.", "classifier.", "lm_head.", "pooler.", "contact_head.")


class ForeignEncoder(Encoder):
    """A BERT that reads overlapping k-mers (DNABERT), or an ESM that reads 6-mers (Nucleotide
    Transformer). Make one with `load`.

    It embeds: `Encoder.embed`, `embed_to`, the atlas, `compare_spaces` take it as any other model.
    Attention, likelihoods and attributions are for DNABERT-2.
    """  # noqa: D205

    @property
    def embedding_layers(self) -> tuple[int, ...]:
        """Layers that `embed` takes where it is told of none: the last."""
        return (self.config.num_hidden_layers,)

    @property
    def kind(self) -> str:
        """What the model is."""
        return _KINDS[self.config.model_type]

    @property
    def body(self) -> Any:
        """There is none of DNABERT-2."""
        raise InputError(
            f"{self.name} is a {self.kind}: it can be embedded with, and drawn in an atlas; this "
            "view is for DNABERT-2."
        )

    @property
    def most_tokens(self) -> int:
        """Tokens that the network has positions for, the special ones too."""
        config: Any = self.config
        # ESM counts positions from the padding token's id on.
        used = config.pad_token_id + 1 if config.model_type == "esm" else 0
        rotary = getattr(config, "position_embedding_type", "absolute") == "rotary"
        return int(1e9) if rotary else int(config.max_position_embeddings) - used

    def embed_ids(
        self,
        ids: list[NDArray[np.int64]],
        *,
        pooling: str,
        layers: tuple[int, ...],
        budget: Budget | None = None,
        progress: Progress | None = None,
    ) -> NDArray[np.float32]:
        """Embed token ids; raise InputError where one is longer than the network has positions."""
        longest = max(map(len, ids))
        if longest > self.most_tokens:
            raise InputError(
                f"A sequence of {longest:,} tokens is longer than the {self.most_tokens:,} that "
                f"{self.name} has positions for: give windows, or embed_long."
            )
        return super().embed_ids(
            ids, pooling=pooling, layers=layers, budget=budget, progress=progress
        )

    def _packed_states(
        self, packed: torch.Tensor, packing: Packing, layers: tuple[int, ...]
    ) -> dict[int, torch.Tensor]:
        """Hidden states of layers at packed tokens, by way of padded rows."""
        parts = packed.split(packing.lengths.tolist())
        rows = torch.nn.utils.rnn.pad_sequence(parts, True, self.tokenizer.pad_id)
        there = torch.nn.utils.rnn.pad_sequence([torch.ones_like(p) for p in parts], True)
        states = self.network(
            input_ids=rows, attention_mask=there, output_hidden_states=True
        ).hidden_states
        return {layer: states[layer][there.bool()] for layer in layers}

    def twin(self, seed: int = 0) -> ForeignEncoder:
        """Make one of the same shape that has learnt nothing."""
        config: Any = copy.deepcopy(self.config)
        with seeded(seed):
            network: Any = type(self.network)(config, add_pooling_layer=False)
        return ForeignEncoder(
            network.to(device=self.device, dtype=self.dtype),
            self.tokenizer,
            f"{self.name} with random weights",
        )


def foreign_kind(folder: Path) -> str:
    """Say which other model of DNA a folder holds: a key of its config; empty for none."""
    config = folder / "config.json"
    # DNABERT-2 calls itself bert too: its tokens are in a tokenizer.json of its own.
    if not config.is_file() or not (folder / "vocab.txt").is_file():
        return ""
    try:
        kind = json.loads(config.read_text(encoding="utf-8")).get("model_type", "")
    except (ValueError, AttributeError):
        return ""
    return kind if kind in _KINDS else ""


def load_foreign(
    folder: Path,
    kind: str,
    device: torch.device,
    dtype: torch.dtype,
    name: str,
    cache: VectorCache | None,
    source: str,
) -> ForeignEncoder:
    """Load a model that `foreign_kind` knows, from its safetensors alone.

    Raises CheckpointError where there are none, or vocabulary or weights do not fit.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file
    from transformers import BertConfig, BertModel, EsmConfig, EsmModel

    if not (folder / _WEIGHTS).is_file():
        found = ", ".join(sorted(p.name for p in folder.glob("*.bin"))) or "no weights"
        raise CheckpointError(
            f"{folder} holds {found} and no {_WEIGHTS}: pickled weights are not read; save them as "
            "safetensors."
        )
    tokenizer = KmerTokenizer.from_file(folder / "vocab.txt", _ends(folder))
    configs: Any = BertConfig if kind == "bert" else EsmConfig
    models: Any = BertModel if kind == "bert" else EsmModel
    try:
        config = configs.from_pretrained(folder)
        network = models(config, add_pooling_layer=False)
        weights = load_file(folder / _WEIGHTS)
    except (OSError, ValueError, TypeError, SafetensorError) as error:
        raise CheckpointError(
            f"{folder} cannot be read as a {_KINDS[kind]} ({str(error).splitlines()[0][:200]}): "
            "pass the folder as it was published."
        ) from error
    renamed = {
        key: value
        for old, value in weights.items()
        if not (key := _renamed(old, kind)).startswith(_HEADS) and not key.endswith("position_ids")
    }
    expected = {k: v for k, v in network.state_dict().items() if not k.startswith(_HEADS)}
    wrong = [
        *(f"{key} is missing" for key in sorted(expected.keys() - renamed.keys())),
        *(f"{key} is left over" for key in sorted(renamed.keys() - expected.keys())),
        *(
            f"{key} has shape {tuple(renamed[key].shape)}"
            for key in sorted(expected.keys() & renamed.keys())
            if renamed[key].shape != expected[key].shape
        ),
    ]
    if wrong:
        raise CheckpointError(
            f"The weights of {folder} do not fit a {_KINDS[kind]} in {len(wrong):,} places "
            f"({'; '.join(wrong[:3])}): a model that needs code of its own cannot be read."
        )
    network.load_state_dict(renamed, strict=False)
    network = network.to(dtype)
    if len(tokenizer) > config.vocab_size:
        raise CheckpointError(
            f"vocab.txt of {folder} has {len(tokenizer)} entries, the network "
            f"{config.vocab_size}: pass the one that belongs to these weights."
        )
    # What an `Encoder` asks of its network's shape.
    shape = network.config
    shape.embedding_strands, shape.embedding_layers, shape.anchor = "one", None, None
    checkpoint = Checkpoint.of(
        folder, folder / "config.json", folder / _WEIGHTS, folder / "vocab.txt"
    )
    return ForeignEncoder(
        network.to(device), tokenizer, name, checkpoint, cache, source  # type: ignore[arg-type]
    )  # fmt: skip


def _renamed(key: str, kind: str) -> str:
    """Name a weight as the bare network does; old files name those of a LayerNorm as TensorFlow."""
    return key.removeprefix(f"{kind}.").replace(".gamma", ".weight").replace(".beta", ".bias")


def _ends(folder: Path) -> bool:
    """Whether sequences end in a token of their own: the Nucleotide Transformer's do not."""
    path = folder / "tokenizer_config.json"
    if not path.is_file():
        return True
    said = json.loads(path.read_text(encoding="utf-8"))
    return "eos_token" not in said or said["eos_token"] is not None
