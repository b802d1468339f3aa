"""The one door to the network: load a model, tokenize, embed, read hidden states, predict."""

from __future__ import annotations

from .encoder import Encoder
from .info import ModelInfo
from .loading.device import DEVICE_VARIABLE, find_device
from .loading.load import ATLAS_MODEL, SHIPPED, load
from .model import Bases
from .vectors.pooling import POOLINGS

__all__ = [
    "ATLAS_MODEL",
    "DEVICE_VARIABLE",
    "POOLINGS",
    "SHIPPED",
    "Bases",
    "Encoder",
    "ModelInfo",
    "find_device",
    "load",
]
