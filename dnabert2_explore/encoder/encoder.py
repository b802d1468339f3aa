"""A network with its tokenizer: tokenize, embed, read hidden states, predict."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from operator import index
from os import PathLike
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.hooks import RemovableHandle

from ..errors import ExploreWarning, InputError
from ..names import Pooling
from ..network import (
    Dnabert2Config,
    Dnabert2ForMaskedLM,
    Dnabert2Model,
    Dnabert2PreTrainedModel,
)
from ..network.checkpoint import Checkpoint
from ..network.modeling import Dnabert2SelfAttention
from ..network.packing import Packing
from ..progress import Progress
from ..sequences import (
    Cleaned,
    Composition,
    Sequence,
    UnknownBasesWarning,
    clean,
    reverse_complement,
    warn_unknown,
)
from ..shown import Shown
from ..tokens import DnaTokenizer, Tokens
from ..version import __version__
from .batches import Budget, default_budget, run
from .cache import VectorCache
from .finite import check_finite
from .identity import Snapshot, file_sha256, network_sha256, shape_of
from .inputs import bases_of, far_lengths, listed, texts_of
from .long import LongEmbedding, cut
from .masked import masked_passes
from .onehot import OneHotModel, Output
from .pooling import POOLINGS, both_strands, pool
from .readings import STRANDS, Readings
from .windows import WindowEmbedder

if TYPE_CHECKING:
    from distributed import Client

    from ..stores import Summary

__all__ = ["Bases", "Encoder", "ModelInfo"]

Bases = str | Sequence

#: Sequences after which the cache is written, so that a stopped run keeps what it computed.
_KEPT_AT_ONCE = 1024

#: Fewer are computed faster than all weights are read twenty times, whatever the network's size.
_FEW_TOKENS = 100

_guard = threading.Lock()
_locks: WeakKeyDictionary[Dnabert2PreTrainedModel, threading.RLock] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True, repr=False)
class ModelInfo(Shown):
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

    def _line(self) -> str:
        return str(self)

    def __str__(self) -> str:
        millions = self.parameters / 1e6
        size = f"{millions:.0f} M" if millions >= 10 else f"{millions:.1f} M"
        return f"{self.name} · {size} parameters · {self.dtype} · {self.attention} · {self.device}"


class Encoder(Shown):
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
    cache : VectorCache, optional
        Keeps what `embed` computes for the next time. Not used while the network is not what its
        file holds (trained, edited, hooked into).
    source : str, optional
        What `load` was given: a name, a hub id, or a folder. By default `name`.
    """

    def __init__(
        self,
        network: Dnabert2PreTrainedModel,
        tokenizer: DnaTokenizer,
        name: str = "model",
        checkpoint: Checkpoint | None = None,
        cache: VectorCache | None = None,
        source: str = "",
    ) -> None:
        self.network = network.eval()
        self.tokenizer = tokenizer
        self.name = name
        self.source = source or name
        self.checkpoint = checkpoint
        self.cache = cache
        self._loaded = Snapshot.of(network)
        self._budget = Budget(default_budget(network.device))

    def __getstate__(self) -> dict[str, object]:
        # Weights lie elsewhere in another process; what counts is whether they were the file's.
        return {**self.__dict__, "_loaded": self.pristine}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        self._loaded = Snapshot.of(self.network) if state["_loaded"] else Snapshot.never()

    def _line(self) -> str:
        return str(self.info)

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

    @property
    def embedding_layers(self) -> tuple[int, ...]:
        """Layers whose pooled vectors `embed` puts side by side where it is told of none."""
        return tuple(self.config.embedding_layers or (self.config.num_hidden_layers,))

    @property
    def embedding_size(self) -> int:
        """Numbers in a vector of `embed` where it is told of no layer."""
        return len(self.embedding_layers) * self.config.hidden_size

    @property
    def sha256(self) -> str:
        """Digest of the weights file; empty if there is none, or another than was loaded."""
        return "" if self.checkpoint is None else file_sha256(self.checkpoint)

    @property
    def pristine(self) -> bool:
        """Whether the network computes what it did when this encoder was made."""
        return self._loaded.holds(self.network)

    @property
    def weights_sha256(self) -> str:
        """Digest of the weights that compute: the file's, or their own where they are no file's."""
        return (self.pristine and self.sha256) or network_sha256(self.network)

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
        return self.tokenizer.encode(bases_of(bases))

    def input_ids(self, tokens: Tokens) -> torch.Tensor:
        """Token ids of one sequence as a batch of one, shape (1, n), on the network's device."""
        return torch.from_numpy(tokens.ids)[None].to(self.device)

    def embed(
        self,
        sequences: Bases | Iterable[Bases],
        pooling: Pooling = "mean",
        layer: int | Iterable[int] | None = None,
        batch_tokens: int | None = None,
        progress: Progress | None = None,
        *,
        strands: str | None = None,
    ) -> NDArray[np.float32]:
        """Embed sequences, one vector each.

        Parameters
        ----------
        sequences : str, Sequence, or iterable of them
        pooling : {"mean", "max", "cls"}
            Over the tokens of the sequence; [CLS] and [SEP] are left out of mean and max. [CLS]
            carries no meaning before fine-tuning.
        layer : int or iterable of int, optional
            0 is the embeddings, 1 … layers the layers' outputs; negative counts from the last.
            Several layers cost one pass. By default the last one, or what the model's config.json
            says (``embedding_layers``): the vectors of those layers side by side.
        batch_tokens : int, optional
            Tokens in one forward pass, which sees no padding; less takes less memory. By default
            1,024 on a CPU and 65,536 on a GPU. Halved, with a warning, when memory runs out, and
            left so.
        progress : callable, optional
            Called as progress(sequences done, sequences in all).
        strands : {"one", "both"}, optional
            The sequence as given, or the mean of its vector and of its reverse complement's (of
            "max", the larger of each two), which costs twice as much. By default what the model's
            config.json says (``embedding_strands``; "one" where it says nothing).

        Returns
        -------
        numpy.ndarray, float32
            Shape (n, `embedding_size`), (n, hidden) if `layer` is a number, or (n, layers, hidden)
            if it is an iterable; in the order given.

        Raises
        ------
        InputError
            If there is nothing to embed, a sequence is empty or too long for the memory, pooling
            or layer is unknown, or a value is NaN or infinite.
        """
        layers = self.find_layers(self.embedding_layers if layer is None else layer, pooling)
        both = self._embeds_both(strands)

        def shaped(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
            if layer is None:
                return vectors.reshape(len(vectors), -1)
            return vectors if isinstance(layer, Iterable) else vectors[:, 0]

        batch = listed(sequences)
        ids = self._encode(batch)
        budget = self._limit(batch_tokens)
        if not both:
            return shaped(self._cached(ids, pooling, layers, budget, progress))
        ids += self.turned_ids(texts_of(batch))

        def halved(done: int, total: int) -> None:
            if progress is not None:
                progress(done // 2, total // 2)

        found = self._cached(ids, pooling, layers, budget, halved)
        return shaped(both_strands(found, pooling))

    def _embeds_both(self, strands: str | None) -> bool:
        """Whether both strands are embedded: as asked, or as the model's config.json says."""
        asked = self.config.embedding_strands if strands is None else strands
        if asked not in STRANDS:
            raise InputError(f"strands is {asked!r}; expected 'one' or 'both'.")
        return asked == "both"

    def turned_ids(self, texts: Iterable[str]) -> list[NDArray[np.int64]]:
        """Token ids of the other strand of sequences."""
        turned = (clean(reverse_complement(clean(text).bases)) for text in texts)
        return self.tokenizer.encode_ids_batch(turned)

    def embed_long(
        self,
        bases: Bases,
        window: int = 10_000,
        overlap: int = 1_000,
        pooling: Pooling = "mean",
        layer: int | Iterable[int] | None = None,
        batch_tokens: int | None = None,
        progress: Progress | None = None,
    ) -> LongEmbedding:
        """Embed one sequence of any length in overlapping windows.

        `embed` reads a sequence as a whole, in time that grows with the square of its length. This
        reads windows, in time that grows with the length; tokens do not attend beyond theirs.

        Parameters
        ----------
        bases : str or Sequence
        window, overlap : int
            In bases. A sequence no longer than `window` is read as a whole.
        pooling : {"mean", "max"}
            Within a window, and over the windows.
        layer, batch_tokens, progress
            As in `embed`, of several layers side by side; progress counts windows.

        Returns
        -------
        LongEmbedding
            The vector, those of the windows, and, as its `str`, how it was computed.

        Raises
        ------
        InputError
            If the sequence has no bases, or window, overlap, pooling or layer do not fit.
        """
        if pooling == "cls":
            raise InputError("Pooling 'cls' has no meaning over windows: choose 'mean' or 'max'.")
        numbers = self.find_layers(self.embedding_layers if layer is None else layer, pooling)
        text = bases_of(bases)
        self._refuse_empty([bases], [clean(text)])
        spans = cut(len(text), window, overlap)
        pieces = [text[start:end] for start, end in spans]
        counts = [clean(piece).composition for piece in pieces]
        known = np.array([count.length - count.ambiguous for count in counts])
        read = np.flatnonzero(known)
        if not read.size:
            raise InputError("The sequence has no A, C, G or T: there is nothing to embed.")
        width = len(numbers) * self.config.hidden_size
        vectors = np.full((len(pieces), width), np.nan, dtype=np.float32)
        texts = [pieces[i] for i in read]
        # Of the whole: windows of nothing else are not read, and bases in an overlap twice.
        warn_unknown(clean(text).composition)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UnknownBasesWarning)
            found = self.embed(texts, pooling, numbers, batch_tokens, progress)
        vectors[read] = found.reshape(len(texts), -1)
        vector = (
            vectors[read].max(axis=0)
            if pooling == "max"
            else np.average(vectors[read], axis=0, weights=known[read])
        )
        return LongEmbedding(
            vector=vector.astype(np.float32),
            vectors=vectors,
            spans=spans,
            window=window,
            overlap=overlap,
            pooling=pooling,
            layer=numbers[0] if len(numbers) == 1 else numbers,
            model=str(self.info),
        )

    def embed_to(
        self,
        store: str | PathLike[str],
        source: str | PathLike[str] | Sequence | Iterable[Bases],
        window: int | None = None,
        stride: int | None = None,
        layers: int | Iterable[int] | None = None,
        pooling: Pooling = "mean",
        *,
        client: Client | None = None,
        rows_per_chunk: int = 256,
        batch_tokens: int | None = None,
        progress: Progress | None = None,
    ) -> Summary:
        """Embed windows of a genome into a Zarr store, with constant memory.

        Stopped in any way, even killed, the same call goes on where it was, and ends with the same
        store, bit for bit.

        Parameters
        ----------
        store : str or path-like
            Folder of the store, such as ``"out.zarr"``; read it with `stores.open_store`.
        source : str, path-like, Sequence, or iterable of Sequence or str
            The path of a FASTA file, or records in memory.
        window, stride : int, optional
            In bases. Windows start every `stride` (by default `window`) bases of each record; the
            last ends where the record ends, and may be shorter, unless `stride` is larger than
            `window` and leaves the end out. None: each record as a whole.
        layers : int or iterable of int, optional
            As `layer` in `embed`; each is an array of its own in the store.
        pooling, batch_tokens
            As in `embed`.
        client : distributed.Client, optional
            A Dask cluster that computes instead of this process (extra ``[cluster]``).
        rows_per_chunk : int
            Windows computed, written and resumed together.
        progress : callable, optional
            Called as progress(bases done, bases in all).

        Returns
        -------
        Summary

        Raises
        ------
        InputError
            If the source cannot be read, or the store belongs to another source, model or setting;
            every difference is named.
        """
        from ..stores import embed_windows

        # A layer named twice, from either end, is one array.
        asked = self.embedding_layers if layers is None else layers
        wanted = tuple(dict.fromkeys(self.find_layers(asked, pooling)))
        embedder = WindowEmbedder(self, pooling, wanted, batch_tokens)
        return embed_windows(
            store,
            source,
            embedder,
            window=window,
            stride=stride,
            rows_per_chunk=rows_per_chunk,
            client=client,
            progress=progress,
        )

    def find_layers(self, layer: int | Iterable[int], pooling: Pooling = "mean") -> tuple[int, ...]:
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
        try:
            asked = tuple(map(index, layer if isinstance(layer, Iterable) else (layer,)))
        except TypeError:
            raise InputError(
                f"Layer {layer!r} is no number: give 0 to {n_states - 1}, or several of them."
            ) from None
        if not asked:
            raise InputError("No layer is named: give at least one.")
        for number in asked:
            if not -n_states <= number < n_states:
                raise InputError(
                    f"Layer {number} does not exist: this model has states 0 (embeddings) to "
                    f"{n_states - 1}, or -1 to -{n_states} counted from the last."
                )
        return tuple(number % n_states for number in asked)

    def embed_ids(
        self,
        ids: list[NDArray[np.int64]],
        pooling: str,
        layers: tuple[int, ...],
        budget: Budget | None = None,
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

        return run(ids, vectors, self.device, self.lock, budget or self._budget, progress)

    def _limit(self, batch_tokens: int | None) -> Budget:
        """Tokens a pass: what the caller says, or what has been found to fit."""
        return self._budget if batch_tokens is None else Budget(batch_tokens)

    def _vectors(
        self,
        ids: list[NDArray[np.int64]],
        pooling: str,
        layers: tuple[int, ...],
        budget: Budget,
        progress: Progress | None,
    ) -> NDArray[np.float32]:
        """`embed_ids`, refused where a value is no number."""
        vectors = self.embed_ids(ids, pooling, layers, budget, progress)
        check_finite(vectors, self.network, "values of the embeddings")
        return vectors

    def _cached(
        self,
        ids: list[NDArray[np.int64]],
        pooling: str,
        layers: tuple[int, ...],
        budget: Budget,
        progress: Progress | None,
    ) -> NDArray[np.float32]:
        """`_vectors` of what the cache does not know yet."""
        cache = self.cache
        # Under autocast the network computes in another type than its own. To look at the weights
        # takes longest, and comes last; at all of them, longer than a few tokens take to compute.
        many = sum(map(len, ids)) >= _FEW_TOKENS
        if (
            cache is None
            or torch.is_autocast_enabled(self.device.type)
            or not (sha256 := self.sha256)
            or not self._loaded.holds(self.network, thorough=many)
        ):
            return self._vectors(ids, pooling, layers, budget, progress)
        if len(ids) * len(layers) * self.config.hidden_size * 4 > cache.limit // 2:
            warnings.warn(
                f"{len(ids):,} vectors take more than half of the cache and are not kept for the "
                "next time: embed_to writes so many to a store.",
                ExploreWarning,
                stacklevel=3,
            )
            return self._vectors(ids, pooling, layers, budget, progress)
        # With the version of the code: a fault that was mended must not live on in the cache.
        dtype = str(self.dtype).removeprefix("torch.")
        settings = (
            f"{__version__} {sha256} {shape_of(self.network)} {dtype} "
            f"{self.attention} {self.device.type} {torch.get_float32_matmul_precision()} "
            f"{pooling} {layers} {self.tokenizer.cls_id} {self.tokenizer.sep_id}"
        )
        keys = [cache.key(settings, sequence) for sequence in ids]
        known = cache.get(keys)
        new = [i for i, key in enumerate(keys) if key not in known]
        if new and not many and not self.pristine:
            return self._vectors(ids, pooling, layers, budget, progress)
        done = len(ids) - len(new)
        if not new and progress is not None:
            progress(done, len(ids))
        # In parts, longest first, so that what is computed is kept when the rest is stopped.
        new.sort(key=lambda i: -len(ids[i]))
        for start in range(0, len(new), _KEPT_AT_ONCE):
            part = new[start : start + _KEPT_AT_ONCE]

            def counted(within: int, _total: int, before: int = done) -> None:
                if progress is not None:
                    progress(before + within, len(ids))

            vectors = self._vectors([ids[i] for i in part], pooling, layers, budget, counted)
            fresh = {keys[i]: row.ravel() for i, row in zip(part, vectors, strict=True)}
            cache.put(fresh)
            known |= fresh
            done += len(part)
        rows = np.stack([known[key] for key in keys])
        return rows.reshape(len(ids), len(layers), self.config.hidden_size)

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
            values = torch.cat(states).float().cpu().numpy()
        check_finite(values, self.network, "values of the hidden states")
        return values

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
        for values in (queries, keys):
            check_finite(values, self.network, "values of queries and keys")
        return queries, keys

    def masked_log_probs(
        self,
        ids: list[NDArray[np.int64]],
        positions: list[NDArray[np.int64]],
        batch_tokens: int | None = None,
        progress: Progress | None = None,
    ) -> list[NDArray[np.float32]]:
        """Log-probability of every vocabulary entry at masked positions.

        All positions of a sequence are masked at once; to mask one at a time, pass the sequence
        once for each. The head runs at these positions only.

        Parameters
        ----------
        ids : list of numpy.ndarray, shape (n,), int64
            Token ids with [CLS] and [SEP], such as ``tokenize(bases).ids``; not changed.
        positions : list of numpy.ndarray, shape (k,), int64
            Indices into each of them.
        batch_tokens, progress
            As in `embed`.

        Returns
        -------
        list of numpy.ndarray, shape (k, vocabulary), float32
            In nats. 16 kB a position with 4,096 entries.

        Raises
        ------
        InputError
            If the model has no masked-LM head, or a position does not exist.
        """
        return masked_passes(
            self,
            ids,
            positions,
            lambda _number, rows: rows.cpu().numpy(),
            self._limit(batch_tokens),
            progress,
        )

    def predict(
        self,
        sequences: Bases | Iterable[Bases],
        batch_tokens: int | None = None,
        progress: Progress | None = None,
        second: Bases | Iterable[Bases] | None = None,
        *,
        strands: str | None = None,
        segmentations: int | None = None,
    ) -> NDArray[np.float32]:
        """Predict with the model's head.

        Input is cut at the tokens it was cut at in training (``config.max_input_tokens``). The
        answer may be the mean over several readings of each sequence; what a model does unless told
        otherwise was decided when it was trained, and stands in its config.json and card.

        Parameters
        ----------
        sequences : str, Sequence, or iterable of them
        batch_tokens, progress
            As in `embed`.
        second : str, Sequence, or iterable of them, optional
            The second sequence of each pair, for a model that was trained on pairs.
        strands : {"one", "both"}, optional
            The sequence as given, or the mean with its reverse complement.
        segmentations : int, optional
            Further random segmentations of each strand (forced borders, chance 0.05 a base), the
            same ones for a sequence in every process. Cost: (1 + segmentations) passes a strand.

        Returns
        -------
        numpy.ndarray, float32
            Probabilities, shape (n, classes) (independent ones for a multi-label model), or
            values, shape (n,), for a regression model.

        Raises
        ------
        InputError
            If the model has no head, a sequence is empty, or the model reads pairs and there are
            none, or the other way round; if both strands are asked of a model that reads a site of
            one strand.

        Warns
        -----
        UserWarning
            If sequences are less than half or more than twice as long as any the model was trained
            on.
        """
        self._need_head()
        pairs = self.config.sequence_pairs
        if pairs != (second is not None):
            raise InputError(
                f"Model {self.name!r} was trained on pairs of sequences: give the second ones as "
                "second=."
                if pairs
                else f"Model {self.name!r} reads single sequences, not pairs: leave second= out."
            )
        batches = [listed(sequences)] + ([] if second is None else [listed(second)])
        if len({len(batch) for batch in batches}) > 1:
            raise InputError(
                f"There are {len(batches[0]):,} first and {len(batches[1]):,} second sequences: "
                "give as many of the one as of the other."
            )
        readings = Readings.of(self, strands, segmentations)
        ids = [self._encode(batch) for batch in batches]
        if self.config.training_bases is not None:
            shortest, longest = self.config.training_bases
            lengths = (len(bases_of(one)) for batch in batches for one in batch)
            told = far_lengths(lengths, (shortest, longest))
            if told is not None:
                warnings.warn(told, ExploreWarning, stacklevel=2)
        texts = [[clean(one).bases for one in texts_of(batch)] for batch in batches]
        values = readings.predict(self, ids, texts, self._limit(batch_tokens), progress)
        check_finite(values, self.network, "predictions")
        return values

    def as_onehot(self, target: int | str | None = None, output: Output = "auto") -> OneHotModel:
        """Return this model as a torch module of one-hot bases, as other tools for DNA ask.

        Parameters
        ----------
        target : int or str, optional
            One class; all by default.
        output : {"auto", "logit", "probability", "value", "embedding"}
            "auto": logits, the value of a regression model, embeddings of a model without a head.

        Returns
        -------
        OneHotModel
            ``(batch, 4, length) -> (batch, outputs)``, rows A, C, G, T; it shares this network.

        Raises
        ------
        InputError
            If there is no such class, or the model has not that output.

        Examples
        --------
        >>> from dnabert2_explore import load
        >>> import torch
        >>> one_hot = torch.eye(4)[:, [0, 1, 2, 3, 0, 0, 2, 1]][None]
        >>> load("pocket-splice").as_onehot("donor")(one_hot).shape
        torch.Size([1, 1])
        """
        return OneHotModel(self, target, output)

    def predict_ids(
        self,
        ids: list[NDArray[np.int64]],
        budget: Budget | None = None,
        progress: Progress | None = None,
    ) -> NDArray[np.float32]:
        """Predict from token ids (with [CLS] and [SEP]); `predict` after tokenization."""
        values = self._head_ids(ids, self.activate, budget, progress)
        return values[:, 0] if self.is_regression else values

    def logits_ids(
        self,
        ids: list[NDArray[np.int64]],
        budget: Budget | None = None,
        progress: Progress | None = None,
    ) -> NDArray[np.float32]:
        """Compute the head's outputs before `activate`, from token ids with [CLS] and [SEP].

        Returns
        -------
        numpy.ndarray, shape (n, labels), float32

        Raises
        ------
        InputError
            If the model has no head.
        """
        values = self._head_ids(ids, lambda logits: logits, budget, progress)
        check_finite(values, self.network, "outputs of the head")
        return values

    def _head_ids(
        self,
        ids: list[NDArray[np.int64]],
        activate: Callable[[torch.Tensor], torch.Tensor],
        budget: Budget | None,
        progress: Progress | None,
    ) -> NDArray[np.float32]:
        self._need_head()

        def outputs(packed: torch.Tensor, packing: Packing) -> torch.Tensor:
            return activate(self.network.packed_logits(packed, packing).float())

        return run(ids, outputs, self.device, self.lock, budget or self._budget, progress)

    def activate(self, logits: torch.Tensor) -> torch.Tensor:
        """Turn the head's logits (n, labels) into probabilities, or into values."""
        if self._multi_label:
            return logits.sigmoid()
        return logits if self.is_regression else logits.softmax(dim=-1)

    @property
    def is_regression(self) -> bool:
        """Whether the head answers with a value, not with classes."""
        return self.has_head and self.config.num_labels == 1 and not self._multi_label

    @property
    def _multi_label(self) -> bool:
        return bool(self.config.problem_type == "multi_label_classification")

    def _need_head(self) -> None:
        if not self.has_head:
            raise InputError(
                f"Model {self.name!r} has no classification head: load a fine-tuned model such as "
                '"pocket-splice", or fine-tune this one.'
            )

    def _one(self, bases: Bases | Tokens) -> Tokens:
        if isinstance(bases, Tokens):
            return bases
        tokens = self.tokenize(bases)
        if tokens.special.all():
            raise InputError("The sequence has no bases: give at least one.")
        return tokens

    def _encode(self, sequences: Bases | Iterable[Bases]) -> list[NDArray[np.int64]]:
        """Token ids of each sequence; warns once of all that is no A, C, G, T or U."""
        batch = listed(sequences)
        cleaned = [clean(text) for text in texts_of(batch)]
        self._refuse_empty(batch, cleaned)
        warn_unknown(Composition.total(c.composition for c in cleaned), stacklevel=3)
        blank = [
            _called(number, batch)
            for number, c in enumerate(cleaned)
            if c.composition.ambiguous == c.composition.length
        ]
        if blank:
            more = f" and {len(blank) - 3:,} more" if len(blank) > 3 else ""
            warnings.warn(
                f"{', '.join(blank[:3])}{more}: no A, C, G or T at all, so that what is computed "
                "says nothing about DNA: leave such sequences out.",
                UnknownBasesWarning,
                stacklevel=3,
            )
        return self.tokenizer.encode_ids_batch(cleaned)

    @staticmethod
    def _refuse_empty(batch: list[Bases], cleaned: list[Cleaned]) -> None:
        for number, one in enumerate(cleaned):
            if not one.bases:
                raise InputError(
                    f"{_called(number, batch)} has no bases: remove it or give its bases."
                )


def _called(number: int, batch: list[Bases]) -> str:
    item = batch[number]
    name = f" ({item.name})" if isinstance(item, Sequence) else ""
    return f"Sequence {number + 1} of {len(batch)}{name}"
