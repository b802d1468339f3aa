"""An exponential moving average of weights while they train (Polyak averaging)."""

from __future__ import annotations

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

__all__ = ["averaged"]


def averaged(module: nn.Module, decay: float) -> AveragedModel | None:
    """Start an average of a module's weights; call its ``update_parameters`` after each step.

    `decay` is the share of the average that stays in a step. In the first steps less stays, (1 +
    n)/(10 + n) after n of them, so that the weights at the start are soon forgotten. 0: no average.
    """
    if not decay:
        return None

    def mix(
        averages: tuple[torch.Tensor, ...] | list[torch.Tensor],
        currents: tuple[torch.Tensor, ...] | list[torch.Tensor],
        number: torch.Tensor | int,
    ) -> None:
        # Of all weights at once: to read a number, Python waits for a GPU to get there.
        steps = float(number)
        kept = min(decay, (1.0 + steps) / (10.0 + steps))
        for average, current in zip(averages, currents, strict=True):
            average.copy_(torch.lerp(current, average, kept))

    return AveragedModel(module, multi_avg_fn=mix)
