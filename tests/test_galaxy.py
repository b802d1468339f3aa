"""The Galaxy wrappers: what they run exists, and their tests' files are read by it."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from dnabert2_explore import __version__
from dnabert2_explore.cli.app import app

GALAXY = Path(__file__).parents[1] / "galaxy"
TOOLS = sorted(GALAXY.glob("dnabert2_explore_*.xml"))


def command_of(tool: Path) -> list[str]:
    """The words of the wrapper's command, its variables by name."""
    text = ElementTree.parse(tool).getroot().find("command").text
    text = re.sub(r"^#.*$", "", text, flags=re.M)
    (part,) = [part for part in text.split("&&") if "dnabert2-explore" in part]
    return shlex.split(part)


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.stem)
def test_a_wrapper_runs_a_command_with_options_that_exist(tool):
    words = command_of(tool)
    assert words[0] == "dnabert2-explore"
    command = get_command(app).commands[words[1]]
    known = {name for one in command.params for name in (*one.opts, *one.secondary_opts)}
    text = tool.read_text()
    for word in re.findall(r"(?<![\w-])--?[a-z][a-z-]*", " ".join(words[2:])):
        assert word in known, word
    for argument in re.findall(r'argument="(--[a-z-]+)"', text):
        assert argument in known, argument
    macros = ElementTree.parse(GALAXY / "macros.xml").getroot()
    tokens = {one.get("name"): one.text for one in macros.findall("token")}
    assert tokens["@TOOL_VERSION@"] == __version__
    for name in re.findall(r'<param name="[a-z]+" value="([a-z]+\.[a-z]+)"', text):
        assert (GALAXY / "test-data" / name).is_file()


def test_the_four_commands_are_wrapped():
    assert [command_of(tool)[1] for tool in TOOLS] == ["attribute", "embed", "predict", "variants"]


def test_a_wrapped_command_gives_what_its_test_asks_for(tmp_path):
    """As Galaxy would run it; the others differ in their words only."""
    words = command_of(GALAXY / "dnabert2_explore_predict.xml")
    out = tmp_path / "predicted.tsv"
    place = {
        "$model": "pocket-splice",
        "input.${sequences.ext}": str(GALAXY / "test-data/sites.fa"),
    }
    given = [place.get(word, word).replace("predicted.tsv", str(out)) for word in words[1:]]
    result = CliRunner().invoke(app, given)
    assert result.exit_code == 0, result.output
    lines = out.read_text().splitlines()
    assert len(lines) == 4
    assert "acceptor" in lines[0]
