"""What this machine has been seen to run."""

from __future__ import annotations

import pytest
import torch

from dnabert2_explore.common.folders import CACHE_VARIABLE
from dnabert2_explore.encoder.loading import probes

CPU = torch.device("cpu")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def tried(monkeypatch):
    """The calls of a stand-in that need not compile anything, and says what it is told to."""
    calls = []

    def stand_in(name, device, dtype, gradients=True):
        calls.append((name, dtype, gradients))
        return "does not run here (no compiler)" if stand_in.fails else None

    stand_in.fails = False
    stand_in.calls = calls
    monkeypatch.setattr(probes, "try_backend", stand_in)
    monkeypatch.setattr(
        probes, "why_not", lambda name, device, dtype: "no GPU" if name == "flash" else None
    )
    return stand_in


def test_what_was_tried_is_remembered(folder, tried) -> None:
    assert probes.known_probes(CPU) == {}
    found = {one.kind: one for one in probes.run_probes(CPU)}
    assert tried.calls == [("flex", torch.float32, False)]  # it has no backward pass on a CPU
    assert set(found) == {"flex", "bfloat16"}
    assert probes.known_probes(CPU) == found
    assert str(found["flex"]).startswith("seen to run (forward in float32 as the reference; torch")
    assert found["bfloat16"].ran
    tried.fails = True
    probes.run_probes(CPU)
    assert str(probes.known_probes(CPU)["flex"]).startswith(
        "tried and failed (does not run here (no"
    )


def test_another_version_of_torch_knows_nothing(folder, tried, monkeypatch) -> None:
    probes.run_probes(CPU)
    monkeypatch.setattr(probes.torch, "__version__", "9.0")
    assert probes.known_probes(CPU) == {}


def test_what_loading_found_out_counts(folder) -> None:
    probes.remember_backend("sdpa", CPU, torch.float32)  # runs everywhere: nothing to tell
    assert not folder.exists()
    probes.remember_backend("flex", CPU, torch.bfloat16)
    assert "forward and backward in bfloat16" in str(probes.known_probes(CPU)["flex"])


@pytest.mark.parametrize("content", ["", "{", "[]", '{"seen": 5}', '{"seen": [{"kind": 1}]}'])
def test_a_damaged_memory_is_none(folder, tried, content) -> None:
    probes.run_probes(CPU)
    (folder / "seen.json").write_text(content)
    assert probes.known_probes(CPU) == {}
    probes.run_probes(CPU)
    assert "flex" in probes.known_probes(CPU)


def test_no_cache_no_memory(tried, monkeypatch) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, "off")
    assert len(probes.run_probes(CPU)) == 2
    assert probes.known_probes(CPU) == {}


def test_info_tells(folder, tried, capsys) -> None:
    from dnabert2_explore.cli.info import info

    info()
    lines = [line for line in capsys.readouterr().out.splitlines() if "attention flex" in line]
    assert "not tried here: run dnabert2-explore info --try" in lines[0]
    info(attempt=True)
    info()
    out = capsys.readouterr().out
    assert out.count("seen to run (forward in float32 as the reference") == 2
