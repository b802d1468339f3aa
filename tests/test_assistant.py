"""The tools for assistants: as functions, and through the protocol's own client over stdio."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dnabert2_explore.cli.look.assistant.tools import Tools
from dnabert2_explore.errors import ExploreError, InputError
from dnabert2_explore.results.records import read_record

FASTA = ">a\nACGTTGCATTAGCATGCAATTTGACCA\n>b\nGGGCATTAGCATGACATTTAGCCA\n"


@pytest.fixture
def tools(tmp_path):
    return Tools(tmp_path / "results")


def test_predictions_are_small_and_lie_in_a_file_with_its_record(tools, classifier_folder):
    found = tools.predict(FASTA, str(classifier_folder))
    assert found["rows"] == 2
    first = found["first"][0]
    total = sum(value for name, value in first.items() if name in ("donor", "acceptor", "neither"))
    assert total == pytest.approx(1, abs=1e-3) or len(first) >= 4
    assert read_record(found["file"])["command"] == "predict"
    again = tools.predict(FASTA, str(classifier_folder))
    assert again["file"] != found["file"]  # nothing is written over
    assert len(json.dumps(found)) < 5000


def test_the_largest_bases_of_an_attribution(tools, classifier_folder):
    found = tools.attribute(
        "ACGTTGCATTAGCATGCAATTTGACCA", "donor", str(classifier_folder), "occlusion", check=False
    )
    scores = [abs(row["score"]) for row in found["largest"]]
    assert scores == sorted(scores, reverse=True)
    assert len(scores) == 20
    assert found["target"] == "donor"
    with pytest.raises(InputError, match="has 2 sequences"):
        tools.attribute(FASTA, "donor", str(classifier_folder))


def test_what_is_wrong_is_one_sentence(tools, classifier_folder, tmp_path):
    for model in ("zhihan1996/DNABERT-2-117M", "nowhere"):
        with pytest.raises(InputError, match="no model on this machine"):
            tools.load(model)
    with pytest.raises(InputError, match="no file"):
        tools.predict("/nowhere/s.fa", str(classifier_folder))
    with pytest.raises(InputError, match="no file"):
        tools.variants("/nowhere/c.vcf", "/nowhere/g.fa")
    with pytest.raises(ExploreError, match=r"donor, acceptor, neither|class"):
        tools.attribute("ACGTACGTTGACA", "promoter", str(classifier_folder), "occlusion")
    assert not list(tmp_path.glob("*.fa"))


def test_calls_at_once_get_their_own_answers(tools, monkeypatch, classifier_folder):
    inside = []

    def run(*words):
        """A command that takes its time, and writes to no file that is there."""
        inside.append(words)
        assert len(inside) == 1, "two at once: standard output is swapped for the whole process"
        out = Path(words[words.index("-o") + 1])
        assert not out.exists()
        time.sleep(0.05)
        out.write_text("bases\n" + Path(words[2]).read_text().splitlines()[1] + "\n")
        inside.pop()
        return ""

    monkeypatch.setattr(Tools, "_run", staticmethod(run))
    given = ["ACGTACGT", "TTTTGGGG", "CCCCAAAA"]
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda one: tools.predict(one, str(classifier_folder)), given))
    assert [one["first"][0]["bases"] for one in found] == given
    assert len({one["file"] for one in found}) == 3
    assert not list(tools.folder.glob(".*"))  # marks go with the call


def test_two_servers_never_take_one_name(tmp_path):
    servers = [Tools(tmp_path), Tools(tmp_path)]
    with ThreadPoolExecutor(2) as pool:
        names = list(pool.map(lambda i: servers[i % 2]._new("predicted", ".csv"), range(20)))
    assert len(set(names)) == 20
    assert not any(one.exists() for one in names)  # commands write to no file that is there


def test_a_client_asks_over_stdio(tmp_path, classifier_folder):
    pytest.importorskip("mcp", reason="mcp is not installed: pip install -e '.[mcp]'")
    from mcp import Client, StdioServerParameters

    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "dnabert2_explore", "mcp", "--dir", str(tmp_path / "results")],
        env=dict(os.environ),
    )

    async def ask():
        async with Client(server) as client:
            offered = {tool.name for tool in (await client.list_tools()).tools}
            loaded = await client.call_tool("load", {"model": str(classifier_folder)})
            said = await client.call_tool(
                "predict", {"sequences": FASTA, "model": str(classifier_folder)}
            )
            wrong = await client.call_tool("load", {"model": "nowhere"})
            return offered, loaded, said, wrong

    offered, loaded, said, wrong = asyncio.run(asyncio.wait_for(ask(), 240))
    assert offered == {"load", "embed", "predict", "attribute", "variants", "motifs"}
    assert loaded.structured_content["classes"] == ["donor", "acceptor", "neither"]
    assert said.structured_content["rows"] == 2
    assert wrong.is_error
    assert "no model on this machine" in wrong.content[0].text
