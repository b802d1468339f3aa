"""Time of an exact search: ten queries in a million vectors of 768, mapped from a file in memory.

Run with ``python benchmarks/search.py [rows] [width] [--out FILE]``; it writes rows × width × 4
bytes to the folder for temporary files, 3 GB by default, and removes them.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from benchmarks.lab_latency import processor
from dnabert2_explore.stores.nearest import nearest_rows


def main() -> None:
    """Make, search, and say how long it took."""
    parser = argparse.ArgumentParser()
    parser.add_argument("rows", nargs="?", type=int, default=1_000_000)
    parser.add_argument("width", nargs="?", type=int, default=768)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    rows, width = given.rows, given.width
    runs = []
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
        for name in ("first", "again", "again", "again", "again"):
            start, cpu = time.perf_counter(), time.process_time()
            found, _ = nearest_rows(vectors, queries, 10)
            clock, used = time.perf_counter() - start, time.process_time() - cpu
            load = os.getloadavg()[0]
            print(
                f"{name}: {clock:.2f} s ({used:.2f} s of CPU), 10 queries in {rows:,} x {width}, "
                f"{os.cpu_count()} CPUs, load {load:.1f}, "
                f"OMP_NUM_THREADS={os.environ.get('OMP_NUM_THREADS', 'unset')}"
            )
            runs.append({"seconds": clock, "cpu_seconds": used, "load": load})
        assert found.shape == (10, 10)
    if given.out:
        about = {"rows": rows, "width": width, "queries": 10, "k": 10}
        about |= {"processor": processor(), "cores": os.cpu_count()}
        given.out.write_text(json.dumps({"about": about, "runs": runs}, indent=1) + "\n")


if __name__ == "__main__":
    main()
