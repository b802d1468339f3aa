import contextlib
import errno
import itertools
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from dnabert2_explore.errors import Cancelled, InputError
from dnabert2_explore.sequences import Sequence
from dnabert2_explore.sequences.reading.genome import Genome
from dnabert2_explore.stores import StoreError, Summary, WindowPlan, embed_windows, open_store
from dnabert2_explore.stores.layout import done_chunks

from .fake import ROWS, STRIDE, WINDOW, FakeEmbedder, files, keys, logged, write_fasta

ROOT = Path(__file__).resolve().parents[2]


def direct(genome, embedder, window=WINDOW, stride=STRIDE):
    """All vectors at once, (n, layers, hidden)."""
    plan = WindowPlan(genome.names, genome.lengths, window, stride, 10**6)
    bases = [genome.fetch(*map(int, row)) for row in zip(*plan.chunk(0), strict=True)]
    return embedder.compute(embedder.prepare(bases))


def embed(path, fasta, embedder=None, **kwargs):
    settings = {"window": WINDOW, "stride": STRIDE, "rows_per_chunk": ROWS, **kwargs}
    return embed_windows(path, fasta, embedder or FakeEmbedder(), **settings)


def test_a_store_holds_what_direct_computing_gives(tmp_path, fasta, genome):
    summary = embed(tmp_path / "out.zarr", fasta)
    store = open_store(tmp_path / "out.zarr")
    expected = direct(genome, FakeEmbedder())
    assert store.complete
    assert store.layers == (2, 5)
    for number, layer in enumerate(store.layers):
        np.testing.assert_array_equal(store.vectors(layer)[:], expected[:, number])
    np.testing.assert_array_equal(store.vectors()[:], expected[:, 1])
    where = store.coordinates()
    assert where["record"].unique().tolist() == ["chr0", "chr1", "chr2"]
    assert where.iloc[0].tolist() == ["chr0", 0, 50, 1, 0]
    assert where[where["record"] == "chr1"][["start", "end"]].to_numpy().tolist() == [[0, 20]]
    for name, length in zip(genome.names, genome.lengths, strict=True):
        assert where[where["record"] == name]["end"].max() == length
    assert isinstance(summary, Summary)
    assert summary.windows == summary.computed == len(where) == len(store)
    assert (summary.skipped, summary.unknown_only) == (0, 0)
    assert summary.bases == int((where["end"] - where["start"]).sum())
    assert summary.seconds > summary.compute_seconds > 0
    assert 0 < summary.share < 1
    assert store.array("record")[:].max() == 2
    assert str(summary).startswith(f"{store.path}: 38 windows (38 computed), 1,")
    assert " bases in 0:00:0" in str(summary)


def test_records_whole_and_from_memory(tmp_path):
    records = [Sequence("long", "ACGTACGGTT" * 30), Sequence("short", "acg")]
    embed(tmp_path / "out.zarr", records, window=None, stride=None)
    store = open_store(tmp_path / "out.zarr")
    assert store.coordinates()[["start", "end"]].to_numpy().tolist() == [[0, 300], [0, 3]]
    expected = direct(Genome.from_records(records), FakeEmbedder(), None, None)
    np.testing.assert_array_equal(store.vectors(2)[:], expected[:, 0])
    assert embed(tmp_path / "out.zarr", iter(records), window=None, stride=None).skipped == 2


def test_one_record_and_strings_of_bases(tmp_path):
    one = Sequence("one", "ACGT" * 5)
    for source, names in (
        (one, ["one"]),
        (["ACGT" * 5], ["sequence 1"]),
        ((x for x in (one, "ACGTACGT AC\n")), ["one", "sequence 2"]),
    ):
        path = tmp_path / f"{'-'.join(names)}.zarr"
        embed(path, source, window=None, stride=None)
        assert list(open_store(path).names) == names
        assert open_store(path).coordinates()["end"].tolist() == [20, 10][: len(names)]
    with pytest.raises(InputError, match="There is no file 'ACGT'"):
        embed(tmp_path / "out.zarr", "ACGT")
    for source, words in (
        ([one, 5], "Sequence 2 of 2: A sequence was given as int"),
        (b"ACGT", "Sequences were given as bytes"),
        (None, "Sequences were given as NoneType"),
    ):
        with pytest.raises(InputError, match=words):
            embed(tmp_path / "out.zarr", source)


