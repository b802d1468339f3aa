"""Methods that look inside: at a layer's output, and at attention."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from .inputs import AttributionInputs

__all__ = ["attention_x_gradient", "layer_conductance"]


def layer_conductance(inputs: AttributionInputs) -> torch.Tensor:
    """Share of the integral that flows through each token of a layer (Dhamdhere et al. 2018)."""
    from captum.attr import LayerConductance

    assert inputs.layer is not None  # the caller chooses one
    k = len(inputs.baselines)
    total = torch.zeros(inputs.n, device=inputs.embeddings.device)
    with _batched(inputs.layer, inputs.n) as probe, inputs.counting(k * inputs.n_steps):
        for number in range(k):
            found = LayerConductance(inputs.score, probe).attribute(
                inputs.embeddings,
                baselines=inputs.baselines[number : number + 1],
                n_steps=inputs.n_steps,
                internal_batch_size=min(inputs.n_steps, inputs.rows()),
            )
            total += found[0].detach().sum(dim=-1)
    return total / k


@contextmanager
def _batched(layer: nn.Module, n: int) -> Iterator[nn.Module]:
    """Yield a module that sees the layer's packed output as (batch, n, hidden), as Captum asks."""
    probe = nn.Identity()
    hook = layer.register_forward_hook(
        lambda _module, _inputs, output: probe(output.unflatten(0, (-1, n))).flatten(0, 1)
    )
    try:
        yield probe
    finally:
        hook.remove()


def attention_x_gradient(inputs: AttributionInputs) -> torch.Tensor:
    """Attention times its gradient, summed over layers, heads and the tokens that look.

    A token's score is what the output would lose, to first order, if nothing looked at it.
    Signed; Barkan et al. 2021 (Grad-SAM) keep positive gradients only.
    """
    maps: list[torch.Tensor] = []

    def keep(_module: nn.Module, _inputs: Any, output: tuple[Any, list[torch.Tensor]]) -> None:
        maps.extend(output[1])

    hooks = [block.register_forward_hook(keep) for block in inputs.attention]
    try:
        with inputs.counting(1), torch.enable_grad():
            score = inputs.score(inputs.embeddings)
            gradients = torch.autograd.grad(score.sum(), maps)
    finally:
        for hook in hooks:
            hook.remove()
    products = [(a * g).sum(dim=(0, 1, 2)) for a, g in zip(maps, gradients, strict=True)]
    return torch.stack(products).sum(dim=0).detach()
