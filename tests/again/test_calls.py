"""A figure or table made in Python says which call made it, and is made again by that call."""

from __future__ import annotations

import gc
import inspect
import json
import re
import threading
import weakref

import numpy as np
import pandas as pd
import pytest

import dnabert2_explore as dx
from dnabert2_explore.errors import InputError
from dnabert2_explore.results.origins import origin_line, origin_of
from dnabert2_explore.results.records import KEYWORD, read_record, unpacked
from dnabert2_explore.results.rich_display import RichDisplay
from dnabert2_explore.tokens import Tokens

BASES = "ACGTTGCATTAGCATGCAATTTGACCATTGACAGGCATTAGC"


@pytest.fixture(scope="module")
def site():
    return dx.Sequence("site", BASES, label="b", fields={"species": "none"})


@pytest.fixture(scope="module")
def why(classifier, site):
    return dx.attribute(classifier, site, 1, method="input_x_gradient", output="probability")


WRITERS = {
    "figure.json": lambda why, file: dx.plot(why, theme="dark").write_json(file),
    "figure.html": lambda why, file: dx.plot(why, width=500).write_html(file),
    "page.html": lambda why, file: dx.plot(why).write_html(file, include_plotlyjs="cdn"),
    "tokens.csv": dx.write_table,
    "bases.tsv": lambda why, file: dx.write_table(why.table(per="base"), file),
    "tokens.parquet": dx.write_table,
    "pandas.parquet": lambda why, file: why.table().to_parquet(file),
}


@pytest.mark.parametrize("name", WRITERS)
def test_each_kind_of_file_is_made_again(name, why, classifier, tmp_path):
    file = tmp_path / name
    WRITERS[name](why, file)
    record = read_record(file)
    assert record["models"][0]["sha256"] == classifier.weights_sha256
    assert record["models"][0].keys() >= {"dtype", "attention", "device"}
    assert record["seed"] == 0
    assert record["versions"]["torch"]
    assert record["input_sha256"]
    made = next(iter(record["parameters"].values()))
    assert made["call"] == "attribute"
    assert made["parameters"]["output"] == "probability"
    assert made["parameters"]["baseline"] == "mean"  # defaults are written out
    found = dx.reproduce(file)
    assert found.identical, found
    assert not found.differences


@pytest.mark.parametrize("name", ["figure.json", "figure.html", "tokens.csv", "tokens.parquet"])
def test_a_number_that_was_changed_is_found(name, why, classifier, site, tmp_path):
    file = tmp_path / name
    WRITERS[name](why, file)
    other = dx.attribute(classifier, site, 2, method="input_x_gradient", output="probability")
    text = read_record(file) and file.read_bytes()
    WRITERS[name](other, file)
    fresh = file.read_bytes()
    mine, theirs = (re.search(rf'"?{KEYWORD}"?:[^\n]*?digest[^}}]*'.encode(), one)
                    for one in (text, fresh))  # fmt: skip
    if name == "tokens.csv":
        file.write_bytes(text.partition(b"\n")[0] + b"\n" + fresh.partition(b"\n")[2])
    elif name != "tokens.parquet":
        file.write_bytes(fresh.replace(theirs[0], mine[0]))
    else:
        table = other.table()
        table.attrs = why.table().attrs
        table.to_parquet(file)
    found = dx.reproduce(file)
    assert not found.identical
    assert found.largest > 0
    assert "now" in found.where


def test_what_is_made_of_results_says_how_they_were_made(enc, tmp_path):
    sequences = [BASES[i:] + BASES[:i] for i in range(6)]
    plane = dx.project(enc.embed(sequences, layer=1), method="pca")
    file = tmp_path / "atlas.json"
    dx.plot(plane, names=list("abcdef")).write_json(file)
    steps = [read_record(file)]
    while steps[-1] is not None:
        made = [one for one in steps[-1]["parameters"].values()
                if isinstance(one, dict) and one["is"] == "result"]  # fmt: skip
        steps.append(made[0] if made else None)
    assert [one["call"] for one in steps[:-1]] == ["plot", "project", "Encoder.embed"]
    assert dx.reproduce(file).identical
    plane[0] += 1  # what was changed by hand is not what the call made
    assert origin_of(plane) is None
    figure = dx.plot(plane)
    assert "call" not in json.loads(figure.layout.meta[KEYWORD])["parameters"]["result"]
    figure.write_json(file)
    assert dx.reproduce(file).identical  # but small enough to be kept as it is


def test_an_array_of_nothing_and_one_turned_round_have_an_origin(enc):
    vectors = np.zeros((0, 2))
    with pytest.raises(InputError):
        dx.project(vectors)
    turned = np.asfortranarray(enc.embed([BASES, BASES[4:], BASES[8:]]))
    assert dx.project(turned, method="pca").shape == (3, 2)
    assert dx.project(turned[::-1], method="pca").shape == (3, 2)


def test_parts_and_lists_know_their_call(classifier, site, tmp_path):
    several = dx.attribute(classifier, [site, BASES[5:]], 0, method="occlusion")
    file = dx.write_table(several[1], tmp_path / "second.csv")
    assert dx.reproduce(file).identical
    assert origin_of(several[1].tokens)[1] == (1, "tokens")
    table = several[0].tokens.table()
    assert json.loads(table.attrs[KEYWORD])["call"] == "Tokens.table"


