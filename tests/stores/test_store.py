import errno
import json
import os
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import zarr

from dnabert2_explore.errors import ExploreError, InputError
from dnabert2_explore.sequences import Sequence
from dnabert2_explore.sequences.reading.genome import StaleIndexWarning
from dnabert2_explore.stores import (
    EmbeddingStore,
    Summary,
    WindowPlan,
    embed_windows,
    open_store,
)

from .fake import ROWS, STRIDE, WINDOW, FakeEmbedder, files, write_fasta

HEAVY = {"zarr", "pandas", "distributed", "dask", "pyarrow", "anndata", "h5py", "Bio", "torch"}


def embed(path, source, embedder=None, window=WINDOW, stride=STRIDE, rows=ROWS):
    return embed_windows(path, source, embedder or FakeEmbedder(), window, stride, rows)


def refused(*args, **kwargs) -> str:
    """Return the one sentence that a run is refused with."""
    with pytest.raises(InputError) as caught:
        embed(*args, **kwargs)
    message = str(caught.value)
    assert "\n" not in message
    assert message.endswith(".")
    return message


def test_importing_is_light():
    code = "import sys, dnabert2_explore.stores, dnabert2_explore.sequences.reading.genome"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert not HEAVY & set(done.stdout.split())


def test_plain_zarr_reads_it(store):
    group = zarr.open_group(store, mode="r")
    assert set(group) == {"embeddings", "record", "start", "end", "strand", "unknown", "done"}
    vectors = group["embeddings/layer_5"]
    n = vectors.shape[0]
    assert vectors.chunks == (ROWS, 6)
    assert vectors.dtype == np.float32
    assert np.isnan(vectors.fill_value)
    for name, dtype in {"record": "i4", "start": "i8", "end": "i8", "strand": "i1"}.items():
        assert group[name].dtype == dtype
        assert (group[name].shape, group[name].chunks) == ((n,), (ROWS,))
    assert set(group["strand"][:]) == {1}
    assert group["done"].chunks == (1,)
    assert group["done"][:].all()
    about = dict(group.attrs)
    assert about["format"] == "dnabert2-explore embeddings"
    assert about["identity"]["weights_sha256"] == "a" * 64
    assert about["about"]["model"] == "fake"
    assert about["plan"] == {"window": WINDOW, "stride": STRIDE, "rows_per_chunk": ROWS}
    assert about["source"]["names"] == ["chr0", "chr1", "chr2"]
    assert about["source"]["lengths"] == [700, 20, 433]
    assert about["created"].endswith("+00:00")


def test_each_file_belongs_to_one_chunk(store):
    found = {name for name in files(store) if "zarr.json" not in name}
    n = open_store(store).plan.n_chunks
    names = [f"{a}/c/{{}}" for a in ("record", "start", "end", "strand", "unknown", "done")]
    names += [f"embeddings/layer_{i}/c/{{}}/0" for i in (2, 5)]
    assert found == {name.format(chunk) for name in names for chunk in range(n)}


def test_what_a_store_says(store):
    opened = open_store(store)
    assert repr(opened) == (
        f"<EmbeddingStore: {len(opened)} windows, layers [2, 5], {opened.hidden} numbers each, "
        f"complete, in {store}>"
    )
    assert opened.missing() == []
    assert opened.is_done(0)
    with pytest.raises(InputError, match=r"no layer 3; expected one of \[2, 5\]"):
        opened.vectors(3)
    assert opened.coordinates(3, 5).to_numpy().tolist() == [
        ["chr0", 90, 140, 1, 0],
        ["chr0", 120, 170, 1, 0],
    ]
    with pytest.raises(ValueError, match="read-only"):
        opened.vectors()[0] = 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"window": 60}, "window 50 there, 60 here;"),
        ({"stride": 31}, "stride 30 there, 31 here;"),
        ({"rows": 5}, "rows_per_chunk 4 there, 5 here;"),
        (
            {"embedder": FakeEmbedder(weights="b" * 64)},
            "weights_sha256 aaaaaaaaaaaa… there, bbbbbbbbbbbb… here;",
        ),
        ({"embedder": FakeEmbedder(layers=(2, 4))}, "layers [2, 5] there, [2, 4] here;"),
        ({"embedder": FakeEmbedder(hidden=7)}, "hidden 6 there, 7 here;"),
        (
            {"window": None, "stride": None, "embedder": FakeEmbedder(layers=(1,))},
            "layers [2, 5] there, [1] here; stride 30 there, none here; "
            "window 50 there, none here;",
        ),
    ],
)
def test_a_store_made_otherwise_is_refused(store, fasta, change, words):
    before = files(store)
    message = refused(store, fasta, **change)
    assert words in message
    assert "give another -o, or delete it" in message
    assert files(store) == before


