"""Which backend is the fastest that works on a device."""

from __future__ import annotations

from functools import cache

import torch

from ...errors import warn
from ..alibi import AlibiBias
from ..packing import Packing
from . import BACKENDS, why_not

__all__ = ["fastest_backend", "try_backend"]

#: What is tried on a GPU in half precision, fastest first (benchmarks/attention.py). In float32
#: flex has no tensor cores to use, and the whole network took up to 1.7 times as long as with sdpa;
#: on a CPU it gains little and compiles for a minute.
_IN_HALF_PRECISION = ("flash", "flex", "sdpa")


@cache
def fastest_backend(device: torch.device, dtype: torch.dtype, heads: int, head_dim: int) -> str:
    """Name the fastest backend that computes what the reference computes, on this device.

    In half precision on a GPU, "flash", "flex" and "sdpa" are tried in this order (`try_backend`),
    with an `ExploreWarning` where one is installed and fails, or computes something else. In
    float32, and on a CPU, it is "sdpa".
    """
    if device.type != "cuda" or dtype not in (torch.float16, torch.bfloat16):
        return "sdpa"
    for name in _IN_HALF_PRECISION[:-1]:
        if why_not(name, device, dtype) is not None:
            continue
        problem = try_backend(name, device, dtype, heads, head_dim)
        if problem is None:
            return name
        warn(
            f"Attention backend {name!r} {problem}; the next one is taken.",
        )
    return _IN_HALF_PRECISION[-1]


def try_backend(
    name: str,
    device: torch.device,
    dtype: torch.dtype,
    heads: int = 12,
    head_dim: int = 64,
    gradients: bool = True,
) -> str | None:
    """Compute a small batch of two lengths forward and backward, and compare it with "eager".

    Without `gradients` the backward pass is left out. What went wrong, to follow the backend's name
    in a sentence; None if nothing did.
    """
    # Whoever asks may be within torch.inference_mode() or torch.no_grad().
    with torch.inference_mode(False), torch.set_grad_enabled(gradients):
        generator = torch.Generator().manual_seed(0)
        # Not a multiple of any block's length: where kernels go wrong, it is at the edges.
        values = torch.randn(200, 3, heads, head_dim, generator=generator).to(device, dtype)
        weights = torch.randn(200, heads, head_dim, generator=generator).to(device, dtype)
        packing = Packing.from_lengths([150, 50], device)
        alibi = AlibiBias(heads, packing.longest, dtype, device)

        def compute(backend: str) -> list[torch.Tensor]:
            qkv = values.clone().requires_grad_(gradients)
            context = BACKENDS[backend](qkv, packing, alibi)[0]
            slopes = torch.autograd.grad((context * weights).sum(), qkv) if gradients else ()
            return [context.detach(), *slopes]

        try:
            found = compute(name)
        except Exception as error:  # a kernel that does not compile or run here, in any way
            reason = str(error).strip().splitlines()
            return f"does not run here ({reason[0][:200] if reason else type(error).__name__})"
        expected = compute("eager")
    whole = dtype in (torch.float32, torch.float64)
    for kind, one, other in zip(("what", "gradients that"), found, expected, strict=False):
        allowed = (1e-4 if whole else 0.05) * max(1.0, float(other.abs().max()))
        if not bool((one - other).abs().max() < allowed):  # NaN is not less than anything
            return f"does not compute here {kind} the reference computes"
    return None
