"""Filling a store on one machine: reading and writing go on beside the model."""

from __future__ import annotations

import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice

from ...common.progress import Progress
from ...sequences.reading.genome import Genome
from ..embedder import Embedder
from ..store import EmbeddingStore
from .plan import WindowPlan
from .summary import Summary
from .work import Prepared, compute, prepare, read

__all__ = ["run_local"]

_AHEAD = 2  # chunks read before the model asks for them, and chunks that may wait to be written


def run_local(
    plan: WindowPlan,
    genome: Genome,
    store: EmbeddingStore,
    embedder: Embedder,
    progress: Progress | None = None,
) -> Summary:
    """Compute every chunk of ``store`` that is not finished.

    One thread reads and tokenizes the next chunks, this thread runs the model, one thread writes; a
    few chunks are in memory at a time, however long the genome is. Progress is told in bases
    between chunks; whatever it raises stops the work after the chunks that are computed have been
    written.

    Raises StoreError where the store cannot be written: finished chunks stay readable; InputError
    where the source holds letters that are no nucleotide codes.
    """
    started = time.perf_counter()
    missing = store.missing()
    bases = plan.bases_in(missing)
    done, seconds, computed, unknown_only = plan.n_bases - bases, 0.0, 0, 0

    def fetch(index: int) -> Prepared:
        return prepare(plan, index, read(genome, plan.chunk(index)), embedder)

    if progress:
        progress(done, plan.n_bases)
    with ThreadPoolExecutor(1, "read") as reader, ThreadPoolExecutor(1, "write") as writer:
        ahead: deque[Future[Prepared]] = deque()
        writing: deque[Future[None]] = deque()
        wanted = iter(missing)
        try:
            ahead.extend(reader.submit(fetch, index) for index in islice(wanted, _AHEAD))
            while ahead:
                chunk = ahead.popleft().result()
                ahead.extend(reader.submit(fetch, index) for index in islice(wanted, 1))
                vectors, spent = compute(chunk, embedder, plan.names)
                seconds += spent
                writing.append(writer.submit(store.write, chunk.index, vectors, chunk.unknown))
                while len(writing) > _AHEAD:
                    writing.popleft().result()
                computed += int(chunk.asked.sum())
                unknown_only += int((~chunk.asked).sum())
                done += chunk.bases
                if progress:
                    progress(done, plan.n_bases)
            while writing:
                writing.popleft().result()
        finally:
            # What is computed is still written (the executors wait for it); the rest is left.
            for waiting in ahead:
                waiting.cancel()
    if missing:
        store.sweep()
    return Summary(
        path=str(store.path),
        windows=plan.n_windows,
        computed=computed,
        skipped=plan.n_windows - computed - unknown_only,
        unknown_only=unknown_only,
        bases=bases,
        seconds=time.perf_counter() - started,
        compute_seconds=seconds,
    )
