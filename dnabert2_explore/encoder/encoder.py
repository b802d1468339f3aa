"""A network with its tokenizer: tokenize, embed, read hidden states, predict."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.hooks import RemovableHandle

from ..errors import InputError
from ..network import (
    Dnabert2Config,
    Dnabert2ForMaskedLM,
    Dnabert2Model,
    Dnabert2PreTrainedModel,
)
from ..network.checkpoint import Checkpoint
from ..network.modeling import Dnabert2SelfAttention
from ..network.packing import Packing
from ..sequences import Sequence
from ..tokens import DnaTokenizer, Tokens
from .batches import run
from .pooling import POOLINGS, pool

__all__ = ["Bases", "Encoder", "ModelInfo"]

Progress = Callable[[int, int], None]
Bases = str | Sequence

_guard = threading.Lock()
_locks: WeakKeyDictionary[Dnabert2PreTrainedModel, threading.RLock] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What a model is and how it runs; `str` of it is the line that every view shows."""

    name: str
    path: str
    parameters: int
    layers: int
    heads: int
    hidden: int
    vocabulary: int
    classes: tuple[str, ...]
    dtype: str
    attention: str
    device: str
    sha256: str

    def __str__(self) -> str:
        millions = self.parameters / 1e6
        size = f"{millions:.0f} M" if millions >= 10 else f"{millions:.1f} M"
        return f"{self.name} · {size} parameters · {self.dtype} · {self.attention} · {self.device}"


