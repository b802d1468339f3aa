from __future__ import annotations

import pandas as pd
import pytest

import dnabert2_explore as dx
from dnabert2_explore import InputError, Sequence
from dnabert2_explore.sequences import ReadingWarning

MADE = [Sequence("a", "ACGT", label="old", fields={"x": "1"}), Sequence("b", "GGCC")]


@pytest.mark.parametrize("suffix", [".csv", ".tsv"])
def test_columns_join_by_name(tmp_path, suffix):
    path = tmp_path / f"t{suffix}"
    text = "name,site,label\nb,gut,new\na,lung,\n"
    path.write_text(text.replace(",", "\t") if suffix == ".tsv" else text)
    first, second = dx.join_table(MADE, path)
    assert (first.label, dict(first.fields)) == ("old", {"x": "1", "site": "lung"})
    assert (second.label, second.fields["site"]) == ("new", "gut")
    assert first.bases == "ACGT"
    assert "site" not in MADE[0].fields


def test_what_does_not_join_is_said(tmp_path):
    with pytest.warns(ReadingWarning, match="has no row for 1 of 2 sequences"):
        dx.join_table(MADE, pd.DataFrame({"id": ["a"], "n": [3]}), on="id")
    with pytest.raises(InputError, match="no column 'name'"):
        dx.join_table(MADE, pd.DataFrame({"id": ["a"]}))
    with pytest.raises(InputError, match="row 3: 'a' has a row already"):
        dx.join_table(MADE, pd.DataFrame({"name": ["a", "a"]}))
    with pytest.raises(InputError, match="none of the 2 sequences"):
        dx.join_table(MADE, pd.DataFrame({"name": ["z"]}))
    with pytest.raises(InputError, match="cannot be read"):
        dx.join_table(MADE, tmp_path / "no.csv")
    (tmp_path / "e.csv").write_text("name,x\n")
    with pytest.raises(InputError, match="no rows"):
        dx.join_table(MADE, tmp_path / "e.csv")
