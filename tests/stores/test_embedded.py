"""Vectors that exist already, with the sequences they are of."""

import anndata
import numpy as np
import pandas as pd
import pytest

import dnabert2_explore as dx
from dnabert2_explore import InputError, Sequence
from dnabert2_explore.stores import export, open_store
from dnabert2_explore.widgets.atlas.chosen.exports import as_h5ad


def test_a_store_gives_its_windows_with_their_bases(store, genome):
    opened = open_store(store)
    found = dx.read_embedded(store)
    assert len(found) == opened.n_windows
    both = np.concatenate([opened.vectors(layer)[:] for layer in opened.layers], axis=1)
    np.testing.assert_array_equal(found.vectors, both)
    where = opened.coordinates()
    for row in (0, 4, len(found) - 1):
        record, start, end = (where[c].iloc[row] for c in ("record", "start", "end"))
        expected = genome.fetch(genome.names.index(record), int(start), int(end))
        assert found.sequences[row].bases == expected
        assert found.sequences[row].name == f"{record}:{start}-{end}"
    assert found.weights_sha256 == "a" * 64
    deepest = dx.read_embedded(opened, layers=5)
    np.testing.assert_array_equal(deepest.vectors, opened.vectors(5)[:])


def test_a_draw_keeps_rows_with_their_vectors(store):
    whole, few = dx.read_embedded(store), dx.read_embedded(store, most=5, seed=1)
    assert len(few) == 5
    place = [whole.sequences.index(one) for one in few.sequences]
    assert place == sorted(place)
    np.testing.assert_array_equal(few.vectors, whole.vectors[place])


def test_anndata_from_a_store_and_from_the_atlas(store, tmp_path):
    export(open_store(store), tmp_path / "out.h5ad")
    found = dx.read_embedded(tmp_path / "out.h5ad")
    whole = dx.read_embedded(store, layers=5)
    assert found.sequences == whole.sequences
    np.testing.assert_array_equal(found.vectors, whole.vectors)
    chosen = [
        Sequence("twice", "ACGTAC", "a", fields={"species": "x"}), Sequence("twice", "GGGT"),
    ]  # fmt: skip
    vectors = np.arange(6, dtype=np.float32).reshape(2, 3)
    (tmp_path / "chosen.h5ad").write_bytes(as_h5ad(chosen, vectors, {"about": "test"}))
    again = dx.read_embedded(tmp_path / "chosen.h5ad")
    assert again.sequences == tuple(chosen)
    np.testing.assert_array_equal(again.vectors, vectors)


def test_anndata_in_memory_with_layers_and_sparse_numbers():
    from scipy.sparse import csr_matrix

    obs = pd.DataFrame({"sequence": ["ACG", "TTT"], "gc": [0.6, 0.0]}, index=["a", "b"])
    data = anndata.AnnData(X=csr_matrix(np.eye(2, dtype=np.float32)), obs=obs)
    data.obsm["layer_3"] = np.ones((2, 4), dtype=np.float32)
    found = dx.read_embedded(data)
    np.testing.assert_array_equal(found.vectors, np.eye(2))
    assert [one.name for one in found.sequences] == ["a", "b"]
    assert found.sequences[0].fields["gc"] == "0.6"
    assert dx.read_embedded(data, layers=3).vectors.shape == (2, 4)
    with pytest.raises(InputError, match=r"no obsm\['layer_1'\]"):
        dx.read_embedded(data, layers=1)
    del data.obs["sequence"]
    with pytest.raises(InputError, match="holds no bases"):
        dx.read_embedded(data)


def test_what_is_no_source(store, tmp_path, fasta):
    with pytest.raises(InputError, match="given as list"):
        dx.read_embedded([1, 2])
    with pytest.raises(InputError, match="There is no file"):
        dx.read_embedded(tmp_path / "nowhere.h5ad")
    (tmp_path / "text.h5ad").write_text("no")
    with pytest.raises(InputError, match="is no AnnData"):
        dx.read_embedded(tmp_path / "text.h5ad")
    with pytest.raises(InputError, match="give genome="):
        dx.read_embedded(store, genome=tmp_path / "gone.fa")
