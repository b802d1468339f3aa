"""Time of what an atlas does: first map, judgement, lasso to table, and the picture itself.

Run with ``python benchmarks/atlas.py [points]``; it writes benchmarks/results/atlas.json where the
number is 20,000. Sequences are random and their vectors too: only the time is of interest here.
Every line gives seconds of CPU of this process, and by the clock.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

import dnabert2_explore as dx
from dnabert2_explore.analysis.enrichment import enriched_kmers
from dnabert2_explore.encoder.machine import describe_machine
from dnabert2_explore.figures import atlas_scatter
from dnabert2_explore.results.sealed import write_json

LENGTH, HIDDEN, POINTS = 1000, 384, 20_000
RESULT = Path(__file__).parents[1] / "benchmarks" / "results" / "atlas.json"

_took: dict[str, dict[str, float]] = {}


def timed(what: str, action: Callable[[], Any]) -> Any:
    """Do it, and say how long it took."""
    start, cpu = time.perf_counter(), time.process_time()
    result = action()
    took = {"cpu": time.process_time() - cpu, "clock": time.perf_counter() - start}
    print(f"{what}: {took['cpu']:.2f} s of CPU, {took['clock']:.2f} s")
    _took[what] = took
    return result


def main() -> None:
    """Make the points, and go through it all."""
    n = int(sys.argv[1]) if len(sys.argv) > 1 else POINTS
    rng = np.random.default_rng(0)
    letters = np.frombuffer(b"ACGT", dtype=np.uint8)
    texts = [row.tobytes().decode() for row in letters[rng.integers(0, 4, (n, LENGTH))]]
    vectors = rng.normal(size=(n, HIDDEN)).astype(np.float32)
    labels = [f"class {i % 20}" for i in range(n)]
    cut = n // 4
    print(f"{n:,} sequences of {LENGTH} bp, {HIDDEN} numbers each, {os.cpu_count()} CPUs")

    few = min(n, 5000)
    plane = timed(f"PCA of {few:,}", lambda: dx.project(vectors[:few], method="pca"))
    judged = timed(
        f"judgement of {few:,} with all nulls",
        lambda: dx.judge_map(
            plane, vectors[:few], texts[:few], labels[:few],
            beside={"untrained twin": vectors[:few, ::-1]}, pca=True,
        ),
    )  # fmt: skip
    print(f"  {judged.verdict}")
    found = timed(
        f"k-mers of {cut:,} beside {n - cut:,}", lambda: enriched_kmers(texts[:cut], texts[cut:])
    )
    print(f"  {found}")
    timed(
        "all of the panel",
        lambda: dx.compare_sequences(
            texts[:cut], texts[cut:], vectors=(vectors[:cut], vectors[cut:])
        ),
    )
    whole = timed(f"PCA of {n:,}", lambda: dx.project(vectors, method="pca"))
    figure = timed("figure", lambda: atlas_scatter(whole, texts_names(n), labels))
    text = timed("figure as JSON", lambda: figure.to_json(validate=False))
    print(f"  {len(text) / 1e6:.1f} MB")
    if n == POINTS:
        about = {"points": n, "length": LENGTH, "hidden": HIDDEN, "load": os.getloadavg()[0],
                 "machine": str(describe_machine(torch.device("cpu")))}  # fmt: skip
        write_json(RESULT, {"format": 1, "about": about, "seconds": _took})


def texts_names(n: int) -> list[str]:
    """Names of the points."""
    return [f"window {i}" for i in range(n)]


if __name__ == "__main__":
    main()
