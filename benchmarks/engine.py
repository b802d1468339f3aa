"""Our engine against one that works as the original DNABERT-2 does: the full tables, as Markdown.

Both share weights and sequences and run in turns in one process, so that a busy machine slows
both; `dnabert2_explore.bench` says in detail what is compared. ``dnabert2-explore bench`` is the
short form.

    python benchmarks/engine.py                          # every length, the 117M shape
    python benchmarks/engine.py --shape pocket --repeats 5
    python benchmarks/engine.py --dtype float32 bfloat16 # both beside the reference in float32
    python benchmarks/engine.py --memory                 # peak memory, 4,096 tokens
    python benchmarks/engine.py --mutagenesis            # 900 mutants of 300 bp
    python benchmarks/engine.py --threads 1 --tokens 1024 --out benchmarks/results/engine.json

Asked for --memory or --mutagenesis without --lengths, it measures nothing else. Every row is
printed to standard error as it is done, the tables at the end; the file of --out holds them from
the first row on. One thread is measured in CPU seconds, which other work hardly changes.
"""

from __future__ import annotations

import argparse
import sys

import torch

from dnabert2_explore import ExploreError
from dnabert2_explore.bench import (
    MUTATED_BASES,
    SHAPES,
    Memory,
    Plan,
    Results,
    Speed,
    describe_machine,
    measure,
    missing_rows,
    write_tables,
)
from dnabert2_explore.encoder import find_device
from dnabert2_explore.encoder.loading.precision import find_dtype

LENGTHS = ("mixed", 128, 512, 2048, 4096, 8192)


def length(text: str) -> int | str:
    """Read a length from the command line."""
    return text if text == "mixed" else int(text)


def report(done: int, total: int, row: Speed | Memory) -> None:
    """Say a row as it is done."""
    print(f"{done}/{total} {row}", file=sys.stderr, flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shape", choices=SHAPES, default="117M")
    parser.add_argument("--dtype", nargs="+", default=["float32"], help="what ours computes in")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, help="that torch may use")
    parser.add_argument("--repeats", type=int, default=3, help="turns; the best time counts")
    parser.add_argument("--seconds", type=float, default=2.0, help="more turns up to this time")
    parser.add_argument("--tokens", type=int, help="about how many a case; fewer take less time")
    parser.add_argument("--out", help="JSON file of the tables and their numbers")
    parser.add_argument("--lengths", type=length, nargs="*", help='tokens, or "mixed"')
    parser.add_argument("--memory", type=int, nargs="*", help="tokens; 4096 if none are given")
    parser.add_argument(
        "--mutagenesis",
        type=int,
        nargs="?",
        const=MUTATED_BASES,
        default=0,
        help="bases to mutate; 300 if no number is given",
    )
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    memory = options.memory if options.memory is None else tuple(options.memory) or (4096,)
    lengths = options.lengths
    if lengths is None:
        lengths = () if memory or options.mutagenesis else LENGTHS
    device = find_device(options.device)
    plan = Plan(
        shape=options.shape,
        device=device,
        dtypes=tuple(find_dtype(name, device, 0) for name in options.dtype),
        lengths=tuple(lengths),
        memory=memory or (),
        mutated_bases=options.mutagenesis,
        repeats=options.repeats,
        seconds=options.seconds,
        tokens=options.tokens,
    )
    machine = describe_machine(device)  # before anything runs, for the load
    found = Results(plan.shape, str(device))
    command = "python benchmarks/engine.py " + " ".join(sys.argv[1:])

    def done(number: int, total: int, row: Speed | Memory) -> None:
        report(number, total, row)
        if options.out:
            write_tables(options.out, machine, found.tables(), command, found)

    tables = measure(plan, done, found)
    remarks = [f"missing: {reason}" for reason in missing_rows(device, plan.dtypes)]
    print("\n\n".join([str(machine), *(table.markdown() for table in tables), *remarks]))


if __name__ == "__main__":
    try:
        main()
    except ExploreError as error:
        sys.exit(f"engine.py: {error}")
