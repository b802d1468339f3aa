"""The map of an atlas: hidden classes, cards, space, densities, layers, vectors of a file."""

from __future__ import annotations

import ast
import csv
import io
from importlib import import_module

import numpy as np
import pytest

import dnabert2_explore as dx
from dnabert2_explore import InputError, Sequence
from dnabert2_explore.results.records import read_record
from dnabert2_explore.widgets.atlas.cards import card_of
from dnabert2_explore.widgets.atlas.mapping import projection
from dnabert2_explore.widgets.atlas.mapping.maps import LAYERS
from dnabert2_explore.widgets.core.remember import recall

from ..conftest import random_bases
from .conftest import event


@pytest.fixture(scope="module")
def thirty():
    return [
        Sequence(
            f"t{i}", random_bases(120, seed=i), label="abc"[i % 3], fields={"kind": str(i % 2)}
        )
        for i in range(30)
    ]


@pytest.fixture
def atlas(encoder, thirty):
    view = dx.AtlasExplorer(encoder, thirty)
    view.wait()
    return view


def sent(view, name, kind):
    return np.frombuffer(view.plot.marks[name], kind).tolist()


def test_points_and_marks_go_to_the_page_apart(atlas):
    cloud = atlas.plot.cloud
    places = np.frombuffer(cloud["positions"], np.float32).reshape(30, 2)
    np.testing.assert_allclose(places, atlas.plane, rtol=1e-5)
    event(atlas, event="chosen", points=[3, 4, 5])
    atlas.wait()
    assert sent(atlas, "chosen", np.uint32) == [3, 4, 5]
    shown = atlas.plot.cloud
    event(atlas, event="click", data=7, shift=False)
    assert atlas.plot.marks["current"] == 7
    assert atlas.plot.cloud is shown  # a click moves no points


def test_a_hidden_class_leaves_lasso_comparison_and_judgement(atlas, thirty):
    event(atlas, event="chosen", points=[0, 3, 6, 1, 4])  # of a and b
    atlas.wait()
    atlas._legend.hidden = ["b"]
    atlas.wait()
    assert atlas.plot.marks["hidden"] == [1]
    assert "10 of hidden classes are left out" in atlas.caption
    assert "3</b> of 20 chosen" in atlas.panel.count.value
    assert atlas.panel._found.kmers.n_selected == 3
    assert atlas.panel._found.kmers.n_rest == 17
    assert atlas.judgement.result.n == 20
    assert {trace.name for trace in atlas.figure.data if trace.showlegend} == {"a", "c"}
    atlas._legend.hidden = []
    atlas.wait()
    assert atlas.judgement.result.n == 30
    assert "5</b> of 30 chosen" in atlas.panel.count.value
    atlas._legend.hidden = ["b"]
    atlas.colour.value = "kind"  # has no class b: nothing is hidden any more
    assert atlas._legend.hidden == []
    assert "hidden" not in atlas.caption


def test_all_classes_hidden_is_no_error(atlas):
    atlas._legend.hidden = ["a", "b", "c"]
    atlas.wait()
    assert atlas._message.layout.display == "none"
    assert "30 of hidden classes" in atlas.caption


def test_a_card_names_the_point_and_its_tokens(atlas, encoder, monkeypatch):
    told = []
    monkeypatch.setattr(atlas.plot, "send", told.append)
    event(atlas, event="hover", data=4)
    (message,) = told
    assert message["do"] == "card"
    assert message["point"] == 4
    assert "<b>t4</b><br>label: b" in message["html"]
    tokens = encoder.tokenize(atlas.selection.sequences[4]).tokens
    assert f"<i>{tokens[1]}</i>" in message["html"]
    event(atlas, event="hover", data=400)
    assert len(told) == 1


def test_a_card_escapes_what_is_data(encoder):
    evil = Sequence("<b>x", "ACGT", fields={"species": "<script>"})
    html = card_of(evil, encoder, "a<b", "c<d")
    assert "<script>" not in html
    assert "<b>&lt;b&gt;x</b>" in html
    assert "a&lt;b: c&lt;d" in html


@pytest.mark.parametrize("method", ["PCA", "UMAP", "densMAP", LAYERS])
def test_every_map_in_space(atlas, method):
    atlas.projection.value = method
    atlas.three.value = True
    atlas.wait()
    assert atlas.plot.cloud["dims"] == 3
    assert atlas.plane.shape == (30, 3)
    assert "in three dimensions" in atlas.caption
    assert {trace.type for trace in atlas.figure.data} == {"scatter3d"}
    assert "axis 3" in atlas.judgement.words.value
    assert f"{method}3" in atlas.table
    assert atlas._message.layout.display == "none"


def test_densmap_gives_its_radii_as_columns(atlas):
    assert "radius" not in [value for _, value in atlas.colour.options]
    atlas.projection.value = "densMAP"
    atlas.wait()
    atlas.colour.value = "radius"
    assert atlas.values()[0] == "local radius (log)"
    rows = list(csv.reader(io.StringIO(atlas.table)))
    head, first = [row for row in rows if not row[0].startswith("#")][:2]
    at = head.index("log_radius")
    assert head[at + 1] == "log_radius_on_page"
    radii = atlas._made.radii
    assert float(first[at]) == pytest.approx(radii[0, 0], rel=1e-5)
    assert atlas._legend.scale["high"] == pytest.approx(radii[:, 0].max())


