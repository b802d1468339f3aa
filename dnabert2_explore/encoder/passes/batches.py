"""Cutting work into packed batches, and putting the results back into the caller's order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

import numpy as np
import torch
from numpy.typing import NDArray

from ...common.progress import Progress
from ...errors import InputError, warn
from ...network.packing import Packing

__all__ = ["Budget", "default_budget", "out_of_memory", "run", "run_passes", "too_long"]

Compute = Callable[[torch.Tensor, Packing], torch.Tensor]


class Budget:
    """Tokens in one forward pass; what memory was found too small for stays halved.

    Parameters
    ----------
    tokens : int

    Raises
    ------
    InputError
        If it is not positive.
    """

    def __init__(self, tokens: int) -> None:
        if tokens < 1:
            raise InputError(f"batch_tokens is {tokens}: give at least 1.")
        self.tokens = tokens


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
    progress: Callable[[NDArray[np.int64]], None] | None = None,
) -> None:
    """Cut work into passes of at most `budget` tokens, longest first; what does not fit is retried.

    Parameters
    ----------
    lengths : numpy.ndarray, shape (n,), int64
        Tokens in each sequence.
    compute : callable
        compute(numbers of the sequences in this pass) computes and keeps what it found; after
        memory ran out it is called again with fewer of them.
    device, lock, budget
        As in `run`.
    progress : callable, optional
        Called as progress(numbers of the sequences just computed).

    Raises
    ------
    InputError
        If one sequence alone does not fit in memory.
    """
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
        if progress is not None:
            progress(members)


def run(
    ids: Sequence[NDArray[np.int64]],
    compute: Compute,
    device: torch.device,
    lock: AbstractContextManager[object],
    budget: Budget,
    progress: Progress | None = None,
) -> NDArray[np.float32]:
    """Compute one row for each sequence of token ids.

    Equal sequences are computed once. A batch is packed tokens without padding. Work is sorted by
    length, longest first, so that what does not fit in memory fails at once.

    Parameters
    ----------
    ids : sequence of numpy.ndarray, shape (n,), int64
        Token ids, at least one sequence of at least one.
    compute : callable
        compute(ids (total,), packing) returns (sequences, …), in packed order.
    device : torch.device
    lock : context manager
        Held during every `compute`.
    budget : Budget
        Tokens in one call of `compute`; halved, with a warning, when memory runs out. A longer
        sequence goes alone.
    progress : callable, optional
        Called as progress(sequences done, sequences in all).

    Returns
    -------
    numpy.ndarray, shape (len(ids), …), float32

    Raises
    ------
    InputError
        If one sequence alone does not fit in memory.
    """
    known: dict[bytes, int] = {}
    rows = np.array([known.setdefault(i.tobytes(), len(known)) for i in ids])
    unique = [ids[i] for i in np.unique(rows, return_index=True)[1]]
    copies = np.bincount(rows)
    lengths = np.array([len(sequence) for sequence in unique])
    results: NDArray[np.float32] | None = None
    done = 0

    def one_pass(members: NDArray[np.int64]) -> None:
        nonlocal results
        packed = torch.from_numpy(np.concatenate([unique[i] for i in members]))
        packing = Packing.from_lengths(lengths[members].tolist(), device)
        values = compute(packed.to(device), packing).float().cpu().numpy()
        if results is None:
            results = np.empty((len(unique), *values.shape[1:]), dtype=np.float32)
        results[members] = values

    def report(members: NDArray[np.int64]) -> None:
        nonlocal done
        done += int(copies[members].sum())
        if progress is not None:
            progress(done, len(ids))

    run_passes(lengths, one_pass, device, lock, budget, report)
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