def test_windows_of_only_n_are_not_computed(tmp_path):
    bases = "ACGTU" * 10 + "N" * 100 + "nRy" + "A" * 27
    embedder = FakeEmbedder()
    summary = embed(tmp_path / "a.zarr", [Sequence("x", bases)], embedder, window=10, stride=10)
    assert (summary.windows, summary.computed, summary.unknown_only) == (18, 8, 10)
    assert embedder.asked == 8
    store = open_store(tmp_path / "a.zarr")
    unknown = store.coordinates()["unknown"].tolist()
    assert unknown == [0] * 5 + [10] * 10 + [3, 0, 0]
    for layer in store.layers:
        empty = np.isnan(store.vectors(layer)[:]).all(axis=1)
        assert empty.tolist() == [count == 10 for count in unknown]
    # A chunk of nothing but N is finished all the same.
    assert embed(tmp_path / "a.zarr", [Sequence("x", bases)], window=10, stride=10).skipped == 18


def test_a_finished_store_computes_nothing(tmp_path, fasta, monkeypatch):
    store = tmp_path / "finished.zarr"
    embed(store, fasta)
    before = files(store)
    embedder = FakeEmbedder()
    monkeypatch.setattr(Genome, "digest", lambda self: pytest.fail("read the genome again"))
    summary = embed(store, fasta, embedder)
    assert embedder.asked == summary.computed == summary.bases == 0
    assert summary.skipped == summary.windows
    assert str(summary) == f"{store}: 38 windows (0 computed, 38 done before)"
    assert files(store) == before


def test_progress_counts_bases_and_begins_with_what_is_done(tmp_path, fasta):
    calls = []

    def stop_after(n):
        def progress(done, total):
            calls.append((done, total))
            if len(calls) == n:
                raise Cancelled("enough")

        return progress

    with pytest.raises(Cancelled):
        embed(tmp_path / "out.zarr", fasta, progress=stop_after(4))
    store = open_store(tmp_path / "out.zarr")
    # The chunks reported before are written, too.
    assert done_chunks(store.path) == {0, 1, 2}
    assert calls[0] == (0, store.plan.n_bases)
    assert calls[3][0] == store.plan.bases_in(range(3))
    assert threading.active_count() < 20
    assert not store.complete
    rows = store.plan.rows(2)[1]
    assert not np.isnan(store.vectors()[:rows]).any()
    assert np.isnan(store.vectors()[rows:]).all()
    assert store.coordinates()["unknown"].iloc[rows] == -1
    assert store.coordinates()["record"].iloc[rows:].isna().all()
    calls.clear()
    embed(tmp_path / "out.zarr", fasta, progress=stop_after(10**6))
    assert calls[0][0] == store.plan.bases_in(range(3))
    assert calls[-1][0] == calls[-1][1] == store.plan.n_bases
    assert open_store(store.path).complete


