"""Weights, their optimiser and their average, and one update of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from ...common.randomness import RandomStream
from .processes import Processes

__all__ = ["Outcome", "Update"]

Part = TypeVar("Part")

#: Computes a part of a step: (wrapped module, part) -> (loss, its share of the step's loss, what
#: the network got right).
Compute = Callable[[nn.Module, Part], tuple[torch.Tensor, float, torch.Tensor | float]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """Loss, count of what was right, and gradient norm of one update, over all processes."""

    loss: float
    right: float
    norm: float


class Update(Generic[Part]):
    """Weights and what changes them.

    Parameters
    ----------
    module : torch.nn.Module
        What is called in training, on its device.
    processes : Processes
    compute : callable
        compute(module, part) returns the loss of a part, its share of the step's, and how much was
        right. The shares of all parts on all processes add up to 1; so do the gradients, to that of
        the mean over the step, however it is cut into parts.
    groups : callable
        Groups of parameters with their weight decay, made once the module is wrapped.
    rate, betas, epsilon, fused : float, tuple of float, float, bool or None
        Of AdamW.
    clip : float
        Largest gradient norm; 0 for none.
    bfloat16 : bool
        Multiply in bfloat16 (autocast).
    average : AveragedModel or None
        Follows the weights.
    """

    def __init__(
        self,
        module: nn.Module,
        processes: Processes,
        compute: Compute[Part],
        groups: Callable[[Sequence[nn.Parameter]], Iterable[dict[str, Any]]],
        *,
        rate: float,
        betas: tuple[float, float] = (0.9, 0.999),
        epsilon: float = 1e-8,
        fused: bool | None = None,
        clip: float = 0.0,
        bfloat16: bool = False,
        average: AveragedModel | None = None,
    ) -> None:
        self.module, self.processes, self.average = module, processes, average
        self.wrapped = processes.wrap(module)
        self._compute, self._clip, self._bfloat16 = compute, clip, bfloat16
        self._trained = [one for one in module.parameters() if one.requires_grad]
        self.optimizer = torch.optim.AdamW(
            list(groups(self._trained)), lr=rate, betas=betas, eps=epsilon, fused=fused
        )

    def take(self, parts: Sequence[Part], rate: float, dropout: RandomStream) -> Outcome:
        """Update the weights once; NaN and infinity are told in the outcome, not hidden.

        Between parts others may draw.
        """
        processes = self.processes
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.module.train()
        self.optimizer.zero_grad(set_to_none=True)
        # Summed on the device: reading a number would wait for each part.
        sums = torch.zeros(2, dtype=torch.float64, device=processes.device)
        for number, part in enumerate(parts, start=1):
            last = number == len(parts)
            with dropout.drawing(), processes.syncing(self.wrapped, last):
                with self._autocast():
                    loss, share, right = self._compute(self.wrapped, part)
                # Processes average their gradients; here they add up.
                (loss * (share * processes.world)).backward()
            sums[0] += loss.detach().double() * share
            sums[1] += right
        norm = self._norm() if self._clip else float("nan")
        self.optimizer.step()
        if self.average is not None:
            self.average.update_parameters(self.module)
        loss_of_all, right_of_all = processes.sum(*sums.tolist())
        return Outcome(loss_of_all, right_of_all, norm)

    def _norm(self) -> float:
        norm = nn.utils.clip_grad_norm_(self._trained, self._clip)
        if self.processes.sharded:
            norm = norm.full_tensor()  # type: ignore[attr-defined]
        return float(norm)

    def _autocast(self) -> AbstractContextManager[Any]:
        # Not autocast that is off: of a device that knows none, torch refuses that as well.
        if self._bfloat16:
            return torch.autocast(self.processes.device.type, torch.bfloat16)
        return nullcontext()
