"""The dependency view without a browser: what it computes, when it asks first, what it says."""

import numpy as np
import pytest

import dnabert2_explore as dx
from dnabert2_explore import Sequence
from dnabert2_explore.widgets.views.inside import on_demand
from dnabert2_explore.widgets.views.inside.dependencies import DependencyExplorer

from .conftest import event


@pytest.fixture
def view(encoder, sequences):
    view = DependencyExplorer(encoder, [Sequence(s.name, s.bases[:60]) for s in sequences])
    view.wait()
    return view


def test_the_map_is_that_of_the_verb(view, encoder):
    bases = view.selection.current.bases
    np.testing.assert_allclose(
        view.result.values, dx.dependency_map(encoder, bases).values, rtol=1e-3, atol=1e-6
    )
    assert "s0" in view.caption
    assert "agrees best" in view.caption
    assert "at equal distance" in view.caption
    assert str(encoder.info) in view.caption
    assert view.figure.layout.xaxis.range == (0.5, 60.5)


def test_the_twin_is_one_click_or_key_away(view):
    assert view.result.twin is None
    view.shown.value = "untrained"
    view.wait()
    assert view.result.twin is not None
    assert "untrained" in view.caption
    assert "random weights" in view.caption
    event(view, event="key", key="D")
    assert view.shown.value == "difference"
    heat = view.figure.data[1]
    assert heat.zmin == -heat.zmax
    event(view, event="key", key="T")
    assert view.shown.value == "trained"
    assert view.result.twin is not None  # kept


def test_a_cell_is_read_out_and_its_token_selected(view):
    tokens = view.result.tokens
    start, end = (int(v) for v in tokens.spans[3])
    other = int(tokens.spans[5, 0])
    event(view, event="press", x=float(start + 1), y=float(other + 1), panel="y", shift=False)
    assert view.selection.bases == (start, end)
    value = view.result.values[start, 5]
    assert (f"{value:.4f}" if not np.isnan(value) else "cut otherwise") in view._read_out.value
    assert len(view.figure.layout.shapes) == 2
    event(view, event="key", key="ArrowRight")
    assert view.selection.bases == tuple(int(v) for v in tokens.spans[4])


def test_what_takes_long_is_said_first(encoder, sequences, monkeypatch):
    monkeypatch.setattr(on_demand, "LONG", 0.0)
    view = DependencyExplorer(encoder, [Sequence("long", sequences[0].bases[:60])])
    view.wait()
    assert view.result is None
    assert "takes about" in view._message.value
    assert "180 mutants" in view._message.value
    assert view.compute.layout.display == ""
    view.compute.click()
    view.wait()
    assert view.result is not None
    assert view.compute.layout.display == "none"


def test_cancelled_work_can_be_begun_again(view):
    view._halted = False
    view._cancelled()
    assert "Cancelled" in view._message.value
    assert view.compute.layout.display == ""
    view.compute.click()
    view.wait()
    assert view.result is not None


def test_only_what_is_looked_at_is_computed(encoder, sequences):
    view = DependencyExplorer(encoder, [Sequence("a", sequences[0].bases[:50])], active=False)
    assert view.result is None
    assert view._job is None
    view.activate(True)
    view.wait()
    assert view.result is not None


def test_models_and_sequences_that_have_no_map(classifier, encoder, sequences, monkeypatch):
    view = DependencyExplorer(classifier, sequences)
    assert "has no masked-LM head" in view.caption
    monkeypatch.setattr(on_demand, "MOST", 40)
    view = DependencyExplorer(encoder, [Sequence("wide", sequences[0].bases[:90])])
    assert "zoom in" in view.caption
    view.selection.update(view=(10, 40))
    view.wait()
    assert view.result.region == (10, 40)


@pytest.mark.filterwarnings("ignore::dnabert2_explore.sequences.UnknownBasesWarning")
def test_short_and_unknown_sequences(encoder):
    view = DependencyExplorer(encoder, [Sequence("short", "A"), Sequence("blank", "NNNN")])
    view.wait()
    assert view.result is not None
    assert "agrees best" not in view.caption
    assert not view._message.value
    view.selection.update(index=1)
    view.wait()
    assert "has no A, C, G or T here" in view.caption
    assert not view._message.value


def test_exports_rebuild_the_view(view):
    view.shown.value = "difference"
    view.wait()
    assert "dx.dependency_map(enc, bases, (0, 60), of='tokens', twin=True)" in view.code
    assert "shown='difference'" in view.code
    header = next(line for line in view.table.splitlines() if not line.startswith("#"))
    assert header.startswith("position,base,start,end,column,own,change,twin")
    assert "<html" in view.to_html()
