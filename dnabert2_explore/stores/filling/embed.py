"""From a genome to a finished store, here or on a cluster."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Iterable
from contextlib import nullcontext
from typing import TYPE_CHECKING

from ...common.progress import Progress
from ...sequences import Sequence
from ...sequences.given import as_sequences
from ...sequences.reading.genome import Genome
from ..embedder import Embedder
from ..store import EmbeddingStore
from .cluster import run_cluster
from .local import run_local
from .plan import WindowPlan
from .summary import Summary

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["embed_windows"]


def embed_windows(
    path: str | os.PathLike[str],
    source: str | os.PathLike[str] | Genome | Sequence | Iterable[Sequence | str],
    embedder: Embedder,
    window: int | None = None,
    stride: int | None = None,
    rows_per_chunk: int = 256,
    client: Client | None = None,
    progress: Progress | None = None,
) -> Summary:
    """Embed the windows of a genome into the store at ``path``, going on where a run stopped.

    The source is a FASTA file (a str is its path), one record, or records; strings of bases among
    these are named "sequence 1", "sequence 2", … by their place. Windows are as `WindowPlan` has
    them. A `client`, whose Dask workers share the file system, computes the chunks instead of this
    process. Progress is told in bases.

    Raises InputError where the source, the windows or ``path`` cannot be used, or the store there
    was made otherwise; StoreError where the store cannot be written: finished chunks stay readable
    and the same call goes on.
    """
    started = time.perf_counter()
    if isinstance(source, Genome):
        opened: Genome | None = None
        genome = source
    elif isinstance(source, (str, os.PathLike)):
        genome = opened = Genome(source)
    else:
        genome = opened = Genome.from_records(_records(source))
    with nullcontext() if opened is None else opened:
        plan = WindowPlan(genome.names, genome.lengths, window, stride, rows_per_chunk)
        store = EmbeddingStore.create(path, plan, genome, embedder)
        if client is None:
            summary = run_local(plan, genome, store, embedder, progress)
        else:
            summary = run_cluster(plan, genome, store, embedder, client, progress)
    # Opening, hashing and comparing count: the model's share must not flatter.
    return dataclasses.replace(summary, seconds=time.perf_counter() - started)


def _records(source: object) -> list[Sequence]:
    """Sequences in memory; white space within them would move their windows."""
    return [
        dataclasses.replace(one, bases="".join(one.bases.split())) for one in as_sequences(source)
    ]
