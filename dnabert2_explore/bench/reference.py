"""The path to compare with: it works as the original DNABERT-2 does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.utils.rnn import pad_sequence

from ..network import Dnabert2Config, alibi_slopes
from ..network.blocks import Dnabert2Layer
from ..network.forward import EncoderForward
from ..network.packing import Packing
from ..network.plain.blocks_dnabert2 import Dnabert2GatedMLP

__all__ = ["KeptBias", "embed_reference", "pad", "reference_states"]

PAD = 3


class KeptBias:
    """ALiBi's bias as the original keeps it from pass to pass: made anew for longer inputs only.

    `alibi_starting_size` tokens (512) are ready from the beginning.
    """

    def __init__(self, config: Dnabert2Config, device: torch.device) -> None:
        self._slopes = alibi_slopes(config.num_attention_heads).to(device)
        self._bias = self._make(config.alibi_starting_size)

    def _make(self, length: int) -> torch.Tensor:
        places = torch.arange(length, device=self._slopes.device)
        distance = (places[:, None] - places[None, :]).abs().float()
        return -self._slopes[:, None, None] * distance

    def upto(self, length: int) -> torch.Tensor:
        """Return the bias of `length` tokens, (heads, length, length) float32, a view."""
        if self._bias.shape[-1] < length:
            self._bias = self._make(length)
        return self._bias[:, :length, :length]


def reference_states(
    network: EncoderForward,
    ids: torch.Tensor,
    mask: torch.Tensor,
    kept: KeptBias | None = None,
) -> torch.Tensor:
    """Compute the last hidden state in the original's way, with the weights of `network`.

    The linear layers of the blocks see no padding (the original unpads, too), and the gated MLP
    takes all tokens at once; attention is computed step by step on padded scores, (batch, heads, n,
    n), to which a bias of that size is added in every layer. It is the kept bias of the positions
    plus that of the batch's mask, once a forward pass; by default this is the first.

    From ids and mask (batch, n), which is 1 for tokens, to (batch, n, hidden), zero at padding.
    """
    batch, width = ids.shape
    kept = kept or KeptBias(network.config, ids.device)
    embeddings = network.embeddings
    padded = embeddings(embeddings.word_embeddings(ids), None)
    hidden_keys = (1.0 - mask[:, None, None, :].float()) * -10000.0
    bias = (kept.upto(width)[None] + hidden_keys).to(padded.dtype)
    packing = Packing.from_mask(mask)
    hidden = packing.pack(padded)
    for layer in network.encoder.layer:
        block = cast(Dnabert2Layer, layer)
        attention = block.attention
        qkv = attention.self.split(packing.unpack(attention.self.Wqkv(hidden)).flatten(0, 1))
        query, key, value = qkv.unflatten(0, (batch, width)).permute(2, 0, 3, 1, 4)
        scores = query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5 + bias
        context = (scores.softmax(dim=-1) @ value).transpose(1, 2).flatten(2)
        # `block.mlp` itself takes the tokens in parts that fit a CPU's cache.
        hidden = Dnabert2GatedMLP.forward(
            block.mlp, attention.output(packing.pack(context), hidden)
        )
    return packing.unpack(hidden)


def pad(ids: Sequence[NDArray[np.int64]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Put sequences of token ids into one padded batch: ids and mask, (batch, longest) each."""
    rows = [torch.tensor(one, dtype=torch.int64) for one in ids]
    return pad_sequence(rows, True, PAD), pad_sequence(list(map(torch.ones_like, rows)), True)


def embed_reference(
    network: EncoderForward,
    ids: Sequence[NDArray[np.int64]],
    rows: int,
    states: list[torch.Tensor] | None = None,
    kept: KeptBias | None = None,
) -> NDArray[np.float32]:
    """Mean embeddings (len(ids), hidden) by the reference path, `rows` sequences a padded batch.

    Batches are filled in the given order. `states` takes the hidden states of every sequence, (n,
    hidden) float32 on the CPU; `kept` is what earlier calls left.
    """
    kept = kept or KeptBias(network.config, network.device)
    means = []
    for start in range(0, len(ids), rows):
        members = ids[start : start + rows]
        batch, mask = (tensor.to(network.device) for tensor in pad(members))
        with torch.inference_mode():
            hidden = reference_states(network, batch, mask, kept)
            # Padding is exactly zero, so that the sum over all is the sum over tokens.
            means.append((hidden.float().sum(1) / mask.sum(1, keepdim=True)).cpu().numpy())
        if states is not None:
            last = hidden.float().cpu()
            states += [last[row, : len(sequence)] for row, sequence in enumerate(members)]
    return np.concatenate(means)
