"""Which backend is the fastest that works on a device."""

from __future__ import annotations

import warnings
from functools import cache

import torch

from ..alibi import AlibiBias
from ..packing import Packing
from . import BACKENDS, why_not

__all__ = ["fastest_backend"]

#: What is tried on a GPU, fastest first. On a CPU flex gains little and compiles for a minute.
_ON_GPU = ("flash", "flex", "sdpa")


@cache
def fastest_backend(device: torch.device, dtype: torch.dtype, heads: int, head_dim: int) -> str:
    """Name the fastest backend that computes what the reference computes, on this device.

    On a GPU, "flash", "flex" and "sdpa" are tried in this order on a small batch of two lengths and
    compared with "eager". On a CPU it is "sdpa".

    Warns
    -----
    UserWarning
        If a backend is installed and fails, or computes something else.
    """
    if device.type != "cuda":
        return "sdpa"
    generator = torch.Generator().manual_seed(0)
    qkv = torch.randn(200, 3, heads, head_dim, generator=generator).to(device, dtype)
    packing = Packing.from_lengths([150, 50], device)
    alibi = AlibiBias(heads, packing.longest, dtype, device)
    with torch.inference_mode():
        expected = BACKENDS["eager"](qkv, packing, alibi)[0]
        for name in _ON_GPU[:-1]:
            if why_not(name, device, dtype) is not None:
                continue
            try:
                context = BACKENDS[name](qkv, packing, alibi)[0]
            except Exception as error:  # a kernel that does not compile or run here, in any way
                reason = str(error).strip().splitlines()
                warnings.warn(
                    f"Attention backend {name!r} does not run here "
                    f"({reason[0][:200] if reason else type(error).__name__}); the next one is "
                    "taken.",
                    stacklevel=2,
                )
                continue
            # The values are of the size of 1.
            allowed = 1e-4 if dtype in (torch.float32, torch.float64) else 0.05
            if (context - expected).abs().max() < allowed:
                return name
            warnings.warn(
                f"Attention backend {name!r} does not compute here what the reference computes; "
                "the next one is taken.",
                stacklevel=2,
            )
    return _ON_GPU[-1]
