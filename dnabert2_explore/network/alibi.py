"""ALiBi: attention with linear biases instead of position embeddings (Press et al. 2021)."""

from __future__ import annotations

import math

import torch

__all__ = ["alibi_bias", "alibi_slopes"]


def alibi_slopes(n_heads: int) -> torch.Tensor:
    """One slope per head, as DNABERT-2 (and MosaicBERT) orders them.

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

    def geometric(n: int) -> list[float]:
        start = 2.0 ** (-8.0 / n)
        return [start ** (i + 1) for i in range(n)]

    lower = 2 ** math.floor(math.log2(n_heads))
    slopes = geometric(lower)
    if lower < n_heads:
        slopes += geometric(2 * lower)[0::2][: n_heads - lower]
    return torch.tensor(slopes, dtype=torch.float32)


def alibi_bias(n_heads: int, length: int, device: torch.device | str | None = None) -> torch.Tensor:
    """Bias added to the scores before softmax: minus slope times distance.

    Parameters
    ----------
    n_heads, length : int
        Heads and tokens (of the padded layout: padding inside counts as distance).
    device : torch.device, optional
        Where to build it.

    Returns
    -------
    torch.Tensor, shape (1, n_heads, length, length), float32
        Always float32: parity with the original in float64 needs its float32 rounding.
    """
    positions = torch.arange(length, device=device, dtype=torch.float32)
    distances = (positions[:, None] - positions[None, :]).abs()
    slopes = alibi_slopes(n_heads).to(distances.device)
    return (distances[None] * -slopes[:, None, None])[None]