def test_killed_at_any_moment_it_ends_equal(tmp_path):
    fasta = write_fasta(tmp_path / "genome.fa", lengths=(900, 20, 640))
    embed(tmp_path / "whole.zarr", fasta)
    path, log = tmp_path / "killed.zarr", tmp_path / "log"
    command = [sys.executable, "-m", "tests.stores.fake", str(path), str(fasta), str(log), "0.05"]
    n_chunks = open_store(tmp_path / "whole.zarr").plan.n_chunks
    assert n_chunks > 12
    kills, computed = 0, []
    # After the mark of a chunk, the next is being written at a moment that differs each time.
    for wait in (0.0, 0.055, 0.02):
        before = done_chunks(path)
        process = subprocess.Popen(command, cwd=ROOT)
        deadline = time.monotonic() + 60
        while len(done_chunks(path)) < len(before) + 2 and time.monotonic() < deadline:
            assert process.poll() is None, "ended before it could be killed"
            time.sleep(0.001)
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        kills += process.wait() == -signal.SIGKILL
        after = done_chunks(path)
        assert before < after
        computed.append(([key for key, _ in logged(log)], before, after))
        store = open_store(path)  # readable, and what is marked is whole
        reference = open_store(tmp_path / "whole.zarr")
        for index in after:
            rows = slice(*store.plan.rows(index))
            np.testing.assert_array_equal(store.vectors()[rows], reference.vectors()[rows])
    assert kills == 3
    left = len(done_chunks(path))
    assert 6 <= left < n_chunks
    subprocess.run(command, cwd=ROOT, check=True, timeout=60)
    assert files(path) == files(tmp_path / "whole.zarr")
    # No chunk was computed again once its mark was there.
    with Genome(fasta) as genome:
        chunk_of = {key: index for index, key in enumerate(keys(genome))}
    calls = [chunk_of[key] for key, _ in logged(log)]
    seen = 0
    for so_far, before, _ in computed:
        assert not before & {chunk_of[key] for key in so_far[seen:]}
        seen = len(so_far)
    assert not computed[-1][2] & set(calls[seen:])
    assert set(calls) == set(range(n_chunks))
    # At most the chunk in the model's hands and those waiting to be written are lost by a kill.
    assert len(calls) - n_chunks <= 3 * kills


def test_partial_files_of_the_killed_are_swept(tmp_path, fasta):
    def once(done, total):
        if done:
            raise Cancelled("stop")

    with contextlib.suppress(Cancelled):
        embed(tmp_path / "out.zarr", fasta, progress=once)
    young, old = (
        tmp_path / "out.zarr" / "unknown" / "c" / f"{i}.0123.partial" for i in range(5, 7)
    )
    for file in (young, old):
        file.write_bytes(b"half")
    os.utime(old, (0, 0))
    embed(tmp_path / "out.zarr", fasta)
    assert young.exists()
    assert not old.exists()


def full(monkeypatch, after):
    """Let the disk fill up after so many files."""
    from zarr.storage import _local

    counter, put = itertools.count(), _local._put

    def full_disk(path, *args, **kwargs):
        if next(counter) >= after:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return put(path, *args, **kwargs)

    monkeypatch.setattr(_local, "_put", full_disk)


def test_a_full_disk_is_said_and_the_run_goes_on_later(tmp_path, fasta, store, monkeypatch):
    path = tmp_path / "out.zarr"
    with monkeypatch.context() as disk:
        full(disk, after=50)
        with pytest.raises(StoreError, match=r"No space left for .*out\.zarr: (\d) of 10") as told:
            embed(path, fasta)
    assert "free space and run the same call" in str(told.value)
    assert isinstance(told.value, OSError)
    done = done_chunks(path)
    assert 0 < len(done) < 10
    half, whole = open_store(path), open_store(store)
    for index in done:
        rows = slice(*half.plan.rows(index))
        np.testing.assert_array_equal(half.vectors()[rows], whole.vectors()[rows])
    summary = embed(path, fasta)
    assert summary.skipped == sum(np.diff(half.plan.rows(index))[0] for index in done)
    assert files(path) == files(store)


def test_a_disk_that_is_full_from_the_start(tmp_path, fasta, store, monkeypatch):
    for after in range(1, 9):
        with monkeypatch.context() as disk:
            full(disk, after)
            with pytest.raises(StoreError, match=r"No space left for .*: nothing is written yet"):
                embed(tmp_path / "out.zarr", fasta)
        with pytest.raises(InputError, match="There is no store"):
            open_store(tmp_path / "out.zarr")
    embed(tmp_path / "out.zarr", fasta)
    assert files(tmp_path / "out.zarr") == files(store)