def test_an_untrained_twin_is_made_again_too(classifier, site, tmp_path):
    twin = dx.random_twin(classifier, seed=3)
    file = tmp_path / "twin.json"
    dx.plot(dx.attend(twin, site)).write_json(file)
    assert dx.reproduce(file).identical
    record = read_record(file)
    made = record["parameters"]["result"]["parameters"]["enc"]
    assert made["call"] == "random_twin"
    assert made["model"]["sha256"] == twin.weights_sha256


def test_another_model_and_sequences_of_ones_own(why, enc, classifier_folder, tmp_path):
    file = dx.write_table(why, tmp_path / "t.csv")
    eager = dx.load(classifier_folder, device="cpu", attention="eager")
    found = dx.reproduce(file, model=eager)
    assert any(one.startswith("attention backend") for one in found.differences)
    letters = np.random.default_rng(0).choice(list("ACGT"), (5_500, 400))
    many = ["".join(row) for row in letters]
    hits = dx.scan_motifs(many, [dx.Motif.of_word("ACGTACGTA")], threshold=1e-5)
    file = dx.write_table(hits, tmp_path / "hits.csv")
    assert file.stat().st_size < 2_000_000
    with pytest.raises(InputError, match="too long to be kept"):
        dx.reproduce(file)
    assert dx.reproduce(file, sequences=many).identical


def test_a_file_asks_for_no_call_that_writes_and_none_that_is_not_public(why, tmp_path):
    file = tmp_path / "f.json"
    figure = dx.plot(why)
    record = json.loads(figure.layout.meta[KEYWORD])
    for call in ("finetune", "load", "reproduce", "os.system", "Encoder._limit", "Encoder.embed_to",
                 "write_table", "features.save", "Genome.close", "open_session"):  # fmt: skip
        changed = {**record, "call": call}
        changed.pop("digest")
        figure.layout.meta = {KEYWORD: json.dumps(changed)}
        figure.write_json(file)
        with pytest.raises(InputError, match=r"no call for|trains or writes"):
            dx.reproduce(file)
    for argument in ({"is": "object", "class": "Genome", "fields": {}}, {"is": "other"},
                     {"is": "object", "class": "Workbench", "fields": {}}):  # fmt: skip
        changed = {**record, "parameters": {"result": argument}}
        changed.pop("digest")
        figure.layout.meta = {KEYWORD: json.dumps(changed)}
        figure.write_json(file)
        with pytest.raises(InputError, match="no record holds"):
            dx.reproduce(file)
    damaged = json.dumps(record).replace('"seed": 0', '"seed": 1')
    figure.layout.meta = {KEYWORD: damaged}
    figure.write_json(file)
    with pytest.raises(InputError, match="digest does not fit"):
        dx.reproduce(file)


def test_the_caption_says_where_a_result_comes_from(why, classifier):
    line = origin_line(why)
    assert line.startswith("attribute(…) · weights ")
    assert classifier.weights_sha256[:12] in line
    assert "seed 0" in line
    assert "torch " in line
    bundle = why._repr_mimebundle_()
    assert line in bundle["text/html"]
    assert "attribute" in bundle["text/markdown"]


def test_a_result_keeps_no_model_alive(classifier_folder, site):
    own = dx.load(classifier_folder)
    result = dx.attend(own, site)
    tokens = own.tokenize(site)
    gone, digest = weakref.ref(own), own.weights_sha256
    del own
    gc.collect()
    assert gone() is None
    for one in (result, tokens):
        assert digest[:12] in origin_line(one)


def test_a_model_at_work_is_not_waited_for(classifier, site):
    told = []
    with classifier.lock:  # as a view's thread that attributes
        thread = threading.Thread(target=lambda: told.append(classifier.tokenize(site)))
        thread.start()
        thread.join(5)
    assert isinstance(told[0], Tokens)


def test_long_arguments_are_packed_and_shared(classifier):
    bases = BASES * 60
    frame = dx.attend(classifier, bases).tokens.table()
    record = json.loads(frame.attrs[KEYWORD])
    made = record["parameters"]["self"]["parameters"]["sequences"]
    assert made["is"] == "packed"
    assert json.loads(unpacked(made["text"])) == bases
    assert pd.concat([frame, frame]).shape[0] == 2 * len(frame)


def test_every_public_call_that_returns_a_result_records_itself():
    shown = {name for name in dx.__all__ if inspect.isclass(getattr(dx, name))}
    shown = {name for name in shown if issubclass(getattr(dx, name), RichDisplay)}
    # What a person hands in, what says itself how it was made, or nothing that was computed.
    data = {"Sequence", "Motif", "Variant", "AttributionSettings", "FinetuneConfig", "Encoder",
            "PretrainConfig", "Reproduction", "Scores", "Readings", "Genome",
            "VariantScorer"}  # fmt: skip
    silent = []
    for name in dx.__all__:
        found = getattr(dx, name)
        members = {name: found}
        # Views have records of their own.
        if inspect.isclass(found) and issubclass(found, RichDisplay):
            members = {f"{name}.{key}": one for key, one in vars(found).items()
                       if inspect.isfunction(one) and not key.startswith("_")}  # fmt: skip
        for title, call in members.items():
            if not inspect.isfunction(call) or hasattr(call, "__recorded__"):
                continue
            says = re.findall(r"\w+", str(inspect.signature(call).return_annotation))
            if set(says) & (shown - data):
                silent.append(title)
    assert silent == []
