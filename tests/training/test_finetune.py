from __future__ import annotations

import dataclasses
import json
import math
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file

from dnabert2_explore import load
from dnabert2_explore.errors import Cancelled, CheckpointError, InputError
from dnabert2_explore.training.finetune import FinetuneConfig, FinetuneResult, finetune

from .labelled import authors, read_csv, tiny_model, write_csv, write_splits


@pytest.fixture(scope="module")
def pretrained(tokenizer_folder, tmp_path_factory):
    return tiny_model(tmp_path_factory.mktemp("pretrained"), tokenizer_folder)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_splits(tmp_path_factory.mktemp("data"), "classification")


@pytest.fixture
def config(pretrained, data, tmp_path):
    return authors(
        model=str(pretrained),
        train=str(data / "train.csv"),
        dev=str(data / "dev.csv"),
        test=str(data / "test.csv"),
        out=str(tmp_path / "run"),
        batch_size=16,
        epochs=4,
        learning_rate=1e-2,
        warmup_steps=5,
        evaluate_every=0,
        threads=1,
        pooling="mean",
        bootstrap=50,
    )


def test_learns_and_keeps_names(config, tmp_path):
    calls, points = [], []
    result = finetune(config, progress=lambda *call: calls.append(call), watch=points.append)
    assert calls[-1] == (40, 40)
    assert [point["step"] for point in points] == [10, 20, 30, 40]
    assert (result.task, result.classes, result.stopped) == (
        "classification",
        ("poor", "rich"),
        False,
    )
    assert result.test["mcc"] > 0.8
    assert result.test.values["mcc"].low <= result.test["mcc"] <= result.test.values["mcc"].high
    assert result.sequences == {"train": 160, "dev": 40, "test": 40}
    assert result.leakage.clean
    assert FinetuneResult.load(tmp_path / "run") == result
    assert result.rule.others["kmer"] > 0.9
    assert "best rule without a neural network" in str(result)
    written = json.loads((result.model / "scores.json").read_text())
    assert written["test"]["mcc"] == result.test["mcc"]
    assert written["baselines"]["kmer"]["mcc"] == result.rule.others["kmer"]
    assert FinetuneConfig.from_yaml(tmp_path / "run/config.yaml") == config
    log = read_csv(tmp_path / "run/log.csv")
    assert [row["step"] for row in log] == ["10", "20", "30", "40"]
    assert float(log[0]["dev_loss"]) == pytest.approx(points[0]["dev_loss"], rel=1e-6)
    assert float(log[-1]["mcc"]) == pytest.approx(points[-1]["mcc"], rel=1e-6)

    enc = load(result.model)
    assert enc.classes == ("poor", "rich")
    assert enc.predict(["GC" * 20])[0].argmax() == 1
    assert enc.config.classifier_pooling == "mean"
    assert enc.config.training_bases == [40, 40]


def test_predictions_of_the_run_are_those_of_the_saved_model(config, data, tmp_path):
    result = finetune(dataclasses.replace(config, epochs=1, max_tokens=10))
    rows = read_csv(tmp_path / "run/predictions.csv")
    table = read_csv(data / "test.csv")
    found = load(result.model, dtype="float32").predict([row["sequence"] for row in table])
    assert [row["label"] for row in rows] == [row["label"] for row in table]
    for row, chances in zip(rows, found, strict=True):
        assert [float(row["p_poor"]), float(row["p_rich"])] == pytest.approx(chances, abs=1e-6)
    best = next(row for row in read_csv(tmp_path / "run/log.csv") if row["best"] == "1")
    assert result.dev.loss == pytest.approx(float(best["dev_loss"]), abs=1e-6)


def test_kept_weights_are_those_of_the_best_evaluation(config, data, tmp_path):
    # A quarter of the labels is wrong: they are learnt by heart, and dev gets worse.
    rows = [tuple(row.values()) for row in read_csv(data / "train.csv")]
    rows[::4] = [(bases, "poor") for bases, _ in rows[::4]]
    noisy = write_csv(tmp_path / "noisy.csv", ("sequence", "label"), rows)
    config = dataclasses.replace(config, train=str(noisy), learning_rate=0.05, evaluate_every=3)
    result = finetune(config)
    log = {int(row["step"]): float(row["dev_loss"]) for row in read_csv(tmp_path / "run/log.csv")}
    assert log[result.best_step] == min(log.values())
    assert result.dev.loss == pytest.approx(log[result.best_step], abs=1e-5)
    assert result.best_step < result.steps


def test_same_seed_same_result_another_seed_another(config, tmp_path):
    config = dataclasses.replace(config, augment="reverse_complement", max_tokens=12, epochs=2)
    one = finetune(config)
    two = finetune(dataclasses.replace(config, out=str(tmp_path / "again")))
    other = finetune(dataclasses.replace(config, out=str(tmp_path / "other"), seed=1))
    assert (one.dev, one.test) == (two.dev, two.test)
    assert one.dev.loss != other.dev.loss


