"""Two vectors a sequence: the mean over all its bases, and over one stretch of tokens."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from ...common.progress import Progress
from ...network.packing import Packing
from ..model import Model
from ..passes.batches import Budget, run_passes
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
    """Embed sequences as wholes and locally, in one pass.

    Parameters
    ----------
    enc : Model
    ids : sequence of numpy.ndarray, shape (n,), int64
        Token ids with [CLS] and [SEP].
    stretches : sequence of tuple of int
        Tokens [first, last) of each, at least one.
    layers : tuple of int
        From 0 (the embeddings) to the number of layers.
    budget : Budget
    progress : callable, optional
        Called as progress(sequences done, sequences in all).

    Returns
    -------
    numpy.ndarray, shape (len(ids), 2, layers, hidden), float32
        Means over the tokens other than [CLS] and [SEP], and over the stretch.
    """
    out = np.empty((len(ids), 2, len(layers), enc.config.hidden_size), dtype=np.float32)
    lengths = np.array([len(one) for one in ids], dtype=np.int64)
    device = enc.device
    done = 0

    def one_pass(members: NDArray[np.int64]) -> None:
        packed = torch.from_numpy(np.concatenate([ids[i] for i in members])).to(device)
        packing = Packing.from_lengths(lengths[members].tolist(), device)
        states = enc.body.packed_states(packed, packing, layers)
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

    def report(members: NDArray[np.int64]) -> None:
        nonlocal done
        done += len(members)
        if progress is not None:
            progress(done, len(ids))

    run_passes(lengths, one_pass, device, enc.lock, budget, report)
    check_finite(out, enc.module, "values of the embeddings")
    return out
