"""Vectors of sequences, out of the cache where it knows them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ...common.names import Pooling
from ...common.progress import Progress, quiet, within
from ...errors import warn
from ...version import __version__
from ..inputs import cleaned, texts_of
from ..loading.identity import shape_of
from ..model import Model
from ..passes.batches import Budget
from ..passes.finite import check_finite
from .pooling import both_strands

__all__ = ["embed_texts"]

#: Sequences after which the cache is written, so that a stopped run keeps what it computed.
_KEPT_AT_ONCE = 1024

#: Fewer are computed faster than all weights are read twenty times, whatever the network's size.
_FEW_TOKENS = 100


def embed_texts(
    model: Model,
    batch: list[Any],
    pooling: Pooling,
    layers: tuple[int, ...],
    both: bool,
    budget: Budget,
    progress: Progress | None = None,
) -> NDArray[np.float32]:
    """Embed sequences, `Encoder.embed` after its settings were read: (n, layers, hidden).

    With `both`, the mean with the other strand (of "max", the larger). Raises InputError where a
    sequence has no bases, or a value is NaN or infinite.
    """
    ids = model.tokenizer.encode_ids_batch(cleaned(batch))
    if not both:
        return cached_vectors(model, ids, pooling, layers, budget, progress)
    ids += model.turned_ids(texts_of(batch))
    halved = within(progress, 0, len(batch), len(batch))
    return both_strands(cached_vectors(model, ids, pooling, layers, budget, halved), pooling)


def cached_vectors(
    model: Model,
    ids: list[NDArray[np.int64]],
    pooling: str,
    layers: tuple[int, ...],
    budget: Budget,
    progress: Progress | None,
) -> NDArray[np.float32]:
    """Embed token ids (with [CLS] and [SEP]), but for what the cache knows: (n, layers, hidden).

    Raises InputError where a value is NaN or infinite.
    """
    cache = model.cache
    # Under autocast the network computes in another type than its own. To look at the weights
    # takes longest, and comes last; at all of them, longer than a few tokens take to compute.
    many = sum(map(len, ids)) >= _FEW_TOKENS
    if (
        cache is None
        or torch.is_autocast_enabled(model.device.type)
        or not (sha256 := model.sha256)
        or not model.holds(thorough=many)
    ):
        return _vectors(model, ids, pooling, layers, budget, progress)
    if len(ids) * len(layers) * model.config.hidden_size * 4 > cache.limit // 2:
        warn(
            f"{len(ids):,} vectors take more than half of the cache and are not kept for the "
            "next time: embed_to writes so many to a store."
        )
        return _vectors(model, ids, pooling, layers, budget, progress)
    # With the version of the code: a fault that was mended must not live on in the cache.
    dtype = str(model.dtype).removeprefix("torch.")
    settings = (
        f"{__version__} {sha256} {shape_of(model.module)} {dtype} "
        f"{model.attention} {model.device.type} {torch.get_float32_matmul_precision()} "
        f"{pooling} {layers} {model.tokenizer.cls_id} {model.tokenizer.sep_id}"
    )
    keys = [cache.key(settings, sequence) for sequence in ids]
    known = cache.get(keys)
    new = [i for i, key in enumerate(keys) if key not in known]
    if new and not many and not model.pristine:
        return _vectors(model, ids, pooling, layers, budget, progress)
    done = len(ids) - len(new)
    if not new:
        (progress or quiet)(done, len(ids))
    # In parts, longest first, so that what is computed is kept when the rest is stopped.
    new.sort(key=lambda i: -len(ids[i]))
    for start in range(0, len(new), _KEPT_AT_ONCE):
        part = new[start : start + _KEPT_AT_ONCE]
        counted = within(progress, done, len(part), len(ids))
        vectors = _vectors(model, [ids[i] for i in part], pooling, layers, budget, counted)
        fresh = {keys[i]: row.ravel() for i, row in zip(part, vectors, strict=True)}
        # Hooked into since, while another thread had the network?
        if not model.lock.hooked:
            cache.put(fresh)
        known |= fresh
        done += len(part)
    rows = np.stack([known[key] for key in keys])
    return rows.reshape(len(ids), len(layers), model.config.hidden_size)


def _vectors(
    model: Model,
    ids: list[NDArray[np.int64]],
    pooling: str,
    layers: tuple[int, ...],
    budget: Budget,
    progress: Progress | None,
) -> NDArray[np.float32]:
    """Embed token ids, refused where a value is no number."""
    vectors = model.embed_ids(ids, pooling=pooling, layers=layers, budget=budget, progress=progress)
    check_finite(vectors, model.module, "values of the embeddings")
    return vectors
