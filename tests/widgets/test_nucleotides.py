"""The nucleotide view without a browser: what it computes, when it asks first, what it says."""

import numpy as np
import pytest

import dnabert2_explore as dx
from dnabert2_explore import Sequence
from dnabert2_explore.widgets.views.inside import on_demand
from dnabert2_explore.widgets.views.inside.nucleotides import NucleotideExplorer

from .conftest import event


@pytest.fixture(autouse=True)
def _a_slow_machine_asks_for_nothing(monkeypatch):
    monkeypatch.setattr(on_demand, "LONG", np.inf)


@pytest.fixture
def view(encoder, sequences):
    view = NucleotideExplorer(encoder, [Sequence(s.name, s.bases[:60]) for s in sequences])
    view.wait()
    return view


def test_the_logo_is_that_of_the_verb(view, encoder):
    bases = view.selection.current.bases
    expected = dx.nucleotide_probabilities(encoder, bases)
    np.testing.assert_allclose(view.result.probabilities, expected.probabilities, atol=1e-5)
    assert view.result.twin is not None  # beside a network that learnt nothing, always
    assert "every token masked in turn" in view.caption
    assert str(encoder.info) in view.caption
    assert view.figure.layout.xaxis.range == (0.5, 60.5)
    names = {}
    exec(view.code.replace(f"dx.load({encoder.source!r})", "encoder"), {"encoder": encoder}, names)
    np.testing.assert_allclose(names["found"].probabilities, view.result.probabilities, atol=1e-5)
    assert "true" in view.table.splitlines()[1]


def test_the_untrained_networks_logo_is_one_click_away(view):
    twin = view.result.twin
    event(view, event="key", key="U")
    line = next(t for t in view.figure.data if t.name == "entropy, untrained")
    np.testing.assert_array_equal(line.y, twin.entropy)
    dotted = next(t for t in view.figure.data if t.name == "trained")
    np.testing.assert_array_equal(dotted.y, view.result.entropy)
    assert "an untrained network expects" in view.caption
    assert twin.model in view.caption
    assert "shown='untrained'" in view.code
    event(view, event="press", x=20.0, y=0.1, panel="y", shift=False)
    assert f"A {twin.probabilities[19, 0]:.2f}" in view._read_out.value
    event(view, event="key", key="T")
    assert "untrained" in {t.name for t in view.figure.data}


def test_a_base_is_read_out_and_its_token_selected(view, encoder):
    start, end = (int(v) for v in encoder.tokenize(view.selection.current.bases).spans[3])
    event(view, event="press", x=float(start + 1), y=0.1, panel="y", shift=False)
    assert view.selection.bases == (start, end)
    row = view.result.probabilities[start]
    assert f"Base {start + 1}," in view._read_out.value
    assert f"A {row[0]:.2f}" in view._read_out.value
    event(view, event="key", key="ArrowRight")
    assert view.selection.bases[0] == end
    assert view._read_out.value == ""


def test_what_takes_long_is_said_first(encoder, sequences, monkeypatch):
    monkeypatch.setattr(on_demand, "LONG", 0.0)
    view = NucleotideExplorer(encoder, [Sequence("long", sequences[0].bases[:100])])
    view.wait()
    assert "All bases in sight take about" in view._message.value
    assert view.result is None
    assert view.compute.layout.display == ""
    view.compute.click()
    view.wait()
    assert view.result is not None
    assert view.compute.layout.display == "none"


def test_nothing_is_computed_before_it_is_asked(encoder, classifier, sequences):
    view = NucleotideExplorer(encoder, [Sequence("a", sequences[0].bases[:50])], active=False)
    assert view._job is None
    view.activate(True)
    view.wait()
    assert view.result is not None
    view = NucleotideExplorer(classifier, sequences)
    assert "has no masked-LM head" in view.caption
    view = NucleotideExplorer(encoder, [Sequence("wide", "ACGTTGCA" * 200)])
    assert "zoom in" in view.caption
    view.selection.update(view=(100, 160))
    view.wait()
    assert view.result.region == (100, 160)


def test_the_workbench_shows_it_in_the_maps_place(encoder, sequences):
    bench = dx.Workbench(
        encoder, classifier=encoder, sequences=[Sequence("a", sequences[0].bases[:60])]
    )
    assert bench.nucleotides.layout.display == "none"
    bench.maps.value = "bases"
    bench.wait()
    assert bench.nucleotides.layout.display == ""
    assert bench.attention.layout.display == bench.dependencies.layout.display == "none"
    assert bench.nucleotides.result is not None
    bench.maps.value = "attention"
    assert bench.nucleotides.layout.display == "none"
    bench.close()
