"""What finding a vector in the cache costs, beside computing it.

    python benchmarks/cache_hit.py [--bases 100] [--repeats 5]

A network of the 117M shape with random weights is saved and loaded from there, as a user's is; one
sequence is embedded without cache, and then found in it. One thread, CPU seconds, in turns, the
best of each. Writes benchmarks/results/cache_hit.json.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import torch

import dnabert2_explore as dx
from dnabert2_explore.bench import Table, alternately, describe_machine, write_tables
from dnabert2_explore.bench.shapes import find_shape
from dnabert2_explore.common.randomness import seeded
from dnabert2_explore.encoder import SHIPPED
from dnabert2_explore.network import Dnabert2ForMaskedLM
from dnabert2_explore.network.checkpoints.saving import save_model

RESULT = Path(__file__).resolve().parents[1] / "benchmarks" / "results" / "cache_hit.json"
CPU = torch.device("cpu")


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shape", default="117M")
    parser.add_argument("--bases", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=Path, default=RESULT)
    given = parser.parse_args()
    torch.set_num_threads(1)
    machine = describe_machine(CPU)
    bases = dx.demo.windows()[0].bases[: given.bases]
    with tempfile.TemporaryDirectory() as folder:
        with seeded(0):
            network = Dnabert2ForMaskedLM(find_shape(given.shape))
        save_model(network, Path(folder) / "model", SHIPPED["pocket"])
        enc = dx.load(Path(folder) / "model", dtype="float32", device="cpu")
        cache, found = enc.cache, []

        def computed() -> None:
            enc.cache = None
            found.append(enc.embed([bases]))
            enc.cache = cache

        def looked_up() -> None:
            found.append(enc.embed([bases]))

        computed()
        looked_up()  # puts it there
        seconds = alternately([computed, looked_up], CPU, given.repeats)
    assert all((one == found[0]).all() for one in found)
    table = Table(
        title=f"A vector from the cache, {given.shape} shape, float32",
        header=("one sequence", "computed, ms", "found, ms", "found / computed"),
        rows=(
            (
                f"{given.bases} bp",
                *(f"{1000 * one:.1f}" for one in seconds),
                f"{seconds[1] / seconds[0]:.1%}",
            ),
        ),
        note="One thread, CPU seconds, in turns, the best of each.",
    )
    print(f"{machine}\n\n{table.markdown()}")
    write_tables(given.out, machine, [table], " ".join(["python", *sys.argv]))


if __name__ == "__main__":
    main()
