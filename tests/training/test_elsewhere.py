"""Training on a device that is not the CPU: the same numbers, and no tensor left behind."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from safetensors.torch import load_file

from dnabert2_explore.training.finetune import finetune
from dnabert2_explore.training.loop import processes
from dnabert2_explore.training.pretrain import PretrainConfig, pretrain

from ..elsewhere import elsewhere
from .labelled import authors, tiny_model, write_splits

SHAPE = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
         "intermediate_size": 24}  # fmt: skip


@pytest.fixture
def on_both(monkeypatch, tmp_path):
    """Run on the CPU and on the stand-in; the weights agree but for what Adam makes of rounding."""
    adam = torch.optim.AdamW
    # One kernel for the whole step is the CPU's and a GPU's, not the stand-in's.
    monkeypatch.setattr(torch.optim, "AdamW", lambda *a, **k: adam(*a, **k | {"fused": None}))

    def run(train, config, **more):
        found = []
        for name in ("here", "there"):
            settings = dataclasses.replace(config, out=str(tmp_path / name))
            if name == "here":
                result = train(settings, **more)
            else:
                with elsewhere() as device, monkeypatch.context() as patch:
                    patch.setattr(processes, "find_device", lambda name: device)
                    result = train(settings, **more)
            found.append((result, load_file(tmp_path / name / "model" / "model.safetensors")))
        for name, tensor in found[0][1].items():
            torch.testing.assert_close(found[1][1][name], tensor, atol=1e-3, rtol=0)
        return [result for result, _ in found]

    return run


@pytest.mark.parametrize(
    ("objective", "more"),
    [
        ("masked", {"embeddings": "composed", "average": 0.6}),
        ("both", {"embeddings": "composed", "average": 0.6, "device_rows": 0}),
        ("contrastive", {"positives": "species"}),
    ],
)
def test_pre_training(genomes, table, tokenizer_folder, on_both, objective, more) -> None:
    config = PretrainConfig(
        genomes=str(genomes), table=str(table), tokenizer=str(tokenizer_folder), out="",
        network=SHAPE, row_tokens=24, batch_rows=6, group_windows=2, shortest=60, longest=100,
        total_steps=3, warmup_steps=1, learning_rate=1e-2, threads=1, log_every=1,
        checkpoint_every=2, evaluate_every=3, evaluate_rows=2, snapshots_every=3,
        attention="sdpa", objective=objective, **more,
    )  # fmt: skip
    here, there = on_both(pretrain, config)
    assert (here.step, here.tokens) == (there.step, there.tokens)


@pytest.mark.parametrize(
    ("task", "more"),
    [
        ("classification", {"embeddings": "composed", "average": 0.6}),
        ("classification", {"method": "lora"}),
        ("classification", {"method": "probe", "augment": "reverse_complement"}),
        ("multi_label", {"class_weights": "balanced", "device_batch": 3}),
        ("regression", {"method": "probe"}),
    ],
)
def test_fine_tuning(tokenizer_folder, tmp_path, on_both, task, more) -> None:
    data = write_splits(tmp_path / "data", task)
    config = authors(
        model=str(tiny_model(tmp_path / "pretrained", tokenizer_folder)),
        **{split: str(data / f"{split}.csv") for split in ("train", "dev", "test")},
        out="", batch_size=8, max_steps=3, learning_rate=1e-2, evaluate_every=2, threads=1,
        pooling="mean", dropout=0.0, bootstrap=0, check_leakage=False, attention="sdpa", **more,
    )  # fmt: skip
    here, there = on_both(finetune, config)
    assert there.dev.loss == pytest.approx(here.dev.loss, rel=1e-4)
    assert there.test.loss == pytest.approx(here.test.loss, rel=1e-4)
