from __future__ import annotations

import hashlib
import os
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from dnabert2_explore import load
from dnabert2_explore.common.folders import CACHE_VARIABLE
from dnabert2_explore.network.checkpoints import converted


@pytest.fixture
def weights(tmp_path, monkeypatch):
    """A cache of its own, in which every model is large."""
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setattr(converted, "LARGE", 1)
    return tmp_path / "cache" / "weights"


def test_another_type_is_written_once_and_mapped(weights, model_folder, monkeypatch) -> None:
    first = load(model_folder, device="cpu", dtype="bfloat16")
    (copy,) = weights.iterdir()
    assert "bfloat16" in copy.name
    assert {tensor.dtype for tensor in load_file(copy).values()} == {torch.bfloat16}
    monkeypatch.setattr(converted, "save_weights", None)  # nothing to write the second time
    second = load(model_folder, device="cpu", dtype="bfloat16")
    exact = load(model_folder, device="cpu", dtype="float32", cache=False)
    assert list(weights.iterdir()) == [copy]
    for (name, a), b, c in zip(
        first.network.named_parameters(),
        second.network.parameters(),
        exact.network.parameters(),
        strict=True,
    ):
        assert torch.equal(a, b), name
        assert torch.equal(a, c.to(torch.bfloat16)), name


def test_new_weights_replace_the_copy_of_the_old(weights, classifier_folder, tmp_path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(classifier_folder, folder)
    load(folder, device="cpu", dtype="bfloat16")
    (old,) = weights.iterdir()
    state = load_file(folder / "model.safetensors")
    save_file({name: tensor * 0.5 for name, tensor in state.items()}, folder / "model.safetensors")
    enc = load(folder, device="cpu", dtype="bfloat16")
    (new,) = weights.iterdir()
    assert new != old
    wanted = (state["classifier.weight"] * 0.5).to(torch.bfloat16)
    assert torch.equal(enc.network.classifier.weight, wanted)


def test_other_weights_of_the_same_size_and_time_are_not_the_old_ones(
    weights, classifier_folder, tmp_path
) -> None:
    """Times as archives and `cp -p` have them; sizes as of all fine-tunings of one model."""
    folder = tmp_path / "model"
    shutil.copytree(classifier_folder, folder)
    file, state = folder / "model.safetensors", load_file(folder / "model.safetensors")
    os.utime(file, (0, 0))
    old = load(folder, device="cpu", dtype="bfloat16", cache=tmp_path / "vectors")
    before, digest = old.embed("ACGTACGTAAGT"), old.sha256
    stamp = file.stat()
    new = tmp_path / "new.safetensors"
    save_file({name: tensor * 0.5 for name, tensor in state.items()}, new)
    os.utime(new, (0, 0))
    shutil.move(new, file)
    assert (file.stat().st_size, file.stat().st_mtime_ns) == (stamp.st_size, stamp.st_mtime_ns)
    enc = load(folder, device="cpu", dtype="bfloat16", cache=tmp_path / "vectors")
    wanted = (state["classifier.weight"] * 0.5).to(torch.bfloat16)
    assert torch.equal(enc.network.classifier.weight, wanted)
    assert enc.sha256 == hashlib.sha256(file.read_bytes()).hexdigest() != digest
    assert np.abs(enc.embed("ACGTACGTAAGT") - before).max() > 1e-3
    assert old.sha256 == ""
    os.utime(file)  # the same content at another time is the same copy
    (copy,) = weights.iterdir()
    load(folder, device="cpu", dtype="bfloat16")
    assert list(weights.iterdir()) == [copy]


def test_a_flipped_bit_in_the_copy_makes_it_anew(weights, model_folder) -> None:
    first = load(model_folder, device="cpu", dtype="bfloat16")
    expected = [parameter.clone() for parameter in first.network.parameters()]
    (copy,) = weights.iterdir()
    rng = np.random.default_rng(0)
    for place in rng.integers(copy.stat().st_size, size=10).tolist():
        data = bytearray(copy.read_bytes())
        data[place] ^= 1 << rng.integers(8)
        copy.unlink()  # what is mapped stays as it was
        copy.write_bytes(data)
        again = load(model_folder, device="cpu", dtype="bfloat16")
        assert all(map(torch.equal, again.network.parameters(), expected))


def test_a_damaged_copy_is_made_anew(weights, model_folder) -> None:
    first = load(model_folder, device="cpu", dtype="bfloat16")
    (copy,) = weights.iterdir()
    expected = [parameter.clone() for parameter in first.network.parameters()]
    copy.unlink()
    copy.write_bytes(b"cut short by a power cut")
    again = load(model_folder, device="cpu", dtype="bfloat16")
    assert all(map(torch.equal, again.network.parameters(), expected))
    assert load_file(copy)


def test_what_a_killed_process_left_goes(weights, model_folder) -> None:
    weights.mkdir(parents=True)
    old, new = weights / ".old.part", weights / ".new.part"
    old.touch()
    new.touch()
    os.utime(old, (0, 0))
    load(model_folder, device="cpu", dtype="bfloat16")
    assert not old.exists()
    assert new.exists()


def test_a_copy_that_cannot_be_written_is_told(weights, model_folder) -> None:
    weights.parent.mkdir()
    weights.write_text("a file where the folder should be")
    with pytest.warns(UserWarning, match="keeps its own in memory: make room"):
        enc = load(model_folder, device="cpu", dtype="bfloat16", cache=False)
    assert enc.dtype == torch.bfloat16


@pytest.mark.parametrize("setting", ["off", "small"])
def test_no_copy_where_none_is_wanted(weights, model_folder, monkeypatch, setting) -> None:
    if setting == "off":
        monkeypatch.setenv(CACHE_VARIABLE, "off")
    else:
        monkeypatch.setattr(converted, "LARGE", 1 << 40)
    load(model_folder, device="cpu", dtype="bfloat16", cache=False)
    load(model_folder, device="cpu", dtype="float32", cache=False)
    assert not weights.exists()
