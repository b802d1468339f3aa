"""Files of weights tell when a bit of them has flipped."""

from __future__ import annotations

import errno
import hashlib
import re

import numpy as np
import pytest
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file

from dnabert2_explore.errors import CheckpointError
from dnabert2_explore.network.checkpoints import weights
from dnabert2_explore.network.checkpoints.weights import check_weights, read_weights, save_weights


@pytest.fixture
def state():
    torch.manual_seed(0)
    return {"a.weight": torch.randn(8, 5), "b": torch.arange(6, dtype=torch.bfloat16)}


@pytest.fixture
def path(state, tmp_path):
    save_weights(state, tmp_path / "model.safetensors")
    return tmp_path / "model.safetensors"


def test_others_read_it_as_any_file(path, state) -> None:
    for name, tensor in load_file(path).items():
        assert torch.equal(tensor, state[name])
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    assert metadata["format"] == "pt"
    # The definition, in two lines, for whoever has no package.
    said = metadata["digest"].removeprefix("sha256:").encode()
    assert hashlib.sha256(path.read_bytes().replace(said, b"0" * 64)).hexdigest() == said.decode()
    assert all(torch.equal(tensor, state[name]) for name, tensor in read_weights(path).items())


def test_every_flipped_bit_is_noticed(path) -> None:
    whole = path.read_bytes()
    for bit in range(8 * len(whole)):
        data = bytearray(whole)
        data[bit // 8] ^= 1 << bit % 8
        path.write_bytes(data)
        with pytest.raises((CheckpointError, SafetensorError)):
            read_weights(path)


def test_files_without_a_digest_are_read(path, state) -> None:
    save_file(state, path)
    assert check_weights(path) is False
    assert read_weights(path).keys() == state.keys()
    path.write_bytes(b"version https://git-lfs.github.com/spec/v1")
    with pytest.raises(SafetensorError):
        read_weights(path)


def test_a_full_disk_is_an_error_of_the_system_and_leaves_what_was_there(
    path, state, monkeypatch
) -> None:
    def full(*arguments, **settings):
        raise SafetensorError(
            "Error while serializing: I/O error: No space left on device (os error 28)"
        )

    before = path.read_bytes()
    monkeypatch.setattr(weights, "save_file", full)
    with pytest.raises(OSError, match=re.escape(str(path))) as caught:
        save_weights(state, path)
    assert caught.value.errno == errno.ENOSPC
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_a_loaded_model_is_checked(model_folder, tmp_path) -> None:
    from dnabert2_explore import load
    from dnabert2_explore.network.checkpoints.saving import save_model

    folder = tmp_path / "model"
    enc = load(model_folder)
    save_model(enc.network, folder, model_folder)
    assert (load(folder).embed("ACGT") == enc.embed("ACGT")).all()
    file = folder / "model.safetensors"
    data = bytearray(file.read_bytes())
    data[np.random.default_rng(0).integers(len(data) // 2, len(data))] ^= 16
    file.write_bytes(data)
    with pytest.raises(CheckpointError, match=r"model\.safetensors is damaged"):
        load(folder)


def test_equal_weights_are_equal_files(tmp_path):
    """The library puts metadata in another order by chance, file by file."""
    weights = {"a": torch.arange(6.0), "b": torch.ones(2, 3, dtype=torch.float16)}
    found = set()
    for number in range(12):
        path = tmp_path / f"{number}.safetensors"
        save_weights(weights, path)
        assert check_weights(path)
        found.add(path.read_bytes())
    assert len(found) == 1
