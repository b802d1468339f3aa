"""Memory that one forward pass needs beyond the loaded weights."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ..errors import ExploreError, InputError
from ..network import Dnabert2Model
from .ours import embed_ours
from .reference import KeptBias, embed_reference
from .shapes import make_network
from .tables import Table

__all__ = [
    "PATHS",
    "Memory",
    "compare_memory",
    "memory_table",
    "peak_memory",
    "why_unmeasurable",
]

PATHS = ("reference", "ours")

_CHILD = "import sys; from dnabert2_explore.bench.memory import _child; _child(*sys.argv[1:])"
_DOES_NOT_FIT = "does not fit"
_RESET = Path("/proc/self/clear_refs")  # writing 5 sets a process's peak to what is in use now


@dataclass(frozen=True, slots=True)
class Memory:
    """Peak memory in bytes of one forward pass of one sequence, beyond the weights.

    The type is ours'; the reference computes in float32. None where it did not fit.
    """

    tokens: int
    dtype: str
    reference: int | None
    ours: int | None


def why_unmeasurable(device: torch.device) -> str:
    """Say why the memory of a pass on this device cannot be measured here; "" where it can.

    On a CPU it takes Linux, and the right to reset a process's peak: what `getrusage` tells is the
    peak of all a process ever did, which loading the network has raised already.
    """
    if device.type == "cuda":
        return ""
    if device.type != "cpu":
        return f"{device.type} does not tell its peak"
    if sys.platform != "linux":
        return "this system does not reset the peak of a process, as Linux does"
    try:
        _RESET.write_text("5")
        _status("VmHWM")
    except (OSError, ExploreError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        return f"the peak of a process cannot be reset through {_RESET}: {reason}"
    return ""


def compare_memory(
    shape: str, lengths: Iterable[int], dtypes: Sequence[torch.dtype], device: torch.device
) -> Iterator[Memory]:
    """Measure both paths, one row for each length and type, as they are done.

    A length below 1, or memory that cannot be measured here, is an `InputError`.
    """
    for tokens in lengths:
        reference = peak_memory("reference", shape, torch.float32, tokens, device)
        for dtype in dtypes:
            ours = peak_memory("ours", shape, dtype, tokens, device)
            yield Memory(tokens, str(dtype).removeprefix("torch."), reference, ours)


def memory_table(shape: str, rows: Sequence[Memory]) -> Table:
    """Lay out megabytes of both paths and their ratio."""

    def megabytes(value: int | None) -> str:
        return _DOES_NOT_FIT if value is None else f"{value / 1e6:,.0f}"

    return Table(
        title=f"Peak memory above the weights, one sequence, {shape} shape",
        header=("tokens", "reference float32, MB", "ours in", "ours, MB", "ours / reference"),
        rows=tuple(
            (
                f"{row.tokens:,}",
                megabytes(row.reference),
                row.dtype,
                megabytes(row.ours),
                f"{row.ours / row.reference:.2f}" if row.ours and row.reference else "",
            )
            for row in rows
        ),
        note="Each on a CPU in a process of its own, on a GPU as torch's allocator counts it.",
    )


def peak_memory(
    path: str, shape: str, dtype: torch.dtype, tokens: int, device: torch.device
) -> int | None:
    """Measure the bytes that one forward pass of one sequence needs beyond the weights.

    Of path "reference" or "ours" and a shape of `SHAPES`; None if it did not fit in memory. On a
    CPU the pass runs in a fresh process, since a process's peak never falls; if that fails for
    another reason, it is an `ExploreError`. An impossible path or length, and memory that cannot be
    measured here, are an `InputError`.
    """
    if path not in PATHS:
        raise InputError(f"Path {path!r} is unknown: choose one of {', '.join(PATHS)}.")
    if tokens < 1:
        raise InputError(f"A sequence of {tokens} tokens was asked for: give at least 1.")
    if reason := why_unmeasurable(device):
        raise InputError(f"Memory cannot be measured here ({reason}): leave it out.")
    if device.type == "cuda":
        return _on_gpu(path, shape, dtype, tokens, device)
    name = str(dtype).removeprefix("torch.")
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, path, shape, name, str(tokens)],
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stdout.strip()
    if done.returncode == -9 or said == _DOES_NOT_FIT:  # -9: killed by the system for its memory
        return None
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise ExploreError(f"The process that measures memory failed ({reason}).")
    return int(said)


def _child(path: str, shape: str, dtype: str, tokens: str) -> None:
    """Measure in this process, which nothing has run in before; print bytes."""
    network = make_network(shape, torch.device("cpu"), getattr(torch, dtype))
    kept = KeptBias(network.config, network.device) if path == "reference" else None
    # What libraries set up once is no part of a pass, nor what the original keeps from its making.
    _forward(path, network, 16, kept)
    gc.collect()
    try:
        print(_peak_of(path, network, int(tokens), kept))
    except (MemoryError, RuntimeError) as error:
        if not isinstance(error, MemoryError) and "memory" not in str(error):
            raise
        print(_DOES_NOT_FIT)


def _peak_of(path: str, network: Dnabert2Model, tokens: int, kept: KeptBias | None) -> int:
    # Not ru_maxrss: a new process inherits its parent's, which may be larger than all that this
    # one will ever need.
    _RESET.write_text("5")
    before = _status("VmRSS")
    _forward(path, network, tokens, kept)
    return _status("VmHWM") - before


def _status(field: str) -> int:
    """Bytes of a field of this process's status (Linux)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return int(value.split()[0]) * 1024
    raise ExploreError(f"/proc/self/status has no {field}: leave memory out.")


def _on_gpu(
    path: str, shape: str, dtype: torch.dtype, tokens: int, device: torch.device
) -> int | None:
    network = make_network(shape, device, dtype)
    try:
        _forward(path, network, tokens)  # what is compiled and kept on first use
        torch.cuda.synchronize(device)
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        _forward(path, network, tokens)
        return torch.cuda.max_memory_allocated(device) - before
    except torch.OutOfMemoryError:
        torch.cuda.empty_cache()
        return None


def _forward(path: str, network: Dnabert2Model, tokens: int, kept: KeptBias | None = None) -> None:
    ids = [np.random.default_rng(0).integers(5, network.config.vocab_size, size=tokens)]
    if path == "reference":
        embed_reference(network, ids, rows=1, kept=kept)
    else:
        embed_ours(network, ids)