def test_a_run_draws_its_own_numbers_and_leaves_the_callers(config, tmp_path):
    """Views draw from torch's generator while one of them trains."""

    def trained(name, progress=None):
        torch.manual_seed(1)
        before = torch.get_rng_state()
        out = tmp_path / name
        finetune(
            dataclasses.replace(config, out=str(out), epochs=1, dropout=0.3), progress=progress
        )
        same = torch.equal(torch.get_rng_state(), before)
        return load_file(out / "model" / "model.safetensors"), same

    alone, untouched = trained("alone")
    beside, _ = trained("beside", lambda done, total: torch.manual_seed(done))
    assert untouched
    for name, value in alone.items():
        assert torch.equal(value, beside[name]), name


def test_a_step_is_the_same_however_it_is_cut_into_parts(config, tmp_path):
    config = dataclasses.replace(config, max_steps=12, dropout=0.0, class_weights="balanced")
    parts = [
        finetune(dataclasses.replace(config, out=str(tmp_path / str(size)), device_batch=size))
        for size in (0, 5)
    ]
    assert parts[0].dev.loss == pytest.approx(parts[1].dev.loss, abs=1e-5)
    assert "12" in (tmp_path / "5/log.csv").read_text()


def test_time_limit_keeps_the_best_so_far(config):
    result = finetune(dataclasses.replace(config, max_minutes=1e-9, test="", select="mcc"))
    assert (result.steps, result.best_step, result.test) == (1, 1, None)
    assert result.stopped
    assert "minutes" in result.notes[-1]


def test_cancelling_keeps_the_best(config, tmp_path):
    def cancel(done, total):
        if done == 25:
            raise Cancelled("enough")

    result = finetune(config, progress=cancel)
    assert result.stopped
    assert result.steps == 25
    assert result.best_step in (10, 20)
    assert result.test is not None
    assert "stopped at step 25 of 40" in result.notes[-1]


def test_cancelling_before_anything_is_known_cancels(config, tmp_path):
    def cancel(done, total):
        raise Cancelled("enough")

    with pytest.raises(Cancelled, match="enough"):
        finetune(config, progress=cancel)
    assert not (tmp_path / "run/result.json").exists()
    assert not (tmp_path / "run/model").exists()


def test_a_cancel_during_an_evaluation_keeps_what_was_best_before(config):
    calls = []

    def cancel(done, total):
        calls.append(done)
        if calls.count(20) == 2:  # the second tells of the evaluation after that step
            raise Cancelled("enough")

    result = finetune(config, progress=cancel)
    assert (result.best_step, result.steps, result.stopped) == (10, 20, True)


def test_interrupting_the_kernel_keeps_the_best(config):
    def interrupt(done, total):
        if done == 13:
            raise KeyboardInterrupt

    result = finetune(config, progress=interrupt)
    assert (result.best_step, result.steps, result.stopped) == (10, 13, True)
    assert "training interrupted at step 13" in result.notes[-1]


def test_bfloat16_for_one_run_does_not_leak_into_the_next(config, tmp_path):
    config = dataclasses.replace(config, max_steps=6, evaluate_every=3)
    before = finetune(config)
    half = finetune(dataclasses.replace(config, out=str(tmp_path / "b"), precision="bfloat16"))
    after = finetune(dataclasses.replace(config, out=str(tmp_path / "c")))
    assert before.dev == after.dev != half.dev
    assert half.dev.loss == pytest.approx(before.dev.loss, abs=0.02)
    assert "trained in bfloat16 (autocast), scored in float32" in half.notes
    assert load(half.model).dtype == torch.float32


def test_the_threads_of_a_run_are_given_back(config, tmp_path):
    before = torch.get_num_threads()
    seen = []
    few = dataclasses.replace(config, threads=before + 1, epochs=1)
    finetune(few, progress=lambda done, total: seen.append(torch.get_num_threads()))
    assert set(seen) == {before + 1}
    assert torch.get_num_threads() == before


def test_patience(config, tmp_path):
    settings = {"learning_rate": 0.0001, "patience": 2, "evaluate_every": 1, "max_steps": 30}
    result = finetune(dataclasses.replace(config, **settings, warmup_steps=0))
    assert not result.stopped  # it gets better all the time
    settings = {"learning_rate": 0.5, "patience": 2, "evaluate_every": 1, "max_steps": 30}
    result = finetune(dataclasses.replace(config, **settings, warmup_steps=0))
    assert result.stopped
    assert "without a better dev loss" in result.notes[-1]
    losses = [float(row["dev_loss"]) for row in read_csv(tmp_path / "run/log.csv")]
    assert min(losses[-2:]) >= min(losses[:-2])
    assert len(losses) == result.steps


