"""Differences of tables and arrays, against differences that were put there."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from dnabert2_explore.again.commands import _compared
from dnabert2_explore.again.compare import Comparison, compare_numbers, compare_tables

TABLE = "# remark\nname,x,y\na,1,2\nb,3,nan\n"


def test_the_same_table_is_the_same_whatever_is_remarked():
    found = compare_tables(TABLE, TABLE.replace("remark", "other"))
    assert found == Comparison()


def test_what_differs_is_named():
    found = compare_tables(TABLE, TABLE.replace("b,3,nan", "c,3.5,nan"))
    assert found.largest == 0.5
    assert found.where == "row 2, column x: 3, now 3.5"
    assert found.said == ["1 cells of text; row 2, column name: 'b', now 'c'"]
    assert compare_tables(TABLE, TABLE + "c,1,1\n").said == ["2 rows, now 3"]
    assert "without ['y'], with ['z']" in compare_tables(TABLE, TABLE.replace("y", "z")).said[0]
    assert compare_tables(TABLE, TABLE.replace("nan", "4")).largest == math.inf
    assert compare_tables(TABLE, "").said == ["one of the tables is empty"]


def test_arrays_of_files(tmp_path):
    values = np.arange(12, dtype=np.float32).reshape(3, 4)
    changed = values.copy()
    changed[1, 2] += 0.25
    for name, write in (
        ("v.npy", np.save),
        ("v.npz", lambda path, v: np.savez(path, names=np.array(["a", "b", "c"]), embeddings=v)),
        (
            "v.parquet",
            lambda path, v: pd.DataFrame({"name": list("abc"), "embedding": list(v)}).to_parquet(
                path
            ),
        ),
    ):
        one, same, other = (tmp_path / f"{kind}-{name}" for kind in ("one", "same", "other"))
        write(one, values)
        write(same, values)
        write(other, changed)
        assert _compared(one, same) == Comparison()
        found = _compared(one, other)
        assert found.largest == 0.25
        assert "[1, 2]: 6, now 6.25" in found.where
    found = Comparison()
    compare_numbers("x", values, values[:2], found)
    assert found.said == ["x: shape (3, 4), now (2, 4)"]
