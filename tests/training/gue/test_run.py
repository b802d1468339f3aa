"""Runs on a few real sequences, with the shipped model cut down to seconds of work."""

from __future__ import annotations

import csv
import json
import os
import shutil
import warnings

import pytest

from dnabert2_explore.errors import Cancelled, CheckpointError, InputError
from dnabert2_explore.results.sealed import read_json, write_json
from dnabert2_explore.training.finetune import FinetuneConfig
from dnabert2_explore.training.gue import DATASETS, GueRun, Variation, find_files, run_dataset
from dnabert2_explore.training.gue.variation import deviations, settings_of

from ...conftest import random_bases


@pytest.fixture(scope="module")
def root(shared, tmp_path_factory):
    """A hundred sequences of mouse_3, in the layout of the authors' archive."""
    folder = tmp_path_factory.mktemp("data") / "GUE" / "mouse" / "3"
    folder.mkdir(parents=True)
    for split in ("train", "dev", "test"):
        with (shared / f"gue/mouse/3/{split}.csv").open(newline="") as handle:
            header, *rows = csv.reader(handle)
        with (folder / f"{split}.csv").open("w", newline="") as handle:
            csv.writer(handle).writerows([header, *rows[:100]])
    return folder.parents[2]


TINY = Variation(name="tiny", max_steps=4, evaluate_every=2, learning_rate=1e-3)


def run(root, out, **more):
    settings = {"variation": TINY, "baselines": ("majority", "kmer"), "bootstrap": 20}
    return run_dataset("mouse_3", root, "pocket", out, device="cpu", threads=1, **(settings | more))


def test_one_result_file_a_run(root, tmp_path):
    calls = []
    found = run(root, tmp_path, progress=lambda *call: calls.append(call))
    assert calls[-1][0] == calls[-1][1]
    assert [done for done, _ in calls] == sorted(done for done, _ in calls)
    path = tmp_path / "mouse_3/pocket-tiny-seed42.json"
    content = json.loads(path.read_text())
    assert content["state"] == "full"
    assert content["protocol"] == (
        "learning rate 0.001 instead of 3e-05; 4 steps instead of 1000; evaluated every 2 steps "
        "instead of 200"
    )
    assert {split: one["rows"] for split, one in content["splits"].items()} == {
        "train": 100, "dev": 100, "test": 100,
    }  # fmt: skip
    assert [one.name for one in found.baselines] == ["majority", "kmer"]
    assert found.test.count == len(found.labels) == len(found.predicted) == 100
    right = sum(a == b for a, b in zip(found.labels, found.predicted, strict=True)) / 100
    assert found.test["accuracy"] == pytest.approx(right)
    assert found.steps == 4
    assert not (tmp_path / "mouse_3/pocket-tiny-seed42/model").exists()

    # The second time nothing is computed, and another variation does not take its name.
    before = path.stat().st_mtime_ns
    assert run(root, tmp_path).test == GueRun.load(path).test
    assert path.stat().st_mtime_ns == before
    other = Variation(name="tiny", max_steps=4, evaluate_every=2, learning_rate=2e-3)
    with pytest.raises(InputError, match="was made with another learning_rate"):
        run(root, tmp_path, variation=other)


QUICK = {"baselines": (), "bootstrap": 0}


@pytest.fixture(scope="module")
def made(root, model_folder, tmp_path_factory):
    """Data, a model and a result of them, for tests to copy and change."""
    folder = tmp_path_factory.mktemp("made")
    shutil.copytree(root, folder / "data")
    shutil.copytree(model_folder, folder / "model")
    run_dataset(
        "mouse_3", folder / "data", str(folder / "model"), folder / "out", variation=TINY,
        label="mine", device="cpu", threads=1, **QUICK,
    )  # fmt: skip
    return folder


