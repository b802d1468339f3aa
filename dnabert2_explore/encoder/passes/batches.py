"""Cutting work into packed batches, and putting the results back into the caller's order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from ...common.progress import Progress, quiet
from ...errors import InputError, warn
from ...network.packing import Packing

if TYPE_CHECKING:
    from ..model import Model

__all__ = [
    "Budget",
    "budget_of",
    "default_budget",
    "out_of_memory",
    "pack",
    "run",
    "run_passes",
    "too_long",
]

Compute = Callable[[torch.Tensor, Packing], torch.Tensor]


class Budget:
    """Tokens in one forward pass, at least 1; what memory was found too small for stays halved."""

    def __init__(self, tokens: int) -> None:
        if tokens < 1:
            raise InputError(f"batch_tokens is {tokens}: give at least 1.")
        self.tokens = tokens


def budget_of(enc: Model, batch_tokens: int | None) -> Budget:
    """Tokens a pass: what a caller says, or what has been found to fit."""
    return enc.budget if batch_tokens is None else Budget(batch_tokens)


def default_budget(device: torch.device) -> int:
    """Tokens in one forward pass where the caller names no number.

    What the gated MLP makes of a thousand tokens fits a CPU's last cache; a GPU needs many more to
    be busy.
    """
    return 65_536 if device.type == "cuda" else 1_024


def run_passes(
    lengths: NDArray[np.int64],
    compute: Callable[[NDArray[np.int64]], None],
    device: torch.device,
    lock: AbstractContextManager[object],
    budget: Budget,
    progress: Progress | None = None,
    copies: NDArray[np.int64] | None = None,
) -> None:
    """Cut work into passes of at most `budget` tokens, longest first; what does not fit is retried.

    ``compute(numbers of the sequences in this pass)`` keeps what it finds; after memory ran out it
    is called again with fewer of them. `lengths` are tokens, shape (n,); `progress` is told of
    sequences done and in all, each as often as `copies` says. Raises InputError where one sequence
    alone does not fit in memory.
    """
    counts = np.ones(len(lengths), dtype=np.int64) if copies is None else copies
    done, total, report = 0, int(counts.sum()), progress or quiet
    queue = np.argsort(-lengths, kind="stable")
    ends = np.cumsum(lengths[queue])  # once, not once a pass: a genome has thousands of passes
    start = begun = 0
    while start < len(queue):
        fitting = int(np.searchsorted(ends, begun + budget.tokens, side="right"))
        stop = max(start + 1, fitting)
        members = queue[start:stop]
        try:
            with lock, torch.inference_mode():
                compute(members)
        except RuntimeError as error:
            if not out_of_memory(error):
                raise
            tokens = int(lengths[members].sum())
            if len(members) == 1:
                raise too_long(tokens, "windows, with embed_long or embed_to") from error
            budget.tokens = max(1, tokens // 2)
            warn(
                f"A batch of {tokens:,} tokens did not fit in memory; going on with "
                f"{budget.tokens:,} at a time."
            )
            if device.type == "cuda":
                torch.cuda.empty_cache()
            continue
        start, begun = stop, int(ends[stop - 1])
        done += int(counts[members].sum())
        report(done, total)


def pack(rows: Sequence[NDArray[np.int64]], device: torch.device) -> tuple[torch.Tensor, Packing]:
    """Lay token ids end to end on a device, shape (total,), and say where each row lies."""
    packed = torch.from_numpy(np.concatenate(rows)).to(device)
    return packed, Packing.from_lengths(list(map(len, rows)), device)


def run(
    ids: Sequence[NDArray[np.int64]],
    compute: Compute,
    device: torch.device,
    lock: AbstractContextManager[object],
    budget: Budget,
    progress: Progress | None = None,
) -> NDArray[np.float32]:
    """Compute one row for each sequence of token ids (at least one, none empty): (len(ids), …).

    Equal sequences are computed once. A batch is packed tokens without padding, and
    ``compute(ids (total,), packing)`` returns (sequences, …) in packed order; `lock` is held
    meanwhile. Work is sorted by length, longest first, so that what does not fit in memory fails at
    once: the budget is halved then, with a warning, and a sequence that does not fit alone raises
    InputError.
    """
    known: dict[bytes, int] = {}
    rows = np.array([known.setdefault(i.tobytes(), len(known)) for i in ids])
    unique = [ids[i] for i in np.unique(rows, return_index=True)[1]]
    lengths = np.array([len(sequence) for sequence in unique])
    results: NDArray[np.float32] | None = None

    def one_pass(members: NDArray[np.int64]) -> None:
        nonlocal results
        values = compute(*pack([unique[i] for i in members], device)).float().cpu().numpy()
        if results is None:
            results = np.empty((len(unique), *values.shape[1:]), dtype=np.float32)
        results[members] = values

    run_passes(lengths, one_pass, device, lock, budget, progress, np.bincount(rows))
    assert results is not None  # callers let no empty list through
    return results[rows]


def too_long(tokens: int, how: str) -> InputError:
    """Say that a sequence does not fit in memory, and `how` to read it."""
    return InputError(
        f"A sequence of {tokens:,} tokens does not fit in memory: read it in {how}, or take a "
        "shorter one."
    )


def out_of_memory(error: RuntimeError) -> bool:
    """Whether an error is that memory ran out, on a CPU or a GPU."""
    # The CPU's allocator has no exception class of its own.
    said = ("can't allocate memory", "not enough memory")  # Linux and macOS; Windows
    return isinstance(error, torch.OutOfMemoryError) or any(text in str(error) for text in said)
