"""Filling a store with the workers of a Dask cluster; each chunk is one task and its own files."""

from __future__ import annotations

import json
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...common.progress import Progress
from ...errors import ExploreError, InputError, warn
from ...sequences.reading.genome import Genome
from ...version import __version__
from ..embedder import Embedder
from ..errors import StoreError
from ..settings import different
from ..store import EmbeddingStore
from .plan import WindowPlan
from .summary import Summary
from .work import compute, prepare, read

if TYPE_CHECKING:
    from distributed import Client, Future

__all__ = ["run_cluster"]

_POLL = 0.05  # seconds between looks at what has finished
_REPORT = 1.0  # seconds after which progress is called although nothing has
_LONELY = 30.0  # seconds without a worker after which that is said
_RETRIES = 2  # for faults of one worker, such as a full GPU; deaths of workers count apart


@dataclass(frozen=True, slots=True)
class _Job:
    """What every task of a run must know; small, since it travels with each of them."""

    run: str
    version: str
    store: str
    created: str
    fasta: str
    size: int
    identity: str
    recipe: bytes


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What a task did; ``written`` is false where the chunk was finished already."""

    index: int
    written: bool
    computed: int
    seconds: float


def run_cluster(
    plan: WindowPlan,
    genome: Genome,
    store: EmbeddingStore,
    embedder: Embedder,
    client: Client,
    progress: Progress | None = None,
) -> Summary:
    """Compute every chunk of ``store`` that is not finished, one task a chunk, on a Dask cluster.

    Tasks write their chunks themselves, so vectors never travel. A chunk whose worker dies is given
    to another; one that was finished before its worker died is not computed again. Workers may come
    and go. The store's folder and the FASTA file must be visible to every worker under the same
    paths; records from memory travel with the tasks. Progress is told in bases, about once a second
    also where nothing has finished; whatever it raises cancels the chunks that wait.

    Warns once, if there is no worker for half a minute; the call goes on waiting. Raises InputError
    where ``client`` is none, or a worker does not see the files or has another version of the
    package or another model; StoreError where the store cannot be written, a chunk ends one worker
    after the other, or the connection to the scheduler breaks.
    """
    from distributed import Client, as_completed
    from distributed.comm.core import CommClosedError

    if not isinstance(client, Client) or client.asynchronous:
        raise InputError(
            f"The cluster was given as {client!r}; expected a distributed.Client that is not "
            "asynchronous: pass Client(cluster)."
        )
    started = time.perf_counter()
    missing = store.missing()
    bases = plan.bases_in(missing)
    done, seconds, computed, workers = plan.n_bases - bases, 0.0, 0, 1
    job = _job(genome, store, embedder)
    waiting = iter(missing)
    running: dict[Any, Future] = {}
    finished = as_completed(loop=client.loop)
    limit, looked, told = 0, 0.0, time.monotonic()
    peopled, said = time.monotonic(), False
    if progress:
        progress(done, plan.n_bases)
    left = len(missing)
    try:
        while left:
            if time.monotonic() - looked > _REPORT:
                threads, looked = client.nthreads(), time.monotonic()
                # Enough that no worker waits for us, few enough that memory stays constant.
                limit = max(8, 2 * sum(threads.values()))
                workers = max(workers, len(threads))
                peopled = looked if threads else peopled
                if looked - peopled > _LONELY and not said:
                    said = True
                    warn(_nobody(client))  # the caller of embed_windows
            while len(running) < limit and (index := next(waiting, None)) is not None:
                future = _submit(client, job, plan, genome, index)
                running[future.key] = future
                finished.add(future)
            batch = finished.next_batch(block=False)
            for future in batch:
                del running[future.key]
                outcome = _result(future, store)
                left -= 1
                seconds += outcome.seconds
                # Its worker may have died after writing it: then the count is in the store.
                computed += outcome.computed if outcome.written else _asked(store, outcome.index)
                done += plan.bases_in([outcome.index])
            if progress and (batch or time.monotonic() - told > _REPORT):
                told = time.monotonic()
                progress(done, plan.n_bases)
            if not batch:
                time.sleep(_POLL)
    except ExploreError:
        raise
    except Exception as error:
        # A client that is closed while it is asked answers with errors of many kinds.
        if isinstance(error, CommClosedError) or client.status in ("closing", "closed"):
            raise StoreError(_gave_up(store)) from error
        raise
    finally:
        if running and client.status == "running":
            client.cancel(list(running.values()))
    if missing:
        store.sweep()
    rows = sum(after - first for first, after in map(plan.rows, missing))
    return Summary(
        path=str(store.path),
        windows=plan.n_windows,
        computed=computed,
        skipped=plan.n_windows - rows,
        unknown_only=rows - computed,
        bases=bases,
        seconds=time.perf_counter() - started,
        compute_seconds=seconds,
        workers=workers,
    )


def _job(genome: Genome, store: EmbeddingStore, embedder: Embedder) -> _Job:
    from distributed.protocol.pickle import dumps

    return _Job(
        run=uuid.uuid4().hex,
        version=__version__,
        store=str(store.path),
        created=store.attributes["created"],
        fasta=genome.path,
        size=genome.stamp[0] if genome.stamp else 0,
        identity=_json(embedder.identity),
        recipe=dumps(embedder.recipe),
    )


def _json(identity: Any) -> str:
    return json.dumps(dict(identity), sort_keys=True)


def _submit(client: Client, job: _Job, plan: WindowPlan, genome: Genome, index: int) -> Future:
    # Only records that lie in no file travel, a chunk at a time.
    bases = None if genome.path else read(genome, plan.chunk(index))
    return client.submit(
        _run, job, index, bases, key=f"embed-{job.run}-{index}", pure=False, retries=_RETRIES
    )


def _result(future: Future, store: EmbeddingStore) -> _Outcome:
    """Return what a task did, or say in one sentence why it did not."""
    from distributed import KilledWorker

    try:
        outcome: _Outcome = future.result()
        return outcome
    except CancelledError as error:
        raise StoreError(_gave_up(store)) from error
    except KilledWorker as error:
        raise StoreError(
            f"Worker after worker died over one chunk of {store.path}, most often because their "
            f"memory ran out: {store.state}; give workers more memory or make batches smaller, and "
            "run the same call to go on."
        ) from error


def _gave_up(store: EmbeddingStore) -> str:
    return (
        f"The connection to the Dask scheduler was lost while {store.path} was filled: "
        f"{store.state}; start a new cluster and run the same call to go on."
    )


def _nobody(client: Client) -> str:
    scheduler = client.scheduler
    where = f" at {scheduler.address}" if scheduler else ""
    return (
        f"no worker has joined the cluster{where} for {_LONELY:.0f} seconds; waiting: look whether "
        "its jobs are queued, or start workers."
    )


def _asked(store: EmbeddingStore, index: int) -> int:
    """Return how many windows of a finished chunk the model was asked about."""
    where = store.coordinates(*store.plan.rows(index))
    return int((where["unknown"] < where["end"] - where["start"]).sum())


# --- in the workers

_MAKING = threading.Lock()


def _run(job: _Job, index: int, bases: list[str] | None) -> _Outcome:
    """Compute and write one chunk unless that has been done."""
    with _MAKING:  # worker threads share one model and one open file
        store, genome = _files(job)
        if store.is_done(index):
            return _Outcome(index, False, 0, 0.0)
        embedder, model = _embedder(job.recipe)
        _same_model(job, embedder)
    if bases is None:
        bases = read(genome, store.plan.chunk(index))
    chunk = prepare(store.plan, index, bases, embedder)
    with model:  # meanwhile, other threads of this worker read and tokenize
        vectors, seconds = compute(chunk, embedder, store.names)
    store.write(index, vectors, chunk.unknown)
    return _Outcome(index, True, int(chunk.asked.sum()), seconds)


@lru_cache(maxsize=1)  # a model fills a GPU; the last one leaves when the next run brings another
def _embedder(recipe: bytes) -> tuple[Embedder, threading.Lock]:
    from distributed.protocol.pickle import loads

    return loads(recipe)(), threading.Lock()


@lru_cache(maxsize=2)
def _files(job: _Job) -> tuple[EmbeddingStore, Any]:
    """Open store and FASTA file, the first time a worker meets a run."""
    if job.version != __version__:
        raise InputError(
            f"{_worker()} has dnabert2-explore {__version__}, this session {job.version}; expected "
            "the same everywhere: install one version."
        )
    if not Path(job.store).exists():
        raise InputError(_unseen("the store", job.store))
    with _named():
        store = EmbeddingStore.open(job.store, writable=True)
    if store.attributes["created"] != job.created:
        raise InputError(
            f"{_worker()} has another store at {job.store}; expected the one of this session: put "
            "it on a file system that all workers share."
        )
    if not job.fasta:
        return store, None
    if not Path(job.fasta).is_file():
        raise InputError(_unseen("the FASTA file", job.fasta))
    with _named():
        genome = Genome(job.fasta)
    if genome.stamp is None or genome.stamp[0] != job.size or genome.names != store.names:
        raise InputError(
            f"{_worker()} has another file at {job.fasta}; expected the one of this session: put "
            "it on a file system that all workers share."
        )
    return store, genome


def _same_model(job: _Job, embedder: Embedder) -> None:
    here = _json(embedder.identity)
    if here == job.identity:
        return
    found = "; ".join(different(json.loads(here), json.loads(job.identity)))
    raise InputError(
        f"{_worker()} computes with another model or setting: {found}; expected the same "
        "everywhere: name the dtype, and give all workers the same weights."
    )


@contextmanager
def _named() -> Iterator[None]:
    """Say which worker met with an error."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{_worker()}: {error}") from error


def _unseen(what: str, path: str) -> str:
    return (
        f"{_worker()} does not see {what} {path}; expected a file system that all workers share: "
        "put it there."
    )


def _worker() -> str:
    from distributed import get_worker

    try:
        return f"Worker {get_worker().address} on {socket.gethostname()}"
    except ValueError:  # not within a task
        return f"This process on {socket.gethostname()}"
