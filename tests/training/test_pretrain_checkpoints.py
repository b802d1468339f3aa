"""Files of a run that were damaged, cut short or left by an earlier version."""

from __future__ import annotations

import dataclasses
import json
import warnings

import numpy as np
import pytest
import torch

from dnabert2_explore.common.files import restore
from dnabert2_explore.errors import CheckpointError, InputError
from dnabert2_explore.network.checkpoints.weights import save_weights
from dnabert2_explore.training.loop.checkpoints import write_state, write_whole
from dnabert2_explore.training.pretrain import PretrainConfig
from dnabert2_explore.training.pretrain.checkpoints import read_state, tidy
from dnabert2_explore.training.pretrain.logs import LOG_COLUMNS, Logs


@pytest.fixture
def checkpoint(tmp_path):
    """A checkpoint of ten numbers."""
    config = PretrainConfig(genomes="g", table="t", tokenizer="k", out="run")
    state = {"step": 2, "tokens": 64, "data": {}, "config": dataclasses.asdict(config)}

    def fill(folder):
        save_weights({"weight": torch.arange(10.0)}, folder / "model.safetensors")
        torch.save({"optimizer": {"state": torch.arange(10.0)}}, folder / "optimizer.pt")
        write_state(folder, state)

    folder = tmp_path / "run/checkpoints/step-0000002"
    write_whole(folder, fill, "nothing is lost")
    return folder


def test_a_whole_one_is_read(checkpoint):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        state, weights, saved = read_state(checkpoint)
    assert state["step"] == 2
    assert torch.equal(weights["weight"], saved["optimizer"]["state"])


@pytest.mark.parametrize("name", ["model.safetensors", "optimizer.pt", "state.json"])
def test_a_flipped_bit_anywhere_is_refused_with_the_name(checkpoint, name):
    path = checkpoint / name
    whole = path.read_bytes()
    good = read_state(checkpoint)[0]
    noticed = 0
    bits = np.random.default_rng(0).integers(8 * len(whole), size=150).tolist()
    for bit in bits:
        data = bytearray(whole)
        data[bit // 8] ^= 1 << bit % 8
        path.write_bytes(data)
        try:
            assert read_state(checkpoint)[0] == good  # white space in JSON
        except CheckpointError as error:
            noticed += name in str(error)
    assert noticed == len(bits) if name != "state.json" else noticed > 0.8 * len(bits)


def test_one_of_an_earlier_version_is_read_with_a_sentence(checkpoint):
    state = json.loads((checkpoint / "state.json").read_text())
    del state["files"], state["digest"]
    (checkpoint / "state.json").write_text(json.dumps(state))
    with pytest.warns(UserWarning, match="written before digests were kept"):
        assert read_state(checkpoint)[0] == state


@pytest.mark.parametrize("text", ["", "[]", "{:", '{"config": 5}', '{"config": {"x": 1}}'])
def test_a_state_that_is_none(checkpoint, text):
    (checkpoint / "state.json").write_text(text)
    with pytest.raises((CheckpointError, InputError)):
        read_state(checkpoint)


def test_what_killed_runs_left_goes(checkpoint):
    run = checkpoint.parents[1]
    for name in ("checkpoints/.step-0000004.new", "checkpoints/step-0000003.partial",
                 "snapshots/.step-0000001.old", "snapshots/step-0000003"):  # fmt: skip
        (run / name).mkdir(parents=True)
    (run / "snapshots/step-0000002").mkdir()
    tidy(run, 2)
    left = [one.name for one in (*checkpoint.parent.iterdir(), *(run / "snapshots").iterdir())]
    assert left == ["step-0000002", "step-0000002"]


HEADER = ",".join(LOG_COLUMNS)
ROW = "1,2,3,4,5,6,7,float32,8"


def test_a_log_goes_on_without_a_half_line(tmp_path):
    (tmp_path / "log.csv").write_text(f"{HEADER}\n{ROW}\n{ROW.replace('1,', '9,', 1)}\n2,3")
    Logs(tmp_path, step=5).close()
    assert (tmp_path / "log.csv").read_text().splitlines() == [HEADER, ROW]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (f"{HEADER}\n{ROW}\nx{ROW}\n", "line 3"),
        (f"{HEADER}\n{ROW},1\n", "line 2"),
        (f"{HEADER}\n1,2\n", "line 2"),
        (f"{HEADER},more\n{ROW},1\n", "a column 'more'"),
        ("steps\n1\n", "a column 'steps'"),
        (f'{HEADER}\n"{ROW}\n', "log.csv"),
        (f"{HEADER}\n{'9' * 5000}{ROW}\n", "line 2"),
        ("\x00\x01\n\x02\n", "log.csv"),
    ],
)
def test_a_damaged_log_is_told_with_its_line(tmp_path, content, words):
    (tmp_path / "log.csv").write_text(content)
    with pytest.raises(InputError, match="this is no log of a run") as caught:
        Logs(tmp_path, step=5)
    assert words in str(caught.value)
    (tmp_path / "log.csv").write_bytes(b"step\n\xff\n")
    with pytest.raises(InputError, match="this is no log of a run"):
        Logs(tmp_path, step=5)


@pytest.mark.parametrize("at", [1, 2])
def test_a_model_between_two_renames_is_put_back(model_folder, classifier_folder, tmp_path, at):
    """By load, and by what it is part of; whichever rename was a killed run's last."""
    import shutil

    from dnabert2_explore import load

    model = tmp_path / "run/model"
    shutil.copytree(classifier_folder, tmp_path / "run/.model.old")
    shutil.copytree(model_folder, tmp_path / "run/.model.new")
    if at == 1:
        (tmp_path / "run/.model.old").rename(model)
    assert load(model).classes == ("donor", "acceptor", "neither")
    assert restore(model) is False
    shutil.copytree(classifier_folder, model / "adapter")
    model.rename(tmp_path / "run/.model.old")
    assert load(model / "adapter").classes == ("donor", "acceptor", "neither")
