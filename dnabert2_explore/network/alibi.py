"""ALiBi: attention with linear biases instead of position embeddings (Press et al. 2021)."""

from __future__ import annotations

from copy import copy

import torch

from .plain import blocks_dnabert2 as plain

__all__ = ["DENSE_UP_TO", "AlibiBias", "alibi_slopes"]

#: Tokens up to which sdpa reads the bias of a sequence from memory. Shorter sequences win nothing
#: by a view and pay for reversing the queries; the bias of 12 heads takes 50 MB at this length.
DENSE_UP_TO = 1024


def alibi_slopes(n_heads: int) -> torch.Tensor:
    """Return one slope per head, as DNABERT-2 (and MosaicBERT) orders them.

    Parameters
    ----------
    n_heads : int
        Number of attention heads, at least 1.

    Returns
    -------
    torch.Tensor, shape (n_heads,), float32
        For a power of two n: s, s², … with s = 2^(-8/n). Otherwise the slopes of the lower power
        of two, followed by every second slope of twice that power.

    Examples
    --------
    >>> alibi_slopes(4).tolist()
    [0.25, 0.0625, 0.015625, 0.00390625]
    >>> [round(s, 4) for s in alibi_slopes(6).tolist()]
    [0.25, 0.0625, 0.0156, 0.0039, 0.5, 0.125]
    """
    if n_heads < 1:
        raise ValueError(f"n_heads is {n_heads}: ALiBi needs at least one head.")
    return torch.tensor(plain.alibi_slopes(n_heads), dtype=torch.float32)


class AlibiBias:
    """The bias -slope·|i-j| of every head, kept as one ramp per head.

    A bias depends on i-j only, so its n² values per head are 2n-1 different ones. With the queries
    in reverse order the bias is a Hankel matrix, whose rows are overlapping windows of the ramp:
    `reversed` is a view of it that takes no memory. Memory stays linear in length.

    `longest` is the largest length, in tokens, that will be asked for, `dtype` that of the
    attention scores. `slopes` are (heads,) float32, `ramp` (heads, 2 · longest - 1). The product is
    rounded in float32 before it is cast: parity with the original in float64 needs that rounding.
    """

    def __init__(
        self,
        n_heads: int,
        longest: int,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str | None = None,
    ) -> None:
        self.longest = longest
        distance = torch.arange(2 * longest - 1, device=device, dtype=torch.float32)
        distance = (distance - (longest - 1)).abs()
        self.slopes = alibi_slopes(n_heads).to(distance.device)
        self.ramp = (distance * -self.slopes[:, None]).to(dtype)
        self._dense: torch.Tensor | None = None
        self._copies: dict[torch.device, AlibiBias] = {}

    def to(self, device: torch.device | str | int, non_blocking: bool = False) -> AlibiBias:
        """Return it with its tensors on a device, itself if they are there (see `Packing.to`)."""
        device = torch.device(device)
        if device == self.ramp.device:
            return self
        if device not in self._copies:
            moved = copy(self)
            moved.slopes = self.slopes.to(device, non_blocking=non_blocking)
            moved.ramp = self.ramp.to(device, non_blocking=non_blocking)
            moved._dense, moved._copies = None, {}
            self._copies[device] = moved
        return self._copies[device]

    def reversed(self, length: int) -> torch.Tensor:
        """Bias for queries in reverse order, shape (1, heads, length, length), without a copy."""
        ramp = self.ramp[:, self.longest - length : self.longest + length - 1]
        return ramp.unfold(1, length, 1)[None]

    def dense(self, length: int) -> torch.Tensor:
        """Bias for queries in their own order, shape (1, heads, length, length), in memory.

        All lengths share one copy: the bias of a shorter sequence is a corner of a longer one's.
        """
        if self._dense is None or self._dense.shape[2] < length:
            # Shorter sequences come first in a batch: made once for all that will follow.
            whole = self.longest if self.longest <= DENSE_UP_TO else max(length, DENSE_UP_TO)
            self._dense = self.reversed(min(whole, self.longest)).flip(2).contiguous()
        return self._dense[:, :, :length, :length]

    def at(self, queries: torch.Tensor, keys: torch.Tensor) -> torch.Tensor:
        """Bias for tokens at given positions, shape (1, heads, queries, keys)."""
        offsets = queries[:, None] - keys[None, :] + self.longest - 1
        return self.ramp[:, offsets][None]

    def rows(
        self,
        length: int,
        positions: torch.Tensor | None = None,
        start: int = 0,
        end: int | None = None,
    ) -> torch.Tensor:
        """Bias of the queries [start, end) of a sequence, (1, heads, queries, length), in memory.

        `positions` (length,) say where its tokens stand, if they are not neighbours. All queries by
        default; an `end` beyond the sequence is its end.
        """
        end = length if end is None else min(end, length)
        if positions is not None:
            return self.at(positions[start:end], positions)
        if (start, end) == (0, length):
            return self.dense(length)
        # Neighbouring keys must lie side by side, which a flipped view does not promise: without it
        # no fused kernel of a GPU takes the bias, and torch computes step by step, in silence.
        return self.reversed(length)[:, :, length - end : length - start].flip(2).contiguous()
