"""docs/reliability.md shows the tables of its result file, which hold no wrong value."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from dnabert2_explore.results.sealed import read_json

ROOT = Path(__file__).resolve().parents[1]
SCRIPT, PAGE = ROOT / "benchmarks/bitflips.py", ROOT / "docs/reliability.md"
if not SCRIPT.is_file():
    pytest.skip("not a checkout: benchmarks/ is not there", allow_module_level=True)


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("bitflips", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules["bitflips"] = module  # dataclasses look there
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def content(script):
    return read_json(script.RESULTS)


@pytest.mark.parametrize("name", ["flips", "kills"])
def test_the_page_shows_the_file(script, content, name) -> None:
    table = {"flips": script.flip_table, "kills": script.kill_table}[name](content)
    page = PAGE.read_text(encoding="utf-8")
    between = page.split(f"<!-- {name} -->")[1].split(f"<!-- /{name} -->")[0]
    assert between.strip() == table


def test_no_flip_was_a_wrong_value_and_no_kill_a_loss(content) -> None:
    for row in content["flips"]:
        assert (row["wrong"], row["foreign"]) == (0, 0)
        assert row["refused"] + row["right"] == row["flips"]
    for row in content["kills"]:
        assert row["whole"] == row["kills"]
        assert row["same"] == row["kills"]


def test_flips_are_counted_by_what_comes_of_them(script, tmp_path) -> None:
    """Eight bytes: two that are checked, two that count, two nobody reads, two foreign."""
    from dnabert2_explore.errors import InputError

    file = tmp_path / "eight"
    file.write_bytes(bytes(8))

    def read() -> bytes:
        data = file.read_bytes()
        if any(data[:2]):
            raise InputError(f"{file} is damaged")
        if any(data[6:]):
            raise RuntimeError
        return data[2:4]

    found = script.flips([file], read, 400, 0)
    assert sum(found.values()) == 400
    assert all(60 < count < 140 for count in found.values())
    assert file.read_bytes() == bytes(8)
