"""The nearest rows of a large array to some queries: every row is looked at, by several threads."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..common.progress import Progress, quiet

__all__ = ["best_of", "nearest_rows", "unit"]

# Rows multiplied at once: 3 MB of 768 numbers, which stay in the cache of a core.
_ROWS = 1024
_THREADS = 8  # at most: memory feeds no more


def unit(vectors: NDArray[Any]) -> NDArray[Any]:
    """Scale rows to length 1; rows of zeros stay."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.maximum(norms, np.finfo(np.float32).tiny)


def nearest_rows(
    vectors: Any, queries: NDArray[np.float32], k: int, progress: Progress | None = None
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Find the k rows with the largest product with each query (q, hidden); all are of length 1.

    `vectors` (n, hidden) are a memory map, or blocks of it as `search` makes them; rows with NaN
    are passed over. Returns rows (q, k), the nearest first, of equal ones the earlier, and -1 where
    there are fewer; and their products.
    """
    n = len(vectors)
    # Threads of Python multiply their parts at once; those of BLAS inside them would fight for the
    # same cores (measured: eight times the CPU time).
    parts = min(os.cpu_count() or 1, _THREADS, max(n // (8 * _ROWS), 1))
    done, lock, report = 0, threading.Lock(), progress or quiet

    def told(rows: int) -> None:
        nonlocal done
        with lock:
            done += rows
            report(done, n)

    edges = np.linspace(0, n, parts + 1).astype(int)
    if parts == 1:
        return _nearest(vectors, queries, k, 0, n, told)
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(parts) as pool:
        asked = [
            pool.submit(_nearest, vectors, queries, k, first, last, told)
            for first, last in pairwise(edges)
        ]
        return best_of([one.result() for one in asked], k)


def _nearest(
    vectors: Any,
    queries: NDArray[np.float32],
    k: int,
    start: int,
    stop: int,
    told: Callable[[int], None],
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Look at the rows from `start` to `stop`."""
    best = np.full((len(queries), k), -np.inf, dtype=np.float32)
    rows = np.full((len(queries), k), -1, dtype=np.int64)
    for first in range(start, stop, _ROWS):
        last = min(first + _ROWS, stop)
        products = queries @ np.asarray(vectors[first:last]).T
        np.nan_to_num(products, copy=False, nan=-np.inf)
        # Nearly all blocks hold nothing better than what is known.
        for query in np.flatnonzero((products > best[:, -1:]).any(axis=1)):
            better = np.flatnonzero(products[query] > best[query, -1])
            found = np.concatenate([best[query], products[query, better]])
            where = np.concatenate([rows[query], first + better])
            order = np.argsort(-found, kind="stable")[:k]
            best[query], rows[query] = found[order], where[order]
        told(last - first)
    return rows, best


def best_of(
    parts: list[tuple[NDArray[np.int64], NDArray[np.float32]]], k: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Put together what was found in parts; of equal ones the earlier part's come first."""
    rows = np.concatenate([r for r, _ in parts], axis=1)
    products = np.concatenate([p for _, p in parts], axis=1)
    order = np.argsort(-products, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(rows, order, axis=1), np.take_along_axis(products, order, axis=1)
