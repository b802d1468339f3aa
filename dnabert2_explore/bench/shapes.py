"""The networks that are measured: the published shape and the shipped one, with random weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from ..common.randomness import seeded
from ..errors import InputError
from ..network import Dnabert2Config, Dnabert2Model
from ..network.attention.choose import fastest_backend

__all__ = ["SHAPES", "find_shape", "make_network"]

#: What differs from the published shape, by name. Speed does not depend on the weights.
SHAPES: Mapping[str, Mapping[str, Any]] = {
    "117M": {},
    "pocket": {
        "hidden_size": 192,
        "num_hidden_layers": 4,
        "num_attention_heads": 6,
        "intermediate_size": 512,
    },
}


def find_shape(shape: str) -> Dnabert2Config:
    """Return the configuration of a shape; an unknown one is an `InputError`."""
    if shape not in SHAPES:
        raise InputError(f"Shape {shape!r} is unknown: choose one of {', '.join(SHAPES)}.")
    return Dnabert2Config(**SHAPES[shape])


def make_network(
    shape: str, device: torch.device, dtype: torch.dtype = torch.float32
) -> Dnabert2Model:
    """Make an encoder of a shape; the same random weights every time.

    In eval mode, with the attention backend that `load` would choose. An unknown shape is an
    `InputError`.
    """
    config = find_shape(shape)
    with seeded(0):
        network = Dnabert2Model(config, add_pooling_layer=False)
    heads = config.num_attention_heads
    config._attn_implementation = fastest_backend(device, dtype, heads, config.hidden_size // heads)
    network.eval().to(device, dtype)
    return network
