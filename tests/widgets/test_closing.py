"""A view that is closed is gone: it hears nothing, computes nothing, and nothing keeps it."""

from __future__ import annotations

import gc
import threading
import time
from weakref import ref

import pytest
from ipywidgets.widgets.widget import _instances

import dnabert2_explore as dx
from dnabert2_explore.widgets import Selection

BASES = "ACGTTGCATTAGCATGCAATCCGATTAGCATCGA"


@pytest.fixture
def selection():
    return Selection([dx.Sequence("one", BASES), dx.Sequence("two", BASES[::-1])])


def test_closed_attributions_compute_no_more(selection, monkeypatch):
    splice = dx.load("pocket-splice")
    views = [dx.AttributionExplorer(splice, selection=selection) for _ in range(3)]
    for view in views:
        view.wait(30)
    for view in views[:2]:
        view.close()
        view.close()  # again: nothing
    begun = []
    for view in views:
        monkeypatch.setattr(view, "_start", lambda *_args, view=view: begun.append(view))
    selection.update(index=1)
    assert begun == [views[2]]
    views[2].close()


def test_work_is_cancelled_and_its_result_not_applied(selection):
    view = dx.TokenExplorer(dx.load("pocket"), selection=selection)
    goes_on, applied = threading.Event(), []

    def work(progress):
        goes_on.wait(10)
        progress(1, 2)
        return 1

    view._start("waiting", work, applied.append)
    job = view._job
    view.close()
    goes_on.set()
    job.wait(10)
    assert job.cancelled
    assert not applied


@pytest.mark.parametrize("kind", [dx.TokenExplorer, dx.AttentionExplorer])
def test_fifty_views_leave_nothing_behind(selection, kind):
    enc = dx.load("pocket")
    first = kind(enc, selection=selection)  # what is shared by all views is made once
    first.wait(30)
    first.close()
    before, listeners = set(_instances), len(selection._listeners)
    gone = []
    for _ in range(50 if kind is dx.TokenExplorer else 5):
        view = kind(enc, selection=selection)
        view.wait(30)
        gone.append(ref(view))
        view.close()
    del view
    end = time.monotonic() + 5
    while any(one() is not None for one in gone) and time.monotonic() < end:
        time.sleep(0.02)  # threads that were cancelled are just ending
        gc.collect()
    left = set(_instances) - before
    assert not left, [type(_instances[one]).__name__ for one in left]
    assert len(selection._listeners) == listeners
    assert [one for one in gone if one() is not None] == []


def test_a_workbench_closes_with_all_its_views():
    bench = dx.Workbench(sequences=[dx.Sequence("one", BASES)])
    bench.wait(60)
    views = [bench.tokens, bench.attention, bench.attribution, bench.atlas, bench.dependencies]
    bench.close()
    assert all(view.comm is None for view in views)
    assert bench not in dx.Workbench.on_show()
    assert not bench.selection._listeners


def test_listeners_are_held_weakly_where_they_are_methods(selection):
    class Ear:
        def __init__(self):
            self.heard = []

        def hear(self, changed):
            self.heard.append(changed)

    ear, plain = Ear(), []
    selection.subscribe(ear.hear)
    end = selection.subscribe(plain.append)
    selection.update(bases=(1, 3))
    assert ear.heard == plain == [{"bases"}]
    del ear
    end()
    end()
    selection.update(bases=(2, 3))
    assert plain == [{"bases"}]
    assert selection._listeners == []