def test_the_full_disk_is_told_while_zarr_still_writes(tmp_path, fasta, monkeypatch):
    from zarr.storage import _local

    ended, put = threading.Event(), _local._put

    def restless(folder):
        while not ended.is_set():
            with contextlib.suppress(OSError):
                (folder / "zarr.partial").write_bytes(b"")
                (folder / "zarr.partial").unlink()

    def full_disk(path, *args, **kwargs):
        if path.parent.name == "done":
            busy.append(threading.Thread(target=restless, args=[path.parent.parent]))
            busy[-1].start()
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return put(path, *args, **kwargs)

    busy = []
    monkeypatch.setattr(_local, "_put", full_disk)
    try:
        for i in range(20):
            with pytest.raises(StoreError, match="No space left"):
                embed(tmp_path / f"{i}.zarr", fasta)
    finally:
        ended.set()
        for thread in busy:
            thread.join()
    assert busy


def test_a_really_full_disk(tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    mount = shutil.which("mount")
    command = [str(mount), "-t", "tmpfs", "-o", "size=512k", "none", str(small)]
    if mount is None or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("needs the right to mount a tmpfs")
    try:
        fasta = write_fasta(tmp_path / "genome.fa", lengths=(6000,))
        wide = {"hidden": 2000, "layers": (1,)}
        with pytest.raises(StoreError, match=r"No space left for .*: \d+ of 50 chunks"):
            embed(small / "out.zarr", fasta, FakeEmbedder(**wide))
        store = open_store(small / "out.zarr")
        done = store.n_done
        assert 0 < done < 50
        assert not np.isnan(store.vectors()[: store.plan.rows(done - 1)[1]]).any()
        subprocess.run([str(mount), "-o", "remount,size=16m", str(small)], check=True)
        assert embed(small / "out.zarr", fasta, FakeEmbedder(**wide)).skipped == done * ROWS
        embed(tmp_path / "whole.zarr", fasta, FakeEmbedder(**wide))
        assert files(small / "out.zarr") == files(tmp_path / "whole.zarr")
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_letters_that_are_no_bases_are_found_before_the_first_window(tmp_path):
    fasta = tmp_path / "protein.fa"
    fasta.write_text(">ok\n" + "ACGT" * 100 + "\n>prot\nMKVLEF\n")
    embedder = FakeEmbedder()
    for source in (fasta, [Sequence("ok", "ACGT" * 100), Sequence("prot", "MKVLEF")]):
        with pytest.raises(InputError, match=r"record 'prot', bases 1 to 6 looks like a protein"):
            embed(tmp_path / "out.zarr", source, embedder)
    assert embedder.asked == 0
    assert not (tmp_path / "out.zarr").exists()


class Broken(FakeEmbedder):
    def __init__(self, change):
        super().__init__()
        self.change = change

    def compute(self, prepared):
        return self.change(super().compute(prepared))


def overflow(vectors):
    vectors[2, 1, 3] = np.inf
    return vectors


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (overflow, r"vector of chr0:60-110 in layer 5 is not finite: it was told to\."),
        (lambda vectors: vectors[:, :1], r"shape \(4, 1, 6\) for chunk 0; expected \(4, 2, 6\)"),
    ],
)
def test_what_a_model_must_not_return(tmp_path, fasta, change, words):
    with pytest.raises(StoreError, match=words):
        embed(tmp_path / "out.zarr", fasta, Broken(change))
    assert open_store(tmp_path / "out.zarr").n_done == 0


def test_memory_does_not_grow_with_the_genome(tmp_path):
    """Only a few chunks are between reader and writer."""
    fasta = write_fasta(tmp_path / "genome.fa", lengths=(9000,))
    seen = []

    class Counting(FakeEmbedder):
        alive = 0

        def prepare(self, bases):
            Counting.alive += 1
            return super().prepare(bases)

        def compute(self, prepared):
            time.sleep(0.002)
            seen.append(Counting.alive)
            Counting.alive -= 1
            return super().compute(prepared)

    embed(tmp_path / "out.zarr", fasta, Counting())
    assert len(seen) == 75
    assert max(seen) <= 4
