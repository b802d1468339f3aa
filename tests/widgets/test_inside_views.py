"""Lens, layers and features as views: what they compute, when they ask first, what they say."""

from functools import partial

import numpy as np
import pytest

import dnabert2_explore as dx
from dnabert2_explore import Sequence
from dnabert2_explore.sequences.annotation.annotations import Annotation, Feature
from dnabert2_explore.widgets.views.features import explorer as feature_view, kept as kept_features
from dnabert2_explore.widgets.views.inside import layers as layer_view, on_demand

from .conftest import event


@pytest.fixture(autouse=True)
def _a_slow_machine_asks_for_nothing(monkeypatch):
    monkeypatch.setattr(on_demand, "LONG", np.inf)
    monkeypatch.setattr(layer_view, "LONG", np.inf)


def rebuilt(view, encoder):
    """What the view's own lines of Python make."""
    names = {}
    exec(view.code.replace(f"dx.load({encoder.source!r})", "encoder"), {"encoder": encoder}, names)
    return names["found"]


# The lens --------------------------------------------------------------------------------------


@pytest.fixture
def lens(encoder, sequences):
    view = dx.LensExplorer(encoder, [Sequence(s.name, s.bases[:60]) for s in sequences])
    view.wait()
    return view


def test_the_lens_is_that_of_the_verb(lens, encoder):
    expected = dx.lens(encoder, lens.selection.current.bases)
    np.testing.assert_array_equal(lens.result.rank, expected.rank)
    assert lens.result.twin is not None  # beside a network that learnt nothing, always
    names = {trace.name for trace in lens.figure.data}
    assert {"untrained", "without context", "last layer"} <= names
    np.testing.assert_array_equal(rebuilt(lens, encoder).rank, expected.rank)
    assert "twin_rank" in lens.table
    event(lens, event="key", key="U")
    assert "untrained network" in lens.caption
    assert "random weights" in lens.caption


def test_a_token_is_read_layer_by_layer(lens, encoder):
    start, end = (int(v) for v in lens.result.spans[2])
    event(lens, event="press", x=float(start + 1), y=0.0, panel="y", shift=False)
    assert lens.selection.bases == (start, end)
    column = lens.result.rank[:, 2]
    words = lens._read_out.value
    assert all(f"{rank:,} (" in words for rank in column)
    assert encoder.tokenizer.token(int(lens.result.best[-1, 2])) in words
    event(lens, event="key", key="ArrowRight")
    assert lens.selection.bases[0] == end


def test_a_long_lens_is_asked_for(encoder, sequences, monkeypatch):
    monkeypatch.setattr(on_demand, "LONG", 0.0)
    view = dx.LensExplorer(encoder, [Sequence("long", sequences[1].bases[:130])])
    view.wait()
    assert "All tokens in sight take about" in view._message.value
    assert view.result is None
    view.compute.click()
    view.wait()
    assert view.result is not None


# Layers ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def labelled(sequences):
    return [
        Sequence(f"{s.name} {k}", s.bases[5 * k : 5 * k + 60], label=s.label, fields=s.fields)
        for k in range(3)
        for s in sequences
    ]


def test_layers_are_scored_beside_their_nulls(encoder, labelled, monkeypatch):
    few = partial(dx.layers, poolings=["mean"])  # a third of the probes
    monkeypatch.setattr(layer_view, "layers", few)
    view = dx.LayersExplorer(encoder, labelled)
    view.wait()
    code = view.code.replace(f"dx.load({encoder.source!r})", "encoder")
    code = code.replace("list(dx.read_sequences('your_file.fa'))", "labelled")
    known = {"encoder": encoder, "labelled": labelled, "few": few}
    exec(code.replace("dx.layers(", "few("), known)
    found = known["found"]
    np.testing.assert_allclose(view.result.probe, found.probe)
    assert "shuffled labels up to" in view.caption
    assert "4-mers" in view.caption
    # The untrained network takes the model's place, and back.
    before = {trace.name: trace.y for trace in view.figure.data}
    event(view, event="key", key="U")
    after = {trace.name: trace.y for trace in view.figure.data}
    assert set(after) == {"mean, untrained", "mean, trained", "4-mers"}
    assert view.figure.data[0].name == "mean, untrained"  # the full line
    assert view.figure.data[0].line.dash is None
    np.testing.assert_array_equal(after["mean, untrained"], before["mean, untrained"])
    np.testing.assert_array_equal(after["mean, trained"], before["mean"])
    layer, _ = found.twin_best
    assert f"layer {layer} of an untrained network" in view.caption
    assert f"is best, {found.twin_probe.max():.3f}; 4-mers" in view.caption
    assert "shown='untrained'" in view.code
    event(view, event="key", key="T")
    event(view, event="key", key="N")
    assert view.figure.layout.yaxis.title.text.startswith("share of neighbours")
    assert view.table.splitlines()[1].startswith("layer,pooling,probe")
    monkeypatch.setattr(layer_view, "LONG", 0.0)
    view.classes.value = "category"
    assert set(view._labels()) == {"fungi", "virus"}
    assert "take about" in view._message.value


