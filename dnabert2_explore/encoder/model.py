"""A network with its tokenizer, on a device: what it is, and what it makes of token ids."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from operator import index
from typing import TYPE_CHECKING, cast
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray

from ..common.names import Pooling, check_name
from ..common.progress import Progress
from ..errors import InputError
from ..network import Dnabert2Config, Network
from ..network.bare import BareNetwork
from ..network.checkpoints.load import Checkpoint
from ..network.forward import EncoderForward
from ..network.headed import ClassifierForward, MaskedLMForward
from ..network.packing import Packing
from ..results.origins import recorded, running_call
from ..results.rich_display import RichDisplay
from ..sequences import Sequence, clean, reverse_complement
from ..tokens import DnaTokenizer, Tokens
from .info import ModelInfo
from .inputs import bases_of
from .loading.identity import Sample, Snapshot, file_sha256, network_sha256
from .model_entry import model_entry
from .network_lock import NetworkLock
from .passes.batches import Budget, default_budget, run
from .passes.finite import check_finite
from .vectors.cache import VectorCache
from .vectors.pooling import POOLINGS, pool

if TYPE_CHECKING:
    from ..network import Dnabert2PreTrainedModel

__all__ = ["Bases", "Model"]

Bases = str | Sequence

_guard = threading.Lock()
_locks: WeakKeyDictionary[Network, NetworkLock] = WeakKeyDictionary()


class Model(RichDisplay):
    """A DNABERT-2 with its tokenizer, on a device; `Encoder`, which reads sequences, says the rest.

    Its network may be a transformers model or a bare one.
    """

    def __init__(
        self,
        network: Network,
        tokenizer: DnaTokenizer,
        name: str = "model",
        checkpoint: Checkpoint | None = None,
        cache: VectorCache | None = None,
        source: str = "",
    ) -> None:
        self._module = network.eval()
        self.tokenizer = tokenizer
        self.name = name
        self.source = source or name
        self.checkpoint = checkpoint
        self.cache = cache
        self._loaded = Snapshot.of(network)
        self._digested: tuple[Sample, str] | None = None
        self._looked: tuple[object, bool] | None = None
        self.budget = Budget(default_budget(network.device))

    def __getstate__(self) -> dict[str, object]:
        # Weights lie elsewhere in another process; what counts is whether they were the file's.
        return {**self.__dict__, "_loaded": self.pristine, "_digested": None, "_looked": None}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        self._loaded = Snapshot.of(self._module) if state["_loaded"] else Snapshot.never()

    def _line(self) -> str:
        return str(self.info)

    @property
    def module(self) -> Network:
        """The network as a torch module, whichever of its two classes it is: what computes."""
        return self._module

    @property
    def network(self) -> Dnabert2PreTrainedModel:
        """The network as a transformers model: what peft, Trainer and ``save_pretrained`` take.

        Made when first asked for, of the modules and weights that compute: its base class takes as
        long to import as torch.
        """
        with _guard:
            if isinstance(self._module, BareNetwork):
                from ..network.modeling import pretrained_of

                made = pretrained_of(self._module)
                if (lock := _locks.get(self._module)) is not None:
                    lock.follow(made)
                    _locks[made] = lock
                self._module = made
            network = self._module
        return cast("Dnabert2PreTrainedModel", network)

    @property
    def config(self) -> Dnabert2Config:
        """Shape of the network."""
        return self.module.config

    @property
    def device(self) -> torch.device:
        """Where the network computes."""
        return self.module.device

    @property
    def dtype(self) -> torch.dtype:
        """Type of the weights."""
        return self.module.dtype

    @property
    def attention(self) -> str:
        """Attention backend of the model, also while a method works with another."""
        return self.lock.attention

    @property
    def has_head(self) -> bool:
        """Whether the model predicts classes or values."""
        return hasattr(self.module, "classifier")

    @property
    def has_masked_lm(self) -> bool:
        """Whether the model predicts masked tokens."""
        return isinstance(self.module, MaskedLMForward)

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
    def is_regression(self) -> bool:
        """Whether the head answers with a value, not with classes."""
        return self.has_head and self.config.num_labels == 1 and not self._multi_label

    @property
    def _multi_label(self) -> bool:
        return bool(self.config.problem_type == "multi_label_classification")

    @property
    def sha256(self) -> str:
        """Digest of the weights file; empty if there is none, or another than was loaded."""
        return "" if self.checkpoint is None else file_sha256(self.checkpoint)

    @property
    def pristine(self) -> bool:
        """Whether the network computes what it did when this encoder was made."""
        return self.holds()

    def holds(self, thorough: bool = True) -> bool:
        """Whether the network computes what it did when this was made.

        What a method hooks into it for as long as it works is not looked at; a hook of the caller's
        is found once no other thread works with the network. If not `thorough`, by
        a sample of its weights, which an edit of a few numbers through ``.data`` may pass by.
        """
        call = None if thorough else running_call()
        if call is not None and self._looked is not None and self._looked[0] is call:
            return self._looked[1]
        found = not self.lock.hooked and self._loaded.holds(self.module, thorough=thorough)
        if call is not None:  # its record and its cache ask the same: one look does for both
            self._looked = (call, found)
        return found

    @property
    def weights_sha256(self) -> str:
        """Digest of the weights that compute: the file's, or their own where they are no file's."""
        return self.find_weights_sha256()

    def find_weights_sha256(self, *, quick: bool = False) -> str:
        """Digest of the weights that compute.

        Parameters
        ----------
        quick : bool
            Read a sample of the weights, not all, to tell whether they are the file's or those of
            the last time, and all of them only where they are neither.
        """
        if self.holds(thorough=not quick) and (digest := self.sha256):
            return digest
        seen = Sample.of(self.module)
        if quick and self._digested is not None and self._digested[0].same(seen):
            return self._digested[1]
        digest = network_sha256(self.module)
        self._digested = (seen, digest)
        return digest

    @property
    def info(self) -> ModelInfo:
        """What this model is and how it runs."""
        config = self.config
        return ModelInfo(
            name=self.name,
            path="" if self.checkpoint is None else str(self.checkpoint.folder),
            parameters=sum(p.numel() for p in self.module.parameters()),
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

    def _model_entry(self, by_file: bool = False, quick: bool = True) -> dict[str, str]:
        return model_entry(self, by_file=by_file, quick=quick)

    @property
    def lock(self) -> NetworkLock:
        """Held while the network computes, so that threads do not meet in its hooks.

        It belongs to the network: encoders that share one share its lock.
        """
        with _guard:
            found = _locks.get(self._module)
            if found is None:
                found = _locks[self._module] = NetworkLock(self._module)
            return found

    @property
    def body(self) -> EncoderForward:
        """The encoder under the head, if there is a head."""
        return cast(EncoderForward, getattr(self.module, "bert", self.module))

    @recorded(light=True)
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
        """Ids of one sequence's `tokens` as a batch of one, (1, n), on the network's device."""
        return torch.from_numpy(tokens.ids)[None].to(self.device)

    def turned_ids(self, texts: Iterable[str]) -> list[NDArray[np.int64]]:
        """Token ids of the other strand of the sequences in `texts`, with [CLS] and [SEP]."""
        turned = (clean(reverse_complement(clean(text).bases)) for text in texts)
        return self.tokenizer.encode_ids_batch(turned)

    def find_layers(
        self, layer: int | Iterable[int], *, pooling: Pooling = "mean"
    ) -> tuple[int, ...]:
        """Resolve layers counted from either end to 0 … layers; check the pooling's name too.

        Returns
        -------
        tuple of int
            0 for the embeddings; as many as were named.

        Raises
        ------
        InputError
            If a layer or the pooling does not exist.
        """
        check_name("Pooling", pooling, POOLINGS)
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
        *,
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
            states = self._packed_states(packed, packing, layers)
            inside = ~torch.isin(packed, outside)
            pooled = [pool(states[layer], packing, inside, pooling) for layer in layers]
            return torch.stack(pooled, dim=1)

        return run(ids, vectors, self.device, self.lock, budget or self.budget, progress)

    def _packed_states(
        self, packed: torch.Tensor, packing: Packing, layers: tuple[int, ...]
    ) -> Mapping[int, torch.Tensor]:
        """Hidden states of layers at packed tokens, (total, hidden) each."""
        return self.body.packed_states(packed, packing, layers)

    def predict_ids(
        self,
        ids: list[NDArray[np.int64]],
        *,
        budget: Budget | None = None,
        progress: Progress | None = None,
    ) -> NDArray[np.float32]:
        """Predict from token ids (with [CLS] and [SEP]); `predict` after tokenization."""
        values = self._head_ids(ids, self.activate, budget, progress)
        return values[:, 0] if self.is_regression else values

    def logits_ids(
        self,
        ids: list[NDArray[np.int64]],
        *,
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
        values = self._head_ids(ids, lambda logits: logits, None, progress)
        check_finite(values, self.module, "outputs of the head")
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
            return activate(
                cast(ClassifierForward, self.module).packed_logits(packed, packing).float()
            )

        return run(ids, outputs, self.device, self.lock, budget or self.budget, progress)

    def activate(self, logits: torch.Tensor) -> torch.Tensor:
        """Turn the head's logits (n, labels) into probabilities, or into values."""
        if self._multi_label:
            return logits.sigmoid()
        return logits if self.is_regression else logits.softmax(dim=-1)

    def find_class(self, target: int | str) -> int:
        """Return the column of a class, the `target`, which is named or counted from 0.

        Raises
        ------
        InputError
            If there is none.
        """
        named = ", ".join(self.classes)
        if isinstance(target, str):
            check_name("Class", target, self.classes)
            return self.classes.index(target)
        if isinstance(target, bool | np.bool_) or not hasattr(target, "__index__"):
            raise InputError(f"Target {target!r} is no class: give its name, or a whole number.")
        number = index(target)
        if not 0 <= number < len(self.classes):
            raise InputError(
                f"Class {number} is out of range: this model has classes 0 to "
                f"{len(self.classes) - 1} ({named})."
            )
        return number

    def _need_head(self) -> None:
        if not self.has_head:
            raise InputError(
                f"Model {self.name!r} has no classification head: load a fine-tuned model such as "
                '"pocket-splice", or fine-tune this one.'
            )
