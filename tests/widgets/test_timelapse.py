import csv
import json
import os
import shutil

import numpy as np
import pytest

import dnabert2_explore as dx
from dnabert2_explore.training.pretrain import pretrain
from dnabert2_explore.training.pretrain.tiny import tiny_run

from ..conftest import random_bases
from .conftest import event


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    pretrain(tiny_run(folder, steps=3, threads=1))
    return folder


@pytest.fixture(scope="module")
def probes():
    return [dx.Sequence(f"p{i}", random_bases(60, seed=i), label="ab"[i % 2]) for i in range(6)]


@pytest.fixture
def view(run, probes):
    view = dx.TimeLapseExplorer(run, probes, atlas=probes)
    view.wait(60)
    assert view.lapse is not None, view._message.value
    return view


def spec(view):
    return json.loads(view.plot.spec)


def trace(view, name):
    (found,) = [one for one in spec(view)["data"] if one["name"] == name]
    return found


def test_the_slider_goes_through_the_snapshots(view):
    assert view.slider.max == view.play.max == 3
    assert view.slider.value == 3
    assert "after step <b>3</b> of 3" in view._step.value
    seen = []
    for at in range(4):
        view.slider.value = at
        assert trace(view, "now")["x"] == [at]
        (points,) = [one for one in view.figure.data if one.name == "a"]
        seen.append(tuple(points.x))
        surprise = -np.nanmean(np.log(view.lapse.probability[at]))
        assert f"costs {surprise:.2f} nats" in view.caption
    assert len(set(seen)) == 4


def test_keys_step_and_clicks_select(view):
    event(view, event="key", key="ArrowLeft")
    assert view.slider.value == 2
    event(view, event="key", key="ArrowRight")
    event(view, event="key", key="ArrowRight")
    assert view.slider.value == 3
    start, end = (int(v) for v in view.lapse.tokens.spans[4])
    event(view, event="press", x=start + 1.1, y=0, panel="y", shift=False)
    assert view.selection.bases == (start, end)
    event(view, event="press", x=0.1, y=0, panel="y3", shift=False)  # in the atlas: no base
    assert view.selection.bases == (start, end)


def test_another_sequence_or_head_is_computed_once(view):
    first = view.lapse
    view.selection.update(index=1)
    view.wait(60)
    assert view.lapse.tokens.bases == view.selection.current.bases
    assert "p1" in view.caption
    view.selection.update(index=0)
    assert view.lapse is first
    view.head.value = 0
    view.wait(60)
    assert view.lapse.head == 0
    assert "head 1 of layer 2" in view.caption


def test_export_as_code_table_and_page(view):
    rows = [line for line in view.table.splitlines() if not line.startswith("#")]
    cut = rows.index("step,sequence,label,PC1,PC2")
    tokens = list(csv.DictReader(rows[:cut]))
    assert len(tokens) == 4 * int((~view.lapse.tokens.special).sum())
    assert len(rows) - cut - 1 == 4 * 6
    page = view.to_html()
    assert "after step " in page
    assert "play" in page
    # The default atlas is named by code; one of its own is the person's file.
    assert "read_sequences" in view.code
    assert f"find_snapshots({str(view.run)!r})" in view.code


def test_the_code_on_show_runs(run):
    view = dx.TimeLapseExplorer(run)
    view.wait(120)
    scope = {}
    exec(compile(view.code, "copied", "exec"), scope)
    assert np.allclose(scope["lapse"].planes, view.lapse.planes, atol=1e-5)


def test_a_result_can_be_shown_as_it_is(view):
    shown = dx.TimeLapseExplorer(view.lapse)
    assert shown.lapse is view.lapse
    assert trace(shown, "now")["x"] == [3]
    shown.slider.value = 1
    assert trace(shown, "now")["x"] == [1]


def test_what_cannot_be_shown_says_why(run, tmp_path, probes):
    absent = dx.TimeLapseExplorer(tmp_path / "none", probes)
    assert "no run folder" in absent._message.value
    bare = tmp_path / "bare"
    bare.mkdir()
    (bare / "log.csv").write_text("step,seconds\n5,1\n")
    os.utime(bare / "log.csv", (1, 1))  # stopped long ago
    assert "snapshots_every" in dx.TimeLapseExplorer(bare, probes)._message.value
    long = dx.TimeLapseExplorer(run, [dx.Sequence("long", "ACGT" * 1000)])
    assert "4,000 bp" in long.caption


def test_a_run_that_goes_on_is_waited_for(run, tmp_path, probes):
    # The view looks at any moment: each state is made aside, and put there at once.
    begun, ended, folder = (tmp_path / name for name in ("begun", "ended", "run"))
    begun.mkdir()
    folder.mkdir()
    shutil.copy(run / "run.json", begun)
    shutil.copytree(run / "snapshots" / "step-0000000", begun / "snapshots" / "step-0000000")
    shutil.copytree(run, ended)
    view = dx.TimeLapseExplorer(folder, probes, atlas=probes)
    assert "no run in" in view._message.value
    # The first snapshot is there before the first row of the log.
    begun.rename(folder)  # in the place of the empty one
    view._guarded(view._open)
    assert "no run in" in view._message.value
    folder.rename(begun)
    ended.rename(folder)
    view.wait(60)
    assert view.lapse is not None
    assert view._message.layout.display == "none"


def test_a_folder_of_snapshots_alone_will_do(run, tmp_path, probes):
    shutil.copytree(run / "snapshots", tmp_path / "kept")
    view = dx.TimeLapseExplorer(tmp_path / "kept", probes, atlas=probes)
    view.wait(60)
    assert len(view.lapse.steps) == 4
