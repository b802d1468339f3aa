"""Two processes, launched as torchrun does, end with the weights of one."""

from __future__ import annotations

import dataclasses
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dnabert2_explore import load
from dnabert2_explore.errors import InputError
from dnabert2_explore.training.configuration import write_yaml
from dnabert2_explore.training.finetune import FinetuneResult, finetune

from .labelled import authors, read_csv, tiny_model, write_splits


@pytest.fixture
def config(tokenizer_folder, tmp_path):
    data = write_splits(tmp_path / "data", "classification")
    return authors(
        model=str(tiny_model(tmp_path / "base", tokenizer_folder)),
        train=str(data / "train.csv"),
        dev=str(data / "dev.csv"),
        test=str(data / "test.csv"),
        out=str(tmp_path / "one"),
        batch_size=16,
        device_batch=3,
        max_steps=22,  # into the third pass; the last batch of a pass is whole
        learning_rate=1e-2,
        warmup_steps=2,
        evaluate_every=5,
        dropout=0.0,
        pooling="mean",
        augment="reverse_complement",
        device="cpu",
        threads=1,
        bootstrap=0,
    )


def test_two_processes_train_the_same_model(config, tmp_path):
    one = finetune(config)
    two = dataclasses.replace(config, out=str(tmp_path / "two"))
    write_yaml(two, tmp_path / "two.yaml")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    done = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2",
         "--master_addr", "127.0.0.1", "--master_port", str(port),
         "-m", "dnabert2_explore", "finetune", str(tmp_path / "two.yaml")],
        capture_output=True, text=True, timeout=300, cwd=Path(__file__).parents[2],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("classification on 160 sequences") == 1
    found = FinetuneResult.load(tmp_path / "two")
    assert (found.best_step, found.steps) == (one.best_step, one.steps)
    assert found.dev.loss == pytest.approx(one.dev.loss, abs=1e-5)
    logs = [read_csv(tmp_path / name / "log.csv") for name in ("one", "two")]
    for mine, theirs in zip(*logs, strict=True):
        assert float(mine["train_loss"]) == pytest.approx(float(theirs["train_loss"]), abs=1e-5)
    # Not the weights: the bias of keys has no gradient but rounding, which AdamW makes steps of.
    sequences = [row["sequence"] for row in read_csv(Path(config.test))]
    mine, theirs = (load(Path(run.out) / "model").predict(sequences) for run in (config, two))
    np.testing.assert_allclose(mine, theirs, atol=1e-5)


def test_a_batch_that_cannot_be_shared(config, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "3")
    with pytest.raises(InputError, match="batch_size is 16, which 3 processes cannot share"):
        finetune(config)
