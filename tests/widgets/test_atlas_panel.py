"""What a lasso leads to: tables, sequences, files, kept selections, motifs."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest

import dnabert2_explore as dx
from dnabert2_explore import Sequence, read_sequences
from dnabert2_explore.sequences import reverse_complement
from dnabert2_explore.widgets.atlas.chosen.exports import as_csv, as_fasta, as_training_csv

from ..conftest import random_bases
from .conftest import event

MOTIF = "TGACTCAGC"


@pytest.fixture(scope="module")
def planted():
    """Forty sequences, of which the first twelve hold a motif, on either strand."""
    made = []
    for i in range(40):
        bases = random_bases(150, seed=i)
        if i < 12:
            bases = bases[:60] + (MOTIF if i % 2 else reverse_complement(MOTIF)) + bases[69:]
        made.append(Sequence(f"p{i}", bases, label="ab"[i < 12], fields={"species": f"sp {i % 3}"}))
    return made


@pytest.fixture
def atlas(encoder, classifier, planted):
    view = dx.AtlasExplorer(encoder, planted, classifier=classifier)
    view.wait()
    return view


@pytest.fixture
def chosen(atlas):
    event(atlas, event="chosen", points=list(range(12)))
    atlas.wait()
    return atlas.panel


def press(panel, key):
    panel.rows._handle_custom_msg({"event": "row", "key": key}, [])


def words(panel):
    return [row[0] for row in panel.rows.rows]


def test_nothing_chosen_is_no_panel(atlas):
    assert not atlas.panel.shown
    tall = atlas.figure.layout.height
    event(atlas, event="chosen", points=[0, 1])
    assert atlas.panel.shown
    assert atlas.figure.layout.height < tall  # the page keeps its height
    event(atlas, event="key", key="Escape")
    assert not atlas.panel.shown


def test_what_was_planted_leads_the_table_and_to_its_places(chosen):
    assert "12</b> of 40 chosen" in chosen.count.value
    top = words(chosen)[0]
    assert top in MOTIF or reverse_complement(top) in MOTIF
    press(chosen, 0)
    selection = chosen.selection
    start, end = selection.bases
    found = selection.current.bases[start:end]
    assert found in (top, reverse_complement(top))
    assert selection.index in selection.chosen
    before = selection.index
    press(chosen, 0)
    assert selection.index != before  # on to the next that holds it
    assert chosen._found.kmers.n_selected == 12


def test_a_press_keeps_what_is_chosen_also_from_another_set(encoder, planted):
    view = dx.AtlasExplorer(encoder, planted)
    view.selection.sets = ("all",) * len(planted)
    view.selection.add([Sequence("other", random_bases(90))], "others")
    view.points.value = "all"
    view.wait()
    event(view, event="chosen", points=list(range(12)))
    view.wait()
    for tab in ("Enriched", "Sequences"):
        view.selection.update(index=40, chosen=tuple(range(12)))
        view.panel.tabs.value = tab
        press(view.panel, 0)
        assert view.selection.chosen == tuple(range(12))
        assert view.selection.index in range(12)


def test_tokens_and_motifs_are_counted_when_asked_for(chosen):
    assert chosen._tokens is None
    chosen.words.value = "tokens"
    chosen.wait()
    assert chosen._tokens is not None
    assert "tokens in 12 sequences" in chosen.why.value
    chosen.words.value = "motifs"
    chosen.wait()
    first = chosen.pictures.cards[0]
    assert "<svg" in first["svg"]
    assert "places" in first["lines"][0]
    assert "q = " in first["lines"][1]
    chosen.words.value = "k-mers"
    assert chosen.pictures.cards == []


def test_a_motif_leads_to_its_places(chosen):
    chosen.words.value = "motifs"
    chosen.wait()
    selection, seen = chosen.selection, set()
    name = chosen._found.motifs[0].name
    forms = {name, reverse_complement(name)}
    for _ in range(12):
        chosen.pictures._handle_custom_msg({"event": "card", "key": 0}, [])
        start, end = selection.bases
        there = selection.current.bases[start:end]
        # A member of the pool is the first k-mer with one mismatch, or a shift by two.
        assert min(sum(a != b for a, b in zip(there, form, strict=True)) for form in forms) <= 3
        seen.add(selection.index)
    assert len(seen) > 8  # one after the other
    assert seen <= set(selection.chosen) == set(range(12))
    assert chosen.pictures.current == 0
    chosen.pictures._handle_custom_msg({"event": "card", "key": 99}, [])


def test_composition_and_sequences(chosen):
    chosen.tabs.value = "Composition"
    assert "nearest neighbours of a chosen point" in chosen.why.value
    rows = {row[0]: row for row in chosen.rows.rows}
    assert rows["label: b"][1] == "100% (12)"
    assert "GC content (%)" in rows
    chosen.tabs.value = "Sequences"
    assert sorted(row[0] for row in chosen.rows.rows) == sorted(f"p{i}" for i in range(12))
    vectors = chosen._points.vectors[:12]
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    assert chosen.rows.rows[0][0] == f"p{(unit @ unit.mean(axis=0)).argmax()}"
    press(chosen, 7)
    assert chosen.selection.index == 7
    assert chosen.rows.current == 7
    chosen.which.value = False
    unit = chosen._points.vectors / np.linalg.norm(chosen._points.vectors, axis=1, keepdims=True)
    near = (unit[12:] @ unit[:12].mean(axis=0)).argsort()[::-1][:10] + 12
    assert [row[0] for row in chosen.rows.rows] == [f"p{i}" for i in near]
    assert "Of the rest, the 10 most like" in chosen.why.value


def test_kept_selections_combine_and_compare(chosen):
    chosen.name.value = "left"
    chosen.keep.click()
    chosen.selection.update(chosen=tuple(range(8, 20)))
    chosen.wait()
    chosen.keep.click()
    assert chosen.selection.kept == {
        "left": tuple(range(12)),
        "selection 1": tuple(range(8, 20)),
    }
    chosen.tabs.value = "Kept"
    assert chosen.rows.rows == [["left", 12], ["selection 1", 12]]
    chosen.first.value, chosen.second.value = "left", "selection 1"
    for how, expected in (("and", range(8, 12)), ("or", range(20)), ("minus", range(8))):
        chosen.how.value = how
        chosen.combine.click()
        assert chosen.selection.chosen == tuple(expected)
    press(chosen, 1)
    chosen.wait()
    assert chosen.selection.chosen == tuple(range(8, 20))
    chosen.tabs.value = "Enriched"
    chosen.against.value = "left"
    chosen.wait()
    assert (chosen._found.kmers.n_selected, chosen._found.kmers.n_rest) == (12, 8)


def test_what_is_kept_can_be_chosen_again_when_nothing_is(chosen, atlas):
    tall = atlas.height
    chosen.name.value = "mine"
    chosen.keep.click()
    event(atlas, event="key", key="Escape")
    assert not chosen.shown
    assert chosen.layout.display == ""
    assert atlas.figure.layout.height == tall  # the map has its place back
    assert "dx-with-chosen" not in atlas._dom_classes
    assert chosen.recalled.value == "mine"
    chosen.recall.click()
    assert chosen.selection.chosen == tuple(range(12))
    assert chosen.shown


def test_a_selection_becomes_a_set_of_all_views(chosen):
    chosen.name.value = "the planted"
    chosen.use.click()
    selection = chosen.selection
    assert selection.sets.count("the planted") == 12
    assert selection.current.name == "p0"
    assert selection.sets[selection.index] == "the planted"


def test_files(chosen, monkeypatch, tmp_path):
    sent = {}

    def send(message, buffers=None):
        sent[message["filename"]] = message.get("text") or bytes(buffers[0])

    monkeypatch.setattr(chosen.plot, "send", send)
    for button in chosen._files.children:
        button.click()
    names = [s.name for s in read_sequences(io.StringIO(sent["chosen.fa"]), name="chosen.fa")]
    assert names == [f"p{i}" for i in range(12)]
    table = read_sequences(io.StringIO(sent["chosen.csv"]), name="chosen.csv")
    assert table[3].fields["species"] == "sp 0"
    rows = list(csv.DictReader(io.StringIO(sent["chosen-and-rest.csv"])))
    assert [row["label"] for row in rows] == ["chosen"] * 12 + ["rest"] * 28
    assert sent["chosen-table.csv"].startswith("# ")
    assert "odds_ratio" in sent["chosen-table.csv"]
    anndata = pytest.importorskip("anndata")
    (tmp_path / "a.h5ad").write_bytes(sent["chosen.h5ad"])
    data = anndata.read_h5ad(tmp_path / "a.h5ad")
    np.testing.assert_allclose(data.X, chosen._points.vectors[:12], rtol=1e-6)
    assert list(data.obs["label"]) == ["b"] * 12


def test_everything_chosen_has_nothing_to_be_compared_with(atlas):
    event(atlas, event="chosen", points=list(range(40)))
    atlas.wait()
    assert "nothing else to compare with" in atlas.panel.why.value
    assert atlas.panel.rows.rows == []


def test_names_are_data(encoder):
    nasty = [Sequence(f"<b>x</b>\n>y{i}", random_bases(80, seed=i), label="=1+1") for i in range(6)]
    assert as_fasta(nasty).count(">") == 6 * 4  # the names' own, all on the header lines
    assert len(as_fasta(nasty).splitlines()) == 12
    assert len(list(csv.reader(io.StringIO(as_csv(nasty))))) == 7
    assert len(list(csv.reader(io.StringIO(as_training_csv(nasty[:2], nasty[2:]))))) == 7
    view = dx.AtlasExplorer(encoder, nasty)
    view.wait()
    event(view, event="chosen", points=[0, 1, 2])
    view.wait()
    view.panel.tabs.value = "Composition"
    assert "<b>x" not in view.panel.why.value


def test_motifs_say_their_cost_first_and_can_be_cancelled(chosen, monkeypatch):
    finder = chosen.finder
    chosen.words.value = "motifs"
    assert finder.target.options == finder.classifier.classes
    finder.button.click()
    finder.wait()
    assert "12 sequences will take about" in finder.said.value
    assert finder.button.description == "Start"
    finder.button.click()
    finder.bar._on_cancel()
    assert finder.said.value == "Cancelled."
    assert finder.findings is None


def test_motifs_of_a_model_without_a_head_are_refused_in_words(encoder, planted):
    view = dx.AtlasExplorer(encoder, planted)
    view.wait()
    assert view.panel.finder.button.disabled
    assert "Give a classifier" in view.panel.finder.said.value
