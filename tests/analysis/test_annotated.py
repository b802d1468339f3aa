from __future__ import annotations

import numpy as np
import pytest

import dnabert2_explore as dx
from dnabert2_explore.errors import InputError

pytest.importorskip("anndata")


def test_vectors_and_fields_stand_side_by_side():
    one = dx.Sequence("a", "ACGNN", "x", "first", {"species": "mouse"})
    other = dx.Sequence("a", "TTTT")
    table = dx.to_anndata(np.arange(6).reshape(3, 2), [one, other, "NN"], model="m")
    assert table.obs_names.tolist() == ["a", "a-1", "sequence 3"]
    assert table.obs["name"].tolist() == ["a", "a", "sequence 3"]
    assert table.obs["length"].tolist() == [5, 4, 2]
    np.testing.assert_allclose(table.obs["gc"], [2 / 3, 0, np.nan])
    assert table.obs["species"].isna().tolist() == [False, True, True]
    assert table.X.dtype == np.float32
    assert table.X[1].tolist() == [2, 3]
    assert table.uns["model"] == "m"


def test_it_is_written_and_read_again(tmp_path):
    windows = dx.demo.windows()[:4]
    dx.to_anndata(np.ones((4, 3)), windows).write_h5ad(tmp_path / "x.h5ad")
    import anndata

    assert anndata.read_h5ad(tmp_path / "x.h5ad").obs["label"].tolist() == [
        one.label for one in windows
    ]


def test_each_sequence_has_its_vector():
    with pytest.raises(InputError, match=r"shape \(2, 3\) do not fit 1 sequences"):
        dx.to_anndata(np.zeros((2, 3)), ["ACGT"])
