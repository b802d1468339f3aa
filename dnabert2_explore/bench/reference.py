"""The path to compare with: it works as the original DNABERT-2 does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray

from ..network import Dnabert2Model, alibi_slopes
from ..network.modeling import Dnabert2Layer
from ..network.packing import Packing

__all__ = ["embed_reference", "pad", "reference_states"]

PAD = 3


def reference_states(network: Dnabert2Model, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Compute the last hidden state in the original's way, with the weights of `network`.

    The linear layers of the blocks see no padding (the original unpads, too); attention is
    computed step by step on padded scores, (batch, heads, n, n); the bias of the whole batch is
    built anew in every forward pass.

    Parameters
    ----------
    network : Dnabert2Model
    ids : torch.Tensor, shape (batch, n)
    mask : torch.Tensor, shape (batch, n)
        1 for tokens, 0 for padding.

    Returns
    -------
    torch.Tensor, shape (batch, n, hidden)
        Zero at padding.
    """
    batch, width = ids.shape
    embeddings = network.embeddings
    padded = embeddings(embeddings.word_embeddings(ids), None)
    places = torch.arange(width, device=ids.device)
    distance = (places[:, None] - places[None, :]).abs().float()
    slopes = alibi_slopes(network.config.num_attention_heads).to(ids.device)
    bias = -slopes[:, None, None] * distance
    bias = (bias[None] + (1.0 - mask[:, None, None, :].float()) * -10000.0).to(padded.dtype)
    packing = Packing.from_mask(mask)
    hidden = packing.pack(padded)
    for layer in network.encoder.layer:
        block = cast(Dnabert2Layer, layer)
        attention = block.attention
        qkv = attention.self.split(packing.unpack(attention.self.Wqkv(hidden)).flatten(0, 1))
        query, key, value = qkv.unflatten(0, (batch, width)).permute(2, 0, 3, 1, 4)
        scores = query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5 + bias
        context = (scores.softmax(dim=-1) @ value).transpose(1, 2).flatten(2)
        hidden = block.mlp(attention.output(packing.pack(context), hidden))
    return packing.unpack(hidden)


def pad(ids: Sequence[NDArray[np.int64]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Put sequences of token ids into one padded batch: ids and mask, (batch, longest) each."""
    width = max(len(sequence) for sequence in ids)
    batch = np.full((len(ids), width), PAD, dtype=np.int64)
    mask = np.zeros((len(ids), width), dtype=np.int64)
    for row, sequence in enumerate(ids):
        batch[row, : len(sequence)] = sequence
        mask[row, : len(sequence)] = 1
    return torch.from_numpy(batch), torch.from_numpy(mask)


def embed_reference(
    network: Dnabert2Model,
    ids: Sequence[NDArray[np.int64]],
    rows: int,
    states: list[torch.Tensor] | None = None,
) -> NDArray[np.float32]:
    """Mean embeddings by the reference path.

    Parameters
    ----------
    network : Dnabert2Model
    ids : sequence of numpy.ndarray, shape (n,), int64
    rows : int
        Sequences in a padded batch; batches are filled in the given order.
    states : list, optional
        Takes the hidden states of every sequence, (n, hidden) float32 on the CPU.

    Returns
    -------
    numpy.ndarray, shape (len(ids), hidden), float32
    """
    means = []
    for start in range(0, len(ids), rows):
        members = ids[start : start + rows]
        batch, mask = (tensor.to(network.device) for tensor in pad(members))
        with torch.inference_mode():
            hidden = reference_states(network, batch, mask)
            # Padding is exactly zero, so that the sum over all is the sum over tokens.
            means.append((hidden.float().sum(1) / mask.sum(1, keepdim=True)).cpu().numpy())
        if states is not None:
            last = hidden.float().cpu()
            states += [last[row, : len(sequence)] for row, sequence in enumerate(members)]
    return np.concatenate(means)
