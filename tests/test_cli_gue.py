"""``gue list``, ``gue run``, ``gue table`` and ``export-model`` as a person types them."""

from __future__ import annotations

import csv
import json
import sys

import numpy as np
import pytest
from typer.testing import CliRunner

from dnabert2_explore.cli import app

from .training.gue.conftest import make_run as make_run  # a fixture


@pytest.fixture
def run():
    runner = CliRunner()
    return lambda *arguments: runner.invoke(app, [str(one) for one in arguments])


@pytest.fixture
def data(tmp_path):
    """Sequences in the public layout: mouse_3 complete, H3 without train.csv."""
    rng = np.random.default_rng(0)
    for folder, splits in (("mouse/3", ("train", "dev", "test")), ("EMP/H3", ("dev", "test"))):
        place = tmp_path / "GUE" / folder
        place.mkdir(parents=True)
        for split in splits:
            rows = [
                ("".join(rng.choice(list("ACGT"), p=p, size=40)), label)
                for label, p in ((0, (0.4, 0.1, 0.1, 0.4)), (1, (0.1, 0.4, 0.4, 0.1)))
                for _ in range(20)
            ]
            with (place / f"{split}.csv").open("w", newline="") as handle:
                csv.writer(handle).writerows([("sequence", "label"), *rows])
    return tmp_path / "GUE"


@pytest.mark.parametrize("command", [("gue", "list"), ("gue", "run"), ("gue", "table"),
                                     ("gue", "audit"),
                                     ("export-model",)])  # fmt: skip
def test_help_shows_an_example(run, command):
    result = run(*command, "--help")
    assert result.exit_code == 0
    assert f"dnabert2-explore {' '.join(command)}" in result.output


def test_list(run, data):
    lines = run("gue", "list", data).output.splitlines()
    assert len(lines) == 1 + 36
    by_name = {line.split()[0]: line for line in lines}
    assert by_name["mouse_3"].endswith("complete")
    assert by_name["H3"].endswith("without train")
    assert by_name["covid"].endswith("without train, dev, test")
    assert "complete" not in run("gue", "list").output


def test_run_then_table(run, data, model_folder, tmp_path):
    out = tmp_path / "results"
    arguments = (
        "gue", "run", data.parent, "-o", out, "-m", model_folder, "--name", "tiny", "--max-steps",
        2, "--evaluate-every", 1, "--baselines", "majority,kmer", "--device", "cpu",
    )  # fmt: skip
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    assert "left out: H3: train.csv missing" in result.output
    assert "mouse_3: " in result.stdout
    assert "kmer 1.000" in result.stdout
    (path,) = out.glob("*/*tiny-seed42.json")
    assert path.parent.name == "mouse_3"

    result = run(*arguments, "--reduced", "-d", "H3")
    assert result.exit_code == 0, result.output
    assert "REDUCED" in result.stdout

    result = run("gue", "table", out)
    assert result.exit_code == 0, result.output
    row = next(line for line in result.output.splitlines() if line.startswith("H3"))
    assert " R" in row
    assert "mean of 1" in result.output
    assert "R: reduced" in result.output
    assert "Minus the best rule" in result.output
    assert "## Differences" in run("gue", "table", out, "--markdown").stdout
    assert run("gue", "table", out, "-o", tmp_path / "t.csv").exit_code == 0
    assert (tmp_path / "t.csv").read_text().startswith("dataset,name,kind,state,metric")
    assert run("gue", "table", out, "-o", tmp_path / "t.csv").exit_code == 1  # not over it unasked


def test_what_cannot_be_run_is_said(run, data, tmp_path):
    result = run("gue", "run", data, "-o", tmp_path / "r", "-d", "H3")
    assert result.exit_code == 1
    assert "pass --reduced" in result.output
    result = run("gue", "run", data, "-o", tmp_path / "r", "--learning-rate", 1e-3)
    assert result.exit_code == 1
    assert "needs a name" in result.output
    for given, message in (
        (("--learning-rate", "high"), "--learning-rate: learning_rate is 'high'; expected float"),
        (("--learning-rat", 1), "gue run has no option --learning-rat; expected one of its --help"),
        (("--epochs",), "--epochs has no value"),
        ((data,), "takes one DATA"),
    ):
        result = run("gue", "run", data, "-o", tmp_path / "r", *given)
        assert result.exit_code == 1
        assert message in " ".join(result.output.split())
    for order in (("--epochs=2", data), ("--epochs", 2, data), (data, "--epochs", 2)):
        result = run("gue", "run", "-o", tmp_path / "r", *order)
        assert "A variation (epochs) needs a name" in " ".join(result.output.split())
    assert run("gue", "run", data, "-o", tmp_path / "r", "-d", "H9").exit_code == 1
    result = run("gue", "run", data, "-o", tmp_path / "r", "-d", "mouse_3", "--baselines", "svm")
    assert "no baseline 'svm'" in result.output


def test_export_model(run, model_folder, tmp_path):
    result = run("export-model", model_folder, "-o", tmp_path / "hf", "--dtype", "float16")
    assert result.exit_code == 0, result.output
    assert "trust_remote_code=True" in result.output
    assert (tmp_path / "hf/modeling_dnabert2.py").is_file()
    result = run("export-model", model_folder, "-o", tmp_path / "hf")
    assert result.exit_code == 1
    assert "not empty; pass --force" in result.output
    result = run("export-model", model_folder, "-o", tmp_path / "x", "--dtype", "int3")
    assert "expected float32" in result.output
    arguments = ("-o", tmp_path / "x", "--to", "onnx", "--dtype", "float16")
    assert "written in float32" in run("export-model", model_folder, *arguments).output


def test_onnx_without_its_extra(run, model_folder, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    result = run("export-model", model_folder, "-o", tmp_path / "x", "--to", "onnx")
    assert result.exit_code == 1
    assert 'pip install -c constraints.txt -e ".[onnx]"' in result.output


def test_audit(run, data, tmp_path):
    result = run("gue", "audit", data, "-o", tmp_path / "audit.json")
    assert result.exit_code == 0, result.output
    lines = {line.split()[0]: line for line in result.stdout.splitlines()}
    assert lines["mouse_3"].endswith("1.000  fail")  # composition alone tells these classes
    assert "H3 R" in result.stdout
    content = json.loads((tmp_path / "audit.json").read_text())["datasets"]
    assert content["mouse_3"] | {"test": 40, "twins": 0} == content["mouse_3"]
    assert run("gue", "audit", data, "-o", tmp_path / "audit.json").exit_code == 1  # not unasked
    assert run("gue", "audit", data, "-d", "H3", "-o", tmp_path / "a.md").exit_code == 0
    assert "| H3 ᴿ |" in (tmp_path / "a.md").read_text()
    assert "ends in .json or .md" in run("gue", "audit", data, "-o", tmp_path / "a.txt").output
