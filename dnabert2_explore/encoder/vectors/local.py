"""Two vectors a sequence: the mean over all its bases, and over one stretch of tokens."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from ...common.progress import Progress
from ..model import Model
from ..passes.batches import Budget, pack, run_passes
from ..passes.finite import check_finite

__all__ = ["embed_with_stretch"]


def embed_with_stretch(
    enc: Model,
    ids: Sequence[NDArray[np.int64]],
    stretches: Sequence[tuple[int, int]],
    layers: tuple[int, ...],
    budget: Budget,
    progress: Progress | None = None,
) -> NDArray[np.float32]:
    """Embed sequences as wholes and locally, in one pass: (len(ids), 2, layers, hidden).

    Means over the tokens other than [CLS] and [SEP], and over the tokens [first, last) of each
    sequence's stretch, at least one. `ids` have [CLS] and [SEP]; layer 0 is the embeddings.
    """
    out = np.empty((len(ids), 2, len(layers), enc.config.hidden_size), dtype=np.float32)
    lengths = np.array([len(one) for one in ids], dtype=np.int64)
    device = enc.device

    def one_pass(members: NDArray[np.int64]) -> None:
        states = enc.body.packed_states(*pack([ids[i] for i in members], device), layers)
        starts = np.concatenate([[0], np.cumsum(lengths[members])[:-1]])
        spans = np.array([stretches[i] for i in members])
        wholes = np.stack([np.ones_like(starts), lengths[members] - 1], axis=1)
        for kind, bounds in enumerate((wholes, spans)):
            sizes = bounds[:, 1] - bounds[:, 0]
            places = [np.arange(a, b) + s for s, (a, b) in zip(starts, bounds, strict=True)]
            at = torch.from_numpy(np.concatenate(places)).to(device)
            counts = torch.from_numpy(sizes).to(device)
            for number, layer in enumerate(layers):
                means = torch.segment_reduce(
                    states[layer][at].float(), "mean", lengths=counts, axis=0
                )
                out[members, kind, number] = means.cpu().numpy()

    run_passes(lengths, one_pass, device, enc.lock, budget, progress)
    check_finite(out, enc.module, "values of the embeddings")
    return out
