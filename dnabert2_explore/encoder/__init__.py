"""The one door to the network: load a model, tokenize, embed, read hidden states, predict."""

from __future__ import annotations

from .encoder import Encoder
from .loading.load import ATLAS_MODEL, SHIPPED, find_device, load
from .model import Bases, ModelInfo
from .vectors.pooling import POOLINGS

__all__ = [
    "ATLAS_MODEL",
    "POOLINGS",
    "SHIPPED",
    "Bases",
    "Encoder",
    "ModelInfo",
    "find_device",
    "load",
]
