"""Which attention backend trains: a fused one where the hardware has it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from ...errors import InputError
from ...network import Dnabert2Config, Dnabert2PreTrainedModel
from ...network.attention import why_not
from ...network.attention.choose import fastest_backend

__all__ = ["attending", "training_backend"]


def training_backend(
    asked: str, config: Dnabert2Config, device: torch.device, dtype: torch.dtype
) -> str:
    """Settle on a backend for training, with gradients, and dropout where the network has it.

    "auto" is sdpa on a CPU, and on a GPU the first of flash, flex and sdpa that computes there what
    the reference does, forward and backward, in the `dtype` that autocast multiplies in. A backend
    that is asked for and cannot train there is an `InputError`.
    """
    dropout = config.attention_probs_dropout_prob
    if asked == "auto":
        heads = config.num_attention_heads
        name = fastest_backend(device, dtype, heads, config.hidden_size // heads)
        return "sdpa" if name == "flex" and dropout else name
    problem = why_not(asked, device, dtype)
    if asked == "flex" and device.type == "cpu":
        problem = "Backend 'flex' has no backward pass on the CPU: choose 'sdpa'."
    elif asked == "flex" and dropout:
        problem = (
            f"Backend 'flex' has no dropout (attention_probs_dropout_prob is {dropout}): choose "
            "'sdpa'."
        )
    if problem is not None:
        raise InputError(problem)
    return asked


@contextmanager
def attending(network: Dnabert2PreTrainedModel, backend: str) -> Iterator[None]:
    """Compute with a backend for a while; scores are of float32, which flash does not know."""
    before: str = network.config._attn_implementation
    network.set_attn_implementation(backend)
    try:
        yield
    finally:
        network.set_attn_implementation(before)
