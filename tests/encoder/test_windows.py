"""`embed_to` with a real network; the store's own tests are in tests/stores."""

from __future__ import annotations

import pickle
import shutil

import numpy as np
import pytest

from dnabert2_explore import Cancelled, InputError, Sequence, load
from dnabert2_explore.encoder.vectors.windows import WindowEmbedder
from dnabert2_explore.stores import open_store

from ..conftest import random_bases


@pytest.fixture
def genome(tmp_path):
    path = tmp_path / "genome.fa"
    records = {"chr1": random_bases(1234, 3), "chr2": "N" * 300 + random_bases(150, 4)}
    path.write_text("".join(f">{name}\n{bases}\n" for name, bases in records.items()))
    return path, records


@pytest.mark.filterwarnings("default::dnabert2_explore.errors.ExploreWarning")  # N
def test_a_store_holds_what_embed_computes(enc, genome, tmp_path) -> None:
    path, records = genome
    summary = enc.embed_to(tmp_path / "out.zarr", path, window=200, stride=100, layers=(0, -1))
    store = open_store(tmp_path / "out.zarr")
    assert store.complete
    assert store.layers == (0, 2)
    where = store.coordinates()
    blank = where["unknown"] == where["end"] - where["start"]
    assert blank.sum() == summary.unknown_only == 2
    pieces = [records[str(row.record)][row.start : row.end] for row in where[~blank].itertuples()]
    expected = enc.embed(pieces, layer=(0, 2))
    for column, layer in enumerate((0, 2)):
        vectors = store.vectors(layer)[:]
        np.testing.assert_allclose(vectors[~blank], expected[:, column], atol=1e-5)
        assert np.isnan(vectors[blank]).all()
    assert store.attributes["identity"]["weights_sha256"] == enc.sha256
    assert store.attributes["about"]["model"] == enc.name


def test_a_layer_named_twice_is_one_array(enc, genome, tmp_path) -> None:
    enc.embed_to(tmp_path / "out.zarr", genome[0], window=500, layers=(-1, 2, 1))
    assert set(open_store(tmp_path / "out.zarr").layers) == {1, 2}


def test_a_stopped_run_ends_bit_for_bit_the_same(enc, genome, tmp_path) -> None:
    path, _ = genome
    settings = {"window": 100, "stride": 50, "rows_per_chunk": 8}
    enc.embed_to(tmp_path / "whole.zarr", path, **settings)

    def stop(done, total):
        if done > total // 2:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        enc.embed_to(tmp_path / "parts.zarr", path, **settings, progress=stop)
    stopped = open_store(tmp_path / "parts.zarr")
    assert 0 < stopped.n_done < stopped.plan.n_chunks
    summary = enc.embed_to(tmp_path / "parts.zarr", path, **settings)
    assert summary.skipped > 0
    whole, parts = (open_store(tmp_path / name) for name in ("whole.zarr", "parts.zarr"))
    assert whole.vectors()[:].tobytes() == parts.vectors()[:].tobytes()
    assert whole.coordinates().equals(parts.coordinates())


def test_a_cluster_computes_the_same(model_folder, genome, tmp_path) -> None:
    """The published call with a Dask client: real models in two worker processes."""
    distributed = pytest.importorskip("distributed")
    enc = load(model_folder, device="cpu")
    path, _ = genome
    settings = {"window": 100, "stride": 50, "rows_per_chunk": 8, "layers": (1, 2)}
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, worker_dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        summary = enc.embed_to(tmp_path / "cluster.zarr", path, **settings, client=client)
    assert summary.workers == 2
    enc.embed_to(tmp_path / "local.zarr", path, **settings)
    there, here = (open_store(tmp_path / name) for name in ("cluster.zarr", "local.zarr"))
    assert there.complete
    for layer in (1, 2):
        # A worker has one thread, this process several: the last digits may differ.
        np.testing.assert_allclose(there.vectors(layer)[:], here.vectors(layer)[:], atol=1e-5)
    assert there.coordinates().equals(here.coordinates())


def test_another_model_is_refused_by_name(enc, classifier, genome, tmp_path) -> None:
    path, _ = genome
    enc.embed_to(tmp_path / "out.zarr", path, window=200)
    with pytest.raises(InputError, match="weights_sha256"):
        classifier.embed_to(tmp_path / "out.zarr", path, window=200)
    with pytest.raises(InputError, match="pooling"):
        enc.embed_to(tmp_path / "out.zarr", path, window=200, pooling="max")
    with pytest.raises(InputError, match="Layer 7 does not exist"):
        enc.embed_to(tmp_path / "other.zarr", path, layers=7)


def test_records_in_memory(enc, tmp_path) -> None:
    records = [Sequence("one", random_bases(70)), Sequence("two", random_bases(30, 5))]
    enc.embed_to(tmp_path / "out.zarr", records)
    vectors = open_store(tmp_path / "out.zarr").vectors()[:]
    np.testing.assert_allclose(vectors, enc.embed(records), atol=1e-5)


def test_the_recipe_makes_the_same_embedder(enc, model_folder) -> None:
    embedder = WindowEmbedder(enc, "mean", (2,))
    again = pickle.loads(pickle.dumps(embedder.recipe))()
    assert again.identity == embedder.identity
    windows = [random_bases(50), random_bases(80, 2)]
    np.testing.assert_array_equal(
        again.compute(again.prepare(windows)), embedder.compute(embedder.prepare(windows))
    )


def test_a_recipe_needs_the_weights_of_a_file(model_folder, classifier_folder, tmp_path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(model_folder, folder)
    enc = load(folder)
    recipe = WindowEmbedder(enc, "mean", (2,)).recipe
    enc.body.encoder.layer[0].mlp.wo.weight.data.normal_()
    with pytest.raises(InputError, match="changed since it was loaded"):
        WindowEmbedder(enc, "mean", (2,)).recipe  # noqa: B018
    (folder / "model.safetensors").unlink()
    shutil.copy(classifier_folder / "model.safetensors", folder)
    with pytest.raises(InputError, match="other weights than the one"):
        recipe()
