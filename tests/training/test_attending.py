"""Training through a fused kernel, and scores beside it in float32."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from dnabert2_explore import InputError
from dnabert2_explore.network import Dnabert2Config
from dnabert2_explore.training.finetune import FinetuneConfig, finetune
from dnabert2_explore.training.loop import attending
from dnabert2_explore.training.loop.attending import training_backend
from dnabert2_explore.training.pretrain import PretrainConfig, pretrain

from .labelled import read_csv, tiny_model, write_splits

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def files(tokenizer_folder, tmp_path_factory):
    return (
        tiny_model(tmp_path_factory.mktemp("pretrained"), tokenizer_folder),
        write_splits(tmp_path_factory.mktemp("data"), "classification"),
    )


def tune(files, out, **change):
    model, data = files
    config = FinetuneConfig(
        model=str(model),
        train=str(data / "train.csv"),
        dev=str(data / "dev.csv"),
        out=str(out),
        recipe="published",
        batch_size=16,
        max_steps=4,
        evaluate_every=2,
        learning_rate=1e-3,
        dropout=0.0,
        bootstrap=0,
        threads=1,
        check_leakage=False,
        **change,
    )
    return finetune(config), read_csv(out / "log.csv")


def test_a_fused_kernel_once_a_layer_and_step(files, tmp_path, flash_calls, monkeypatch) -> None:
    plain, plain_log = tune(files, tmp_path / "sdpa", precision="bfloat16", attention="sdpa")
    assert not flash_calls
    fused, fused_log = tune(files, tmp_path / "flash", precision="bfloat16", attention="flash")
    # Scores are of float32, which flash-attn does not compute in: none of its calls are theirs.
    assert len(flash_calls) == 4 * Dnabert2Config.from_pretrained(fused.model).num_hidden_layers
    assert "attention in training by flash" in fused.notes
    assert float(fused_log[-1]["dev_loss"]) == pytest.approx(
        float(plain_log[-1]["dev_loss"]), abs=5e-3
    )
    assert not any("flash" in note for note in plain.notes)


def test_auto_takes_what_works_in_the_type_of_training(monkeypatch) -> None:
    config = Dnabert2Config(num_hidden_layers=1)
    assert training_backend("auto", config, CPU, torch.bfloat16) == "sdpa"
    asked = []

    def fastest(*arguments):
        asked.append(arguments)
        return "flex"

    monkeypatch.setattr(attending, "fastest_backend", fastest)
    assert training_backend("auto", config, CPU, torch.bfloat16) == "flex"
    assert asked == [(CPU, torch.bfloat16, 12, 64)]
    dropping = Dnabert2Config(num_hidden_layers=1, attention_probs_dropout_prob=0.1)
    assert training_backend("auto", dropping, CPU, torch.bfloat16) == "sdpa"  # flex has none


def test_what_cannot_train_is_refused(files, tmp_path, monkeypatch) -> None:
    with pytest.raises(InputError, match="attention is 'flash_attention_2'; expected auto"):
        tune(files, tmp_path / "one", attention="flash_attention_2")
    with pytest.raises(InputError, match="no backward pass on the CPU"):
        tune(files, tmp_path / "two", attention="flex")
    with pytest.raises(InputError, match="computes in float16 and bfloat16 on a GPU only"):
        tune(files, tmp_path / "three", attention="flash")
    monkeypatch.setattr(attending, "why_not", lambda *arguments: None)
    dropping = Dnabert2Config(num_hidden_layers=1, attention_probs_dropout_prob=0.1)
    with pytest.raises(InputError, match="has no dropout"):
        training_backend("flex", dropping, torch.device("cuda"), torch.bfloat16)


def test_pretraining_through_flash_scores_in_float32(
    genomes, table, tokenizer_folder, tmp_path, flash_calls
) -> None:
    config = PretrainConfig(
        genomes=str(genomes),
        table=str(table),
        tokenizer=str(tokenizer_folder),
        out=str(tmp_path / "run"),
        network={
            "hidden_size": 16,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "intermediate_size": 24,
        },
        row_tokens=32,
        batch_rows=4,
        shortest=100,
        longest=200,
        total_steps=4,
        warmup_steps=1,
        threads=1,
        evaluate_every=2,
        evaluate_rows=2,
        precision="bfloat16",
        attention="flash",
    )
    pretrain(config)
    assert len(flash_calls) == 4 * 2  # steps and layers, none of the evaluations
    with pytest.raises(InputError, match="no backward pass on the CPU"):
        pretrain(dataclasses.replace(config, attention="flex", out=str(tmp_path / "flex")))