@pytest.fixture
def again(made, tmp_path, monkeypatch):
    """A copy of these, and a call that must not compute."""
    for name in ("data", "model", "out"):
        shutil.copytree(made / name, tmp_path / name)
    path = tmp_path / "out/mouse_3/mine-seed42.json"
    # The model's path is a setting.
    content = read_json(path)
    content["settings"]["model"] = str(tmp_path / "model")
    write_json(path, content)
    monkeypatch.setattr("dnabert2_explore.training.gue.run.finetune", None)
    return lambda: run_dataset(
        "mouse_3", tmp_path / "data", str(tmp_path / "model"), tmp_path / "out", variation=TINY,
        label="mine", device="cpu", threads=1, **QUICK,
    )  # fmt: skip


def test_a_result_is_taken_again_from_copied_files(again):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert again().steps == 4


@pytest.mark.parametrize("split", ["train", "dev", "test"])
def test_a_result_of_other_data_is_refused(again, tmp_path, split):
    """Every label flipped: the file's size stays."""
    file = tmp_path / f"data/GUE/mouse/3/{split}.csv"
    status = file.stat()
    lines = file.read_text().splitlines()
    flipped = [line[:-1] + {"0": "1", "1": "0"}[line[-1]] for line in lines[1:]]
    file.write_text("\n".join([lines[0], *flipped]) + "\n")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    with pytest.raises(InputError, match=rf"from another {split}\.csv than .*mouse/3 holds"):
        again()


@pytest.mark.parametrize(
    ("name", "kind"),
    [("model.safetensors", "weights"), ("tokenizer.json", "tokenizer"), ("config.json", "config")],
)
def test_a_result_of_a_model_retrained_in_place_is_refused(again, tmp_path, name, kind):
    file = tmp_path / "model" / name
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    with pytest.raises(InputError, match=f"was made from another {kind} than .* has now"):
        again()


def test_where_the_model_cannot_be_compared_that_is_told(again, tmp_path):
    shutil.rmtree(tmp_path / "model")
    with pytest.warns(UserWarning, match="is taken as it is, .*No model folder"):
        again()
    path = tmp_path / "out/mouse_3/mine-seed42.json"
    content = json.loads(path.read_text()) | {"format": 1}  # as earlier versions wrote
    del content["files"], content["digest"]
    path.write_text(json.dumps(content))
    with pytest.warns(UserWarning, match="written before digests of the model were kept"):
        assert again().steps == 4


def test_files_that_change_while_it_runs_leave_no_result(root, model_folder, tmp_path):
    shutil.copytree(model_folder, tmp_path / "model")

    def replace(done, total):
        if done == total:
            weights = tmp_path / "model/model.safetensors"
            weights.write_bytes(weights.read_bytes() + b"\0")

    with pytest.raises(InputError, match="weights changed on disk while the run went on"):
        run_dataset(
            "mouse_3", root, str(tmp_path / "model"), tmp_path / "out", variation=TINY,
            device="cpu", threads=1, progress=replace, **QUICK,
        )  # fmt: skip
    assert not list(tmp_path.glob("out/*/*.json"))


def test_reduced_where_train_is_missing(root, tmp_path):
    (tmp_path / "data").mkdir()
    source = find_files(root, "mouse_3").files
    for split in ("dev", "test"):
        (tmp_path / "data/mouse_3").mkdir(exist_ok=True)
        (tmp_path / f"data/mouse_3/{split}.csv").write_bytes(source[split].read_bytes())
    found = run(tmp_path / "data", tmp_path / "out", baselines=())
    assert found.state == "reduced"
    assert found.roles["train"] == "80% of dev.csv, as train.csv is missing"
    assert (found.splits["train"]["rows"], found.splits["dev"]["rows"]) == (80, 20)
    assert found.splits["test"]["rows"] == 100


def test_missing_files_are_named(root, tmp_path):
    with pytest.raises(InputError, match="covid: no folder; looked for"):
        run_dataset("covid", root, "pocket", tmp_path)


