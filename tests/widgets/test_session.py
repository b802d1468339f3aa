"""Files of views are made again, and sessions come back, from what they say of themselves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest
import torch

import dnabert2_explore as dx
from dnabert2_explore.errors import InputError
from dnabert2_explore.results.records import read_record
from dnabert2_explore.sequences import Sequence
from dnabert2_explore.widgets.session import SESSION
from dnabert2_explore.widgets.views.inside import on_demand

VIEWS = ("tokens", "attribution", "attention", "dependencies", "atlas")


@pytest.fixture(autouse=True)
def _a_slow_machine_asks_for_nothing(monkeypatch):
    monkeypatch.setattr(on_demand, "LONG", float("inf"))


@pytest.fixture
def bench(encoder, classifier, sequences):
    bench = dx.Workbench(encoder, classifier=classifier, sequences=sequences)
    bench.maps.value = "both"
    bench.wait()
    bench.attention.layer.value, bench.attention.head.value = 0, 1
    bench.attribution.method.value = "occlusion"
    bench.atlas.colour.value = "species"
    bench.selection.update(index=3)
    bench.selection.update(bases=(40, 52), view=(20, 120), chosen=(1, 2, 5))
    bench.selection.update(kept={"mine": (0, 4)})
    before = bench.selection.current.bases[60]
    bench.attribution._cursor = 60
    bench.attribution.mutate("A" if before != "A" else "C")
    bench.wait()
    return bench


def test_a_table_and_a_page_of_every_view_are_made_again(bench, tmp_path):
    for name in VIEWS:
        view = getattr(bench, name)
        table, page = tmp_path / f"{name}.csv", tmp_path / f"{name}.html"
        table.write_text(view.to_csv())
        page.write_text(view.to_html())
        record = read_record(page)
        assert record["models"]["enc"]["sha256"] == view.enc.weights_sha256
        assert record["models"]["enc"].keys() >= {"dtype", "attention", "device"}
        assert record["input"]["sha256"]
        for file in (table, page):
            found = dx.reproduce(file)
            assert found.identical, (name, found)
            assert not found.differences


def test_a_number_that_was_changed_is_found(bench, tmp_path):
    table = tmp_path / "view.csv"
    lines = bench.attribution.to_csv().splitlines()
    cells = lines[-1].split(",")
    lines[-1] = ",".join([*cells[:-1], str(float(cells[-1]) + 2)])
    table.write_text("\n".join(lines) + "\n")
    found = dx.reproduce(table)
    assert not found.identical
    assert found.largest == pytest.approx(2)
    assert "column occlusion" in found.where
    assert "differs; numbers by up to 2" in str(found)
    assert list(found.table()["difference"])


def test_another_model_is_told(bench, tmp_path, model_folder):
    other = dx.load(model_folder, device="cpu")
    with torch.no_grad():
        other.network.bert.encoder.layer[0].attention.self.Wqkv.weight *= 1.5
    table = tmp_path / "view.csv"
    table.write_text(bench.attention.to_csv())
    found = dx.reproduce(table, model=other)
    assert not found.identical
    assert found.differences[0].startswith("model: the weights' sha256")
    assert found.largest > 0


def test_a_model_that_is_not_here_is_not_fetched(bench, tmp_path, encoder):
    table = tmp_path / "view.csv"
    source, encoder.source = encoder.source, "somebody/some-model"
    checkpoint, encoder.checkpoint = encoder.checkpoint, None
    try:
        table.write_text(bench.tokens.to_csv())
    finally:
        encoder.source, encoder.checkpoint = source, checkpoint
    with pytest.raises(InputError, match="nothing is downloaded"):
        dx.reproduce(table)
    assert dx.reproduce(table, model=encoder).largest == 0


def test_sequences_too_long_for_the_file_are_asked_for(encoder, tmp_path, monkeypatch):
    own = Sequence("long", "ACGTTGCATTAGCATGCAAT" * 20)
    view = dx.TokenExplorer(encoder, [own])
    monkeypatch.setattr("dnabert2_explore.results.records._MOST", 40)
    table = tmp_path / "view.csv"
    table.write_text(view.to_csv())
    with pytest.raises(InputError, match="too long to be kept"):
        dx.reproduce(table)
    assert dx.reproduce(table, sequences=own).identical


def state(bench):
    return {
        name: (getattr(bench, name).table, getattr(bench, name).code, getattr(bench, name).caption)
        for name in VIEWS
    }


def test_a_session_comes_back_with_all_that_was_set(bench, tmp_path):
    folder = bench.save(tmp_path / "session")
    assert {one.name for one in folder.iterdir()} == {
        SESSION, "sequences.fa", *(f"{name}.csv" for name in VIEWS)
    }  # fmt: skip
    again = dx.open_session(folder)
    again.wait()
    assert state(again) == state(bench)
    for name in ("bases", "view", "index", "chosen", "kept", "sets", "sequences"):
        assert getattr(again.selection, name) == getattr(bench.selection, name), name
    assert again.attribution.edits == bench.attribution.edits != ()
    assert again.maps.value == "both"
    assert again.input.message.value == ""
    assert again.classifier.weights_sha256 == bench.classifier.weights_sha256
    assert dx.reproduce(folder).identical


def test_a_session_is_never_put_over_something_else(bench, tmp_path):
    folder = tmp_path / "session"
    bench.save(folder)
    with pytest.raises(InputError, match="holds a session already"):
        bench.save(folder)
    bench.save(folder, replace=True)
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.txt").write_text("years of work")
    for replace in (False, True):
        with pytest.raises(InputError, match="holds other files"):
            bench.save(other, replace=replace)
    assert [one.name for one in other.iterdir()] == ["thesis.txt"]
    with pytest.raises(InputError, match=r"holds no session\.json"):
        dx.open_session(other)


def test_a_file_of_the_users_in_a_session_is_never_lost(bench, tmp_path):
    folder = bench.save(tmp_path / "session")
    before = {one.name: one.read_bytes() for one in folder.iterdir()}
    for name, write in (("notes.txt", True), ("figures", False), ("atlas.csv", False)):
        own = folder / name
        own.unlink(missing_ok=True)
        _ = own.write_text("years of work") if write else own.mkdir()
        with pytest.raises(InputError, match=f"holds {name}, which no session writes"):
            bench.save(folder, replace=True)
        bench.session.folder.value = str(folder)
        bench.session.saving.click()
        bench.session.saving.click()
        assert f"holds {name}, which no session writes" in bench.input.message.value
        assert own.exists()
        _ = own.unlink() if write else own.rmdir()
    assert (folder / SESSION).read_bytes() == before[SESSION]
    bench.save(folder, replace=True)


def test_the_predicted_bases_come_back_and_are_made_again(encoder, classifier, sequences, tmp_path):
    short = [Sequence(one.name, one.bases[:90]) for one in sequences]
    bench = dx.Workbench(encoder, classifier=classifier, sequences=short)
    bench.maps.value = "bases"
    bench.selection.update(index=1, bases=(40, 46), view=(20, 60))
    bench.nucleotides._regions[short[1].bases] = (20, 60)  # of a machine that was slow
    bench.wait()
    folder = bench.save(tmp_path / "session")
    table, page = folder / "nucleotides.csv", tmp_path / "nucleotides.html"
    page.write_text(bench.nucleotides.to_html())
    for file in (table, page):
        found = dx.reproduce(file)
        assert found.identical, found
    again = dx.open_session(folder)
    again.wait()
    assert again.maps.value == "bases"
    assert again.nucleotides.result.region == (20, 60)
    assert again.nucleotides.table == bench.nucleotides.table
    again.selection.update(view=(10, 60))
    again.wait()
    assert again.nucleotides.result.region == (0, 90)


def test_what_is_said_of_a_session_follows_its_tables(bench, tmp_path, model_folder):
    folder = bench.save(tmp_path / "session")
    for name in ("attribution", "attention", "dependencies", "atlas"):  # one is enough, and quick
        (folder / f"{name}.csv").unlink()
    found = dx.reproduce(folder)
    assert not found.identical
    assert "atlas.csv: is not in the folder any more" in found.differences
    state = json.loads((folder / SESSION).read_text())
    del state["digest"]
    state["tables"] = ["tokens"]
    (folder / SESSION).write_text(json.dumps(state))
    assert dx.reproduce(folder).identical
    found = dx.reproduce(folder, model=dx.load(model_folder, device="cpu", attention="eager"))
    assert found.identical, found  # another backend, and the same values
    assert any("attention backend" in one for one in found.differences)
    (folder / "tokens.csv").unlink()
    del state["tables"]
    (folder / SESSION).write_text(json.dumps(state))
    found = dx.reproduce(folder)
    assert not found.identical
    assert "nothing was compared" in str(found)


def test_a_session_of_before_a_view_was_there_is_opened(bench, tmp_path):
    folder = bench.save(tmp_path / "session")
    state = json.loads((folder / SESSION).read_text())
    del state["digest"], state["parameters"]["nucleotides"]
    (folder / SESSION).write_text(json.dumps(state))
    assert dx.open_session(folder).selection.index == 3


def test_a_damaged_session_is_refused_and_other_weights_are_told(bench, tmp_path, classifier):
    folder = bench.save(tmp_path / "session")
    text = (folder / SESSION).read_text()
    (folder / SESSION).write_text(text.replace('"side": "Atlas"', '"side": "Antlas"'))
    with pytest.raises(InputError, match="not what was written"):
        dx.open_session(folder)
    (folder / SESSION).write_text(text)
    changed = json.loads(text)
    del changed["digest"]  # as the message says for a change by hand
    changed["models"]["encoder"]["sha256"] = "0" * 64
    (folder / SESSION).write_text(json.dumps(changed))
    again = dx.open_session(folder)
    again.wait()
    assert "encoder: the weights are others" in again.input.message.value


def test_the_buttons_save_and_open(bench, tmp_path):
    bar = bench.session
    assert bar.layout.display == "none"
    bar.button.value = True
    assert bar.layout.display == ""
    bar.folder.value = str(tmp_path / "by-button")
    bar.saving.click()
    assert "Saved to" in bench.input.message.value
    bench.selection.update(index=0)
    bench.selection.add([Sequence("new", "ACGTTGCATTAGCATGCAAT" * 8)])
    bench.wait()
    bar.opening.click()
    bench.wait()
    assert bench.selection.index == 3
    assert len(bench.selection.sequences) == 8
    bar.saving.click()
    assert "press Save again" in bench.input.message.value
    bar.saving.click()
    assert "Saved to" in bench.input.message.value
    bar.folder.value = str(tmp_path / "nowhere")
    bar.opening.click()
    assert "holds no session.json" in bench.input.message.value


@pytest.mark.skipif(os.name == "nt", reason="kills with SIGKILL")
def test_a_save_that_is_killed_leaves_a_whole_session(bench, tmp_path):
    folder = bench.save(tmp_path / "session")
    script = (
        "import sys, json\nfrom pathlib import Path\n"
        "from dnabert2_explore.common.files import putting\n"
        "print('go', flush=True)\n"
        "while True:\n"
        "    with putting(Path(sys.argv[1])) as fresh:\n"
        "        (fresh / 'session.json').write_text(sys.argv[2])\n"
    )
    text = (folder / SESSION).read_text()
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(folder), text], stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    again = dx.open_session(folder)
    assert again.selection.index == 3
