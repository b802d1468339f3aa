"""Embed a genome into a store: how much of the time is the model's, and what memory it takes.

    python benchmarks/genome.py genome.fa                    # pocket, windows of 1,000 every 500
    python benchmarks/genome.py genome.fa --shape 117M --bases 200000
    python benchmarks/genome.py genome.fa --long 100000      # one sequence at once, too

The store is written to a temporary folder and deleted.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import torch

from dnabert2_explore import Encoder, Genome, Sequence, load
from dnabert2_explore.bench import SHAPES, describe_machine, make_network, resident
from dnabert2_explore.encoder import find_device


def peak() -> float:
    """Megabytes this process held at most since `forget`."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1e3
    raise SystemExit("genome.py: /proc/self/status has no VmHWM")


def forget() -> float:
    """Set the peak back to what is held now; return that, in megabytes (Linux)."""
    Path("/proc/self/clear_refs").write_text("5")
    return resident()["Rss"] / 1e6


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("fasta")
    parser.add_argument("--shape", choices=SHAPES, default="pocket")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--bases", type=int, help="of the first record only")
    parser.add_argument("--window", type=int, default=1000)
    parser.add_argument("--stride", type=int, default=500)
    parser.add_argument("--long", type=int, default=0, help="bases of one sequence read at once")
    options = parser.parse_args()
    device = find_device(options.device)
    print(describe_machine(device))
    enc = load("pocket", device=options.device, cache=False)
    if options.shape != "pocket":
        network = make_network(options.shape, device)
        enc = Encoder(network, enc.tokenizer, name=f"random weights, {options.shape} shape")
    source: str | list[Sequence] = options.fasta
    with Genome(options.fasta) as genome:
        longest = genome.lengths[0]
        if options.bases:
            bases = genome.fetch(0, 0, min(options.bases, longest))
            source = [Sequence(genome.names[0], bases)]
        stretch = genome.fetch(0, 0, min(options.long, longest)) if options.long else ""
    enc.embed("ACGT" * 250)
    with tempfile.TemporaryDirectory() as folder:
        before = forget()
        summary = enc.embed_to(
            Path(folder) / "out.zarr", source, window=options.window, stride=options.stride
        )
        print(f"{summary}; {enc.info}; peak {peak() - before:,.0f} MB above the loaded model")
    if stretch:
        before, start = forget(), time.perf_counter()
        with torch.inference_mode():
            vector = enc.embed(stretch)
        seconds = time.perf_counter() - start
        assert vector.shape == (1, enc.config.hidden_size)
        print(
            f"{len(stretch):,} bp as one sequence of {len(enc.tokenize(stretch)):,} tokens: "
            f"{seconds:,.0f} s, peak {peak() - before:,.0f} MB above the loaded model"
        )


if __name__ == "__main__":
    main()
