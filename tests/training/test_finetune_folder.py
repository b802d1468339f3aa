"""What a killed run left between two renames is put back; a full disk keeps what was there."""

from __future__ import annotations

import errno
import shutil

import pytest

from dnabert2_explore import load
from dnabert2_explore.errors import CheckpointError
from dnabert2_explore.network.checkpoints.card import Card
from dnabert2_explore.training.finetune import FinetuneConfig
from dnabert2_explore.training.finetune.folder import RunFolder


@pytest.fixture
def folder(tmp_path):
    return RunFolder(tmp_path / "run", ("step",))


@pytest.fixture
def network(classifier_folder):
    return load(classifier_folder).network


def write(folder, network, source, extras=lambda fresh: None):
    folder.out.mkdir(exist_ok=True)
    folder.write_model(network, 4, source / "tokenizer.json", Card(), extras)


def test_the_model_before_is_there_until_there_is_a_better_one(
    folder, network, classifier_folder
) -> None:
    write(folder, network, classifier_folder)
    folder.model.rename(folder.out / ".model.old")  # as a kill between two renames leaves it
    shutil.copytree(classifier_folder, folder.out / ".model.new")
    config = FinetuneConfig(model="pocket", train="t", dev="d", out=str(folder.out))
    folder.prepare(config, 1000)
    folder.begin_log(0)
    assert load(folder.model).classes == ("donor", "acceptor", "neither")
    assert not (folder.out / ".model.old").exists()
    write(folder, network, classifier_folder)
    assert sorted(one.name for one in folder.out.iterdir()) == ["config.yaml", "log.csv", "model"]
    assert 'load("path/to/model")' in (folder.model / "README.md").read_text()


def test_a_full_disk_keeps_what_was_there(folder, network, classifier_folder) -> None:
    write(folder, network, classifier_folder)
    before = {file.name: file.read_bytes() for file in folder.model.iterdir()}

    def full(fresh):
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(CheckpointError, match="those of step 4 are whole there: make room"):
        write(folder, network, classifier_folder, full)
    assert {file.name: file.read_bytes() for file in folder.model.iterdir()} == before
    assert [one.name for one in folder.out.iterdir()] == ["model"]
