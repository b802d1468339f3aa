"""Sequences of like composition and length, so that like is compared with like."""

from __future__ import annotations

from collections.abc import Sequence as Items

import numpy as np
from numpy.typing import NDArray

from ...common.names import check_name

__all__ = ["MATCHES", "cpg_of", "gc_of", "strata_of"]

#: What two sets can be matched by.
MATCHES = ("gc+length", "gc+cpg", "gc", "none")

_MEMBERS = 50  # sequences a stratum has on average, at least
_MOST = 20  # strata of GC
_OTHERS = 4  # strata of length, or of CpG
_ALIKE = 1.1  # lengths that differ by less than this factor are one


def gc_of(texts: Items[str]) -> NDArray[np.float64]:
    """Share of G and C among A, C, G and T, shape (n,); NaN without any. `texts` in capitals."""
    counts = np.array([[t.count("G") + t.count("C"), t.count("A") + t.count("T")] for t in texts])
    counts = counts.reshape(-1, 2).astype(np.float64)
    with np.errstate(invalid="ignore"):
        return counts[:, 0] / counts.sum(axis=1)


def cpg_of(texts: Items[str]) -> NDArray[np.float64]:
    """CpG observed over expected (Gardiner-Garden and Frommer 1987), shape (n,).

    CG times length over C times G; 1 where there is no C or no G. `texts` in capitals.
    """
    c, g, pairs = (
        np.array([t.count(x) for t in texts], dtype=np.float64) for x in ("C", "G", "CG")
    )
    length = np.array([len(t) for t in texts], dtype=np.float64)
    return np.where(c * g > 0, pairs * length / np.maximum(c * g, 1), 1.0)


def strata_of(texts: Items[str], match: str = "gc+length") -> NDArray[np.int64]:
    """Sort sequences, in capitals, into strata of like GC content and length: numbers from 0, (n,).

    Strata are quantiles, as many as leave some 50 sequences in each: four of length (or of CpG,
    observed over expected), and up to 20 of GC in each of them. Another `match` raises InputError.
    """
    check_name("Matching", match, MATCHES)
    n = len(texts)
    if match == "none" or not n:
        return np.zeros(n, dtype=np.int64)
    cells = max(n // _MEMBERS, 1)
    gc = np.nan_to_num(gc_of(texts), nan=0.5)
    second, wide = np.zeros(n), False
    if match == "gc+length":
        second = np.array([len(t) for t in texts], dtype=np.float64)
        low, high = np.quantile(second, [0.05, 0.95])
        wide = high > _ALIKE * max(low, 1)
    elif match == "gc+cpg":
        second, wide = cpg_of(texts), True
    outer = np.unique(
        _quantile_bins(second, min(_OTHERS, cells) if wide else 1), return_inverse=True
    )[1]
    bins = min(_MOST, max(cells // (outer.max() + 1), 1))
    out = np.zeros(n, dtype=np.int64)
    for number in range(outer.max() + 1):
        rows = outer == number
        out[rows] = number * _MOST + _quantile_bins(gc[rows], bins)
    return np.unique(out, return_inverse=True)[1].astype(np.int64)


def _quantile_bins(values: NDArray[np.float64], bins: int) -> NDArray[np.int64]:
    edges = np.unique(np.quantile(values, np.arange(1, bins) / bins))
    return np.searchsorted(edges, values, side="right").astype(np.int64)
