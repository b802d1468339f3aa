"""All attention maps of a sequence at a glance, without computing them in full."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .attend import Attention

__all__ = ["overview"]


def overview(attention: Attention, cells: int = 24) -> NDArray[np.float32]:
    """Sum every map up to a thumbnail, (layers, heads, m, m), from a few of its rows.

    A full map is quadratic in length, and there are layers × heads of them. Here m queries, `cells`
    or as many as there are tokens, evenly spaced, look at all keys (columns), and each cell keeps
    the largest weight of the keys in it: time and memory are linear in length.
    """
    n = len(attention.tokens)
    edges = np.linspace(0, n, min(cells, n) + 1).astype(np.int64)
    rows = (edges[:-1] + edges[1:]) // 2
    out = np.empty((attention.n_layers, attention.n_heads, len(rows), len(rows)), np.float32)
    for layer in range(attention.n_layers):
        for head in range(attention.n_heads):
            weights = attention.rows(layer, head, rows)
            out[layer, head] = np.maximum.reduceat(weights, edges[:-1], axis=1)
    return out
