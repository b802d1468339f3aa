"""Time of an exact search: ten queries in a million vectors of 768, mapped from a file in memory.

Run with ``python benchmarks/search.py [rows] [width]``; it writes rows × width × 4 bytes to the
folder for temporary files, 3 GB by default, and removes them.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from dnabert2_explore.stores.search import nearest_rows


def main() -> None:
    """Make, search, and say how long it took."""
    given = [int(value) for value in sys.argv[1:3]]
    rows, width = [*given, *(1_000_000, 768)[len(given) :]]
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "vectors.npy")
        out = np.lib.format.open_memmap(path, "w+", np.float32, (rows, width))
        for first in range(0, rows, 50_000):
            part = rng.standard_normal((min(50_000, rows - first), width), dtype=np.float32)
            out[first : first + len(part)] = part / np.linalg.norm(part, axis=1, keepdims=True)
        out.flush()
        del out
        vectors = np.load(path, mmap_mode="r")
        queries = np.array(vectors[rng.integers(0, rows, 10)])
        for name in ("first", "again", "again"):
            start, cpu = time.perf_counter(), time.process_time()
            found, _ = nearest_rows(vectors, queries, 10)
            print(
                f"{name}: {time.perf_counter() - start:.2f} s ({time.process_time() - cpu:.2f} s "
                f"of CPU), 10 queries in {rows:,} x {width}, {os.cpu_count()} CPUs, "
                f"OMP_NUM_THREADS={os.environ.get('OMP_NUM_THREADS', 'unset')}"
            )
        assert found.shape == (10, 10)


if __name__ == "__main__":
    main()
