"""The masked-LM head on the asked positions only, masked (as a rule) or as they stand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ...common.arrays import check_each
from ...common.progress import Progress
from ...errors import InputError
from ...network.headed import MaskedLMForward
from ..model import Model
from .batches import Budget, pack, run_passes
from .finite import check_finite

__all__ = ["masked_passes", "need_masked_lm"]

Take = Callable[[int, torch.Tensor], NDArray[Any]]

#: Rows of the head's output held at once, in float32: 1,024 · 4,096 · 4 bytes = 16 MB.
_ROWS = 1024


def need_masked_lm(enc: Model) -> MaskedLMForward:
    """Return the network, which has a masked-LM head; raise InputError where it has none."""
    if not isinstance(enc.module, MaskedLMForward):
        raise InputError(
            f"Model {enc.name!r} has no masked-LM head: load a pre-trained model such as "
            '"pocket", or the checkpoint this one was fine-tuned from.'
        )
    return enc.module


def masked_passes(
    enc: Model,
    ids: Sequence[NDArray[np.int64]],
    positions: Sequence[NDArray[np.int64]],
    take: Take,
    budget: Budget,
    progress: Progress | None = None,
    *,
    hide: bool = True,
    layers: Sequence[int] | None = None,
) -> list[NDArray[Any]]:
    """Mask the positions (k,) of each sequence, all at once, and read the head there.

    ``take(number of the sequence, log-probabilities (k, vocabulary) in nats)`` returns what to keep
    of it; the tensor is on the network's device and in float32. k may be 0 and differ between
    sequences, whose `ids` have [CLS] and [SEP]. Without `hide` the head is read on the tokens as
    they stand. `layers` are the states it reads (0 the embeddings; the last by default): then rows
    are (k · layers), the positions of one layer after those of another. Raises InputError without a
    masked-LM head, or where a position does not exist.
    """
    network = need_masked_lm(enc)
    check_each("sequences", len(ids), **{"arrays of positions": positions})
    wanted = (enc.config.num_hidden_layers,) if layers is None else tuple(layers)
    hidden_ids = [
        _mask(number, tokens, places, enc.tokenizer.mask_id if hide else None)
        for number, (tokens, places) in enumerate(zip(ids, positions, strict=True))
    ]
    kept: list[NDArray[Any]] = [np.zeros(0, np.float32)] * len(ids)
    lengths = np.array([len(tokens) for tokens in ids], dtype=np.int64)
    counts = np.array([len(places) * len(wanted) for places in positions], dtype=np.int64)
    device = enc.device

    def one_pass(members: NDArray[np.int64]) -> None:
        packed, packing = pack([hidden_ids[i] for i in members], device)
        states = network.bert.packed_states(packed, packing, wanted)
        starts = np.concatenate([[0], np.cumsum(lengths[members])[:-1]])
        first = 0
        while first < len(members):
            # As many sequences as fill the rows that the head may write at once, at least one.
            total = np.cumsum(counts[members[first:]])
            stop = first + max(1, int(np.searchsorted(total, _ROWS, side="right")))
            part = members[first:stop]
            asked = [
                torch.from_numpy((positions[i] + starts[j]).astype(np.int64)).to(device)
                for j, i in enumerate(part, start=first)
            ]
            logits = network.cls(
                torch.cat([states[layer][places] for places in asked for layer in wanted])
            )
            every = logits.float().log_softmax(-1)
            if not torch.isfinite(every).all():
                check_finite(every.cpu().numpy(), network, "log-probabilities")
            for i, values in zip(part, every.split(counts[part].tolist()), strict=True):
                kept[i] = take(int(i), values)
            first = stop

    run_passes(lengths, one_pass, device, enc.lock, budget, progress)
    return kept


def _mask(
    number: int, ids: NDArray[np.int64], places: NDArray[np.int64], mask_id: int | None
) -> NDArray[np.int64]:
    if len(places) and not 0 <= int(places.min()) <= int(places.max()) < len(ids):
        raise InputError(
            f"Sequence {number + 1} has {len(ids)} tokens, and position {int(places.max())} or "
            f"{int(places.min())} is not among them; expected 0 to {len(ids) - 1}."
        )
    if mask_id is None:
        return ids
    masked = ids.copy()
    masked[places] = mask_id
    return masked
