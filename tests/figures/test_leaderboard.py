from __future__ import annotations

import pytest

from dnabert2_explore.errors import InputError
from dnabert2_explore.figures.training.leaderboard import leaderboard_dots
from dnabert2_explore.training.gue import leaderboard

from ..training.gue.conftest import make_run as make_run  # a fixture


@pytest.fixture
def board(make_run):
    return leaderboard(
        [make_run("tf_2"), make_run("tf_4", wrong=10), make_run("H3", state="reduced")],
        published=("DNABERT-2", "DNABERT 6-mer"),
    )


def test_every_column_is_a_trace_and_every_score_a_dot(board):
    figure = leaderboard_dots(board)
    traces = {trace.name: trace for trace in figure.data}
    assert set(traces) >= {"mine", "kmer", "DNABERT-2", "DNABERT 6-mer", "mine minus best rule"}
    assert len(traces["mine"].x) == 4  # three datasets and the mean
    assert board.cells["tf_2", "mine"].score.value in traces["mine"].x
    assert board.means["mine"].value in traces["mine"].x
    assert "best rule" not in traces  # a dot of its own would lie on the rule's
    assert any("best rule (kmer)" in words for words in traces["mine minus best rule"].customdata)
    assert all(reach > 0 for reach in traces["mine"].error_x.array)


def test_published_scores_do_not_stand_beside_reduced_runs(board):
    figure = leaderboard_dots(board)
    traces = {trace.name: trace for trace in figure.data}
    assert len(traces["DNABERT-2"].x) == 3  # tf_2, tf_4, mean
    assert "H3 · reduced" in figure.layout.yaxis.ticktext
    assert list(traces["mine"].marker.symbol).count("circle-open") == 1
    assert any("reduced" in words for words in traces["mine"].customdata)


def test_gains_are_those_of_the_board(board):
    figure = leaderboard_dots(board, against="DNABERT-2")
    gains = next(trace for trace in figure.data if trace.name == "mine minus DNABERT-2")
    assert board.difference("mine", "DNABERT-2").score.value in gains.x
    assert figure.layout.xaxis2.title.text.startswith("run minus DNABERT-2")
    low, high = figure.layout.xaxis2.range
    assert low < 0 < high
    with pytest.raises(InputError, match="has no 'GPT'"):
        leaderboard_dots(board, against="GPT")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_hidden_columns_and_themes(board, theme):
    figure = leaderboard_dots(board, hidden=("kmer",), theme=theme, width=700)
    assert "kmer" not in {trace.name for trace in figure.data}
    assert figure.layout.height > 200
