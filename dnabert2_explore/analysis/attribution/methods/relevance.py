"""AttnLRP: relevance passed back layer by layer, with rules for what attention is made of.

Achtibat et al. 2024 (arXiv 2402.05602). Relevance of x is x times a gradient that the rules change:

==============  ==============================================================================
linear layers   the gradient as it is (epsilon rule; biases take their share)
GELU, tanh      f(x) / x in place of the derivative (identity rule)
products        one half to either factor: the gate's, queries with keys, weights with values
softmax         its gradient (Taylor at the scores; the rest stays with the function's offset)
LayerNorm       the standard deviation is taken for a number, not for a function of x
==============  ==============================================================================

So the rules are written as forward passes of the same values whose gradients are those.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import torch
from torch import nn

from ....network.alibi import AlibiBias
from ....network.blocks import Dnabert2SelfAttention
from ....network.packing import Packing
from ....network.plain.blocks_dnabert2 import Dnabert2GatedMLP, Dnabert2PredictionTransform

__all__ = ["attend", "gelu", "half", "layer_norm", "relevance_rules", "tanh"]


def half(x: torch.Tensor) -> torch.Tensor:
    """Return x with one half of its gradient: a factor of a product."""
    return x / 2 + (x / 2).detach()


def gelu(x: torch.Tensor) -> torch.Tensor:
    """Exact GELU, x Φ(x), whose gradient is Φ(x)."""
    return x * (0.5 * (1 + torch.erf(x.detach() / math.sqrt(2))))


def tanh(x: torch.Tensor) -> torch.Tensor:
    """Hyperbolic tangent, whose gradient is tanh(x) / x (1 at 0)."""
    fixed = x.detach()
    slope = torch.where(fixed == 0, torch.ones_like(fixed), fixed.tanh() / fixed)
    return x * slope


def layer_norm(
    x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, eps: float
) -> torch.Tensor:
    """Normalise over the last axis, by a standard deviation that has no gradient."""
    centred = x - x.mean(dim=-1, keepdim=True)
    variance = centred.detach().square().mean(dim=-1, keepdim=True)
    return centred * (variance + eps).rsqrt() * weight + bias


def attend(qkv: torch.Tensor, packing: Packing, alibi: AlibiBias) -> torch.Tensor:
    """Attention (see `network.attention.eager`) whose products share their relevance."""
    contexts = []
    for group in packing.groups:
        query, key, value = packing.sequences(qkv, group)
        bias = alibi.rows(group.length, group.positions)
        scores = half(query) @ half(key).transpose(-1, -2) * query.shape[-1] ** -0.5 + bias
        wide = torch.promote_types(scores.dtype, torch.float32)
        weights = scores.softmax(dim=-1, dtype=wide).to(qkv.dtype)
        contexts.append(packing.tokens(half(weights) @ half(value)))
    return torch.cat(contexts)


@contextmanager
def relevance_rules(network: nn.Module) -> Iterator[None]:
    """Let a network's gradients follow the rules, for as long as the context is open.

    Whoever opens it holds the network's lock. Values stay what they are.
    """
    with ExitStack() as stack:
        for module in network.modules():
            for kind, rule in _RULES.items():
                if isinstance(module, kind):
                    stack.enter_context(_replaced(module, rule))
        yield


@contextmanager
def _replaced(module: nn.Module, rule: Callable[..., Any]) -> Iterator[None]:
    """Give one module another forward."""
    module.forward = partial(rule, module)
    try:
        yield
    finally:
        del module.forward


def _self_attention(
    module: Dnabert2SelfAttention, hidden: torch.Tensor, packing: Packing, alibi: AlibiBias
) -> tuple[torch.Tensor, list[torch.Tensor]]:
    return attend(module.split(module.Wqkv(hidden)), packing, alibi).flatten(-2), []


def _gated(module: Dnabert2GatedMLP, hidden: torch.Tensor) -> torch.Tensor:
    gate, content = module.gated_layers(hidden).chunk(2, dim=-1)
    return module.layernorm(module.wo(half(gelu(gate)) * half(content)) + hidden)


def _transform(module: Dnabert2PredictionTransform, hidden: torch.Tensor) -> torch.Tensor:
    return module.LayerNorm(gelu(module.dense(hidden)))


def _normalised(module: nn.LayerNorm, x: torch.Tensor) -> torch.Tensor:
    return layer_norm(x, module.weight, module.bias, module.eps)


def _squashed(_module: nn.Tanh, x: torch.Tensor) -> torch.Tensor:
    return tanh(x)


#: What the forward of each kind of module becomes.
_RULES: dict[type[nn.Module], Callable[..., Any]] = {
    Dnabert2SelfAttention: _self_attention,
    Dnabert2GatedMLP: _gated,
    Dnabert2PredictionTransform: _transform,
    nn.LayerNorm: _normalised,
    nn.Tanh: _squashed,
}
