"""The one door to the network: load a model, tokenize, embed, read hidden states, predict."""

from __future__ import annotations

import hashlib
import threading
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.hooks import RemovableHandle

from .errors import InputError
from .network import (
    Dnabert2Config,
    Dnabert2ForMaskedLM,
    Dnabert2Model,
    Dnabert2PreTrainedModel,
)
from .network.attention import BACKENDS
from .network.checkpoint import Checkpoint, find_checkpoint, load_network
from .network.modeling import Dnabert2SelfAttention
from .sequences import Sequence
from .tokens import DnaTokenizer, Tokens

__all__ = ["POOLINGS", "SHIPPED", "Encoder", "ModelInfo", "find_device", "load"]

POOLINGS = ("mean", "max", "cls")

#: Models inside the package, by the name `load` knows them under.
SHIPPED = {
    folder.name: folder
    for folder in (Path(__file__).parent / "models" / name for name in ("pocket", "pocket-splice"))
}

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


def load(
    name: str | Path = "pocket",
    device: str = "auto",
    dtype: str = "auto",
    attention: str = "auto",
    revision: str | None = None,
) -> Encoder:
    """Load a model.

    Parameters
    ----------
    name : str or pathlib.Path
        ``"pocket"`` or ``"pocket-splice"`` (shipped, offline), a model folder, or a hub id such as
        ``"zhihan1996/DNABERT-2-117M"``. A shipped name wins over a folder of that name; write
        ``"./pocket"`` for the folder.
    device : str
        ``"auto"`` (the GPU if there is one, else the CPU), ``"cpu"``, ``"cuda"``, ``"cuda:1"``, …
    dtype : {"auto", "float32", "bfloat16", "float16", "float64"}
        ``"auto"`` is bfloat16 on a GPU that computes in it, float32 elsewhere.
    attention : {"auto", "eager", "sdpa"}
        Attention backend; ``"auto"`` is sdpa. All are exact and keep ALiBi.
    revision : str, optional
        Branch, tag or commit, for a hub id.

    Returns
    -------
    Encoder

    Raises
    ------
    CheckpointError
        If the model cannot be found, read, or is no DNABERT-2.
    InputError
        If the device, dtype or backend is unknown or not available.

    Examples
    --------
    >>> enc = load("pocket")
    >>> enc.tokenize("ACGTACGTTTGACA").tokens[0]
    '[CLS]'
    """
    where = find_device(device)
    precision = _dtype(dtype, where)
    if attention != "auto" and attention not in BACKENDS:
        raise InputError(
            f"Attention backend {attention!r} would drop ALiBi or is unknown: choose 'auto' or one "
            f"of {', '.join(map(repr, BACKENDS))}."
        )
    checkpoint = find_checkpoint(SHIPPED.get(str(name), name), revision)
    network = load_network(checkpoint, precision, "sdpa" if attention == "auto" else attention)
    tokenizer = DnaTokenizer.from_file(checkpoint.tokenizer)
    if len(tokenizer) > network.config.vocab_size:
        raise InputError(
            f"The tokenizer of {checkpoint.folder} has {len(tokenizer)} entries, the network "
            f"{network.config.vocab_size}: pass the tokenizer.json that belongs to these weights."
        )
    called = Path(name).resolve().name if Path(name).is_dir() else str(name)
    return Encoder(network.to(where), tokenizer, name=called, checkpoint=checkpoint)


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
        layer: int = -1,
        batch_tokens: int = 8192,
        progress: Progress | None = None,
    ) -> NDArray[np.float32]:
        """Embed sequences, one vector each.

        Parameters
        ----------
        sequences : str, Sequence, or iterable of them
        pooling : {"mean", "max", "cls"}
            Over the tokens of the sequence; padding, [CLS] and [SEP] are left out of mean and
            max. [CLS] carries no meaning before fine-tuning.
        layer : int
            0 is the embeddings, 1 … layers the layers' outputs; negative counts from the last.
        batch_tokens : int
            Tokens in one forward pass, padding counted; less takes less memory. Halved, with a
            warning, when memory runs out.
        progress : callable, optional
            Called as progress(sequences done, sequences in all).

        Returns
        -------
        numpy.ndarray, shape (n, hidden), float32
            In the order given.

        Raises
        ------
        InputError
            If there is nothing to embed, a sequence is empty, or pooling or layer is unknown.
        """
        if pooling not in POOLINGS:
            raise InputError(
                f"Pooling {pooling!r} is unknown: choose one of {', '.join(POOLINGS)}."
            )
        n_states = self.config.num_hidden_layers + 1
        if not -n_states <= layer < n_states:
            raise InputError(
                f"Layer {layer} does not exist: this model has states 0 (embeddings) to "
                f"{n_states - 1}, or -1 to -{n_states} counted from the last."
            )

        def vectors(ids: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
            return self._pool(self.body.state(layer % n_states, ids, mask).float(), ids, pooling)

        return self._run(self._encode(sequences), vectors, batch_tokens, progress)

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
        captured: list[tuple[torch.Tensor, torch.Tensor]] = []

        def capture(block: Dnabert2SelfAttention) -> RemovableHandle:
            return block.Wqkv.register_forward_hook(
                lambda _module, _inputs, output: captured.append(block.split(output, 1)[:2])
            )

        with self.lock:
            hooks = [capture(block) for block in self.body.attention_blocks()]
            try:
                with torch.inference_mode():
                    self.body(self.input_ids(tokens))
            finally:
                for hook in hooks:
                    hook.remove()
        queries, keys = (
            torch.cat(parts).float().cpu().numpy() for parts in zip(*captured, strict=True)
        )
        return queries, keys

    def predict(
        self,
        sequences: Bases | Iterable[Bases],
        batch_tokens: int = 8192,
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

        def probabilities(ids: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
            return self.activate(self.network(ids, mask).logits.float())

        values = self._run(self._encode(sequences), probabilities, batch_tokens, progress)
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

    def _run(
        self,
        encoded: list[Tokens],
        compute: Callable[[torch.Tensor, torch.Tensor | None], torch.Tensor],
        budget: int,
        progress: Progress | None,
    ) -> NDArray[np.float32]:
        """Compute one row for each sequence, in the order given.

        Equal sequences are computed once. Longest first, so that what does not fit in memory fails
        at once.
        """
        if budget < 1:
            raise InputError(f"batch_tokens is {budget}: give at least 1.")
        known: dict[bytes, int] = {}
        rows = np.array([known.setdefault(t.ids.tobytes(), len(known)) for t in encoded])
        unique = [encoded[i] for i in np.unique(rows, return_index=True)[1]]
        copies = np.bincount(rows)
        lengths = np.array([len(tokens) for tokens in unique])
        queue = np.argsort(-lengths, kind="stable")
        results: NDArray[np.float32] | None = None
        done = 0
        while queue.size:
            width = int(lengths[queue[0]])
            members = queue[: max(1, budget // width)]
            ids, mask = self._batch([unique[i] for i in members])
            try:
                with self.lock, torch.inference_mode():
                    values = compute(ids, mask).cpu().numpy()
            except RuntimeError as error:
                if not _out_of_memory(error) or len(members) == 1:
                    raise
                budget = max(1, width * len(members) // 2)
                warnings.warn(
                    f"A batch of {width * len(members):,} tokens did not fit in memory; going on "
                    f"with {budget:,} at a time.",
                    stacklevel=3,
                )
                if self.device.type == "cuda":
                    torch.cuda.empty_cache()
                continue
            if results is None:
                results = np.empty((len(unique), values.shape[1]), dtype=np.float32)
            results[members] = values
            queue = queue[len(members) :]
            done += int(copies[members].sum())
            if progress is not None:
                progress(done, len(encoded))
        assert results is not None  # `_encode` lets no empty list through
        return results[rows]

    def _batch(self, encoded: list[Tokens]) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Ids (n, width), and the attention mask if the lengths differ."""
        lengths = torch.tensor([len(tokens) for tokens in encoded])
        width = int(lengths.max())
        ids = torch.full((len(encoded), width), self.tokenizer.pad_id)
        for row, tokens in enumerate(encoded):
            ids[row, : len(tokens)] = torch.from_numpy(tokens.ids)
        mask = None
        if int(lengths.min()) < width:
            mask = (torch.arange(width) < lengths[:, None]).long().to(self.device)
        return ids.to(self.device), mask

    def _pool(self, states: torch.Tensor, ids: torch.Tensor, pooling: str) -> torch.Tensor:
        if pooling == "cls":
            return states[:, 0]
        tokenizer = self.tokenizer
        outside = torch.tensor(
            [tokenizer.cls_id, tokenizer.sep_id, tokenizer.pad_id], device=ids.device
        )
        inside = ~torch.isin(ids, outside)[:, :, None]
        if pooling == "max":
            return states.masked_fill(~inside, -torch.inf).amax(dim=1)
        return (states * inside).sum(dim=1) / inside.sum(dim=1)


def _text(bases: Bases) -> str:
    if isinstance(bases, Sequence):
        return bases.bases
    if isinstance(bases, str):
        return bases
    raise InputError(f"A sequence was given as {type(bases).__name__}: give a str or a Sequence.")


def _out_of_memory(error: RuntimeError) -> bool:
    # The CPU's allocator has no exception class of its own.
    said = ("can't allocate memory", "not enough memory")  # Linux and macOS; Windows
    return isinstance(error, torch.OutOfMemoryError) or any(text in str(error) for text in said)


def find_device(name: str) -> torch.device:
    """Resolve a device by name; "auto" is the GPU if there is one, else the CPU.

    Raises
    ------
    InputError
        If the name is unknown or the device is not there.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise InputError(
            f"Device {name!r} is not available here ({str(error).splitlines()[0][:100]}): choose "
            "'cpu' or 'auto'."
        ) from error
    return device


def _dtype(name: str, device: torch.device) -> torch.dtype:
    if name == "auto":
        # Older GPUs emulate bfloat16, slowly.
        fast = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
        return torch.bfloat16 if fast else torch.float32
    known = {
        "float32": torch.float32,
        "bfloat16": torch.bfloat16,
        "float16": torch.float16,
        "float64": torch.float64,
    }
    if name not in known:
        raise InputError(f"dtype {name!r} is unknown: choose 'auto' or one of {', '.join(known)}.")
    return known[name]
