"""Which device "auto" is."""

from __future__ import annotations

import pytest
import torch

from dnabert2_explore import load
from dnabert2_explore.encoder import DEVICE_VARIABLE, find_device
from dnabert2_explore.errors import InputError
from dnabert2_explore.training.loop.processes import find_processes


@pytest.mark.parametrize("said", [None, "", " auto "])
@pytest.mark.parametrize("there", [True, False])
def test_auto_is_the_gpu_where_there_is_one(monkeypatch, said, there) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    if said is None:
        monkeypatch.delenv(DEVICE_VARIABLE)
    else:
        monkeypatch.setenv(DEVICE_VARIABLE, said)
    assert find_device("auto") == torch.device("cuda" if there else "cpu")


def test_the_variable_says_what_auto_is(monkeypatch, model_folder) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setenv(DEVICE_VARIABLE, "cpu")
    assert load(model_folder).device == torch.device("cpu")
    assert find_processes("auto").device == torch.device("cpu")  # of both kinds of training


def test_a_device_named_in_the_call_wins(monkeypatch) -> None:
    monkeypatch.setenv(DEVICE_VARIABLE, "cuda:77")
    assert find_device("cpu") == torch.device("cpu")
    with pytest.raises(InputError, match=rf"'cuda:77' \(from {DEVICE_VARIABLE}\) is not available"):
        find_device("auto")


def test_info_says_who_chose(monkeypatch, capsys) -> None:
    from dnabert2_explore.cli.info import info

    info()
    assert f"cpu, named by {DEVICE_VARIABLE}" in capsys.readouterr().out
    monkeypatch.delenv(DEVICE_VARIABLE)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    info()
    assert DEVICE_VARIABLE not in capsys.readouterr().out