def test_other_sequences_are_refused_and_moved_ones_are_not(store, fasta, tmp_path):
    moved = shutil.copy(fasta, tmp_path / "moved.fa")
    assert embed(store, moved).computed == 0
    other = write_fasta(tmp_path / "other.fa", lengths=(700, 20, 434))
    message = refused(store, other)
    assert "genome.fa (3 records, 1,153 bases, sha256 " in message
    assert "other.fa (3 records, 1,154 bases, sha256 " in message
    # The file is changed in place.
    text = fasta.read_text().replace("chr1", "chrX")
    fasta.write_text(text)
    with pytest.warns(StaleIndexWarning):
        assert "sequences" in refused(store, fasta)
    assert "from memory (1 records, 60 bases" in refused(store, [Sequence("x", "A" * 60)])


def test_paths_that_are_no_stores(tmp_path, fasta, store):
    (tmp_path / "file").write_text("x")
    assert "is no store of embeddings" in refused(tmp_path / "file", fasta)
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "thesis.txt").write_text("do not delete")
    assert "is no store of embeddings" in refused(folder, fasta)
    assert (folder / "thesis.txt").read_text() == "do not delete"
    assert "does not exist" in refused(tmp_path / "no" / "out.zarr", fasta)
    foreign = zarr.create_group(tmp_path / "foreign.zarr", attributes={"mine": 1})
    foreign.create_array("done", shape=(3,), dtype="u1")
    assert "is no store of embeddings" in refused(tmp_path / "foreign.zarr", fasta)
    array = zarr.create_array(tmp_path / "array.zarr", shape=(3,), dtype="u1")
    array[:] = 1
    assert "is no store of embeddings" in refused(tmp_path / "array.zarr", fasta)
    data = zarr.create_group(tmp_path / "data.zarr").create_array("done", shape=(3,), dtype="u1")
    data[:] = 1
    assert "is no store of embeddings" in refused(tmp_path / "data.zarr", fasta)
    for path in ("file", "folder", "foreign.zarr", "array.zarr"):
        with pytest.raises(InputError, match="is no store of embeddings"):
            open_store(tmp_path / path)
    with pytest.raises(InputError, match="There is no store"):
        open_store(tmp_path / "nowhere")
    attributes = json.loads((store / "zarr.json").read_text())
    attributes["attributes"]["format_version"] = 2
    (store / "zarr.json").write_text(json.dumps(attributes))
    assert "version 2 of its format" in refused(store, fasta)


def test_a_run_that_is_stopped_while_it_makes_a_store_leaves_nothing(
    tmp_path, fasta, store, monkeypatch
):
    path = tmp_path / "out.zarr"
    embed(tmp_path / "made-the-index.zarr", fasta)
    before = sorted(tmp_path.iterdir())
    for name in ("start", "unknown", "done"):
        with monkeypatch.context() as killing:
            create = zarr.Group.create_array
            killing.setattr(
                zarr.Group,
                "create_array",
                lambda self, given, name=name, create=create, **kwargs: (
                    killed() if given == name else create(self, given, **kwargs)
                ),
            )
            with pytest.raises(KeyboardInterrupt):
                embed(path, fasta)
        assert sorted(tmp_path.iterdir()) == before
        with pytest.raises(InputError, match="There is no store"):
            open_store(path)
    embed(path, fasta)
    assert files(path) == files(store)


def test_an_empty_folder_becomes_the_store(tmp_path, fasta, store):
    empty = tmp_path / "empty"
    empty.mkdir()
    (tmp_path / "link").symlink_to(empty)
    embed(tmp_path / "link", fasta)
    assert (tmp_path / "link").is_symlink()
    assert files(empty) == files(store)