def test_layers_stand_over_each_other(atlas, encoder, thirty):
    atlas.projection.value = LAYERS
    atlas.wait()
    n = encoder.config.num_hidden_layers + 1
    assert len(atlas.plot.cloud["frames"]) == n
    assert "Procrustes" in atlas.caption
    spaces = {f"{i}": encoder.embed(thirty, layer=i) for i in range(n)}
    expected = dx.align_maps(spaces)
    np.testing.assert_allclose(atlas._made.planes, expected.planes, atol=1e-3)
    event(atlas, event="frame", frame=1)
    atlas.wait()
    assert "mean over the tokens of layer 1" in atlas.caption
    np.testing.assert_allclose(atlas._points().vectors, spaces["1"], rtol=1e-4, atol=1e-5)
    assert "align_maps" in atlas.code
    assert "planes[1]" in atlas.code
    atlas.space.value = "kmers"
    atlas.wait()
    assert "Only the model and its twin have layers" in atlas._message.value


def test_the_layer_on_the_slider_comes_back(atlas, tmp_path):
    atlas.projection.value = LAYERS
    atlas.wait()
    event(atlas, event="frame", frame=1)
    atlas.wait()
    table = tmp_path / "atlas.csv"
    table.write_text(atlas.to_csv())
    found = dx.reproduce(table)
    assert found.identical, found
    event(atlas, event="frame", frame=0)
    recall(atlas, read_record(table)["parameters"])
    assert atlas._frame == 1


def test_vectors_of_a_file_are_laid_out_as_they_are(encoder, thirty):
    vectors = np.random.default_rng(0).normal(size=(30, 5)).astype(np.float32)
    given = dx.EmbeddedSequences(tuple(thirty), vectors, "some file")
    view = dx.AtlasExplorer(encoder, given)
    view.wait()
    assert "vectors of some file" in view.caption
    np.testing.assert_array_equal(view._points().vectors, vectors)
    np.testing.assert_allclose(view.plane, dx.project(vectors, method="pca"), atol=1e-5)
    # What is added has no vector there, and none is made up by another model.
    view.selection.add([Sequence("mine", random_bases(100, seed=99))])
    view.wait()
    assert "1 whose vectors hold NaN are left out" in view.caption
    view.space.value = "model"
    view.wait()
    assert "of 31 sequences" in view.caption


def test_the_model_of_a_file_adds_to_it(encoder, thirty):
    vectors = encoder.embed(thirty)
    given = dx.EmbeddedSequences(tuple(thirty), vectors, "a store", encoder.weights_sha256)
    view = dx.AtlasExplorer(encoder, given)
    mine = Sequence("mine", random_bases(100, seed=99))
    view.selection.add([mine])
    view.wait()
    assert "of 31 sequences" in view.caption
    np.testing.assert_allclose(view._points().vectors[-1], encoder.embed([mine])[0], atol=1e-5)


def test_a_long_list_of_sequences_is_offered_in_parts(encoder):
    from dnabert2_explore.widgets.core.inputs import InputBar
    from dnabert2_explore.widgets.core.state import Selection

    selection = Selection()
    selection.add([Sequence(f"n{i}", "ACGT") for i in range(1203)])
    bar = InputBar(selection)
    assert len(bar.sequence.options) == 501
    assert bar.sequence.options[-1] == ("… 703 more", 500)
    bar.sequence.value = 500
    assert selection.index == 500
    assert bar.sequence.options[0] == ("… 500 before", 499)
    selection.update(index=1202)
    assert bar.sequence.options[-1][1] == 1202
    assert len(bar.sequence.options) == 204


def test_more_than_one_model_of_layers_is_refused_in_words():
    with pytest.raises(InputError, match="1 spaces"):
        dx.align_maps({"one": np.eye(4)})


@pytest.mark.parametrize("n", [3, 4, 11])
@pytest.mark.parametrize("same", [False, True])
def test_few_points_equal_points_one_class_and_one_name(encoder, n, same):
    few = [
        Sequence("twice", random_bases(80, seed=0 if same else i), label="one") for i in range(n)
    ]
    view = dx.AtlasExplorer(encoder, few)
    view.wait()
    for method in ("PCA", "UMAP", "densMAP", LAYERS):
        for three in (False, True):
            view.projection.value, view.three.value = method, three
            view.wait()
            assert view._message.layout.display == "none", view._message.value
            assert np.isfinite(view.plane).all()
            assert view.plane.shape == (n, 3 if three else 2)
    event(view, event="chosen", points=[0, 1])
    view.wait()
    assert f"2</b> of {n} chosen" in view.panel.count.value
    view._legend.hidden = ["one"]  # colours by set, GC and length: there is no such class
    assert view._message.layout.display == "none"


def test_the_process_of_umap_finds_what_it_imports():
    # Its program is text, which no import checker reads.
    found = [
        one for one in ast.walk(ast.parse(projection._PROGRAM)) if isinstance(one, ast.ImportFrom)
    ]
    assert len(found) == 2
    for one in found:
        assert all(hasattr(import_module(one.module), name.name) for name in one.names)
