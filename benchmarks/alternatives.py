"""Measure what the engine could use and does not by default.

Attention backends on the same packed tokens, and the blocks around attention (projection, gated
MLP, residuals, LayerNorm) compiled by torch.compile, each in turns with what the engine uses. On a
GPU also the whole encoder replayed as a CUDA graph.

    python benchmarks/alternatives.py
    python benchmarks/alternatives.py --device cuda --dtype bfloat16
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import cast

import torch
from torch import nn

from dnabert2_explore.bench import (
    Table,
    alternately,
    describe_machine,
    make_network,
    write_tables,
)
from dnabert2_explore.encoder import find_device
from dnabert2_explore.encoder.loading.precision import find_dtype
from dnabert2_explore.network import BACKENDS, Dnabert2Model
from dnabert2_explore.network.alibi import AlibiBias
from dnabert2_explore.network.attention import why_not
from dnabert2_explore.network.modeling import Dnabert2Layer
from dnabert2_explore.network.packing import Packing

BATCHES = {
    "mixed 32-512": [512, 400, 333, 300, 256, 200, 199, 128, 100, 64, 50, 32] * 2,
    "32 x 64": [64] * 32,
    "8 x 512": [512] * 8,
    "2 x 2,048": [2048] * 2,
}


def backends(device: torch.device, dtype: torch.dtype, repeats: int) -> Table:
    """Time attention alone, 12 heads of 64."""
    names = [name for name in BACKENDS if why_not(name, device, dtype) is None]
    rows = []
    for what, lengths in BATCHES.items():
        packing = Packing.from_lengths(lengths, device)
        qkv = torch.randn(sum(lengths), 3, 12, 64, device=device).to(dtype)

        def attend(name: str, packing: Packing = packing, qkv: torch.Tensor = qkv) -> None:
            with torch.inference_mode():
                # As in a forward pass: the bias is made once for all layers, and so is cheap.
                BACKENDS[name](qkv, packing, AlibiBias(12, packing.longest, dtype, device))

        calls = [partial(attend, name) for name in names]
        for call in calls:
            call()
            call()
        times = dict(zip(names, alternately(calls, device, repeats), strict=True))
        rows.append((what, *(f"{times['sdpa'] / times[name]:.2f}" for name in names)))
    return Table(
        title=f"Attention of one layer, {dtype}: speed relative to sdpa",
        header=("sequences x tokens", *names),
        rows=tuple(rows),
        note="Same packed tokens, in turns, best times; compilation is not counted.",
    )


def compiled(device: torch.device, dtype: torch.dtype, repeats: int) -> Table:
    """Time the blocks around attention, as they are and compiled."""
    layer = cast(Dnabert2Layer, make_network("117M", device, dtype).encoder.layer[0])
    rows = []
    blocks: dict[str, tuple[nn.Module, int]] = {
        "gated MLP": (layer.mlp, 1),
        "attention output": (layer.attention.output, 2),
    }
    for name, (block, inputs) in blocks.items():
        fast = torch.compile(block, dynamic=True)
        begun = time.perf_counter()
        with torch.inference_mode():
            fast(*torch.randn(inputs, 300, 768, device=device, dtype=dtype))
        spent = time.perf_counter() - begun
        ratios = []
        for tokens in (128, 512, 2048, 4096):
            values = torch.randn(inputs, tokens, 768, device=device, dtype=dtype)

            def compute(how: Callable[..., object], values: torch.Tensor = values) -> None:
                with torch.inference_mode():
                    how(*values)

            calls = [partial(compute, block), partial(compute, fast)]
            for call in calls:
                call()
            plain, quick = alternately(calls, device, repeats)
            ratios.append(f"{plain / quick:.2f}")
        rows.append((name, *ratios, f"{spent:.0f}"))
    return Table(
        title=f"torch.compile, 117M shape, {dtype}: compiled relative to plain",
        header=("block", "128 tokens", "512", "2,048", "4,096", "compilation, s"),
        rows=tuple(rows),
        note="In turns, best times.",
    )


def graph(dtype: torch.dtype, repeats: int) -> Table:
    """Time the whole encoder for one batch shape, plain and as a CUDA graph."""
    device = torch.device("cuda")
    network: Dnabert2Model = make_network("117M", device, dtype)
    last = network.config.num_hidden_layers
    rows = []
    for tokens in (128, 512, 4096):
        packing = Packing.from_lengths([tokens], device)
        ids = torch.randint(5, 4096, (tokens,), device=device)

        def plain(ids: torch.Tensor = ids, packing: Packing = packing) -> None:
            with torch.inference_mode():
                network.packed_states(ids, packing, (last,))

        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(3):
                plain()
        torch.cuda.current_stream().wait_stream(stream)
        recorded = torch.cuda.CUDAGraph()
        with torch.cuda.graph(recorded):
            plain()
        slow, quick = alternately([plain, recorded.replay], device, repeats)
        row = (1e3 * slow, 1e3 * quick, slow / quick)
        rows.append((f"{tokens:,}", *(f"{value:.2f}" for value in row)))
    return Table(
        title="CUDA graph of one sequence, 117M shape",
        header=("tokens", "plain, ms", "graph, ms", "ratio"),
        rows=tuple(rows),
        note="A graph holds for one batch shape only.",
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="auto")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", help="JSON file of the tables, as docs/performance.md has them")
    options = parser.parse_args()
    device = find_device(options.device)
    dtype = find_dtype(options.dtype, device, 768)
    machine = describe_machine(device)
    print(machine)
    measures: list[Callable[[torch.dtype, int], Table]] = [
        partial(backends, device),
        partial(compiled, device),
    ]
    if device.type == "cuda":
        measures.append(graph)
    tables = []
    for measure in measures:
        tables.append(measure(dtype, options.repeats))
        print(f"\n{tables[-1].markdown()}")
    if options.out:
        write_tables(options.out, machine, tables, " ".join(["python", *sys.argv]))


if __name__ == "__main__":
    main()
