"""In which number type a model computes."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from ...errors import InputError

__all__ = ["DTYPES", "find_dtype", "gains_from_bfloat16"]

DTYPES = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
    "float64": torch.float64,
}

#: Narrower networks stay in float32 on a CPU: they are fast enough, and keep every digit.
WIDE = 512


def gains_from_bfloat16(device: torch.device) -> bool:
    """Whether the hardware multiplies in bfloat16, rather than emulating it slowly."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type != "cpu":
        return False
    if hasattr(torch.cpu, "get_capabilities"):
        can: Mapping[str, bool] = torch.cpu.get_capabilities()
        return bool(can.get("avx512_bf16") or can.get("amx_bf16"))
    # What earlier versions of torch have instead.
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()


def find_dtype(name: str, device: torch.device, hidden: int) -> torch.dtype:
    """Resolve a type by name: one of `DTYPES`, or ``"auto"``; raise InputError for another.

    ``"auto"`` is bfloat16 where the hardware gains from it (on a CPU for networks whose `hidden`
    width is at least `WIDE`), float32 elsewhere.
    """
    if name == "auto":
        wide = device.type != "cpu" or hidden >= WIDE
        return torch.bfloat16 if wide and gains_from_bfloat16(device) else torch.float32
    if name not in DTYPES:
        raise InputError(f"dtype {name!r} is unknown: choose 'auto' or one of {', '.join(DTYPES)}.")
    return DTYPES[name]
