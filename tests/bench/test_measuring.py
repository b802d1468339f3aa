"""Cases, times, memory and tables; what a clock says is never asserted."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from dnabert2_explore import InputError
from dnabert2_explore.bench import (
    Plan,
    Table,
    alternately,
    describe_machine,
    measure,
    memory as memories,
    mutant_case,
    random_cases,
    resident,
    shapes,
    why_unmeasurable,
)
from dnabert2_explore.bench.cases import mutants, reference_rows
from dnabert2_explore.cli import app
from dnabert2_explore.errors import ExploreError
from dnabert2_explore.network import Dnabert2Config

from .test_reference import CPU, TINY


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    monkeypatch.setitem(shapes.SHAPES, "pocket", TINY)


def test_cases_hold_what_they_are_called() -> None:
    config = Dnabert2Config(**TINY)
    mixed, fixed = random_cases(["mixed", 100], config, CPU)
    sizes = [len(sequence) for sequence in mixed.ids]
    assert (min(sizes), max(sizes)) == (32, 512)
    assert sizes != sorted(sizes)
    assert {len(sequence) for sequence in fixed.ids} == {100}
    assert len({sequence.tobytes() for sequence in fixed.ids}) == len(fixed.ids)
    assert fixed.tokens == 100 * len(fixed.ids)


def test_operations_are_those_of_the_layers() -> None:
    """Counted by torch's own counter on the reference path of one unpadded sequence."""
    from torch.utils.flop_counter import FlopCounterMode

    from dnabert2_explore.bench.reference import reference_states

    config = Dnabert2Config(**TINY)
    (case,) = random_cases([64], config, CPU)
    network = shapes.make_network("pocket", CPU)
    ids = torch.from_numpy(case.ids[0])[None]
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        reference_states(network, ids, torch.ones_like(ids))
    assert case.flops(config) / len(case.ids) == counter.get_total_flops()


def test_every_base_has_three_mutants(enc) -> None:
    assert len(set(mutants("ACGTAC"))) == 18
    case = mutant_case("ACGTAC", enc.tokenizer, Dnabert2Config(**TINY), CPU)
    assert len(case.ids) == 18
    assert case.tokens == sum(len(enc.tokenize(bases)) for bases in mutants("ACGTAC"))


@pytest.mark.parametrize("length", [7, 0, "many"])
def test_impossible_lengths(length) -> None:
    with pytest.raises(InputError, match="cannot be measured"):
        list(random_cases([length], Dnabert2Config(**TINY), CPU))


def test_calls_take_turns() -> None:
    order = []
    times = alternately([lambda: order.append("a"), lambda: order.append("b")], CPU, repeats=3)
    assert order == ["a", "b", "b", "a", "a", "b"]
    assert len(times) == 2
    assert all(0 <= seconds < 60 for seconds in times)


def test_tables_of_a_plan() -> None:
    plan = Plan(
        shape="pocket",
        device=CPU,
        dtypes=(torch.float32, torch.bfloat16),
        lengths=("mixed", 16),
        mutated_bases=4,
        repeats=1,
    )
    seen = []
    speed, mutagenesis = measure(plan, lambda done, total, row: seen.append((done, total)))
    assert seen == [(i, 6) for i in range(1, 7)]
    assert [row[0] for row in speed.rows] == ["mixed 32-512"] * 2 + ["16"] * 2
    assert [row[2] for row in speed.rows] == ["float32", "bfloat16"] * 2
    exact = [row for row in speed.rows if row[2] == "float32"]
    assert all(float(row[5]) < 1e-4 and float(row[6]) > 0.99999 for row in exact)
    assert mutagenesis.rows[0][0] == "12 mutants of 4 bp"


@pytest.mark.parametrize(
    ("device", "length", "rows"),
    [
        ("cpu", 32, 32),
        ("cpu", 128, 32),
        ("cpu", 1024, 4),
        ("cuda", 32, 512),  # as many tokens as ours gets, where they are not too many sequences
        ("cuda", 128, 512),
        ("cuda", 512, 128),
        ("cuda", 4096, 5),  # 12 heads x 4096 x 4096 scores in float32 are 0.8 GB
    ],
)
def test_the_reference_gets_batches_like_ours(device, length, rows) -> None:
    ids = (np.zeros(length, dtype=np.int64),)
    assert reference_rows(ids, Dnabert2Config(), torch.device(device)) == rows