def test_layers_say_their_cost_and_what_is_missing(encoder, labelled, monkeypatch):
    monkeypatch.setattr(layer_view, "LONG", 0.0)
    view = dx.LayersExplorer(encoder, labelled)
    assert "take about" in view._message.value
    assert view._job is None
    assert view.compute.layout.display == ""
    view = dx.LayersExplorer(encoder, [Sequence("a", "ACGTTGCA" * 5)])
    assert "no labels" in view._message.value
    assert view._job is None


# Features --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained(encoder, sequences):
    return dx.features.train(encoder, sequences, 1, n_features=24, k=4, steps=10)


@pytest.fixture
def view(encoder, sequences, trained):
    view = dx.FeatureExplorer(encoder, sequences, features=trained)
    view.wait()
    return view


def test_a_feature_is_a_track_beside_its_nulls(view, encoder, sequences, trained):
    found = trained.read(encoder, sequences)
    feature = view.feature.value
    track = next(t for t in view.figure.data if t.name == f"feature {feature}")
    expected = found.track(feature, 0)
    for x, y in zip(track.x[::2], track.y[::2], strict=True):
        assert y == pytest.approx(float(expected[round(x - 0.5)]), abs=1e-5)
    row = found.table().set_index("feature").loc[feature]
    assert f"{row['token_share']:.0%}" in view.caption
    assert f"edge ×{row['edge']:.2f}" in view.caption
    assert f"untrained r {row['twin']:.2f}" in view.caption
    assert any(t.name == "untrained, most alike" for t in view.figure.data)
    assert view.table.splitlines()[1].startswith("feature,frequency,mean,token")


def test_the_untrained_networks_features_are_one_click_away(view, encoder, sequences, trained):
    found = trained.read(encoder, sequences)
    feature = view.feature.value
    alike = int(found.correlations()[feature].argmax())
    dotted = next(t for t in view.figure.data if t.name == "untrained, most alike")
    event(view, event="key", key="U")
    assert view.feature.value == alike  # what was dotted
    track = next(t for t in view.figure.data if t.name == f"feature {alike}")
    expected = found.twin.track(alike, 0)
    for x, y in zip(track.x[::2], track.y[::2], strict=True):
        assert y == pytest.approx(float(expected[round(x - 0.5)]), abs=1e-5)
    # The same shape, on the scale of the other.
    assert np.corrcoef(track.y, dotted.y)[0, 1] == pytest.approx(1)
    assert any(t.name == "trained, most alike" for t in view.figure.data)
    r = found.correlations()[:, alike].max()
    assert f"trained r {r:.2f}" in view.caption
    assert "of an untrained network" in view.caption
    assert "untrained network too" not in view.caption
    assert "random weights" in view.caption
    assert view.rows.rows[0][3] == found.twin.top(alike, n=12)["bases"].iloc[0]
    names = {"encoder": encoder, "sequences": sequences, "trained": trained}
    code = view.code.replace(f"dx.load({encoder.source!r})", "encoder")
    code = code.replace("list(dx.read_sequences('your_file.fa'))", "sequences")
    code = code.replace("dx.features.load('folder')", "trained")
    drawn = f"{code.rstrip()}".replace("feature_track(found", "figure = feature_track(found")
    exec(drawn, names)
    assert any(t.name == f"feature {alike}" for t in names["figure"].data)
    event(view, event="key", key="T")
    assert view.feature.value == feature  # where it came from


def test_what_untrained_features_are_enriched_in(view, encoder, sequences, trained):
    view.shown.value = "untrained"
    view.tab.value = feature_view.ENRICHED
    names = [one.name for one in view.selection.sequences]
    exons = {name: (Feature(20, 60, "+", "exon", "one"),) for name in names}
    view.selection.annotate(Annotation(exons, {}, "a.gff3"))
    found = view._known.readings(1).enrichment({"exon": [[(20, 60)]] * len(names)})
    view._known.enriched[1] = found
    view._draw()
    assert view.enrichment is found.twin
    assert [one["label"] for one in view.rows.columns] == ["stretches", "feature", "fold", "q"]
    view.paint.click()
    view.wait()
    ((field, values),) = view.selection.marks.items()
    assert field == f"feature {view.feature.value}, layer 1, untrained"
    twin = dx.random_twin(encoder, seed=trained.twin.seed)
    expected = trained.twin.read(twin, sequences).by_sequence()[:, view.feature.value]
    np.testing.assert_allclose([values[i] for i in range(len(names))], expected, atol=1e-5)