def test_a_model_that_is_none_is_told_before_the_baselines(root, tmp_path):
    with pytest.raises(CheckpointError, match="No model folder"):
        run_dataset("mouse_3", root, "no-such-model", tmp_path, variation=TINY)
    assert not list(tmp_path.glob("*/*.json"))


def test_a_stopped_run_leaves_no_result(root, tmp_path):
    def stop(done, total):
        if done > 500:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        run(root, tmp_path, progress=stop, baselines=())
    assert not list(tmp_path.glob("*/*.json"))


def test_the_authors_protocol_has_no_deviations():
    for dataset in DATASETS.values():
        settings = settings_of(dataset, Variation())
        config = FinetuneConfig(model="m", train="t", dev="d", out="o", **settings)
        assert (deviations(dataset, config) == ()) == dataset.recipe.published
        assert config.batch_size == 32
        assert config.learning_rate == 3e-5


def test_what_is_left_out_is_said_in_words():
    """It said "at most 0 tokens instead of 30; 0 steps instead of 1000"."""
    changes = {"max_tokens": 0, "max_steps": 0, "epochs": 4.0, "warmup_steps": 0}
    settings = settings_of(DATASETS["mouse_0"], Variation(name="long", **changes))
    config = FinetuneConfig(model="m", train="t", dev="d", out="o", **settings)
    assert deviations(DATASETS["mouse_0"], config) == (
        "no limit of tokens instead of 30",
        "4 epochs instead of 5",
        "no number of steps instead of 1000",
        "no warm-up instead of 30",
    )


def test_lora_has_its_own_learning_rate():
    settings = settings_of(DATASETS["tf_2"], Variation(name="lora", method="lora"))
    assert settings["learning_rate"] == 1e-4


@pytest.mark.parametrize("name", ["", "a/b"])
def test_a_variation_needs_a_name(name):
    with pytest.raises(InputError, match="name"):
        Variation(name=name, learning_rate=1e-3)


def write(folder, header, rows):
    folder.mkdir(parents=True)
    for split in ("train", "dev", "test"):
        with (folder / f"{split}.csv").open("w", newline="") as handle:
            csv.writer(handle).writerows([header, *rows])


def test_pairs(model_folder, tmp_path):
    rows = [(random_bases(60, seed=i), random_bases(40, seed=99 - i), i % 2) for i in range(24)]
    write(tmp_path / "data/EPI/K562", ("sequence1", "sequence2", "label"), rows)
    found = run_dataset(
        "EPI_K562", tmp_path / "data", str(model_folder), tmp_path / "out", variation=TINY,
        baselines=("majority", "position_weights", "kmer"), bootstrap=20, device="cpu",
    )  # fmt: skip
    assert [one.name for one in found.baselines] == ["majority", "kmer"]
    assert [note for note in found.notes if "position_weights left out" in note]
    assert "ours" in found.protocol  # the authors publish no settings


def test_nine_variants_of_covid(model_folder, tmp_path):
    rows = [(random_bases(80, seed=i), i % 9) for i in range(45)]
    write(tmp_path / "GUE/virus/covid", ("sequence", "label"), rows)
    found = run_dataset(
        "covid", tmp_path, str(model_folder), tmp_path / "out", variation=TINY,
        baselines=("kmer",), bootstrap=20, device="cpu",
    )  # fmt: skip
    assert set(found.labels) == set("012345678")
    assert found.notes == ()
    assert found.test["f1_macro"] >= 0
    few = [(bases, label) for bases, label in rows if label < 4]
    write(tmp_path / "less/virus/covid", ("sequence", "label"), few)
    found = run_dataset(
        "covid", tmp_path / "less", str(model_folder), tmp_path / "out2", variation=TINY,
        baselines=(), bootstrap=0, device="cpu",
    )  # fmt: skip
    assert "The files hold 4 classes; the paper speaks of 9." in found.notes
