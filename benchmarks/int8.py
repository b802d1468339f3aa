"""Would int8 weights be worth it on a CPU? Speed and fidelity of torch's dynamic quantization.

The linear layers of an encoder are quantized (weights to int8 per tensor beforehand, activations
at run time), and tokens a second are taken in turns with float32, and with bfloat16 on a CPU that
multiplies in it, with the cosine of the mean embeddings to those of float32. Fidelity is measured
on trained weights (pocket, real windows of the demo): random ones say little.

    python benchmarks/int8.py                # the 117M shape for speed, pocket for fidelity
    python benchmarks/int8.py --tokens 512
"""

from __future__ import annotations

import argparse
import copy
import sys
import warnings
from functools import partial

import numpy as np
import torch
from torch import nn

from dnabert2_explore import demo, load
from dnabert2_explore.bench import (
    Table,
    alternately,
    clock_of,
    describe_machine,
    make_network,
    write_tables,
)
from dnabert2_explore.bench.ours import embed_ours
from dnabert2_explore.encoder.loading.precision import gains_from_bfloat16
from dnabert2_explore.network import Dnabert2Model

CPU = torch.device("cpu")


def quantized(network: Dnabert2Model) -> Dnabert2Model:
    """Return a copy whose linear layers multiply in int8."""
    with warnings.catch_warnings():
        # torch.ao.quantization is being moved to torchao, which has the same method.
        warnings.simplefilter("ignore", DeprecationWarning)
        return torch.ao.quantization.quantize_dynamic(
            copy.deepcopy(network), {nn.Linear}, dtype=torch.qint8
        )


def cosines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Cosine of each pair of rows."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    return (a * b).sum(1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shape", default="117M")
    parser.add_argument("--tokens", type=int, nargs="+", default=[128, 512])
    parser.add_argument("--total", type=int, default=2048, help="tokens in a call, about")
    parser.add_argument("--windows", type=int, help="real windows for fidelity; all by default")
    parser.add_argument("--threads", type=int, help="that torch may use; one counts CPU seconds")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", help="JSON file of the tables, as docs/performance.md has them")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    machine = f"{describe_machine(CPU)}, quantized engine {torch.backends.quantized.engine}"
    print(f"{machine}\n")
    exact = make_network(options.shape, CPU)
    networks = {"float32": exact, "int8": quantized(exact)}
    if gains_from_bfloat16(CPU):  # elsewhere it is emulated, tens of times slower
        networks["bfloat16"] = make_network(options.shape, CPU, torch.bfloat16)
    rows = []
    for length in options.tokens:
        rng = np.random.default_rng(0)
        ids = [rng.integers(5, 4096, size=length) for _ in range(max(1, options.total // length))]
        calls = [partial(embed_ours, network, ids) for network in networks.values()]
        for call in calls:
            call()
        times = alternately(calls, CPU, options.repeats)
        total = length * len(ids)
        rows.append(
            (
                f"{length:,}",
                *(f"{total / seconds:,.0f}" for seconds in times),
                *(f"{other / times[1]:.2f}" for other in (times[0], *times[2:])),
            )
        )
    speed = Table(
        title=f"Mean embeddings, {options.shape} shape, tokens/s",
        header=(
            "tokens",
            *networks,
            *(f"int8 / {name}" for name in networks if name != "int8"),
        ),
        rows=tuple(rows),
        note=f"About {options.total:,} tokens a call, in turns, the best {clock_of(CPU)} time "
        "counts.",
    )
    enc = load("pocket", device="cpu", dtype="float32", cache=False)
    ids = [enc.tokenize(window.bases).ids for window in demo.windows()[: options.windows]]
    truth = embed_ours(enc.body, ids)
    rows = []
    for name, network in {
        "bfloat16": copy.deepcopy(enc.body).to(torch.bfloat16),
        "int8": quantized(enc.body),
    }.items():
        values = cosines(truth, embed_ours(network, ids))
        rows.append((name, f"{values.min():.6f}", f"{np.median(values):.6f}"))
    fidelity = Table(
        title=f"Cosine of mean embeddings with float32, pocket, {len(ids)} real windows",
        header=("type", "lowest", "median"),
        rows=tuple(rows),
        note="Trained weights.",
    )
    print(f"{speed.markdown()}\n\n{fidelity.markdown()}")
    if options.out:
        write_tables(options.out, machine, [speed, fidelity], " ".join(["python", *sys.argv]))


if __name__ == "__main__":
    main()
