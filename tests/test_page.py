"""The page's parts that need no browser: what is put into the file, and its script's arithmetic."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import dnabert2_explore as dx
from dnabert2_explore.encoder.inputs import cut_ids
from dnabert2_explore.page import Runtime, build_page

ASSETS = Path(dx.__file__).parent / "page" / "assets"


@pytest.fixture
def runtime(tmp_path, monkeypatch):
    def write_graph(network, path):
        path.write_bytes(b"graph")
        return ("logits", "attention_maps", "mean_vector")

    monkeypatch.setattr("dnabert2_explore.page.build.write_graph", write_graph)
    (tmp_path / "script").write_bytes(b"script")
    return Runtime(tmp_path / "script", tmp_path / "script")


def test_names_that_look_like_markup_stay_names(runtime, tmp_path):
    enc = dx.load("pocket-splice", dtype="float32", cache=False)
    enc.name = "</title>@PARTS@"
    names = ["@SCRIPT@", "</script><script>", "donor"]
    enc.config.id2label = dict(enumerate(names))
    enc.config.label2id = {name: i for i, name in enumerate(names)}
    page = build_page(enc, tmp_path / "page.html", runtime).read_text(encoding="utf-8")
    about = page.split('id="dx-about">')[1].split("</script>")[0]
    assert json.loads(about)["classes"] == names
    assert list(json.loads(about)["vocabulary"].values()) == list(range(len(enc.tokenizer)))
    assert page.count("<script") == 5  # four parts and the program
    assert page.count("const about = JSON.parse") == 1
    assert "<title>&lt;/title&gt;@PARTS@ · " in page


def test_a_model_of_pairs_makes_no_page(runtime, tmp_path):
    enc = dx.load("pocket-splice", dtype="float32", cache=False)
    enc.config.sequence_pairs = True
    with pytest.raises(dx.InputError, match="reads pairs of sequences"):
        build_page(enc, tmp_path / "page.html", runtime)
    assert not (tmp_path / "page.html").exists()


@pytest.fixture
def node():
    found = shutil.which("node")
    if found is None:
        pytest.skip("no node")

    def run(program: str):
        scripts = [(ASSETS / name).read_text() for name in ("tokenizer.js", "engine.js")]
        text = "\n".join([*scripts, f"(async () => {{ {program} }})();"])
        done = subprocess.run([found, "-"], input=text, capture_output=True, text=True, check=True)
        return json.loads(done.stdout)

    return run


_ENGINE = """
const names = ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]", "A", "C", "G", "T"];
const engine = new Engine();
engine.about = { anchor: null, layers: 4, heads: 6, outputs: ["logits"] };
engine.tokenizer = new Tokenizer(Object.fromEntries(names.map((x, i) => [x, i])), [], null);
"""


def test_a_head_wider_than_the_vocabulary_is_read_row_by_row(node):
    """Rows were taken to be as wide as the tokenizer's vocabulary."""
    width = 13
    found = node(f"""{_ENGINE}
const wide = {width};
engine.pass = async (rows) => ({{ logits: {{ data: Float32Array.from(
  rows.flatMap((row) => row.flatMap((id, t) => Array.from({{ length: wide }}, (_, v) =>
    Math.sin(1 + v * (t + 1) + row.reduce((sum, x, k) => sum + x * (k + 1), 0))))))
}} }});
const tokens = engine.encode("ACGT");
const values = await engine.depend({{ bases: "ACGT", tokens }}, () => {{}}, () => false);
console.log(JSON.stringify(Array.from(values, (x) => (Number.isNaN(x) ? null : x))));""")

    def log_probs(bases):
        ids = [1, *(5 + "ACGT".index(one) for one in bases), 2]
        total = sum(x * (k + 1) for k, x in enumerate(ids))
        rows = np.arange(1, len(ids) + 1)[:, None]
        logits = np.sin(1 + np.arange(width) * rows + total)
        return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))

    before, expected = log_probs("ACGT"), np.full((4, 6), np.nan)
    for i in range(4):
        after = [log_probs("ACGT"[:i] + x + "ACGT"[i + 1 :]) for x in "ACGT" if x != "ACGT"[i]]
        sums = [((np.exp(before) - np.exp(one)) * (before - one)).sum(axis=1) for one in after]
        expected[i, 1:5] = np.max(sums, axis=0)[1:5]
    np.testing.assert_allclose(np.array(found, dtype=float).reshape(4, 6), expected, atol=1e-4)


def test_inputs_are_cut_where_they_were_in_training(node):
    """`predict` cuts them, and the page answered for the whole in silence."""
    found = node(f"""{_ENGINE}
const long = "ACGTACGTAC";
const plain = engine.encode(long);
engine.about.limit = 6;
console.log(JSON.stringify([plain.length, engine.encode(long), engine.encode("ACGT").length]));""")
    whole, cut, short = found
    ids = [np.array([1, *[5, 6, 7, 8] * 2, 5, 6, 2])]
    assert (whole, short) == (12, 6)
    assert [one["id"] for one in cut] == cut_ids(ids, None, 6)[0].tolist()
    assert [one["end"] for one in cut] == [0, 1, 2, 3, 4, 4]
    assert cut[-1]["start"] == 4


def test_more_tokens_than_the_memory_holds_are_told(node):
    """Ten thousand N are as many tokens, whose attention takes ten gigabytes."""
    said = node(f"""{_ENGINE}
engine.pass = async () => {{ throw new Error("asked"); }};
const say = (error) => console.log(JSON.stringify(error.message));
await engine.read("N".repeat(10000)).catch(say);""")
    assert "10,002 tokens" in said
