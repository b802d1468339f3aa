"""Attention backends beside float64: how far each is off, forward and backward, and how fast.

    python benchmarks/attention.py --device cuda --out benchmarks/results/attention_h100.json
    python benchmarks/attention.py --device cpu --shape pocket --lengths 128 512

Queries, keys and values are random; every backend computes on the same ones, rounded to its type.
The reference is the step-by-step backend in float64 on the numbers before rounding. An error is
‖found − reference‖ / ‖reference‖, of the context and of the gradient of all three. Two rows stand
beside the backends' so that the errors say something:

- *rounding alone*: float64 on the rounded numbers, its result rounded: no backend in that type can
  be much better;
- *without ALiBi*: the same, all slopes 0: what a backend that forgot the bias would score.

Times are of forward, and of forward and backward, all backends in turns, the best counts; memory is
the peak above what was allocated, of forward and backward (GPU only). Errors are the
largest of all batches. Exits with 1 if a backend is more than four times as far off as rounding
alone, and above 1e-5.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch

from dnabert2_explore.bench import Table, alternately, clock_of, describe_machine, write_tables
from dnabert2_explore.bench.shapes import find_shape
from dnabert2_explore.encoder import find_device
from dnabert2_explore.errors import ExploreWarning
from dnabert2_explore.network import BACKENDS
from dnabert2_explore.network.alibi import AlibiBias
from dnabert2_explore.network.attention import why_not
from dnabert2_explore.network.packing import Packing

#: Lengths of a batch in tokens, by what it is called.
MIXED = (512, 431, 350, 269, 188, 107, 64, 32)
DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}
ALONE, FORGOTTEN = "rounding alone", "without ALiBi"

Pair = tuple[torch.Tensor, torch.Tensor | None]
#: (heads, type, backend) -> largest error of context and gradient.
Parity = dict[tuple[str, str, str], tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Work:
    """Numbers of one batch, before they are rounded to a type."""

    name: str
    lengths: tuple[int, ...]
    heads: int
    qkv: torch.Tensor
    weights: torch.Tensor

    @classmethod
    def random(
        cls, name: str, lengths: Sequence[int], heads: int, width: int, device: torch.device
    ) -> Work:
        """Draw them; the same for the same lengths."""
        generator = torch.Generator().manual_seed(len(lengths) + sum(lengths))
        total = sum(lengths)
        qkv = torch.randn(total, 3, heads, width, generator=generator, dtype=torch.float64)
        weights = torch.randn(total, heads, width, generator=generator, dtype=torch.float64)
        return cls(name, tuple(lengths), heads, qkv.to(device), weights.to(device))

    def compute(
        self, backend: str, dtype: torch.dtype, computed_in: torch.dtype, slopes: float = 1.0
    ) -> Pair:
        """Context and gradient; the gradient is None where a backend has none."""
        qkv = self.qkv.to(dtype).to(computed_in).requires_grad_()
        weights = self.weights.to(dtype).to(computed_in)
        call = self.caller(backend, computed_in, slopes)
        try:
            context = call(qkv)
            (gradient,) = torch.autograd.grad((context * weights).sum(), qkv)
        except ValueError:  # flex on a CPU
            with torch.no_grad():
                return call(qkv.detach()), None
        return context.detach(), gradient

    def caller(
        self, backend: str, dtype: torch.dtype, slopes: float = 1.0
    ) -> Callable[[torch.Tensor], torch.Tensor]:
        """Return the backend as a function of queries, keys and values alone."""
        packing = Packing.from_lengths(list(self.lengths), self.qkv.device)
        alibi = AlibiBias(self.heads, packing.longest, dtype, self.qkv.device)
        alibi.slopes, alibi.ramp = alibi.slopes * slopes, alibi.ramp * slopes
        return lambda qkv: BACKENDS[backend](qkv, packing, alibi)[0]


def off(found: torch.Tensor | None, reference: torch.Tensor | None) -> float:
    """Relative error in the Euclidean norm."""
    if found is None or reference is None:
        return float("nan")
    return float((found.double() - reference).norm() / reference.norm())


def errors(
    work: Work, exact: Pair, dtype: torch.dtype, backends: Sequence[str]
) -> dict[str, tuple[float, float]]:
    """Error of the context and of the gradient of each backend and of both rows beside them."""
    rounded = work.compute("eager", dtype, torch.float64)
    alone = tuple(None if one is None else one.to(dtype) for one in rounded)
    found: dict[str, tuple[float, float]] = {}
    for name in backends:
        context, gradient = work.compute(name, dtype, dtype)
        found[name] = off(context, exact[0]), off(gradient, exact[1])
    found[ALONE] = off(alone[0], exact[0]), off(alone[1], exact[1])
    context, gradient = work.compute("eager", dtype, torch.float64, slopes=0.0)
    found[FORGOTTEN] = off(context, exact[0]), off(gradient, exact[1])
    return found


def speeds(
    work: Work, dtype: torch.dtype, backends: Sequence[str], repeats: int
) -> dict[str, tuple[float, float, float | None]]:
    """Seconds of forward, of forward and backward, and the peak of memory in bytes."""
    device = work.qkv.device
    qkv, weights = work.qkv.to(dtype), work.weights.to(dtype)
    needing = qkv.clone().requires_grad_()

    def forward(call: Callable[[torch.Tensor], torch.Tensor]) -> None:
        with torch.no_grad():
            call(qkv)

    def backward(call: Callable[[torch.Tensor], torch.Tensor]) -> None:
        torch.autograd.grad((call(needing) * weights).sum(), needing)

    calls = {name: work.caller(name, dtype) for name in backends}
    trained = [name for name in backends if not (name == "flex" and device.type == "cpu")]
    once = [partial(forward, calls[name]) for name in backends]
    both = [partial(backward, calls[name]) for name in trained]
    peaks: dict[str, float] = {}
    for call in once:
        call()
    for name, call in zip(trained, both, strict=True):
        call()  # compiles, and takes its workspace
        if device.type == "cuda":
            torch.cuda.synchronize(device)
            before = torch.cuda.memory_allocated(device)
            torch.cuda.reset_peak_memory_stats(device)
            call()
            peaks[name] = torch.cuda.max_memory_allocated(device) - before
    first = alternately(once, device, repeats, 0.3)
    second = dict(zip(trained, alternately(both, device, repeats, 0.3), strict=True))
    return {
        name: (first[index], second.get(name, float("nan")), peaks.get(name))
        for index, name in enumerate(backends)
    }


def number(value: float | None, form: str) -> str:
    """Write a number, or a dash where there is none."""
    return "-" if value is None or value != value else format(value, form)


def note_worst(parity: Parity, row: tuple[str, str, str], found: tuple[float, float]) -> None:
    """Keep the largest errors of a backend over batches."""
    before = parity.get(row, (0.0, 0.0))
    # In this order NaN, for a gradient that a backend has not, stays NaN.
    parity[row] = max(found[0], before[0]), max(found[1], before[1])


def tables(parity: Parity, speed: Sequence[tuple[str, ...]], device: torch.device) -> list[Table]:
    """Lay out what was found so far."""
    return [
        Table(
            title="Attention backends beside float64",
            header=("heads", "type", "backend", "error, context", "error, gradient"),
            rows=tuple(
                (*row, *(number(one, ".1e") for one in pair)) for row, pair in parity.items()
            ),
            note="Largest relative error of all batches, Euclidean norm; random numbers.",
        ),
        Table(
            title="Time and memory of attention backends",
            header=("heads", "tokens", "type", "backend", "forward, ms", "times eager",
                    "forward and backward, ms", "times eager", "peak, MiB"),
            rows=tuple(speed),
            note=f"In turns, the best {clock_of(device)} time counts.",
        ),
    ]  # fmt: skip


def main() -> None:
    """Compare, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shape", nargs="+", default=["117M", "pocket"])
    parser.add_argument("--device", default="auto")
    parser.add_argument("--dtype", nargs="+", choices=DTYPES, default=list(DTYPES))
    parser.add_argument("--lengths", type=int, nargs="+", default=[512, 2048, 8192])
    parser.add_argument("--tokens", type=int, default=16_384, help="of a batch of one length")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", help="JSON file of the tables")
    given = parser.parse_args()
    device = find_device(given.device)
    machine = describe_machine(device)
    command = " ".join(["python", *sys.argv])
    # A backend that hands over to another one warns.
    warnings.simplefilter("error", ExploreWarning)
    parity: Parity = {}
    speed: list[tuple[str, ...]] = []
    wrong: list[str] = []
    for shape in given.shape:
        config = find_shape(shape)
        heads, width = config.num_attention_heads, config.hidden_size // config.num_attention_heads
        batches = [Work.random("mixed 32-512", MIXED, heads, width, device)]
        for length in given.lengths:
            rows = max(1, given.tokens // length)
            name = f"{rows} of {length:,}"
            batches.append(Work.random(name, (length,) * rows, heads, width, device))
        for work in batches:
            exact = work.compute("eager", torch.float64, torch.float64)
            for label in given.dtype:
                dtype = DTYPES[label]
                backends = [name for name in BACKENDS if why_not(name, device, dtype) is None]
                found = errors(work, exact, dtype, backends)
                for name, pair in found.items():
                    note_worst(parity, (f"{heads} × {width}", label, name), pair)
                    limits = (max(4 * one, 1e-5) for one in found[ALONE])
                    if name in backends and any(
                        one > limit for one, limit in zip(pair, limits, strict=True)
                    ):
                        wrong.append(f"{shape}, {work.name}, {label}, {name}: {pair}")
                measured = speeds(work, dtype, backends, given.repeats)
                eager = measured["eager"]
                for name, (once, both, peak) in measured.items():
                    speed.append(
                        (f"{heads} × {width}", work.name, label, name,
                         number(1e3 * once, ".2f"), number(eager[0] / once, ".1f"),
                         number(1e3 * both, ".2f"), number(eager[1] / both, ".1f"),
                         number(None if peak is None else peak / 2**20, ",.0f"))
                    )  # fmt: skip
                print(*speed[-len(backends) :], sep="\n", file=sys.stderr, flush=True)
                if given.out:
                    write_tables(given.out, machine, tables(parity, speed, device), command)
                if device.type == "cuda":
                    torch.cuda.empty_cache()
    print(
        "\n\n".join([str(machine), *(table.markdown() for table in tables(parity, speed, device))])
    )
    if wrong:
        sys.exit("too far off:\n" + "\n".join(wrong))


if __name__ == "__main__":
    main()
