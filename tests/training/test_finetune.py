from __future__ import annotations

import csv
import dataclasses
import json

import numpy as np
import pytest
import torch

from dnabert2_explore import load
from dnabert2_explore.errors import CheckpointError, InputError
from dnabert2_explore.network import Dnabert2Config, Dnabert2ForMaskedLM
from dnabert2_explore.training.finetune import FinetuneConfig, finetune, predict_file
from dnabert2_explore.training.saving import save_model


@pytest.fixture(scope="module")
def pretrained(tokenizer_folder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pretrained")
    torch.manual_seed(0)
    network = Dnabert2ForMaskedLM(
        Dnabert2Config(
            vocab_size=64,
            hidden_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=16,
            initializer_range=0.1,
        )
    )
    save_model(network, folder, tokenizer_folder, torch.float16)
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Class "rich" has many G and C, class "poor" many A and T."""
    folder = tmp_path_factory.mktemp("data")
    for seed, (split, count) in enumerate({"train": 160, "dev": 40, "test": 40}.items()):
        rng = np.random.default_rng(seed)
        with (folder / f"{split}.csv").open("w", newline="") as handle:
            writer = csv.writer(handle)
            writer.writerow(("sequence", "label"))
            for i in range(count):
                weights = (0.4, 0.1, 0.1, 0.4) if i % 2 else (0.1, 0.4, 0.4, 0.1)
                bases = "".join(rng.choice(list("ACGT"), size=40, p=weights))
                writer.writerow((bases, "poor" if i % 2 else "rich"))
    return folder


@pytest.fixture
def config(pretrained, data, tmp_path):
    return FinetuneConfig(
        model=str(pretrained),
        train=str(data / "train.csv"),
        dev=str(data / "dev.csv"),
        test=str(data / "test.csv"),
        out=str(tmp_path / "run"),
        baselines=True,
        batch_rows=16,
        epochs=4,
        learning_rate=1e-2,
        warmup_steps=5,
        threads=1,
        pooling="mean",
    )


def test_learns_and_keeps_names(config, tmp_path):
    calls = []
    result = finetune(config, progress=lambda *call: calls.append(call))
    assert calls[-1] == (40, 40)
    assert result.classes == ("poor", "rich")
    assert result.test["mcc"] > 0.8
    assert result.baselines["majority"]["mcc"] == 0.0
    assert result.baselines["position_weights"]["mcc"] > 0.5
    written = json.loads((tmp_path / "run/metrics.json").read_text())
    assert written["test"] == result.test
    assert written["sequences"] == {"train": 160, "dev": 40, "test": 40}

    assert predict_file(result.model, config.test) == pytest.approx(result.test, abs=1e-6)

    enc = load(result.model)
    assert enc.classes == ("poor", "rich")
    assert enc.predict(["GC" * 20])[0].argmax() == 1
    with torch.no_grad():
        assert enc.network.config.classifier_pooling == "mean"


def test_kept_weights_are_those_of_the_best_evaluation(config, tmp_path):
    # Labels at random: whatever is learnt is learnt by heart, and dev gets worse.
    with open(config.train, newline="") as handle:
        rows = list(csv.DictReader(handle))
    for row in rows[::4]:
        row["label"] = "poor"
    with (tmp_path / "noisy.csv").open("w", newline="") as handle:
        writer = csv.DictWriter(handle, ("sequence", "label"))
        writer.writeheader()
        writer.writerows(rows)
    config = dataclasses.replace(
        config, train=str(tmp_path / "noisy.csv"), learning_rate=0.05, evaluate_every=3
    )
    result = finetune(config)
    with (tmp_path / "run/log.csv").open() as handle:
        log = {int(row["step"]): float(row["dev_loss"]) for row in csv.DictReader(handle)}
    assert log[result.best_step] == min(log.values())
    assert result.dev["loss"] == pytest.approx(log[result.best_step], abs=1e-5)
    assert result.best_step < result.steps


def test_same_seed_same_result(config, tmp_path):
    config = dataclasses.replace(config, both_strands=True, max_tokens=12)
    one = finetune(config)
    two = finetune(dataclasses.replace(config, out=str(tmp_path / "again")))
    assert (one.dev, one.test) == (two.dev, two.test)


def test_time_limit_keeps_the_best_so_far(config):
    result = finetune(dataclasses.replace(config, max_minutes=1e-9, test="", select="mcc"))
    assert (result.steps, result.best_step, result.test) == (1, 1, {})


def test_labels_unknown_to_training(config, tmp_path):
    (tmp_path / "dev.csv").write_text("sequence,label\nACGT,other\n")
    with pytest.raises(InputError, match="label 'other' is not among"):
        finetune(dataclasses.replace(config, dev=str(tmp_path / "dev.csv")))


def test_scoring_needs_a_classifier(pretrained, config):
    with pytest.raises(CheckpointError, match="has no classifier"):
        predict_file(pretrained, config.test)


def test_model_that_is_none(config, tmp_path):
    with pytest.raises(CheckpointError, match=str(tmp_path)):
        finetune(dataclasses.replace(config, model=str(tmp_path)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pooling": "max"}, "pooling is 'max'"),
        ({"select": "f1"}, "select is 'f1'"),
        ({"epochs": 0}, "epochs is 0"),
    ],
)
def test_bad_settings(config, change, message):
    with pytest.raises(InputError, match=message):
        dataclasses.replace(config, **change)
