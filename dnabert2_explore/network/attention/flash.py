"""FlashAttention 2 (Dao 2023) over sequences of any length in one call, without padding."""

from __future__ import annotations

import importlib.util

import torch

from ...errors import warn
from ..alibi import AlibiBias
from ..packing import Packing
from .sdpa import sdpa_attention

__all__ = ["flash_attention", "why_not_flash"]


def why_not_flash(device: torch.device, dtype: torch.dtype) -> str | None:
    """Say why FlashAttention cannot compute there; None where it can."""
    if dtype not in (torch.float16, torch.bfloat16) or device.type != "cuda":
        kind = str(dtype).removeprefix("torch.")
        return (
            f"Backend 'flash' computes in float16 and bfloat16 on a GPU only, not in {kind} on "
            f"{device.type}: choose 'sdpa' or 'flex', or load the model with dtype='bfloat16' on a "
            "GPU."
        )
    if importlib.util.find_spec("flash_attn") is None:
        return (
            "Backend 'flash' needs the package flash-attn, which is compiled with nvcc: run 'pip "
            "install flash-attn --no-build-isolation', or choose 'sdpa' or 'flex'."
        )
    return None


def flash_attention(
    qkv: torch.Tensor, packing: Packing, alibi: AlibiBias, dropout: float = 0.0
) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """One kernel for the whole batch; called as every backend is (see this package).

    Needs the package flash-attn (extra ``[flash]``), a GPU, and float16 or bfloat16; without them
    it is a ValueError. It knows no padding between the tokens of a sequence: a batch that has some
    goes through sdpa, with a warning.
    """
    if (problem := why_not_flash(qkv.device, qkv.dtype)) is not None:
        raise ValueError(problem)
    if packing.has_gaps:
        warn(
            "Padding lies between the tokens of a sequence, which FlashAttention does not know: "
            "this batch goes through sdpa.",
        )
        return sdpa_attention(qkv, packing, alibi, dropout)
    from flash_attn import flash_attn_varlen_qkvpacked_func

    context = flash_attn_varlen_qkvpacked_func(
        qkv, packing.offsets, packing.width, dropout_p=dropout, alibi_slopes=alibi.slopes
    )
    return context, []
