"""The learning rate of each step, and which weights decay."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from torch import nn

from ..config import FinetuneConfig

__all__ = ["decayed", "learning_rate"]


def learning_rate(config: FinetuneConfig, step: int, steps: int) -> float:
    """Learning rate of a step (from 0) of `steps`: a linear rise, then the schedule's way to 0.

    Examples
    --------
    >>> config = FinetuneConfig("pocket", "train.csv", "", "run", learning_rate=1.0,
    ...                         warmup_steps=2, schedule="linear")
    >>> [learning_rate(config, step, 6) for step in range(6)]
    [0.0, 0.5, 1.0, 0.75, 0.5, 0.25]
    """
    warmup = config.warmup_steps
    if step < warmup:
        return config.rate * (step / max(1, warmup))
    left = max(1, steps - warmup)
    if config.schedule == "cosine":
        return config.rate * max(0.0, 0.5 * (1.0 + math.cos(math.pi * ((step - warmup) / left))))
    return config.rate * max(0.0, (steps - step) / left)


def decayed(weights: Sequence[nn.Parameter], decay: float) -> list[dict[str, Any]]:
    """Group weights for AdamW: biases and LayerNorms, which are vectors, do not decay."""
    return [
        {"params": [one for one in weights if one.ndim > 1], "weight_decay": decay},
        {"params": [one for one in weights if one.ndim == 1], "weight_decay": 0.0},
    ]
