"""`plot` finds the figure of a result; `table` gives its rows."""

from __future__ import annotations

import inspect

import ipywidgets
import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

import dnabert2_explore as dx
from dnabert2_explore.errors import InputError
from dnabert2_explore.figures.plots import _FIGURES
from dnabert2_explore.results.rich_display import RichDisplay

from ..training.gue.conftest import made_run
from . import samples


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plots")
    runs = [made_run("tf_2"), made_run("tf_4", wrong=10)]
    parts = (
        samples.attributed(),
        samples.read(),
        samples.motifs(),
        samples.maps(),
        samples.features(),
        samples.variants(),
    )
    return [one for part in (*parts, samples.trained(folder, runs)) for one in part]


#: What is shown without a figure of its own, and why.
WITHOUT = {
    "settings, files and what a command says": {
        "AttributionSettings", "FinetuneConfig", "PretrainConfig", "PretrainResult",
        "PredictionSummary", "Summary", "StoreCheck", "VariantScorer", "VcfSummary", "Reproduction",
        "Readings",
    },
    "sources, which other calls draw": {
        "EmbeddedSequences", "EmbeddingStore", "Encoder", "Genome", "ModelInfo", "Sequence",
        "Variant", "VariantScorer",
    },
    "rows, whose table says all of it": {
        "Audit", "DatasetAudit", "LeakageReport", "Match", "Matches", "NullRun", "StoreHits",
    },
    "parts of what is drawn": {"HitTokens", "Seqlets", "Sites"},
}  # fmt: skip


def test_every_public_result_is_drawn_or_said_to_have_no_figure():
    public = {
        name
        for name in dx.__all__
        if inspect.isclass(one := getattr(dx, name))
        and issubclass(one, RichDisplay)
        and not issubclass(one, ipywidgets.Widget)
    }
    without = set().union(*WITHOUT.values())
    assert public - set(_FIGURES) == without
    assert set(_FIGURES) <= public


def test_every_result_that_has_a_figure_is_drawn(results):
    drawn = set()
    for one in results:
        if type(one).__name__ not in _FIGURES:
            continue
        if type(one) is dx.DependencyMap and one.of == "donor":
            continue  # of one class: its figure is of tokens or bases
        figure = dx.plot(one, theme="dark")
        assert isinstance(figure, go.Figure), type(one)
        assert len(figure.data), type(one)
        assert figure.layout.paper_bgcolor in ("rgba(0,0,0,0)", None), type(one)
        drawn.add(type(one).__name__)
    assert drawn == set(_FIGURES)


def test_options_reach_the_figure_and_wrong_ones_are_named():
    attention = dx.attend(dx.load("pocket"), "ACGTTGCATTAGCATGCAATCCGA")
    head = dx.plot(attention, layer=1, head=2)
    assert head.data != dx.plot(attention, layer=1).data
    with pytest.raises(InputError, match="head is given without layer"):
        dx.plot(attention, head=1)
    with pytest.raises(InputError, match="has no option 'colour': choose of view, selected"):
        dx.plot(dx.load("pocket").tokenize("ACGTACGT"), colour="red")
    with pytest.raises(InputError, match="no figure of this Encoder: its name at the end"):
        dx.plot(dx.load("pocket"))
    with pytest.raises(InputError, match="no pattern 9 among 2"):
        dx.plot(samples.motifs()[-4], pattern=9)


def test_positions_are_an_atlas():
    plane = np.random.default_rng(0).normal(size=(5, 2))
    figure = dx.plot(plane, names=list("abcde"), values=["x", "x", "y", "y", "y"])
    assert sum(len(trace.x) for trace in figure.data if trace.x is not None) >= 5
    with pytest.raises(InputError, match=r"shape \(5, 3\) is no atlas"):
        dx.plot(np.zeros((5, 3)))


def test_an_interval_ends_where_the_score_says(results):
    scores = next(one for one in results if type(one).__name__ == "Scores")
    trace = dx.plot(scores).data[0]
    row = list(trace.y).index("MCC")
    mcc = scores.values["mcc"]
    assert trace.x[row] + trace.error_x.array[row] == pytest.approx(mcc.high)
    assert trace.x[row] - trace.error_x.arrayminus[row] == pytest.approx(mcc.low)


def test_tables_have_the_rows_of_their_results(results):
    made = 0
    for one in results:
        if hasattr(one, "table"):
            table = one.table()
            assert isinstance(table, pd.DataFrame), type(one)
            assert len(table), type(one)
            made += 1
    assert made > 20


def test_what_tables_hold():
    why, _, _, mutants, offsets, mirror = samples.attributed()[:6]
    tokens, bases = why.table(), why.table("base")
    assert tokens.score.sum() == pytest.approx(float(why.table().score.sum()))
    inside = bases.score[tokens.start[5] : tokens.end[5]].sum()
    assert inside == pytest.approx(tokens.score[5], abs=1e-5)
    assert "".join(bases.base) == why.tokens.bases
    with pytest.raises(InputError, match="choose 'token' or 'base'"):
        why.table("letter")
    table = mutants.table()
    assert len(table) == 3 * 40
    first = table.iloc[0]
    assert first.effect == mutants.effects[first.position, "ACGT".index(first.alt)]
    assert first.ref == why.tokens.bases[first.position]
    assert (table.ref != table.alt).all()
    assert offsets.table()["mean"].to_numpy() == pytest.approx(offsets.mean)
    assert mirror.table().reverse.iloc[0] == mirror.reverse.base_scores[-1]


def test_of_variants_that_were_not_scored_there_is_nothing_to_draw():
    genome = dx.Genome.from_records(dx.demo.windows()[:1])
    none = dx.score_variants(dx.load("pocket"), [dx.Variant("nowhere", 1, "A", "C")], genome)
    with pytest.raises(InputError, match="no variant was scored"):
        dx.plot(none)