def test_a_store_has_the_permissions_of_any_new_folder(tmp_path, store):
    (tmp_path / "folder").mkdir()
    assert store.stat().st_mode == (tmp_path / "folder").stat().st_mode


def test_what_killed_runs_left_is_removed_when_nobody_can_be_writing_it(tmp_path, fasta):
    names = (
        ".out.zarr.12345678.making",
        ".out.zarr.9.making",
        ".other.zarr.1.making",
        ".out.zarr.x",
    )
    old, young, other, foreign = (tmp_path / name for name in names)
    for folder in (old, young, other, foreign):
        folder.mkdir()
        (folder / "zarr.json").write_text("{}")
        if folder != young:
            os.utime(folder, (0, 0))
    embed(tmp_path / "out.zarr", fasta)
    assert [folder.exists() for folder in (old, young, other, foreign)] == [False, True, True, True]


def at_once(monkeypatch, *calls):
    """Let calls make a store at the same moment; return what each gave or raised."""
    barrier, lock = threading.Barrier(len(calls), timeout=20), threading.Lock()
    create = zarr.Group.create_array

    def together(*args, **kwargs):
        barrier.wait()
        with lock:  # else two that check before both write would both find nothing
            return create(*args, **kwargs)

    monkeypatch.setattr(zarr.Group, "create_array", together)
    with ThreadPoolExecutor(len(calls)) as pool:
        running = [pool.submit(call) for call in calls]
        return [one.exception() or one.result() for one in running]


def test_two_runs_that_start_at_once_fill_one_store(tmp_path, fasta, store, monkeypatch):
    path = tmp_path / "out.zarr"
    path.mkdir()
    results = at_once(monkeypatch, lambda: embed(path, fasta), lambda: embed(path, fasta))
    assert [type(result) for result in results] == [Summary, Summary]
    assert files(path) == files(store)
    assert not list(tmp_path.glob(".out.zarr*"))


def test_of_two_runs_that_differ_and_start_at_once_one_is_refused(tmp_path, fasta, monkeypatch):
    path = tmp_path / "out.zarr"
    results = at_once(
        monkeypatch, lambda: embed(path, fasta), lambda: embed(path, fasta, window=60)
    )
    (error,) = [result for result in results if isinstance(result, Exception)]
    assert isinstance(error, InputError)
    assert "was made otherwise" in str(error)
    assert open_store(path).complete


def test_files_are_flushed_through_handles_that_may_write(tmp_path, fasta, monkeypatch):
    """Windows refuses to flush others."""
    fcntl = pytest.importorskip("fcntl")
    flushed = []

    def fsync(handle):
        if fcntl.fcntl(handle, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
            raise OSError(errno.EBADF, "Bad file descriptor")
        flushed.append(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    embed(tmp_path / "out.zarr", fasta)
    assert len(flushed) > 10 * 7


def killed(*args, **kwargs):
    raise KeyboardInterrupt


def test_a_damaged_mark_is_no_mark(store, fasta):
    before = files(store)
    last = open_store(store).plan.n_chunks - 1
    for index in (2, last):  # what a power cut may leave behind
        (store / "done" / "c" / str(index)).write_bytes(b"")
        (store / "embeddings" / "layer_2" / "c" / str(index) / "0").write_bytes(b"")
    assert open_store(store).missing() == [2, last]
    embed(store, fasta)
    assert files(store) == before


def test_create_returns_an_empty_store(tmp_path, genome):
    plan = WindowPlan(genome.names, genome.lengths, WINDOW, STRIDE, ROWS)
    store = EmbeddingStore.create(tmp_path / "out.zarr", plan, genome, FakeEmbedder())
    assert store.plan == plan
    assert store.n_done == 0
    assert Path(store.path).is_absolute()
    assert np.isnan(store.vectors()[:]).all()


def test_a_store_that_may_not_be_read_is_not_said_to_be_lost(store, monkeypatch):
    def denied(self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", denied)
    with pytest.raises(ExploreError, match="may not be read") as caught:
        open_store(store)
    assert "delete" not in str(caught.value)
