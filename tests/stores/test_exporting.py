import json
import os
import tracemalloc

import anndata
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from dnabert2_explore.errors import Cancelled, InputError
from dnabert2_explore.sequences import Sequence
from dnabert2_explore.stores import StoreError, embed_windows, export, open_store
from dnabert2_explore.stores.files.exporting import SUFFIXES

from .fake import ROWS, STRIDE, WINDOW, FakeEmbedder, write_fasta


@pytest.fixture(params=[1 << 25, 1])
def opened(request, store, monkeypatch):
    """A finished store; written in one block, and chunk by chunk."""
    monkeypatch.setattr("dnabert2_explore.stores.filling.plan._BLOCK", request.param)
    return open_store(store)


def test_h5ad(opened, tmp_path):
    assert export(opened, tmp_path / "out.h5ad") == tmp_path / "out.h5ad"
    adata = anndata.read_h5ad(tmp_path / "out.h5ad")
    np.testing.assert_array_equal(adata.X, opened.vectors(5)[:])
    np.testing.assert_array_equal(adata.obsm["layer_2"], opened.vectors(2)[:])
    assert list(adata.obsm) == ["layer_2"]
    where = opened.coordinates()
    assert adata.obs["record"].astype(str).tolist() == where["record"].astype(str).tolist()
    for name in ("start", "end", "strand", "unknown"):
        assert adata.obs[name].tolist() == where[name].tolist()
    assert list(adata.obs.columns) == ["record", "start", "end", "strand", "unknown"]
    assert adata.obs_names[:2].tolist() == ["chr0:0-50", "chr0:30-80"]
    assert adata.obs_names.is_unique
    assert adata.var_names.tolist() == [str(i) for i in range(6)]
    assert adata.uns["identity"]["weights_sha256"] == "a" * 64
    assert list(adata.uns["identity"]["layers"]) == [2, 5]
    assert adata.uns["plan"]["window"] == WINDOW
    assert list(adata.uns["source"]["names"]) == ["chr0", "chr1", "chr2"]
    assert adata.uns["about"]["versions"]["numpy"] == np.__version__
    backed = anndata.read_h5ad(tmp_path / "out.h5ad", backed="r")
    np.testing.assert_array_equal(backed.X[3:5], opened.vectors()[3:5])
    backed.file.close()


def test_h5ad_of_whole_records(tmp_path):
    """Its window is null, which older versions of anndata cannot read."""
    embed_windows(tmp_path / "a.zarr", [Sequence("x", "ACGT")], FakeEmbedder(layers=(3,)))
    export(tmp_path / "a.zarr", tmp_path / "a.h5ad")
    adata = anndata.read_h5ad(tmp_path / "a.h5ad")
    assert adata.shape == (1, 6)
    assert adata.uns["plan"] == {"rows_per_chunk": 256}
    assert adata.uns["source"]["path"] == ""


def test_parquet(opened, tmp_path):
    export(opened, tmp_path / "out.parquet")
    frame = pd.read_parquet(tmp_path / "out.parquet")
    where = opened.coordinates()
    assert frame["record"].astype(str).tolist() == where["record"].astype(str).tolist()
    for name in ("start", "end", "strand", "unknown"):
        assert frame[name].tolist() == where[name].tolist()
    for layer in (2, 5):
        np.testing.assert_array_equal(np.stack(frame[f"layer_{layer}"]), opened.vectors(layer)[:])
    metadata = pq.read_schema(tmp_path / "out.parquet").metadata
    assert json.loads(metadata[b"about"]) == opened.attributes


def test_npz(opened, tmp_path):
    export(opened, tmp_path / "out.npz")
    with np.load(tmp_path / "out.npz") as arrays:
        for layer in (2, 5):
            np.testing.assert_array_equal(arrays[f"layer_{layer}"], opened.vectors(layer)[:])
        where = opened.coordinates()
        assert arrays["names"][arrays["record"]].tolist() == where["record"].astype(str).tolist()
        for name in ("start", "end", "strand", "unknown"):
            assert arrays[name].tolist() == where[name].tolist()
        assert json.loads(str(arrays["about"])) == opened.attributes


def test_nan_rows_and_records_whose_names_are_not_ascii(tmp_path):
    records = [Sequence("läng", "ACGT" * 5), Sequence("leer", "N" * 20)]
    embed_windows(tmp_path / "a.zarr", records, FakeEmbedder(), 20)
    for suffix in SUFFIXES:
        export(tmp_path / "a.zarr", tmp_path / f"a{suffix}")
    adata = anndata.read_h5ad(tmp_path / "a.h5ad")
    assert adata.obs_names.tolist() == ["läng:0-20", "leer:0-20"]
    assert np.isnan(adata.X).all(axis=1).tolist() == [False, True]
    frame = pd.read_parquet(tmp_path / "a.parquet")
    assert frame["record"].tolist() == ["läng", "leer"]
    assert np.isnan(np.stack(frame["layer_5"])).all(axis=1).tolist() == [False, True]
    with np.load(tmp_path / "a.npz") as arrays:
        assert arrays["names"].tolist() == ["läng", "leer"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_unfinished_store_is_refused(tmp_path, fasta, suffix):
    def stop(done, total):
        if done:
            raise Cancelled("stop")

    with pytest.raises(Cancelled):
        embed_windows(tmp_path / "a.zarr", fasta, FakeEmbedder(), WINDOW, STRIDE, ROWS, None, stop)
    target = tmp_path / f"a{suffix}"
    target.write_text("from before")
    with pytest.raises(InputError, match="not finished: 9 of 10 chunks are missing"):
        export(tmp_path / "a.zarr", target)
    assert target.read_text() == "from before"


def test_targets_that_cannot_be(store, tmp_path):
    with pytest.raises(InputError, match=r"ends in \.h5ad, \.parquet, \.npz"):
        export(store, tmp_path / "out.csv")
    with pytest.raises(InputError, match="lies in none that exists"):
        export(store, tmp_path / "no" / "out.npz")
    (tmp_path / "folder.npz").mkdir()
    with pytest.raises(InputError, match="is a folder"):
        export(store, tmp_path / "folder.npz")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_failure_leaves_what_was_there(store, tmp_path, monkeypatch, suffix):
    target = tmp_path / f"out{suffix}"
    target.write_text("from before")
    before = sorted(os.listdir(tmp_path))

    def fail(self, layer=None):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("dnabert2_explore.stores.store.EmbeddingStore.vectors", fail)
    with pytest.raises(StoreError, match="No space left on device"):
        export(store, target)
    assert target.read_text() == "from before"
    assert sorted(os.listdir(tmp_path)) == before


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_memory_stays_below_the_data(tmp_path, suffix, monkeypatch):
    monkeypatch.setattr("dnabert2_explore.stores.filling.plan._BLOCK", 1 << 20)
    fasta = write_fasta(tmp_path / "big.fa", lengths=(60_000,))
    embedder = FakeEmbedder(layers=(1,), hidden=2000)
    embed_windows(tmp_path / "a.zarr", fasta, embedder, WINDOW, STRIDE, 64)
    export(tmp_path / "a.zarr", tmp_path / f"warm{suffix}")  # imports take memory, too
    tracemalloc.start()
    export(tmp_path / "a.zarr", tmp_path / f"a{suffix}")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 6 << 20 < 2000 * 4 * 2000
