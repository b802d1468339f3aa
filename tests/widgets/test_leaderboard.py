from __future__ import annotations

import csv

import pytest

from dnabert2_explore.training.gue import leaderboard
from dnabert2_explore.widgets.training.leaderboard import LeaderboardExplorer

from ..training.gue.conftest import make_run as make_run  # a fixture


@pytest.fixture
def folder(make_run, tmp_path):
    make_run("tf_2").save(tmp_path / "tf_2/mine-seed42.json")
    make_run("H3", state="reduced").save(tmp_path / "H3/mine-seed42.json")
    return tmp_path


def drawn(view):
    return {trace.name for trace in view.figure.data}


def test_reads_a_folder(folder):
    view = LeaderboardExplorer(folder)
    assert drawn(view) >= {"mine", "kmer", "DNABERT-2", "mine minus best rule"}
    assert "2 GUE datasets" in view.caption
    assert "the authors' protocol" in view.caption
    assert view._scores.value.count("reduced</i>") == 3  # run, baseline, best rule
    rows = list(csv.DictReader(view.table.splitlines()[1:]))
    assert {row["state"] for row in rows} == {"full", "reduced", "published"}


def test_chooses_what_to_compare_with(folder):
    view = LeaderboardExplorer(folder)
    view.against.value = "DNABERT-2"
    assert "mine minus DNABERT-2" in drawn(view)
    view.published.value = ("DNABERT 3-mer",)
    assert "DNABERT-2" not in drawn(view)
    assert view.against.value == ""


def test_code_rebuilds_the_view(folder):
    view = LeaderboardExplorer(folder)
    names = {}
    exec(view.code.replace("dx.plot(board", "figure = dx.plot(board"), names)
    assert {trace.name for trace in names["figure"].data} == drawn(view)


def test_new_results_show_when_read_again(folder, make_run):
    view = LeaderboardExplorer(folder)
    make_run("tf_4").save(folder / "tf_4/mine-seed42.json")
    view.refresh_button.click()
    assert view.board.datasets == ("H3", "tf_2", "tf_4")


def test_without_results(tmp_path, make_run):
    view = LeaderboardExplorer(tmp_path / "nowhere")
    assert view.figure is None
    assert "dnabert2-explore gue run" in view.caption
    view.results.value = str(tmp_path)  # a folder without results
    assert "holds no results" in view._message.value
    view = LeaderboardExplorer(leaderboard([make_run()]))
    assert "mine" in drawn(view)


def test_faults_of_an_audit_are_shown(folder, make_run):
    from ..training.gue.test_leaderboard import audited

    audited(make_run("tf_2")).save(folder / "audit.json")
    view = LeaderboardExplorer(folder)
    assert "wrong with 1 of these datasets" in view._scores.value
    assert "60 of 200 have a twin" in view._scores.value
    assert "<small>twins</small>" in view._scores.value
    assert "twins" in drawn(view)