@pytest.mark.skipif(bool(why_unmeasurable(CPU)), reason=why_unmeasurable(CPU))
def test_memory_of_both_paths(monkeypatch) -> None:
    from dnabert2_explore.bench import compare_memory

    monkeypatch.undo()  # the measuring processes know the shipped shapes only
    (row,) = compare_memory("pocket", [2048], [torch.float32], CPU)
    # 6 heads x 2048 x 2048 scores in float32 are 101 MB; ours never holds them.
    assert row.reference > 100e6
    assert row.ours < row.reference / 3


def nowhere(monkeypatch) -> None:
    """Make this a container whose /proc is read-only."""
    monkeypatch.setattr(memories, "_RESET", memories.Path("/proc/version"))


@pytest.mark.parametrize("platform", ["win32", "darwin"])
def test_where_memory_cannot_be_measured(monkeypatch, platform) -> None:
    assert why_unmeasurable(torch.device("cuda")) == ""
    assert "mps does not tell its peak" in why_unmeasurable(torch.device("mps"))
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(sys, "platform", platform)
        assert "as Linux does" in why_unmeasurable(CPU)
    nowhere(monkeypatch)
    plan = Plan("pocket", CPU, (torch.float32,), lengths=(16,), memory=(16,))
    seen = []
    with pytest.raises(InputError, match=r"cannot be measured here \(.*: leave it out"):
        measure(plan, lambda *row: seen.append(row))
    assert not seen  # before anything is measured


def test_the_command_where_memory_cannot_be_measured(monkeypatch) -> None:
    nowhere(monkeypatch)
    for options in ([], ["--markdown"]):
        result = CliRunner().invoke(app, ["bench", "-n", "16", "--dtype", "float32", *options])
        assert result.exit_code == 0, result.output
        assert "ratio" in result.output
        assert "memory: not measured here (" in result.output


def test_a_measurement_of_memory_that_fails_loses_no_table(monkeypatch) -> None:
    def fail(*args):
        raise ExploreError("The process that measures memory failed (no luck).")

    monkeypatch.setattr(memories, "why_unmeasurable", lambda device: "")
    monkeypatch.setattr("dnabert2_explore.bench.why_unmeasurable", lambda device: "")
    monkeypatch.setattr("dnabert2_explore.bench.report.why_unmeasurable", lambda device: "")
    monkeypatch.setattr(memories, "peak_memory", fail)
    result = CliRunner().invoke(app, ["bench", "-n", "16", "--dtype", "float32", "--markdown"])
    assert result.exit_code == 0, result.output
    assert "| 16 |" in result.output
    assert "memory: not measured here (The process that measures memory failed" in result.output


def test_markdown() -> None:
    table = Table(title="T", header=("a", "b"), rows=(("1", "2"),), note="Said.")
    lines = table.markdown().splitlines()
    assert lines[:5] == ["**T**", "", "| a | b |", "|---|---|", "| 1 | 2 |"]
    assert lines[-1] == "Said."


def test_the_machine_is_named() -> None:
    said = str(describe_machine(CPU))
    assert f"torch {torch.__version__}" in said
    assert "cores" in said


def test_a_process_that_is_gone() -> None:
    with pytest.raises(InputError, match="cannot be read"):
        resident(2**22 + 1)


def test_the_command_in_its_smallest_form() -> None:
    result = CliRunner().invoke(app, ["bench", "-n", "16", "--no-memory", "--markdown"])
    assert result.exit_code == 0, result.output
    assert "| 16 |" in result.output
    drawn = CliRunner().invoke(app, ["bench", "-n", "16", "--no-memory", "--dtype", "float32"])
    assert drawn.exit_code == 0
    assert "ratio" in drawn.output
    wrong = CliRunner().invoke(app, ["bench", "-n", "3", "--no-memory"])
    assert wrong.exit_code == 1
    assert "3 cannot be measured" in wrong.stderr


def test_vectors_have_one_direction_and_scale() -> None:
    """A cosine near 1 with another scale would hide an error; the difference shows it."""
    from dnabert2_explore.bench.engine import _cosine, _difference

    a = np.ones((2, 3), dtype=np.float32)
    assert _cosine(a, 2 * a) == pytest.approx(1)
    assert _difference([torch.ones(2)], [torch.full((2,), 2.0)]) == 1
