from __future__ import annotations

import csv
import dataclasses

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from dnabert2_explore.errors import Cancelled, CheckpointError, InputError
from dnabert2_explore.training.pretrain import (
    PretrainConfig,
    latest_checkpoint,
    learning_rates,
    pretrain,
)

SHAPE = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    # Dropout on: resuming has to restore torch's own generator too.
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
        batch_rows=4,
        shortest=100,
        longest=200,
        total_steps=12,
        warmup_steps=3,
        learning_rate=1e-2,
        threads=1,
        log_every=2,
        checkpoint_every=5,
        evaluate_every=6,
        evaluate_rows=4,
    )


def weights(folder):
    return load_file(folder / "model.safetensors")


def assert_same_weights(one, two):
    one, two = weights(one), weights(two)
    assert one.keys() == two.keys()
    for name, value in one.items():
        np.testing.assert_array_equal(value.numpy(), two[name].numpy(), err_msg=name)


def rows(path):
    with path.open(newline="") as handle:
        return list(csv.DictReader(handle))


def stop_at(step):
    def progress(done, total):
        if done == step:
            raise Cancelled("enough")

    return progress


def test_a_run_leaves_the_callers_generator_as_it_was(config):
    torch.manual_seed(1)
    before = torch.get_rng_state()
    pretrain(dataclasses.replace(config, total_steps=2, warmup_steps=1, embeddings="composed"))
    assert torch.equal(torch.get_rng_state(), before)


def test_interrupted_and_resumed_equals_uninterrupted(config, tmp_path):
    whole = pretrain(config)
    assert whole.finished
    assert whole.tokens == 12 * 4 * 32

    parts = dataclasses.replace(config, out=str(tmp_path / "parts"))
    with pytest.raises(Cancelled):
        pretrain(parts, progress=stop_at(7))
    assert latest_checkpoint(parts.out).name == "step-0000007"
    resumed = pretrain(parts, resume=True)
    assert (resumed.step, resumed.tokens) == (whole.step, whole.tokens)
    assert_same_weights(whole.model, resumed.model)
    # The held-out scores of both runs agree as well, and no row is doubled.
    assert rows(tmp_path / "parts/evaluation.csv") == rows(tmp_path / "run/evaluation.csv")
    steps = [int(row["step"]) for row in rows(tmp_path / "parts/log.csv")]
    assert steps == sorted(set(steps))


def test_the_threads_of_a_run_are_given_back(config):
    before = torch.get_num_threads()
    few = dataclasses.replace(config, threads=before + 1, total_steps=2, warmup_steps=1)
    seen = []
    pretrain(few, progress=lambda done, total: seen.append(torch.get_num_threads()))
    assert set(seen) == {before + 1}
    assert torch.get_num_threads() == before


def test_model_loads_and_has_its_tokenizer(config):
    from dnabert2_explore import load

    result = pretrain(config)
    enc = load(result.model)
    assert not enc.has_head
    assert enc.embed(["ACGTACGTACGT"]).shape == (1, 16)
    assert enc.tokenizer.mask_id == 4


def test_loss_falls_and_is_logged(config, tmp_path):
    calls = []
    config = dataclasses.replace(config, total_steps=60, evaluate_every=60)
    pretrain(config, progress=lambda *call: calls.append(call))
    assert calls[-1] == (60, 60)
    log = rows(tmp_path / "run/log.csv")
    assert log[-1]["precision"] == "float32"
    assert float(log[-1]["loss"]) < float(log[0]["loss"]) - 0.05
    scored = rows(tmp_path / "run/evaluation.csv")
    assert [row["species"] for row in scored] == ["delta"]


def test_bfloat16_runs(config):
    result = pretrain(dataclasses.replace(config, precision="bfloat16", total_steps=3))
    assert all(value.isfinite().all() for value in weights(result.model).values())


def test_old_checkpoints_and_partial_ones_are_removed(config, tmp_path):
    (tmp_path / "run/checkpoints/step-0000099.partial").mkdir(parents=True)
    pretrain(dataclasses.replace(config, checkpoint_every=2))
    names = sorted(path.name for path in (tmp_path / "run/checkpoints").iterdir())
    assert names == ["step-0000010", "step-0000012"]


def test_time_limit_stops_with_a_checkpoint(config):
    result = pretrain(dataclasses.replace(config, max_minutes=1e-9))
    assert (result.step, result.finished) == (1, False)
    assert result.checkpoint.name == "step-0000001"


def test_starting_over_an_existing_run_is_refused(config):
    pretrain(config)
    with pytest.raises(InputError, match="already holds step-0000012; resume it"):
        pretrain(config)


def test_resuming_nothing(config):
    with pytest.raises(CheckpointError, match="no checkpoint to resume"):
        pretrain(config, resume=True)


def test_resuming_with_other_settings(config):
    with pytest.raises(Cancelled):
        pretrain(config, progress=stop_at(5))
    with pytest.raises(InputError, match="batch_rows: 4 -> 8"):
        pretrain(dataclasses.replace(config, batch_rows=8), resume=True)
    with pytest.raises(InputError, match="learning rates of steps 0 to 4 differ"):
        pretrain(dataclasses.replace(config, total_steps=20), resume=True)


def test_trapezoid_may_be_prolonged_before_its_decay(config):
    config = dataclasses.replace(config, schedule="trapezoid", decay_steps=4)
    with pytest.raises(Cancelled):
        pretrain(config, progress=stop_at(5))
    assert pretrain(dataclasses.replace(config, total_steps=14), resume=True).step == 14


def test_damaged_checkpoint(config):
    with pytest.raises(Cancelled):
        pretrain(config, progress=stop_at(5))
    (latest_checkpoint(config.out) / "optimizer.pt").write_bytes(b"no pickle")
    with pytest.raises(CheckpointError, match="cannot be read"):
        pretrain(config, resume=True)


def test_schedules():
    base = PretrainConfig("g", "t", "k", "o", total_steps=10, warmup_steps=2, learning_rate=1.0)
    np.testing.assert_allclose(
        learning_rates(base), [0.5, 1, 1, 7 / 8, 6 / 8, 5 / 8, 4 / 8, 3 / 8, 2 / 8, 1 / 8]
    )
    trapezoid = dataclasses.replace(base, schedule="trapezoid", decay_steps=4)
    np.testing.assert_allclose(learning_rates(trapezoid), [0.5, 1, 1, 1, 1, 1, 1, 0.75, 0.5, 0.25])


def test_settings_this_machine_or_architecture_has_not(config):
    with pytest.raises(InputError, match="network: hidden_size 10 is not a multiple"):
        pretrain(dataclasses.replace(config, network={"hidden_size": 10, "num_attention_heads": 3}))
    with pytest.raises(InputError, match="'cuda:77' is not available here"):
        pretrain(dataclasses.replace(config, device="cuda:77"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schedule": "cosine"}, "schedule is 'cosine'"),
        ({"precision": "int8"}, "precision is 'int8'"),
        ({"batch_rows": 0}, "batch_rows is 0"),
        ({"warmup_steps": 99_999}, "more than total_steps"),
        ({"network": {"hidden_sise": 16}}, "no setting 'hidden_sise'"),
    ],
)
def test_bad_settings(config, change, message):
    with pytest.raises(InputError, match=message):
        dataclasses.replace(config, **change)
