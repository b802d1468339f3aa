"""Damaged and odd input is read, or refused in one line; benchmarks/fuzz.py does it at length."""

from __future__ import annotations

import importlib.util
import json
import random
import sys
import time
from pathlib import Path

import pytest

from dnabert2_explore.errors import InputError

ROOT = Path(__file__).parents[1]
RESULT = ROOT / "benchmarks" / "results" / "fuzz.json"


@pytest.fixture(scope="module")
def fuzz():
    path = ROOT / "benchmarks" / "fuzz.py"
    specification = importlib.util.spec_from_file_location("fuzz", path)
    module = importlib.util.module_from_spec(specification)
    sys.modules["fuzz"] = module  # dataclasses look their module up
    specification.loader.exec_module(module)
    yield module
    del sys.modules["fuzz"]


def test_two_thousand_inputs_give_no_foreign_exception_and_no_hang(fuzz, monkeypatch):
    monkeypatch.setenv("DNABERT2_EXPLORE_CACHE", "off")  # which fuzz sets, and this puts back
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("RUST_BACKTRACE", "0")
    tallies = fuzz.fuzz(2000, seed=11)
    assert {name: tally.examples for name, tally in tallies.items() if tally.faults} == {}
    assert sum(tally.inputs for tally in tallies.values()) == 2000
    # Neither all nothing nor all whole: the inputs are near what is read.
    for name, tally in tallies.items():
        assert tally.inputs > 10, name
        assert name in ("pasted text", "genome's index") or tally.refused, name
    assert sum(tally.read for tally in tallies.values()) > 300


def test_what_is_a_fault_is_found(fuzz, tmp_path):
    def reader(read):
        return fuzz.Reader("x", (("x.txt", b"ACGT"),), read)

    def raising(error):
        def read(path):
            raise error

        return read

    class Panic(BaseException):
        pass

    results = {
        kind: fuzz.one(reader(read), 0, 0, tmp_path, [b"x"])
        for kind, read in {
            "read": lambda path: path.read_bytes(),
            "refused": raising(InputError("one line.")),
            "lines": raising(InputError("two\nlines.")),
            "foreign": raising(KeyError("x")),
            "panic": raising(Panic("no entry")),
        }.items()
    }
    assert results["read"] == "read"
    assert results["refused"] == "refused"
    assert results["lines"].startswith("several lines")
    assert results["foreign"] == "builtins.KeyError: 'x'"
    assert "Panic" in results["panic"]
    fuzz.LIMIT, before = 0.05, fuzz.LIMIT
    try:
        assert fuzz.one(reader(lambda path: time.sleep(5)), 0, 0, tmp_path, [b"x"]).startswith("no")
    finally:
        fuzz.LIMIT = before


def test_the_same_number_gives_the_same_input(fuzz):
    one, other = (fuzz.mutated(b"ACGT" * 9, random.Random("0 x 5"), [b"y" * 9]) for _ in range(2))
    assert one == other


def test_the_kept_result_has_no_fault():
    if not RESULT.is_file():
        pytest.skip(f"no long run is kept: python benchmarks/fuzz.py -o {RESULT}")
    result = json.loads(RESULT.read_text(encoding="utf-8"))
    assert result["faults"] == 0
    assert result["inputs"] == sum(one["inputs"] for one in result["readers"].values())