def test_windows_lead_to_their_place(view, sequences):
    top = view.readings.top(view.feature.value, n=12)
    assert view.rows.rows[0][3] == top["bases"].iloc[0]
    view.rows._receive(view.rows, {"event": "row", "key": 1}, [])
    second = top.iloc[1]
    assert view.selection.current.name == second["sequence"]
    assert view.selection.bases == (second["start"], second["end"])
    assert "Active at the selection" in view._read_out.value


def test_features_are_chosen_by_order_row_and_key(view):
    view.selection.update(bases=(20, 40))
    view.order.value = feature_view.HERE
    strengths = view._strengths()
    first = view.feature.options[0][1]
    assert strengths[first] == strengths.max()
    view.feature.value = first
    event(view, event="key", key="N")
    assert view.feature.value == view.feature.options[1][1]
    rows = view.figure.layout.yaxis.ticktext
    event(view, event="press", x=5.0, y=2.0, panel="y", shift=False)
    assert view.feature.value == int(rows[2])


def test_annotation_and_motifs_are_looked_up(view, monkeypatch):
    monkeypatch.setattr(
        "dnabert2_explore.sequences.motifs.jaspar.jaspar", lambda: [dx.jaspar_motif("TBP")]
    )
    monkeypatch.setattr(kept_features, "THRESHOLD", 5e-3)
    names = [one.name for one in view.selection.sequences]
    exons = {name: (Feature(20, 60, "+", "exon", "one"),) for name in names}
    view.selection.annotate(Annotation(exons, {}, "a.gff3"))
    view.tab.value = feature_view.ENRICHED
    assert "about" in view.enrich.description  # the cost stands on the button
    view.enrich.click()
    view.wait()
    found = view.enrichment
    assert "exon" in found.names
    assert any("TBP" in name for name in found.names)
    expected = view.readings.enrichment({"exon": [[(20, 60)]] * len(names)})
    mine = found.p_value[found.names.index("exon")]
    np.testing.assert_allclose(mine, expected.p_value[0], atol=1e-12)
    labels = [one["label"] for one in view.rows.columns]
    assert labels == ["stretches", "feature", "fold", "q", "untrained fold"]
    view.rows._receive(view.rows, {"event": "row", "key": view.rows.row_keys[0]}, [])
    assert view.feature.value == view.rows.row_keys[0]
    assert view.table.splitlines()[1].startswith("stretches,feature,fold,p,q")


def test_training_says_its_cost_and_can_be_cancelled(encoder, sequences):
    view = dx.FeatureExplorer(encoder, sequences)
    assert view._job is None
    assert "take about" in view._message.value
    assert "an untrained network beside" in view._message.value
    with pytest.raises(dx.InputError, match="train them first"):
        _ = view.table
    view.compute.click()
    view._job.cancel()
    view._cancelled()
    view._job.wait(20)
    assert view.features is None
    assert view.compute.layout.display == ""


def test_the_workbench_holds_them_in_the_maps_place(encoder, sequences):
    few = [Sequence(s.name, s.bases[:60]) for s in sequences[:4]]
    bench = dx.Workbench(encoder, classifier=encoder, sequences=few)
    for name in ("lens", "layers", "features"):
        shown = getattr(bench, name)
        assert not shown.active
        bench.maps.value = name
        assert shown.active
        assert shown.layout.display == ""
        assert bench.attention.layout.display == "none"
    bench.wait()
    bench.close()


def test_the_atlas_takes_a_feature_for_its_colour(encoder, sequences, trained):
    bench = dx.Workbench(encoder, classifier=encoder, sequences=sequences, embedder=encoder)
    bench.features._known.trained[1], bench.features.layer.value = trained, 1
    bench.maps.value = "features"
    bench.wait()
    shown = {}
    for tab in ("track", "windows"):  # one in the other's place
        bench.features.tab.value = tab
        shown[tab] = bench.features.plot.layout.display, bench.features._lists.layout.display
    assert shown == {"track": ("", "none"), "windows": ("none", "")}
    bench.features.paint.click()
    bench.wait()
    field, values = bench.atlas.values()
    assert field == f"feature {bench.features.feature.value}, layer 1"
    expected = trained.read(encoder, sequences).by_sequence()[:, bench.features.feature.value]
    np.testing.assert_allclose(values, expected, atol=1e-5)
    bench.close()
