"""A run that is killed anywhere and resumed ends with the weights of one that was not."""

from __future__ import annotations

import csv
import dataclasses
import errno
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from dnabert2_explore.errors import Cancelled, CheckpointError, InputError
from dnabert2_explore.training.loop import checkpoints as checkpoints_module
from dnabert2_explore.training.pretrain import PretrainConfig, engine, latest_checkpoint, pretrain

SCRIPT = Path(__file__).with_name("pretraining.py")
SHAPE = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "hidden_dropout_prob": 0.1,
}


@pytest.fixture
def config(genomes, table, tokenizer_folder, tmp_path):
    return PretrainConfig(
        genomes=str(genomes),
        table=str(table),
        tokenizer=str(tokenizer_folder),
        out=str(tmp_path / "run"),
        network=SHAPE,
        row_tokens=32,
        batch_rows=6,
        device_rows=2,
        shortest=100,
        longest=200,
        total_steps=9,
        warmup_steps=2,
        learning_rate=1e-2,
        threads=1,
        log_every=1,
        checkpoint_every=2,
        evaluate_every=3,
        evaluate_rows=2,
        snapshots_every=4,
    )


def start(config, *arguments, processes=1):
    """Run the script and wait for it."""
    path = Path(config.out).with_suffix(".json")
    path.write_text(json.dumps(dataclasses.asdict(config)))
    launcher = [sys.executable]
    if processes > 1:
        launcher += ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    environment = dict(os.environ, OMP_NUM_THREADS="1", CUDA_VISIBLE_DEVICES="")
    return subprocess.run(
        [*launcher, str(SCRIPT), str(path), *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )


def weights(folder):
    return load_file(Path(folder) / "model.safetensors")


def assert_same_weights(one, two, atol=0.0):
    one, two = weights(one), weights(two)
    assert one.keys() == two.keys()
    for name, value in one.items():
        np.testing.assert_allclose(
            value.float().numpy(), two[name].float().numpy(), rtol=0, atol=atol, err_msg=name
        )


def rows(path, without=("seconds", "tokens_per_second")):
    with Path(path).open(newline="") as handle:
        return [
            {name: value for name, value in row.items() if name not in without}
            for row in csv.DictReader(handle)
        ]


@pytest.mark.parametrize("where", ["micro:14", "weights:6", "state:6", "log:5"])
def test_killed_and_resumed_equals_uninterrupted(config, tmp_path, where):
    whole = pretrain(dataclasses.replace(config, out=str(tmp_path / "whole")))
    killed = start(config, f"kill={where}")
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    # micro:14 is the second of three micro-batches of step 4 (counted from 0)
    assert latest_checkpoint(config.out).name == "step-0000004"
    resumed = pretrain(config, resume=True)
    assert (resumed.step, resumed.tokens) == (whole.step, whole.tokens)
    assert_same_weights(whole.model, resumed.model)
    optimizers = [
        torch.load(one.checkpoint / "optimizer.pt", weights_only=True)["optimizer"]["state"]
        for one in (whole, resumed)
    ]
    for number, state in optimizers[0].items():
        for name, value in state.items():
            assert torch.equal(value, optimizers[1][number][name])
    for name in ("log.csv", "evaluation.csv"):
        assert rows(tmp_path / "run" / name) == rows(tmp_path / "whole" / name)
    left = [path for path in (tmp_path / "run").rglob("*") if path.name.startswith(".")]
    assert not left
    names = [path.name for path in sorted((tmp_path / "run/snapshots").iterdir())]
    assert names == ["step-0000000", "step-0000004", "step-0000008", "step-0000009"]
    for name in names:
        assert_same_weights(tmp_path / "run/snapshots" / name, tmp_path / "whole/snapshots" / name)


def test_snapshots_of_steps_that_are_taken_anew_are_dropped(config, tmp_path):
    killed = start(dataclasses.replace(config, checkpoint_every=5), "kill=micro:27")
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    run = tmp_path / "run"
    assert (run / "snapshots/step-0000008").is_dir()
    result = pretrain(dataclasses.replace(config, max_minutes=1e-9, snapshots_every=0), resume=True)
    assert result.step == 6
    names = sorted(path.name for path in (run / "snapshots").iterdir())
    assert names == ["step-0000000", "step-0000004"]


def test_accumulated_gradients_are_those_of_the_whole_batch(config, tmp_path):
    plain = {**SHAPE, "hidden_dropout_prob": 0.0}
    config = dataclasses.replace(config, network=plain)
    models = {}
    for rows_at_once in (0, 1, 4):
        out = str(tmp_path / f"by{rows_at_once}")
        models[rows_at_once] = pretrain(
            dataclasses.replace(config, out=out, device_rows=rows_at_once)
        ).model
    assert_same_weights(models[0], models[1], atol=2e-6)
    assert_same_weights(models[0], models[4], atol=2e-6)


def test_two_processes_give_the_weights_of_one(config, tmp_path):
    config = dataclasses.replace(
        config, network={**SHAPE, "hidden_dropout_prob": 0.0}, batch_rows=8, draw="row"
    )
    alone = pretrain(dataclasses.replace(config, out=str(tmp_path / "alone")))
    both = start(config, processes=2)
    assert both.returncode == 0, both.stderr
    assert_same_weights(alone.model, tmp_path / "run/model", atol=1e-5)
    log, expected = rows(tmp_path / "run/log.csv"), rows(tmp_path / "alone/log.csv")
    assert [row["step"] for row in log] == [row["step"] for row in expected]
    for row, other in zip(log, expected, strict=True):
        assert float(row["loss"]) == pytest.approx(float(other["loss"]), abs=1e-4)
        assert float(row["gradient_norm"]) == pytest.approx(float(other["gradient_norm"]), abs=1e-3)
    said = json.loads((tmp_path / "run/run.json").read_text())
    assert said["processes"] == 2
    assert "a copy of the weights each (DDP)" in " ".join(said["notes"])


def test_sharded_weights_are_those_of_one_process_which_can_resume_them(config, tmp_path):
    config = dataclasses.replace(
        config, network={**SHAPE, "hidden_dropout_prob": 0.0}, shard=True, schedule="trapezoid"
    )
    alone = pretrain(dataclasses.replace(config, out=str(tmp_path / "alone")))
    for total, arguments in ((3, ()), (6, ("resume",))):
        done = start(dataclasses.replace(config, total_steps=total), *arguments, processes=2)
        assert done.returncode == 0, done.stderr
    said = json.loads((tmp_path / "run/run.json").read_text())
    assert "sharded weights (FSDP)" in " ".join(said["notes"])
    assert pretrain(config, resume=True).step == 9
    assert_same_weights(alone.model, tmp_path / "run/model", atol=1e-5)
    assert len(rows(tmp_path / "run/evaluation.csv")) == 3


def test_processes_that_cannot_share_a_batch(config, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "4")
    with pytest.raises(InputError, match="batch_rows 6 cannot be shared by 4 processes"):
        pretrain(config)


def full_disk(*arguments, **options):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("what", ["weights", "optimizer"])
def test_full_disk_keeps_the_last_checkpoint(config, tmp_path, monkeypatch, what):
    pretrain(dataclasses.replace(config, max_minutes=1e-9))
    if what == "weights":
        monkeypatch.setattr(engine, "save_model", full_disk)
    else:
        monkeypatch.setattr(engine.torch, "save", full_disk)
    with pytest.raises(CheckpointError, match=r"step-0000002 cannot be written \(No space left on"
                       r" device\); checkpoint step-0000001 is still there"):  # fmt: skip
        pretrain(dataclasses.replace(config, snapshots_every=0), resume=True)
    monkeypatch.undo()
    assert [p.name for p in (tmp_path / "run/checkpoints").iterdir()] == ["step-0000001"]
    assert pretrain(config, resume=True).finished


def test_really_full_disk_is_told_in_one_sentence(tmp_path):
    """What torch and safetensors raise on ENOSPC is no OSError: /dev/full shows it."""
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")

    def fill(partial):
        (partial / "optimizer.pt").symlink_to("/dev/full")
        torch.save({"state": torch.zeros(100_000)}, partial / "optimizer.pt")

    with pytest.raises(CheckpointError, match="cannot be written"):
        checkpoints_module.write_whole(tmp_path / "step-0000001", fill, "nothing is lost")
    assert not list(tmp_path.iterdir())


def test_rows_of_the_log_do_not_depend_on_where_a_run_was_resumed(config, tmp_path):
    """A row is the mean over its steps, also where a checkpoint lies between them."""
    config = dataclasses.replace(config, log_every=3, checkpoint_every=2, snapshots_every=0)
    pretrain(dataclasses.replace(config, out=str(tmp_path / "whole")))

    def stop(step, steps):
        if step in (4, 8):
            raise Cancelled(f"stopped at {step}")

    for resume in (False, True):
        with pytest.raises(Cancelled):
            pretrain(config, resume=resume, progress=stop)
    assert pretrain(config, resume=True).finished
    assert rows(tmp_path / "run/log.csv") == rows(tmp_path / "whole/log.csv")


def test_resuming_with_other_bases_of_the_same_lengths_is_refused(config, genomes, tmp_path):
    copy = shutil.copytree(genomes, tmp_path / "genomes")
    config = dataclasses.replace(config, genomes=str(copy))
    pretrain(dataclasses.replace(config, max_minutes=1e-9))
    file = copy / "a.fa"
    header, rest = file.read_text().split("\n", 1)
    file.write_text(header + "\n" + rest.translate(str.maketrans("AC", "CA")))
    with pytest.raises(InputError, match="was trained with another content of the genomes"):
        pretrain(config, resume=True)


def test_resuming_with_other_sequences_is_refused(config, genomes, table, tmp_path):
    pretrain(dataclasses.replace(config, max_minutes=1e-9))
    fewer = tmp_path / "fewer.tsv"
    lines = [*table.read_text().splitlines()[:2], "d.fa	fungi	delta	heldout"]
    fewer.write_text("\n".join(lines))
    with pytest.raises(InputError, match="was trained with another corpus"):
        pretrain(dataclasses.replace(config, table=str(fewer)), resume=True)
