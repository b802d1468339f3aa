"""A record of a stranger asks for nothing but what the commands' own records ask for."""

from __future__ import annotations

import json
import os

import pytest
from typer.main import get_command
from typer.testing import CliRunner

import dnabert2_explore as dx
from dnabert2_explore.again import commands
from dnabert2_explore.again.arguments import COMMANDS
from dnabert2_explore.cli.app import app
from dnabert2_explore.cli.recorded import _LEFT, Recorded
from dnabert2_explore.errors import InputError
from dnabert2_explore.results.records import beside

FASTA = ">a\nACGTTGCATTAGCATGCAATTTGACCA\n"


@pytest.fixture
def table(tmp_path):
    fasta, path = tmp_path / "s.fa", tmp_path / "t.tsv"
    fasta.write_text(FASTA)
    result = CliRunner().invoke(app, ["tokenize", str(fasta), "-o", str(path)])
    assert result.exit_code == 0, result.output
    return path


@pytest.fixture
def asked(monkeypatch):
    """Words that a command was run with; none is run."""
    ran = []

    def run(words):
        ran.append(words)
        raise AssertionError("ran")

    monkeypatch.setattr(commands, "_run", run)
    return ran


def change(table, **changes):
    record = json.loads(beside(table).read_text())
    record.pop("digest", None)  # anybody can: it has no key
    beside(table).write_text(json.dumps(record | changes))
    return record


def test_the_options_are_those_of_the_command_line():
    own = get_command(app).commands
    recorded = {name for name, one in own.items() if isinstance(one, Recorded)}
    assert recorded == COMMANDS.keys()
    for name, known in COMMANDS.items():
        places, options, flags = [], set(), set()
        for one in own[name].params:
            if one.name in _LEFT:
                continue
            if one.param_type_name == "argument":
                places.append(one.name)
            elif one.is_flag:
                flags |= {*one.opts, *one.secondary_opts}
            else:
                options |= {opt for opt in one.opts if opt.startswith("--")}
        assert (tuple(places), options, flags) == (
            known.places, set(known.options), set(known.flags)
        ), name  # fmt: skip


def test_a_file_is_never_written_outside_of_the_folder_that_goes(table, tmp_path, asked):
    victim = tmp_path / "thesis.tsv"
    victim.write_text("years of work")
    for name in (str(victim), "../thesis.tsv", "a/b.tsv", "..\\thesis.tsv", "C:t.tsv", "..", "", 7):
        change(table, file=name)
        with pytest.raises(InputError, match="name without a folder"):
            dx.reproduce(table)
    assert not asked
    assert victim.read_text() == "years of work"


@pytest.mark.parametrize(
    "word",
    [
        "--force",
        "--output=thesis.tsv",
        "--output",
        "-o",
        "-othesis.tsv",
        "-m",
        "-",
        "--",
        "--cache",
        "--no-cache",
        "--check",
        "--scheduler=tcp://example.org:1",
        "--special=1",
        "--model",
        "--help",
    ],
)
def test_an_option_that_no_record_has_is_refused(table, asked, word):
    arguments = change(table)["arguments"]
    change(table, arguments=[word, *arguments])
    with pytest.raises(InputError, match="which no record says"):
        dx.reproduce(table)
    assert not asked


def test_arguments_that_are_no_words_or_too_many_are_refused(table, asked):
    arguments = change(table)["arguments"]
    for bad in ("--force", [["--force"]], None, {}, [*arguments, "more.fa"], []):
        change(table, arguments=bad)
        with pytest.raises(InputError, match="is no record"):
            dx.reproduce(table)
    assert not asked


def test_a_model_is_never_fetched(table, asked, monkeypatch):
    from huggingface_hub import constants

    tried = []
    monkeypatch.setattr(
        "socket.create_connection",
        lambda *a, **k: tried.append(a) or (_ for _ in ()).throw(OSError),
    )
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    arguments = [one for one in change(table)["arguments"] if not one.startswith("--model")]
    change(table, arguments=["--model=someone/x", *arguments])
    with pytest.raises(InputError, match="'someone/x' is not on this machine"):
        dx.reproduce(table)
    change(table, command="predict", arguments=["someone/x", arguments[-1]])
    with pytest.raises(InputError, match="'someone/x' is not on this machine"):
        dx.reproduce(table)
    change(table, command="variants", arguments=["--head=someone/x", arguments[-1]])
    with pytest.raises(InputError, match="'someone/x' is not on this machine"):
        dx.reproduce(table)
    assert not asked
    assert not tried
    assert constants.HF_HUB_OFFLINE is False
    assert "HF_HUB_OFFLINE" not in os.environ


def test_a_command_is_run_without_the_hub(table, monkeypatch):
    seen = []

    def run(words):
        seen.append((os.environ.get("HF_HUB_OFFLINE"), words))
        result = CliRunner().invoke(app, words)
        assert result.exit_code == 0, result.output

    monkeypatch.setattr(commands, "_run", run)
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    assert dx.reproduce(table).identical
    [(offline, words)] = seen
    assert offline == "1"
    assert words[-2] == "--"
    assert os.environ["HF_HUB_OFFLINE"] == "0"
