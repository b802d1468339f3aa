"""Queries and keys of a sequence, of which every attention map is made."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.hooks import RemovableHandle

from ...network.blocks import Dnabert2SelfAttention
from ...tokens import Tokens
from ..model import Model
from .finite import check_finite

__all__ = ["projections"]


def projections(enc: Model, tokens: Tokens) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Compute queries and keys of every layer and head, (layers, heads, n, head_dim) each.

    Raises InputError where a value is NaN or infinite.
    """
    captured: list[torch.Tensor] = []

    def capture(block: Dnabert2SelfAttention) -> RemovableHandle:
        return block.Wqkv.register_forward_hook(
            lambda _module, _inputs, output: captured.append(block.split(output)[:, :2])
        )

    with enc.lock:
        hooks = [capture(block) for block in enc.body.attention_blocks()]
        try:
            with torch.inference_mode():
                enc.body(enc.input_ids(tokens))
        finally:
            for hook in hooks:
                hook.remove()
    # (layers, n, 2, heads, head_dim) to queries and keys of (layers, heads, n, head_dim)
    both = torch.stack(captured).permute(2, 0, 3, 1, 4).contiguous()
    queries, keys = both.float().cpu().numpy()
    for values in (queries, keys):
        check_finite(values, enc.module, "values of queries and keys")
    return queries, keys
