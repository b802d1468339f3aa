"""Real Dask clusters of worker processes on this machine."""

import os
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("distributed", reason="the extra [cluster]")
from distributed import Client, LocalCluster

from dnabert2_explore.errors import Cancelled, InputError
from dnabert2_explore.sequences import Sequence
from dnabert2_explore.sequences.reading.genome import Genome
from dnabert2_explore.stores import StoreError, WindowPlan, embed_windows, open_store
from dnabert2_explore.stores.filling import cluster
from dnabert2_explore.stores.layout import done_chunks
from dnabert2_explore.stores.store import EmbeddingStore

from .fake import ROWS, STRIDE, WINDOW, FakeEmbedder, files, keys, logged, write_fasta

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def local():
    """A cluster of two processes, which find this package where the test does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT))
        with LocalCluster(
            n_workers=2,
            processes=True,
            threads_per_worker=1,
            dashboard_address=None,
            silence_logs=50,
        ) as made:
            yield made


@pytest.fixture
def client(local):
    with Client(local) as client:
        client.wait_for_workers(2, timeout=60)
        yield client


def embed(path, source, client, embedder=None, **kwargs):
    settings = {"window": WINDOW, "stride": STRIDE, "rows_per_chunk": ROWS, **kwargs}
    return embed_windows(path, source, embedder or FakeEmbedder(), client=client, **settings)


def test_one_worker_killed_half_way(tmp_path, client):
    fasta, log = write_fasta(tmp_path / "genome.fa", lengths=(2000, 20, 1200)), tmp_path / "log"
    one = embed(tmp_path / "one.zarr", fasta, None)
    path = tmp_path / "two.zarr"
    calls = []
    with ThreadPoolExecutor(1) as thread:
        running = thread.submit(
            embed,
            path,
            fasta,
            client,
            FakeEmbedder(log, delay=0.08),
            progress=lambda *call: calls.append(call),
        )
        n_chunks = open_store(tmp_path / "one.zarr").plan.n_chunks
        assert n_chunks > 25
        deadline = time.monotonic() + 60
        while len(done_chunks(path)) < n_chunks // 3 and time.monotonic() < deadline:
            time.sleep(0.002)
        victim = logged(log)[-1][1]  # it is computing now
        before = done_chunks(path)
        os.kill(victim, signal.SIGKILL)
        summary = running.result(timeout=60)
    assert len(before) < n_chunks
    # Nothing lost: equal to the run on one machine, file by file.
    assert open_store(path).complete
    assert files(path) == files(tmp_path / "one.zarr")
    # Nothing twice, but for the chunk in the hands of the one that was killed.
    with Genome(fasta) as genome:
        chunk_of = {key: index for index, key in enumerate(keys(genome))}
    computed = [(chunk_of[key], pid) for key, pid in logged(log)]
    assert {index for index, _ in computed} == set(range(n_chunks))
    assert len({pid for _, pid in computed}) >= 2
    twice = {index for index, _ in computed if [i for i, _ in computed].count(index) > 1}
    assert len(computed) - n_chunks == len(twice) <= 1
    for index in twice:
        assert index not in before
        assert next(pid for i, pid in computed if i == index) == victim
    assert (summary.windows, summary.computed) == (one.windows, one.computed)
    assert (summary.skipped, summary.unknown_only, summary.bases) == (0, 0, one.bases)
    assert summary.workers == 2
    assert 0 < summary.share <= 1
    assert calls[0][0] == 0
    assert calls[-1] == (one.bases, one.bases)
    assert calls == sorted(calls)
    again = embed(path, fasta, client, FakeEmbedder(log))
    assert (again.computed, again.skipped) == (0, one.windows)
    assert len(logged(log)) == len(computed)


def test_records_from_memory_travel(tmp_path, client):
    records = [Sequence("a", "ACGGT" * 70), Sequence("n", "N" * 90), Sequence("b", "ttga" * 80)]
    embed(tmp_path / "one.zarr", records, None)
    summary = embed(tmp_path / "two.zarr", records, client)
    assert files(tmp_path / "two.zarr") == files(tmp_path / "one.zarr")
    assert (summary.unknown_only, summary.computed) == (3, summary.windows - 3)


def test_cancelled_it_goes_on_later(tmp_path, client, store, fasta):
    def stop(done, total):
        if done:
            raise Cancelled("enough")

    path = tmp_path / "out.zarr"
    with pytest.raises(Cancelled):
        embed(path, fasta, client, FakeEmbedder(delay=0.2), progress=stop)
    deadline = time.monotonic() + 30
    while client.processing() and any(client.processing().values()):  # what was being computed
        assert time.monotonic() < deadline
        time.sleep(0.05)
    done = done_chunks(path)
    assert 1 <= len(done) < 10
    summary = embed(path, fasta, client)
    # A worker writes the chunk that it was on, though its task was let go of.
    assert len(done) * ROWS <= summary.skipped < 10 * ROWS
    assert files(path) == files(store)


def test_progress_is_called_while_nothing_finishes(tmp_path, client, fasta):
    """Else Ctrl-C would wait for the next chunk, or for workers that a queue holds back."""
    gate, calls = tmp_path / "gate", []

    def stop(done, total):
        calls.append(done)
        if len(calls) == 3:
            raise Cancelled("enough")

    try:
        with pytest.raises(Cancelled):
            embed(tmp_path / "a.zarr", fasta, client, FakeEmbedder(gate=str(gate)), progress=stop)
        assert calls == [0, 0, 0]
    finally:
        gate.touch()


def test_a_cluster_without_workers_is_told_once(tmp_path, fasta, monkeypatch):
    monkeypatch.setattr(cluster, "_LONELY", 0.1)
    monkeypatch.setattr(cluster, "_REPORT", 0.05)
    calls = []

    def stop(done, total):
        calls.append(done)
        if len(calls) == 20:
            raise Cancelled("enough")

    with (
        LocalCluster(n_workers=0, processes=False, dashboard_address=None) as empty,
        Client(empty) as client,
        pytest.warns(UserWarning, match="^no worker has joined .*; waiting") as told,
        pytest.raises(Cancelled),
    ):
        embed(tmp_path / "out.zarr", fasta, client, progress=stop)
    assert [one.filename for one in told if "no worker" in str(one.message)] == [__file__]


def test_a_worker_with_another_model_is_named(tmp_path, client, fasta):
    embedder = FakeEmbedder()
    embedder.settings["weights"] = "b" * 64
    with pytest.raises(InputError, match=r"Worker tcp://\S+ on .* another model .*weights_sha256"):
        embed(tmp_path / "out.zarr", fasta, client, embedder)
    assert open_store(tmp_path / "out.zarr").n_done == 0


def test_a_worker_that_does_not_see_the_file_is_named(tmp_path, client, fasta):
    with Genome(fasta) as genome:
        fasta.unlink()
        genome.digest = lambda: "0"
        with pytest.raises(InputError, match=r"Worker tcp://\S+ on .* does not see the FASTA file"):
            embed(tmp_path / "out.zarr", genome, client)


class Deadly(FakeEmbedder):
    @property
    def recipe(self):
        return partial(Deadly, **self.settings)

    def compute(self, prepared):
        os._exit(1)


def test_a_chunk_that_kills_every_worker(tmp_path, local, client, fasta, monkeypatch):
    monkeypatch.setattr(local.scheduler, "allowed_failures", 0)
    with pytest.raises(StoreError, match=r"died over one chunk .* 0 of 10 chunks are written"):
        embed(tmp_path / "out.zarr", fasta, client, Deadly())


@pytest.mark.parametrize("pause", [0.0, 1.2])  # before and after the client is asked for workers
def test_a_connection_that_breaks(tmp_path, local, fasta, store, pause):
    client = Client(local)

    def lose(done, total):
        if done:
            client.close()
            time.sleep(pause)

    path = tmp_path / "out.zarr"
    with pytest.raises(StoreError, match="connection to the Dask scheduler was lost"):
        embed(path, fasta, client, FakeEmbedder(delay=0.05), progress=lose)
    assert open_store(path).n_done >= 1
    embed(path, fasta, None)
    assert files(path) == files(store)


def test_what_is_no_client(tmp_path, local, fasta):
    with pytest.raises(InputError, match=r"pass Client\(cluster\)"):
        embed(tmp_path / "out.zarr", fasta, local)


# --- what a worker finds, without a cluster


@pytest.fixture
def job(tmp_path, genome):
    cluster._files.cache_clear()
    plan = WindowPlan(genome.names, genome.lengths, WINDOW, STRIDE, ROWS)
    store = EmbeddingStore.create(tmp_path / "out.zarr", plan, genome, FakeEmbedder())
    return cluster._job(genome, store, FakeEmbedder())


def changed(job, **changes):
    return cluster._Job(**{name: getattr(job, name) for name in job.__slots__} | changes)


def test_a_task_writes_its_chunk_once(job):
    first = cluster._run(job, 3, None)
    assert (first.written, first.computed) == (True, ROWS)
    assert done_chunks(Path(job.store)) == {3}
    assert cluster._run(job, 3, None) == cluster._Outcome(3, False, 0, 0.0)
    store = open_store(job.store)
    assert cluster._asked(store, 3) == ROWS
    assert np.isfinite(store.vectors()[slice(*store.plan.rows(3))]).all()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"store": "/no/out.zarr"}, "does not see the store /no/out.zarr"),
        ({"store": str(ROOT)}, f": {ROOT} is no store of embeddings; expected"),
        ({"fasta": str(ROOT)}, "does not see the FASTA file"),
        ({"fasta": __file__}, f": {__file__}, line 1 .* before the first header"),
        ({"fasta": "/no/genome.fa"}, "does not see the FASTA file /no/genome.fa"),
        ({"size": 1}, "has another file at"),
        ({"created": "yesterday"}, "has another store at"),
        ({"version": "9.9"}, "this session 9.9"),
    ],
)
def test_a_worker_that_sees_something_else(job, change, words):
    with pytest.raises(InputError, match=words) as told:
        cluster._run(changed(job, **change), 0, None)
    assert f"This process on {socket.gethostname()}" in str(told.value)
