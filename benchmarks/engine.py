"""Our forward pass against one that works as the original DNABERT-2 does.

The reference path shares our weights and differs in what the original differs in: attention is
computed step by step on padded scores, with a bias built anew in every forward pass. Like the
original, it leaves padding out of the linear layers. Both run alternately in one process; the
table gives the ratio of their best times, so that a busy machine slows both.

    python benchmarks/engine.py                  # the full 117M shape, a few minutes on 2 cores
    python benchmarks/engine.py --shape pocket --repeats 5
    python benchmarks/engine.py --memory 2048    # peak memory of both, each in its own process
"""

from __future__ import annotations

import argparse
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable

import torch
import transformers

from dnabert2_explore.network import Dnabert2Config, Dnabert2Model, alibi_slopes
from dnabert2_explore.network.packing import Packing

SHAPES = {
    "117M": {},
    "pocket": {
        "hidden_size": 192,
        "num_hidden_layers": 4,
        "num_attention_heads": 6,
        "intermediate_size": 512,
    },
}
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def reference(model: Dnabert2Model, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Last hidden state, computed as the original computes it."""
    batch, width = ids.shape
    packing = Packing.from_mask(mask)
    hidden = model.embeddings(packing.pack(model.embeddings.word_embeddings(ids)), None)
    places = torch.arange(width)
    distance = (places[:, None] - places[None, :]).abs().float()
    bias = -alibi_slopes(model.config.num_attention_heads)[:, None, None] * distance
    bias = (bias[None] + (1.0 - mask[:, None, None, :].float()) * -10000.0).to(hidden.dtype)
    for layer in model.encoder.layer:
        attention = layer.attention
        padded = attention.self.split(packing.unpack(attention.self.Wqkv(hidden)).flatten(0, 1))
        query, key, value = padded.unflatten(0, (batch, width)).permute(2, 0, 3, 1, 4)
        scores = query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5 + bias
        context = (scores.softmax(dim=-1) @ value).transpose(1, 2).flatten(2)
        hidden = layer.mlp(attention.output(packing.pack(context), hidden))
    return packing.unpack(hidden)


def ours(model: Dnabert2Model, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Last hidden state, computed as the package computes it."""
    return model(ids, mask).last_hidden_state


PATHS: dict[str, Callable[..., torch.Tensor]] = {"reference": reference, "ours": ours}


def work(lengths: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
    """Random token ids of the given lengths, padded, and their mask."""
    width = max(lengths)
    mask = (torch.arange(width) < torch.tensor(lengths)[:, None]).long()
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(5, 4096, (len(lengths), width), generator=generator)
    return ids.where(mask.bool(), torch.tensor(3)), mask


def build(shape: str, dtype: torch.dtype) -> Dnabert2Model:
    """Make a random network of that shape."""
    torch.manual_seed(0)
    return Dnabert2Model(Dnabert2Config(**SHAPES[shape]), add_pooling_layer=False).eval().to(dtype)


def best_times(calls: list[Callable[[], object]], repeats: int) -> list[float]:
    """Best of `repeats` seconds for each call, taken in turns after one warm-up."""
    best = [float("inf")] * len(calls)
    for turn in range(repeats + 1):
        for index, call in enumerate(calls):
            start = time.perf_counter()
            call()
            if turn:
                best[index] = min(best[index], time.perf_counter() - start)
    return best


def peak(path: str, shape: str, dtype: str, tokens: int) -> float:
    """Megabytes above the loaded model at the peak of one forward pass of one sequence."""
    model = build(shape, DTYPES[dtype])
    ids, mask = work([tokens])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with torch.inference_mode():
        PATHS[path](model, ids, mask)
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--shape", choices=SHAPES, default="117M")
    parser.add_argument("--dtype", choices=DTYPES, default="float32")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--lengths", type=int, nargs="*", default=[128, 512, 2048])
    parser.add_argument("--memory", type=int, nargs="*", default=[])
    parser.add_argument("--peak", nargs=2, metavar=("PATH", "TOKENS"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peak:
        print(peak(options.peak[0], options.shape, options.dtype, int(options.peak[1])))
        return
    print(
        f"{platform.processor() or platform.machine()}, {torch.get_num_threads()} threads, torch "
        f"{torch.__version__}, transformers {transformers.__version__}, {options.shape} shape, "
        f"{options.dtype}"
    )
    if options.memory:
        print("| tokens | reference, MB | ours, MB | ratio |\n|---|---|---|---|")
        for tokens in options.memory:
            extra = ["--shape", options.shape, "--dtype", options.dtype]
            a, b = (
                float(
                    subprocess.run(
                        [sys.executable, __file__, *extra, "--peak", path, str(tokens)],
                        check=True,
                        capture_output=True,
                        text=True,
                    ).stdout
                )
                for path in PATHS
            )
            print(f"| {tokens:,} | {a:,.0f} | {b:,.0f} | {b / a:.2f} |")
        return
    model = build(options.shape, DTYPES[options.dtype])
    generator = torch.Generator().manual_seed(1)
    mixed = torch.randint(32, 513, (16,), generator=generator).tolist()
    cases = {"mixed 32-512": mixed}
    cases |= {f"{n:,}": [n] * max(1, 2048 // n) for n in options.lengths}
    print("| tokens | reference, tokens/s | ours, tokens/s | ratio | largest difference |")
    print("|---|---|---|---|---|")
    for name, lengths in cases.items():
        ids, mask = work(lengths)
        with torch.inference_mode():
            difference = (reference(model, ids, mask) - ours(model, ids, mask)).abs().max()
            calls = [lambda f=f: f(model, ids, mask) for f in PATHS.values()]  # noqa: B023
            a, b = best_times(calls, options.repeats)
        total = sum(lengths)
        print(f"| {name} | {total / a:,.0f} | {total / b:,.0f} | {a / b:.2f} | {difference:.1e} |")


if __name__ == "__main__":
    main()
