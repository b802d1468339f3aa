"""An embedder that needs no model, and a genome to embed; importable by worker processes."""

from __future__ import annotations

import hashlib
import os
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np

from dnabert2_explore.sequences.reading.genome import Genome
from dnabert2_explore.stores import WindowPlan, embed_windows

WINDOW, STRIDE, ROWS = 50, 30, 4


class FakeEmbedder:
    """Base counts times a fixed matrix; writes a line for every call of `compute`."""

    def __init__(self, log=None, delay=0.0, layers=(2, 5), hidden=6, weights="a" * 64, gate=None):
        self.settings = {
            "log": log,
            "delay": delay,
            "layers": layers,
            "hidden": hidden,
            "weights": weights,
            "gate": gate,
        }
        self.log, self.delay, self.gate = log, delay, gate
        self.layers, self.hidden = layers, hidden
        self.identity = {
            "weights_sha256": weights,
            "pooling": "mean",
            "layers": list(layers),
            "dtype": "float32",
        }
        self.about = {"model": "fake", "device": "none", "versions": {"numpy": np.__version__}}
        self.matrix = np.random.default_rng(0).normal(size=(4, len(layers) * hidden))
        self.asked = 0

    @property
    def recipe(self):
        return partial(FakeEmbedder, **self.settings)

    def prepare(self, bases):
        counts = np.array([[b.upper().count(x) for x in "ACGT"] for b in bases], dtype=float)
        return digest(bases), counts

    def compute(self, prepared):
        key, counts = prepared
        self.asked += len(counts)
        if self.log:
            with open(self.log, "a") as file:
                file.write(f"{key} {os.getpid()}\n")
        deadline = time.monotonic() + 60
        while self.gate and not os.path.exists(self.gate) and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(self.delay)
        return (
            (counts @ self.matrix)
            .astype(np.float32)
            .reshape(len(counts), len(self.layers), self.hidden)
        )

    def why_not_finite(self):
        return "it was told to"


def digest(bases: list[str]) -> str:
    return hashlib.md5("\n".join(bases).encode()).hexdigest()


def keys(genome: Genome, window=WINDOW, stride=STRIDE, rows=ROWS) -> list[str]:
    """What the log holds for each chunk of a genome without windows of only N."""
    plan = WindowPlan(genome.names, genome.lengths, window, stride, rows)
    return [
        digest([genome.fetch(*map(int, row)) for row in zip(*plan.chunk(i), strict=True)])
        for i in range(plan.n_chunks)
    ]


def logged(log: Path) -> list[tuple[str, int]]:
    """Key and process of every call of `compute`."""
    if not log.exists():
        return []
    return [(key, int(pid)) for key, pid in map(str.split, log.read_text().splitlines())]


def write_fasta(path: Path, lengths=(700, 20, 433), seed=0, width=60) -> Path:
    rng = np.random.default_rng(seed)
    with path.open("w") as file:
        for number, length in enumerate(lengths):
            bases = "".join(rng.choice(list("ACGTacgt"), size=length))
            file.write(f">chr{number} made up\n")
            file.writelines(bases[i : i + width] + "\n" for i in range(0, length, width))
    return path


def files(store: Path) -> dict[str, bytes]:
    """Every file of the arrays of a store; not the attributes, which hold the date."""
    return {
        str(file.relative_to(store)): file.read_bytes()
        for file in sorted(store.rglob("*"))
        if file.is_file() and file.suffix != ".partial" and file != store / "zarr.json"
    }


def main(store: str, fasta: str, log: str, delay: str) -> None:
    """Fill a store slowly, in a process of its own that a test can kill."""
    embed_windows(store, fasta, FakeEmbedder(log, float(delay)), WINDOW, STRIDE, ROWS)


if __name__ == "__main__":
    main(*sys.argv[1:])
