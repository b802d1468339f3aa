"""What a store of embeddings needs of an encoder: windows in, vectors out, in any process."""

from __future__ import annotations

import platform
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
import transformers
from numpy.typing import NDArray

from ...common.names import Backend, DType, Pooling
from ...errors import InputError
from ...sequences import clean
from ...version import __version__
from ..loading.identity import shape_of
from ..model import Model
from ..passes.batches import Budget, default_budget
from ..passes.finite import why_not_finite
from .pooling import both_strands

__all__ = ["Recipe", "WindowEmbedder"]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How another process makes the same `WindowEmbedder`: by loading the model again.

    `model` is as `load` takes it; `sha256` is of the weights, which the other process must find
    too.
    """

    model: str
    device: str
    dtype: DType
    attention: Backend
    sha256: str
    pooling: Pooling
    layers: tuple[int, ...]
    batch_tokens: int | None

    def __call__(self) -> WindowEmbedder:
        """Load the model; raise InputError where the one that is found has other weights."""
        from ..loading.load import load

        enc = load(
            self.model, device=self.device, dtype=self.dtype, attention=self.attention, cache=False
        )
        if enc.weights_sha256 != self.sha256:
            raise InputError(
                f"The model {self.model!r} on {platform.node()} has other weights than the one "
                "this work began with: copy the same model folder to every machine."
            )
        return WindowEmbedder(enc, self.pooling, self.layers, self.batch_tokens)


class WindowEmbedder:
    """An encoder with settings, as `stores` takes it; layer 0 is the embeddings."""

    def __init__(
        self,
        enc: Model,
        pooling: Pooling,
        layers: tuple[int, ...],
        batch_tokens: int | None = None,
    ) -> None:
        self.enc = enc
        self.pooling = pooling
        self.layers = layers
        self.batch_tokens = batch_tokens
        # One for the whole run: what did not fit once will not fit in the next chunk.
        self.budget = Budget(batch_tokens or default_budget(enc.device))
        self.hidden = enc.config.hidden_size
        self.both = enc.config.embedding_strands == "both"

    @property
    def identity(self) -> dict[str, Any]:
        """What makes two runs the same; compared before a store is continued."""
        return {
            "weights_sha256": self.enc.weights_sha256,
            "tokenizer_sha256": self.enc.tokenizer.sha256,
            "shape": shape_of(self.enc.module),
            "dtype": self.enc.info.dtype,
            "pooling": self.pooling,
            "layers": list(self.layers),
        } | ({"strands": "both"} if self.both else {})

    @property
    def about(self) -> dict[str, Any]:
        """What else is worth knowing of a run; recorded."""
        info = self.enc.info
        return {
            "model": info.name,
            "path": info.path,
            "parameters": info.parameters,
            "attention": info.attention,
            "device": info.device,
            "batch_tokens": self.batch_tokens or default_budget(self.enc.device),
            "dnabert2_explore": __version__,
            "torch": torch.__version__,
            "transformers": transformers.__version__,
        }

    @property
    def recipe(self) -> Callable[[], WindowEmbedder]:
        """How another process makes the same embedder; picklable.

        Raises InputError where the network is not what its file holds.
        """
        enc = self.enc
        if enc.checkpoint is None or not enc.pristine:
            raise InputError(
                f"Model {enc.name!r} is in no file, or was changed since it was loaded, so other "
                "processes cannot load it: save it to a folder that all of them see, and load it "
                "from there."
            )
        return Recipe(
            model=str(enc.checkpoint.folder),
            device=enc.device.type,
            # Names that `load` took, or it would not have loaded.
            dtype=cast("DType", enc.info.dtype),
            attention=cast("Backend", enc.attention),
            sha256=enc.weights_sha256,
            pooling=self.pooling,
            layers=self.layers,
            batch_tokens=self.batch_tokens,
        )

    def prepare(self, bases: list[str]) -> list[NDArray[np.int64]]:
        """Tokenize windows."""
        ids = self.enc.tokenizer.encode_ids_batch(map(clean, bases))
        return ids + self.enc.turned_ids(bases) if self.both else ids

    def compute(self, prepared: list[NDArray[np.int64]]) -> NDArray[np.float32]:
        """Embed tokenized windows, shape (n, layers, hidden)."""
        found = self.enc.embed_ids(
            prepared, pooling=self.pooling, layers=self.layers, budget=self.budget
        )
        return both_strands(found, self.pooling) if self.both else found

    def why_not_finite(self) -> str:
        """Say what makes a vector that holds NaN or infinity, and the mend."""
        return why_not_finite(self.enc.module)
