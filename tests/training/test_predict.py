from __future__ import annotations

import json
import tracemalloc

import numpy as np
import pytest

from dnabert2_explore import load
from dnabert2_explore.errors import InputError
from dnabert2_explore.training import predict
from dnabert2_explore.training.finetune import finetune
from dnabert2_explore.training.predict import predict_table
from dnabert2_explore.training.scores.metrics import Scores

from .labelled import authors, read_csv, tiny_model, write_csv, write_splits


@pytest.fixture(scope="module", params=["classification", "multi_label", "regression", "pairs"])
def run(request, tokenizer_folder, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    model = tiny_model(folder / "base", tokenizer_folder)
    data = write_splits(folder / "data", request.param)
    files = {name: str(data / f"{name}.csv") for name in ("train", "dev", "test")}
    settings = {"max_steps": 10, "threads": 1, "bootstrap": 30, "max_tokens": 12, "batch_size": 16}
    config = authors(
        model=str(model), out=str(folder / "run"), learning_rate=0.01, **files, **settings
    )
    return finetune(config), files["test"]


def test_a_file_is_scored_as_training_scored_it(run, tmp_path, monkeypatch):
    result, test = run
    monkeypatch.setattr(predict, "CHUNK", 7)  # the chunks make no difference
    ticks = []
    summary = predict_table(
        result.model, test, tmp_path / "p.csv", bootstrap=30, progress=lambda *t: ticks.append(t)
    )
    assert ticks[-1] == (40, 40)
    assert (summary.rows, summary.task, summary.classes) == (40, result.task, result.classes)
    assert summary.scores.loss == pytest.approx(result.test.loss, rel=1e-6)
    for name, one in result.test.values.items():
        assert summary.scores[name] == pytest.approx(one.value, abs=1e-6, nan_ok=True)
        assert summary.scores.values[name].low == pytest.approx(one.low, abs=1e-6, nan_ok=True)
    mine, theirs = read_csv(tmp_path / "p.csv"), read_csv(result.model.parent / "predictions.csv")
    assert list(mine[0]) == list(theirs[0])
    for one, other in zip(mine, theirs, strict=True):
        assert (one["row"], one["name"]) == (other["row"], other["name"])
        for column in one:
            if column.startswith("p_"):
                assert float(one[column]) == pytest.approx(float(other[column]), abs=1e-6)
    written = json.loads((tmp_path / "p.scores.json").read_text())
    assert Scores.from_json(written).to_json() == summary.scores.to_json()


def test_parquet_and_csv_say_the_same(run, tmp_path, monkeypatch):
    import pandas as pd

    result, test = run
    monkeypatch.setattr(predict, "CHUNK", 16)
    for name in ("p.csv", "p.parquet", "p.tsv"):
        predict_table(result.model, test, tmp_path / name, bootstrap=0)
    one = pd.read_csv(tmp_path / "p.csv", keep_default_na=False)
    two = pd.read_parquet(tmp_path / "p.parquet")
    three = pd.read_csv(tmp_path / "p.tsv", sep="\t", keep_default_na=False)
    assert list(one) == list(two) == list(three)
    for column in two:
        if column.startswith("p_") or (result.task, column) == ("regression", "predicted"):
            assert two[column].dtype == np.float32
            assert (one[column].astype(np.float32) == two[column]).all()
    assert one.equals(three)


@pytest.fixture(scope="module")
def splice():
    return load("pocket-splice", dtype="float32")


def test_fasta_without_labels(splice, tmp_path):
    (tmp_path / "s.fa").write_text(f">one\n{'ACGT' * 50}\n>two\n{'GGNA' * 50}\n")
    summary = predict_table(splice, tmp_path / "s.fa", tmp_path / "p.csv")
    assert summary.scores is None
    assert not (tmp_path / "p.scores.json").exists()
    assert "50 of 400 bases (12.50%) are not A, C, G or T" in str(summary)
    rows = read_csv(tmp_path / "p.csv")
    assert list(rows[0])[:3] == ["row", "name", "predicted"]
    assert [row["name"] for row in rows] == ["one", "two"]
    assert rows[0]["predicted"] in splice.classes


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sequence,label\nACGT,donor\nAC-T,donor\n", "line 3 .*alignment gaps"),
        ("sequence,label\nACGT,donor\nACGT,exon\n", "line 3 .*'exon' is not among"),
        ("sequence1,sequence2\nACGT,ACGT\n", "has pairs of sequences, and model"),
        ("bases\nACGT\n", "no 'sequence' column"),
    ],
)
def test_bad_files_leave_nothing(splice, tmp_path, text, message):
    (tmp_path / "s.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        predict_table(splice, tmp_path / "s.csv", tmp_path / "p.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["s.csv"]


def test_models_and_outputs_that_do_not_fit(splice, tmp_path):
    data = write_csv(tmp_path / "s.csv", ("sequence",), [("ACGT",)])
    with pytest.raises(InputError, match="has no classification head"):
        predict_table("pocket", data, tmp_path / "p.csv")
    with pytest.raises(InputError, match=r"p\.xlsx: a name ending in \.csv, \.tsv, \.parquet"):
        predict_table(splice, data, tmp_path / "p.xlsx")


def test_memory_does_not_grow_with_the_file(splice, tmp_path, monkeypatch):
    monkeypatch.setattr(predict, "CHUNK", 64)
    peaks = []
    for count in (128, 1024):
        data = write_csv(tmp_path / f"{count}.csv", ("sequence",), [("ACGTTGCA" * 25,)] * count)
        tracemalloc.start()
        predict_table(splice, data, tmp_path / f"{count}.parquet")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.3 * peaks[0]
