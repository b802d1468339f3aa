"""Which points an atlas shows: own sequences among others, and what is hard to show."""

from __future__ import annotations

import numpy as np
import pytest

import dnabert2_explore as dx
from dnabert2_explore import Sequence
from dnabert2_explore.figures.core.colours import OTHERS
from dnabert2_explore.widgets.atlas.mapping import spaces
from dnabert2_explore.widgets.core.state import MINE, Selection

from ..conftest import random_bases
from .conftest import event


def made(n, seed=0, **more):
    return [Sequence(f"r{i}", random_bases(100, seed=100 * seed + i), **more) for i in range(n)]


@pytest.fixture
def windows():
    selection = Selection()
    selection.add(made(20, label="ref"), "Windows")
    return selection


def atlas_of(encoder, selection, **more):
    view = dx.AtlasExplorer(encoder, selection=selection, **more)
    view.wait()
    return view


@pytest.mark.parametrize("points", ["", "Windows"])
@pytest.mark.parametrize("method", ["PCA", "UMAP"])
def test_own_sequences_join_the_others_and_do_not_move_them(encoder, windows, points, method):
    view = atlas_of(encoder, windows, points=points)
    view.projection.value = method
    before = view.plane.copy()
    for n in range(1, 6):  # from the third on they were a map of their own
        windows.add([Sequence(f"mine {n}", random_bases(100, seed=900 + n))])
        view.wait()
        assert f"of {20 + n} sequences" in view.caption, view._message.value
        np.testing.assert_allclose(view.plane[:20], before, atol=1e-5)
    assert "5 of them are placed in the map of the others" in view.caption
    assert view._legend.note == f"{MINE} (outlined) 5"
    figure = view._figure_alone()
    assert MINE in [trace.name for trace in figure.data if trace.showlegend]
    expected = dx.fit_projection(view.vectors[:20], method="pca").transform(view.vectors[20:])
    sign = 1 if method == "PCA" else -1  # what stands for UMAP in these tests
    np.testing.assert_allclose(view.plane[20:], sign * expected, atol=1e-4)


def test_own_sequences_alone_are_a_map_of_their_own(encoder):
    view = dx.AtlasExplorer(encoder, made(6))
    view.wait()
    assert "placed" not in view.caption
    assert view._legend.note == ""


def test_nan_is_left_out_and_said(encoder, windows, monkeypatch):
    fill = spaces.Spaces.vectors

    def holed(self, space, texts, layer, pooling):
        vectors = fill(self, space, texts, layer, pooling).copy()
        vectors[[t == windows.sequences[3].bases for t in texts]] = np.nan
        return vectors

    monkeypatch.setattr(spaces.Spaces, "vectors", holed)
    view = atlas_of(encoder, windows)
    assert "of 19 sequences" in view.caption
    assert "1 whose vectors hold NaN are left out" in view.caption
    assert np.isfinite(view.plane).all()
    assert view._message.layout.display == "none"


def test_identical_points_and_one_class(encoder):
    same = [Sequence("twice", "ACGTTGCATT" * 8, label="one") for _ in range(12)]
    view = dx.AtlasExplorer(encoder, same)
    view.wait()
    assert np.abs(view.plane).max() < 1e-3
    assert "label" not in [value for _, value in view.colour.options]
    event(view, event="chosen", points=[0, 1, 2])
    view.wait()
    view.panel.tabs.value = "Sequences"
    assert [row[0] for row in view.panel.rows.rows] == ["twice"] * 3  # names need not differ
    view.panel.rows._handle_custom_msg({"event": "row", "key": 2}, [])
    assert view.selection.index == 2
    assert view._message.layout.display == "none"


def test_ten_thousand_classes(encoder, monkeypatch):
    n = 10_000
    fake = np.random.default_rng(0).normal(size=(n, 6)).astype(np.float32)
    monkeypatch.setattr(spaces.Spaces, "ready", lambda self, *_: True)
    monkeypatch.setattr(spaces.Spaces, "vectors", lambda self, *_: fake)
    monkeypatch.setattr(spaces.Spaces, "fill", lambda self, *_, **__: 1e9)
    many = [Sequence(f"m{i}", "ACGTACGTAC", label=f"class {i}") for i in range(n)]
    view = dx.AtlasExplorer(encoder, many)
    view.judgement.stop()
    assert view.colour.value == "label"
    _, values = view.values()
    assert len(set(values)) == 41
    assert values.count(OTHERS) == n - 40
    assert len(view._legend.entries) == len(view.plot.cloud["palette"]) == 41
    assert view.plot.cloud["n"] == n
    assert view._maps.pending is None  # so many are laid out by UMAP only when asked
    view.panel.wait()


