"""PyTorch's FlexAttention: ALiBi and the borders of sequences compiled into one fused kernel."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch.nn import functional
from torch.nn.attention.flex_attention import BlockMask, flex_attention as torch_flex_attention

from ..alibi import AlibiBias
from ..packing import Packing

__all__ = ["flex_attention", "why_not_flex"]

#: Tokens in a block of the mask; FlexAttention's own default.
BLOCK = 128

_Modification = Callable[..., torch.Tensor]


def why_not_flex(device: torch.device, dtype: torch.dtype) -> str | None:
    """Say why FlexAttention cannot compute there; None where it can."""
    if dtype == torch.float64:
        return "Backend 'flex' does not compute in float64: choose 'eager' or 'sdpa'."
    compilers = (os.environ.get("CXX", "g++"), "g++", "clang++", "c++", "cl")
    if device.type == "cpu" and not any(map(shutil.which, compilers)):
        return (
            "Backend 'flex' is compiled on first use and no C++ compiler is found: install one "
            "(g++), or choose 'sdpa'."
        )
    if device.type == "cuda" and importlib.util.find_spec("triton") is None:
        return "Backend 'flex' needs the package triton on a GPU: install it, or choose 'sdpa'."
    return None


def flex_attention(
    qkv: torch.Tensor, packing: Packing, alibi: AlibiBias, dropout: float = 0.0
) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """All sequences in one row, each attending within itself; called as every backend is.

    Compiled by torch on first use, which takes from seconds to a minute and a C++ compiler (CPU) or
    Triton (GPU). It has no backward pass on the CPU, and no dropout: these, and what cannot be
    compiled, are a ValueError.
    """
    if dropout:
        raise ValueError(
            f"Backend 'flex' has no dropout (attention_probs_dropout_prob is {dropout}): set it to "
            "0 or choose 'sdpa'."
        )
    if qkv.device.type == "cpu" and qkv.requires_grad and torch.is_grad_enabled():
        raise ValueError(
            "Backend 'flex' has no backward pass on the CPU: choose 'sdpa', or compute under "
            "torch.no_grad()."
        )
    if (problem := why_not_flex(qkv.device, qkv.dtype)) is not None:
        raise ValueError(problem)
    # Once for all layers of a forward pass.
    if "flex" not in packing.shared:
        packing.shared["flex"] = _modifications(packing, alibi)
    score_mod, block_mask = packing.shared["flex"]
    total = len(qkv)
    # Gradients of a length that is no multiple of the block come out as NaN where scores and mask
    # are both given (pytorch/pytorch#153799): the rest of the last block is a document of its own.
    qkv = functional.pad(qkv, (0, 0, 0, 0, 0, 0, 0, -total % BLOCK))
    query, key, value = (part.transpose(0, 1)[None] for part in qkv.unbind(dim=1))
    # Without these, torch goes on uncompiled, in silence and with memory for all scores, after
    # eight kinds of batches (types, gradients or none, one block or several).
    import torch._dynamo.config as compiling  # as long to import as torch itself

    with compiling.patch(recompile_limit=64, fail_on_recompile_limit_hit=True):
        context = _compiled()(query, key, value, score_mod=score_mod, block_mask=block_mask)
    return context[0].transpose(0, 1)[:total], []


@cache
def _compiled() -> Callable[..., Any]:
    # Packed batches have a new number of tokens each time; a kernel of one size would be compiled
    # again for every one.
    return torch.compile(torch_flex_attention, dynamic=True)


def _modifications(packing: Packing, alibi: AlibiBias) -> tuple[_Modification, BlockMask]:
    """ALiBi as a change of scores, and which blocks of tokens share a sequence."""
    slopes, (place, document, offsets) = alibi.slopes, _filled(packing)

    def score_mod(
        score: torch.Tensor,
        batch: torch.Tensor,
        head: torch.Tensor,
        query: torch.Tensor,
        key: torch.Tensor,
    ) -> torch.Tensor:
        return score - slopes[head] * (place[query] - place[key]).abs()

    def mask_mod(
        batch: torch.Tensor, head: torch.Tensor, query: torch.Tensor, key: torch.Tensor
    ) -> torch.Tensor:
        return document[query] == document[key]

    return score_mod, _block_mask(document, offsets, mask_mod)


def _filled(packing: Packing) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Places, documents and offsets of whole blocks: what fills the last one is a document."""
    place, document, offsets = packing.places, packing.documents, packing.offsets.long()
    if fill := -len(place) % BLOCK:
        place = functional.pad(place, (0, fill))
        document = functional.pad(document, (0, fill), value=len(packing.lengths))
        offsets = torch.cat([offsets, offsets[-1:] + fill])
    return place, document, offsets


def _block_mask(
    document: torch.Tensor, offsets: torch.Tensor, mask_mod: _Modification
) -> BlockMask:
    """Blocks of keys that a block of queries attends to, from where the sequences begin.

    torch's `create_block_mask` would look at every pair of tokens.
    """
    total = len(document)
    starts = torch.arange(0, total, BLOCK, device=offsets.device)
    last = starts + BLOCK - 1
    lower = offsets[document[starts]]  # first token of the first sequence in the block
    upper = offsets[document[last] + 1]  # behind the last token of the last one
    first_block = lower // BLOCK
    count = (upper - 1) // BLOCK - first_block + 1
    n = len(starts)
    # Row by row: the blocks that are needed, in order, then the rest, which is not read.
    indices = (first_block[:, None] + torch.arange(n, device=offsets.device)) % n
    return BlockMask.from_kv_blocks(
        count.to(torch.int32)[None, None],
        indices.to(torch.int32)[None, None],
        BLOCK_SIZE=BLOCK,
        mask_mod=mask_mod,
        seq_lengths=(total, total),
    )