def test_select_a_metric(config):
    result = finetune(dataclasses.replace(config, select="f1_rich", evaluate_every=5))
    log = read_csv(result.model.parent / "log.csv")
    best = max(float(row["f1_rich"]) for row in log)
    assert result.dev["f1_rich"] == pytest.approx(best, abs=1e-6)


def test_one_file_is_split_and_that_is_said(config, data):
    config = dataclasses.replace(config, dev="", test="", epochs=1, dev_share=0.2, test_share=0.3)
    result = finetune(config)
    assert sum(result.sequences.values()) == 160
    assert result.sequences["dev"] == pytest.approx(32, abs=2)
    assert result.sequences["test"] == pytest.approx(48, abs=2)
    assert any("one file was split by seed 42" in note for note in result.notes)


def test_a_sample_is_stratified_and_that_is_said(config):
    result = finetune(dataclasses.replace(config, train_rows=21, epochs=1))
    assert result.sequences["train"] == 21
    assert any("trained on 21 of 160 rows" in note for note in result.notes)


def test_divergence_is_told(config):
    with pytest.raises(InputError, match=r"Training diverged: .* lower the learning rate"):
        finetune(dataclasses.replace(config, learning_rate=1e30, warmup_steps=0, max_steps=3))


def test_a_full_disk_keeps_what_was_whole(config, tmp_path, monkeypatch):
    import dnabert2_explore.training.finetune.folder as run

    saved = []

    def full(network, folder, *rest, **more):
        if saved:
            folder.mkdir(exist_ok=True)
            (folder / "config.json").write_text("{")
            raise OSError(28, "No space left on device")
        saved.append(torch.clone(network.classifier.weight))
        return save(network, folder, *rest, **more)

    save = run.save_model
    monkeypatch.setattr(run, "save_model", full)
    with (
        pytest.warns(UserWarning, match="Training goes on"),
        pytest.raises(
            CheckpointError,
            match=r"step \d+ cannot be written .*No space left.*those of step 10 are whole there",
        ),
    ):
        finetune(config)
    assert torch.equal(load(tmp_path / "run/model").network.classifier.weight, saved[0])
    assert [path.name for path in (tmp_path / "run").glob(".model*")] == []
    assert len(read_csv(tmp_path / "run/log.csv")) == 4


def test_a_disk_without_room_is_told_before_training(config, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=1000))
    with pytest.raises(InputError, match=r"MB are free, and the model needs .* make room"):
        finetune(config)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("ACGT", "other")], r"line 2 .*label 'other' is not among the training labels \(poor"),
        ([("AC-GT", "rich")], "line 2 .*alignment gaps"),
        ([("ACGT", "")], "line 2 .* has no label"),
    ],
)
def test_bad_rows_of_dev(config, tmp_path, rows, message):
    dev = write_csv(tmp_path / "dev.csv", ("sequence", "label"), rows)
    with pytest.raises(InputError, match=message):
        finetune(dataclasses.replace(config, dev=str(dev)))


def test_model_that_is_none(config, tmp_path):
    with pytest.raises(CheckpointError, match=str(tmp_path)):
        finetune(dataclasses.replace(config, model=str(tmp_path)))


def test_select_that_dev_does_not_define(config, tmp_path, data):
    rows = [tuple(row.values()) for row in read_csv(data / "dev.csv") if row["label"] == "rich"]
    dev = write_csv(tmp_path / "dev.csv", ("sequence", "label"), rows)
    with pytest.raises(InputError, match="undefined on dev"):
        finetune(dataclasses.replace(config, dev=str(dev), select="mcc"))
    result = finetune(dataclasses.replace(config, dev=str(dev), epochs=1))
    assert math.isnan(result.dev["mcc"])
    assert (
        json.loads((result.model.parent / "result.json").read_text())["dev"]["values"]["mcc"][
            "value"
        ]
        is None
    )
    assert any("dev: no row of poor" in note for note in result.notes)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pooling": "max"}, "pooling is 'max'"),
        ({"epochs": -1}, "epochs is -1"),
        ({"task": "guess"}, "task is 'guess'; expected auto, "),
        ({"max_tokens": 2}, "max_tokens is 2"),
        ({"batch_size": -1}, "batch_size is -1"),
        ({"dropout": 1.0}, r"dropout is 1\.0"),
        ({"lora_targets": ("query",)}, "lora_targets"),
        ({"dev": "", "dev_share": 0.0}, "name a file, or give a share"),
    ],
)
def test_bad_settings(config, change, message):
    with pytest.raises(InputError, match=message):
        dataclasses.replace(config, **change)


def test_a_metric_that_is_none(config):
    with pytest.raises(InputError, match="select is 'f1'; expected loss, mcc"):
        finetune(dataclasses.replace(config, select="f1"))