def test_what_a_file_says_of_its_vectors_is_no_html():
    from dnabert2_explore.widgets.atlas.chosen.words import caption_of

    said = caption_of(
        method="PCA", wanted="PCA", dimensions=2, n=3, whole=0,
        space="<img src=x onerror=alert(1)>",
        field="<b>x</b>", umap_is_ready=False, pending=False, too_long=0, not_finite=0, placed=0,
        hidden=0, model="<i>m</i>",
    )  # fmt: skip
    assert "<img" not in said
    assert "<b>" not in said
    assert "&lt;img" in said


def test_a_slow_model_begins_with_fewer_and_grows(encoder, monkeypatch):
    """The clock runs 2 s a sequence: 10 s are begun without being asked for."""
    clock = [0.0]
    embed = type(encoder).embed
    asked = []

    def slow(self, sequences, **settings):
        clock[0] += 2.0 * len(sequences)
        asked.append(len(sequences))
        return embed(self, sequences, **settings)

    monkeypatch.setattr(type(encoder), "embed", slow)
    monkeypatch.setattr(spaces.time, "thread_time", lambda: clock[0])
    monkeypatch.setattr(spaces, "_known", type(spaces._known)())
    view = dx.AtlasExplorer(encoder, made(100, seed=7, label="x"))
    view.wait()
    growth = view._growth
    assert 16 <= growth.n < 30  # what the first look took, and 10 s more
    assert f"PCA of {growth.n} sequences, drawn at random from 100" in view.caption
    assert view.plane.shape == (growth.n, 2)
    assert growth.words.value == f"{growth.n} of 100 sequences, drawn at random."
    assert growth.every.description == f"All (about {(100 - growth.n) * 2 / 60:.0f} min)"
    assert view._maps.pending is None
    before, few = view._shown, growth.n
    growth.more.click()
    view.wait()
    assert growth.n == len(view._shown) == 2 * few
    assert set(before) < set(view._shown)
    view.selection.add([Sequence("mine", random_bases(100, seed=999))])
    view.wait()
    assert view.selection.sets[view._shown[-1]] == MINE  # one's own are there at once
    view.compute.click()
    view.wait()
    assert growth.layout.display == "none"
    assert "of 101 sequences:" in view.caption
    assert sum(asked) >= 101
    np.testing.assert_allclose(view.vectors[0], embed(encoder, [view.selection.sequences[0]])[0],
                               atol=1e-5)  # fmt: skip


def test_growing_can_be_cancelled_and_keeps_its_map(encoder, monkeypatch):
    monkeypatch.setattr(spaces, "_known", type(spaces._known)())
    monkeypatch.setattr(spaces.time, "thread_time", iter(range(0, 10**6, 50)).__next__)
    view = dx.AtlasExplorer(encoder, made(60, seed=8))
    view.wait()
    there = len(view._shown)
    assert there < 60
    view._cancelled()
    assert f"{there} sequences stay on the map" in view._message.value
    assert view.plane.shape == (there, 2)


def test_every_column_colours(encoder):
    """Classes, numbers with gaps, more classes than colours, and columns named as ours are."""
    many = [
        Sequence(
            f"c{i}", random_bases(80, seed=i),
            fields={
                "kind": "ab"[i % 2], "score": "" if i == 3 else f"{i / 7:.3f}", "own": f"text {i}",
                "locus": f"locus {i % 45}", "gc": f"tag {i % 3}", "same": "x",
                "cluster": str(i % 20),
            },
        )
        for i in range(90)
    ]  # fmt: skip
    view = dx.AtlasExplorer(encoder, many)
    view.wait()
    offered = [words for words, _ in view.colour.options]
    assert offered == ["kind", "score", "locus", "gc", "cluster", "GC content (%)", "length (bp)",
                       "set"]  # fmt: skip
    for _, key in view.colour.options:
        view.colour.value = key
        field, values = view.values()
        assert len(values) == 90
        assert f"coloured by {field}" in view.caption
        assert view._message.layout.display == "none"
        assert view.figure is not None
        event(view, event="hover", data=3)
        event(view, event="chosen", points=[3, 4])
    view.colour.value = "score"
    _, values = view.values()
    assert np.isnan(values[3])
    assert values[7] == 1.0
    assert view._legend.scale["high"] == pytest.approx(89 / 7, abs=1e-3)
    assert "float(s.fields.get('score')" in view.code
    view.colour.value = "column gc"
    assert view.values() == ("gc", [f"tag {i % 3}" for i in range(90)])
    view.colour.value = "locus"
    assert OTHERS in view.values()[1]
    view.colour.value = "cluster"
    assert len(view._legend.entries) == 20
    view.wait()