class Encoder:
    """A DNABERT-2 with its tokenizer, on a device. Make one with `load`.

    Parameters
    ----------
    network : Dnabert2PreTrainedModel
        With or without a head; put in eval mode.
    tokenizer : DnaTokenizer
    name : str
        What views call the model.
    checkpoint : Checkpoint, optional
        Where it came from.
    """

    def __init__(
        self,
        network: Dnabert2PreTrainedModel,
        tokenizer: DnaTokenizer,
        name: str = "model",
        checkpoint: Checkpoint | None = None,
    ) -> None:
        self.network = network.eval()
        self.tokenizer = tokenizer
        self.name = name
        self.checkpoint = checkpoint

    def __repr__(self) -> str:
        return f"<Encoder {self.info}>"

    @property
    def config(self) -> Dnabert2Config:
        """Shape of the network."""
        return self.network.config

    @property
    def device(self) -> torch.device:
        """Where the network computes."""
        return self.network.device

    @property
    def dtype(self) -> torch.dtype:
        """Type of the weights."""
        return self.network.dtype

    @property
    def attention(self) -> str:
        """Attention backend in use."""
        return self.config._attn_implementation

    @property
    def has_head(self) -> bool:
        """Whether the model predicts classes or values."""
        return hasattr(self.network, "classifier")

    @property
    def has_masked_lm(self) -> bool:
        """Whether the model predicts masked tokens."""
        return isinstance(self.network, Dnabert2ForMaskedLM)

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in the order of `predict`'s columns; empty without a head."""
        if not self.has_head:
            return ()
        names = self.config.id2label
        return tuple(names[i] for i in range(self.config.num_labels))

    @cached_property
    def sha256(self) -> str:
        """Digest of the weights file; empty for a network that came from no file."""
        if self.checkpoint is None:
            return ""
        with open(self.checkpoint.weights, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    @property
    def info(self) -> ModelInfo:
        """What this model is and how it runs."""
        config = self.config
        return ModelInfo(
            name=self.name,
            path="" if self.checkpoint is None else str(self.checkpoint.folder),
            parameters=sum(p.numel() for p in self.network.parameters()),
            layers=config.num_hidden_layers,
            heads=config.num_attention_heads,
            hidden=config.hidden_size,
            vocabulary=config.vocab_size,
            classes=self.classes,
            dtype=str(self.dtype).removeprefix("torch."),
            attention=self.attention,
            device=str(self.device),
            sha256=self.sha256,
        )

    @property
    def lock(self) -> threading.RLock:
        """Held while the network computes, so that threads do not meet in its hooks.

        It belongs to the network: encoders that share one share its lock.
        """
        with _guard:
            return _locks.setdefault(self.network, threading.RLock())

    @property
    def body(self) -> Dnabert2Model:
        """The encoder under the head, if there is a head."""
        body: Dnabert2Model = getattr(self.network, "bert", self.network)
        return body

    def tokenize(self, bases: Bases) -> Tokens:
        """Cut a sequence into the tokens the network sees.

        Parameters
        ----------
        bases : str or Sequence

        Returns
        -------
        Tokens
            With [CLS] and [SEP]; spans are 0-based, half-open, in the coordinates passed.

        Warns
        -----
        UnknownBasesWarning
            If there are characters other than A, C, G, T and U.
        """
        return self.tokenizer.encode(_text(bases))

    def input_ids(self, tokens: Tokens) -> torch.Tensor:
        """Token ids of one sequence as a batch of one, shape (1, n), on the network's device."""
        return torch.from_numpy(tokens.ids)[None].to(self.device)

    def embed(
        self,
        sequences: Bases | Iterable[Bases],
        pooling: str = "mean",
        layer: int | Iterable[int] = -1,
        batch_tokens: int | None = None,
        progress: Progress | None = None,
    ) -> NDArray[np.float32]:
        """Embed sequences, one vector each.

        Parameters
        ----------
        sequences : str, Sequence, or iterable of them
        pooling : {"mean", "max", "cls"}
            Over the tokens of the sequence; [CLS] and [SEP] are left out of mean and max. [CLS]
            carries no meaning before fine-tuning.
        layer : int or iterable of int
            0 is the embeddings, 1 … layers the layers' outputs; negative counts from the last.
            Several layers cost one pass.
        batch_tokens : int, optional
            Tokens in one forward pass, which sees no padding; less takes less memory. By default
            4,096 on a CPU and 65,536 on a GPU. Halved, with a warning, when memory runs out.
        progress : callable, optional
            Called as progress(sequences done, sequences in all).

        Returns
        -------
        numpy.ndarray, float32
            Shape (n, hidden), or (n, layers, hidden) if `layer` is an iterable; in the order given.

        Raises
        ------
        InputError
            If there is nothing to embed, a sequence is empty, or pooling or layer is unknown.
        """
        single = isinstance(layer, int)
        layers = self.find_layers(layer, pooling)
        ids = [tokens.ids for tokens in self._encode(sequences)]
        vectors = self.embed_ids(ids, pooling, layers, batch_tokens, progress)
        return vectors[:, 0] if single else vectors

    def find_layers(self, layer: int | Iterable[int], pooling: str = "mean") -> tuple[int, ...]:
        """Resolve layers counted from either end to 0 … layers; check the pooling's name too.

        Raises
        ------
        InputError
            If a layer or the pooling does not exist.
        """
        if pooling not in POOLINGS:
            raise InputError(
                f"Pooling {pooling!r} is unknown: choose one of {', '.join(POOLINGS)}."
            )
        n_states = self.config.num_hidden_layers + 1
        asked = (layer,) if isinstance(layer, int) else tuple(layer)
        if not asked:
            raise InputError("No layer is named: give at least one.")
        for index in asked:
            if not -n_states <= index < n_states:
                raise InputError(
                    f"Layer {index} does not exist: this model has states 0 (embeddings) to "
                    f"{n_states - 1}, or -1 to -{n_states} counted from the last."
                )
        return tuple(index % n_states for index in asked)

    def embed_ids(
        self,
        ids: list[NDArray[np.int64]],
        pooling: str,
        layers: tuple[int, ...],
        batch_tokens: int | None = None,
        progress: Progress | None = None,
    ) -> NDArray[np.float32]:
        """Embed token ids (with [CLS] and [SEP]); `embed` after tokenization.

        Returns
        -------
        numpy.ndarray, shape (n, layers, hidden), float32
        """
        outside = torch.tensor([self.tokenizer.cls_id, self.tokenizer.sep_id]).to(self.device)

        def vectors(packed: torch.Tensor, packing: Packing) -> torch.Tensor:
            states = self.body.packed_states(packed, packing, layers)
            inside = ~torch.isin(packed, outside)
            pooled = [pool(states[layer], packing, inside, pooling) for layer in layers]
            return torch.stack(pooled, dim=1)

        return run(ids, vectors, self.device, self.lock, batch_tokens, progress)

    def hidden_states(self, bases: Bases | Tokens) -> NDArray[np.float32]:
        """Hidden states of one sequence at every depth.

        Parameters
        ----------
        bases : str, Sequence, or what `tokenize` made of them

        Returns
        -------
        numpy.ndarray, shape (layers + 1, n_tokens, hidden), float32
            0 is the embeddings after LayerNorm; the tokens are those of `tokenize`.
        """
        tokens = self._one(bases)
        with self.lock, torch.inference_mode():
            states = self.body(self.input_ids(tokens), output_hidden_states=True).hidden_states
            return torch.cat(states).float().cpu().numpy()

    def projections(self, bases: Bases | Tokens) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return queries and keys of every layer and head; every attention map follows from them.

        They take memory linear in length, where the maps are quadratic.

        Parameters
        ----------
        bases : str, Sequence, or what `tokenize` made of them

        Returns
        -------
        queries, keys : numpy.ndarray, shape (layers, heads, n_tokens, head_dim), float32
        """
        tokens = self._one(bases)
        captured: list[torch.Tensor] = []

        def capture(block: Dnabert2SelfAttention) -> RemovableHandle:
            return block.Wqkv.register_forward_hook(
                lambda _module, _inputs, output: captured.append(block.split(output)[:, :2])
            )

        with self.lock:
            hooks = [capture(block) for block in self.body.attention_blocks()]
            try:
                with torch.inference_mode():
                    self.body(self.input_ids(tokens))
            finally:
                for hook in hooks:
                    hook.remove()
        # (layers, n, 2, heads, head_dim) to queries and keys of (layers, heads, n, head_dim)
        both = torch.stack(captured).permute(2, 0, 3, 1, 4).contiguous()
        queries, keys = both.float().cpu().numpy()
        return queries, keys

    def predict(
        self,
        sequences: Bases | Iterable[Bases],
        batch_tokens: int | None = None,
        progress: Progress | None = None,
    ) -> NDArray[np.float32]:
        """Predict with the model's head.

        Parameters
        ----------
        sequences : str, Sequence, or iterable of them
        batch_tokens, progress
            As in `embed`.

        Returns
        -------
        numpy.ndarray, float32
            Probabilities, shape (n, classes) (independent ones for a multi-label model), or
            values, shape (n,), for a regression model.

        Raises
        ------
        InputError
            If the model has no head, or a sequence is empty.
        """
        if not self.has_head:
            raise InputError(
                f"Model {self.name!r} has no classification head: load a fine-tuned model such as "
                '"pocket-splice", or fine-tune this one.'
            )

        def probabilities(packed: torch.Tensor, packing: Packing) -> torch.Tensor:
            return self.activate(self.network.packed_logits(packed, packing).float())

        ids = [tokens.ids for tokens in self._encode(sequences)]
        values = run(ids, probabilities, self.device, self.lock, batch_tokens, progress)
        return values[:, 0] if self.config.num_labels == 1 else values

    def activate(self, logits: torch.Tensor) -> torch.Tensor:
        """Turn the head's logits (n, labels) into probabilities, or into values."""
        if self.config.num_labels == 1:
            return logits
        if self.config.problem_type == "multi_label_classification":
            return logits.sigmoid()
        return logits.softmax(dim=-1)

    def _one(self, bases: Bases | Tokens) -> Tokens:
        return bases if isinstance(bases, Tokens) else self._encode(bases)[0]

    def _encode(self, sequences: Bases | Iterable[Bases]) -> list[Tokens]:
        batch = [sequences] if isinstance(sequences, (str, Sequence)) else list(sequences)
        if not batch:
            raise InputError("There are no sequences: give at least one.")
        encoded = self.tokenizer.encode_batch([_text(item) for item in batch])
        for index, (item, tokens) in enumerate(zip(batch, encoded, strict=True)):
            if tokens.special.all():
                called = f" ({item.name})" if isinstance(item, Sequence) else ""
                raise InputError(
                    f"Sequence {index + 1} of {len(batch)}{called} has no bases: remove it or give "
                    "its bases."
                )
        return encoded


def _text(bases: Bases) -> str:
    if isinstance(bases, Sequence):
        return bases.bases
    if isinstance(bases, str):
        return bases
    raise InputError(f"A sequence was given as {type(bases).__name__}: give a str or a Sequence.")
