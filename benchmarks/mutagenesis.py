"""Measure saturation mutagenesis beside the engine on the same tokens, and its estimate beside it.

python benchmarks/mutagenesis.py [--shape 117M] [--bases 300] [--dtype float32] [--repeats 3]

The network has random weights: time does not depend on them. In turns in one process, the best time
of each: ``saturation_mutagenesis`` of a demo sequence as a user calls it, with a progress bar, the
engine alone on the token ids of the same mutants, and the estimate from one gradient.
"""

from __future__ import annotations

import argparse
import sys

import torch

import dnabert2_explore as dx
from dnabert2_explore.analysis.attribution import ExplainedOutput
from dnabert2_explore.bench import Table, alternately, clock_of, write_tables
from dnabert2_explore.bench.cases import mutants
from dnabert2_explore.bench.shapes import find_shape
from dnabert2_explore.encoder.machine import describe_machine
from dnabert2_explore.network import Dnabert2ForSequenceClassification


def main() -> None:
    """Print seconds, and the ratio that the issue asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shape", default="117M")
    parser.add_argument("--bases", type=int, default=300)
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--out", help="JSON file of the tables, as docs/performance.md has them")
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    device = torch.device(arguments.device)
    config = find_shape(arguments.shape)
    config.num_labels = 2
    torch.manual_seed(0)
    network = Dnabert2ForSequenceClassification(config)
    network.to(device, getattr(torch, arguments.dtype))
    enc = dx.Encoder(network, dx.load("pocket").tokenizer, arguments.shape)
    bases = dx.demo.windows()[0].bases[: arguments.bases]
    explained = ExplainedOutput.of(enc, bases, 1)
    rows, _ = explained.read(mutants(bases))
    tokens = sum(len(row) for row in rows)

    def bar(done: int, total: int) -> None:
        print(f"\r{done:,} of {total:,} mutants", end="", file=sys.stderr, flush=True)

    def verb() -> None:
        dx.saturation_mutagenesis(enc, bases, 1, approximate=False, progress=bar)

    def engine() -> None:
        enc.logits_ids(rows)

    def estimate() -> None:
        dx.attribute(enc, bases, 1, method="mutagenesis_gradient")

    for call in (verb, engine, estimate):
        call()  # warm
    machine = describe_machine(device)
    seconds = alternately([verb, engine, estimate], device, arguments.repeats)
    names = ("`saturation_mutagenesis`", "the engine alone", "the estimate from one gradient")
    table = Table(
        title=f"Saturation mutagenesis, {enc.info}",
        header=("", "s", "ms a mutant", "of the engine's time"),
        rows=tuple(
            (name, f"{one:.2f}", f"{1000 * one / len(rows):.2f}", f"{one / seconds[1]:.3f}")
            for name, one in zip(names, seconds, strict=True)
        ),
        note=f"{len(rows):,} mutants of {len(bases):,} bp, {tokens:,} tokens, in turns, the best "
        f"{clock_of(device)} time counts.",
    )
    print(f"\n{machine}\n\n{table.markdown()}")
    if arguments.out:
        write_tables(arguments.out, machine, [table], " ".join(["python", *sys.argv]))


if __name__ == "__main__":
    main()
