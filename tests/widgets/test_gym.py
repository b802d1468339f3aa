import csv
import io
import json
from html import unescape

import numpy as np
import pytest

import dnabert2_explore as dx
from dnabert2_explore import InputError, Sequence
from dnabert2_explore.sequences.motifs.motif import Motif
from dnabert2_explore.widgets.marginalize.explorer import MotifGym

from ..conftest import random_bases
from .conftest import event

SITE = "GTAAGT"


@pytest.fixture(scope="module")
def backgrounds():
    made = [Sequence(f"b{i}", random_bases(60, seed=i), label="x") for i in range(3)]
    return [*made, Sequence("other", random_bases(60, seed=9), label="y")]


@pytest.fixture
def view(classifier, backgrounds):
    made = MotifGym(classifier, backgrounds, SITE)
    made.wait()
    return made


def spec(view):
    return json.loads(view.plot.spec)


def set_and_wait(view, **values):
    for name, value in values.items():
        getattr(view, name).value = value
    view.wait()


def test_every_position_in_all_backgrounds_alike_is_shown(view, backgrounds):
    assert view.result.sweep == "position"
    assert [one.name for one in view.result.backgrounds] == ["b0", "b1", "b2"]
    assert view.picked == view.result.peak
    text = unescape(view.caption)
    assert SITE in text
    assert "3 backgrounds" in text
    assert "b0" in text
    assert view.result.target_name in text
    assert "parameters" in text
    assert spec(view)["linked"]
    assert spec(view)["pressable"]


def test_the_picked_cell_is_explained_with_its_site_marked(view):
    row, column = view.picked
    start, end, *_ = view.result.places(row, column)[0]
    assert view.attribution.method == "saturation_mutagenesis"
    assert view.attribution.tokens.bases == view.result.sequence(row, column)
    assert view.attribution.score == pytest.approx(view.result.scores[row, column, 0], abs=1e-4)
    marks = json.loads(view.detail.spec)["layout"]["shapes"]
    assert [(one["x0"], one["x1"]) for one in marks] == [(start + 0.5, end + 0.5)]
    assert f"bases {start + 1}–{end}" in view._cell.value


def test_a_press_picks_a_cell(view):
    event(view, event="press", x=11.2, y=1.1, panel="y")
    view.wait()
    assert view.picked == (1, 10)
    assert view.attribution.tokens.bases[10:16] == "ACTTAC"
    line = view.result.effect[0, 30]
    event(view, event="press", x=31, y=float(line), panel="y2")
    view.wait()
    assert view.picked == (0, 30)
    event(view, event="key", key="ArrowRight")
    view.wait()
    assert view.picked == (0, 31)


def test_another_background_of_the_cell(view):
    view.which.value = 2
    view.method.value = "occlusion"
    view.wait()
    assert "occlusion of the cell" in view.caption
    assert view.attribution.method == "occlusion"
    assert view.attribution.tokens.bases == view.result.sequence(*view.picked, 2)


def test_other_sweeps_begin_at_the_place_that_was_picked(view):
    event(view, event="press", x=8, y=0, panel="y")
    view.wait()
    set_and_wait(view, sweep="copies")
    assert view.result.sweep == "copies"
    assert view.result.design.at == 7
    assert not spec(view)["linked"]
    view.at.value = "13"
    view.wait()
    assert view.result.design.at == 12
    view.at.value = "61"
    assert "expected a number from 1 to 60" in view._message.value
    assert view.plot.stale
    view.at.value = ""
    view.wait()
    assert view._message.value == ""
    assert not view.plot.stale
    assert view.result.design.at == 1  # 58 bp in the middle of 60


def test_a_place_that_was_picked_makes_room(view):
    event(view, event="press", x=55, y=0, panel="y")
    view.wait()
    set_and_wait(view, sweep="copies")
    assert view.result.design.at == 60 - 5 * 6


def test_two_motifs_have_an_interaction(view):
    set_and_wait(view, sweep="spacing", second="GATC")
    assert view.result.second.consensus == "GATC"
    view.shown.value = "interaction"
    np.testing.assert_allclose(view.figure.data[0].z, view.result.interaction, atol=1e-5)
    assert "beyond each alone" in view.caption
    assert len(json.loads(view.detail.spec)["layout"]["shapes"]) == 2
    set_and_wait(view, sweep="position")
    assert view.shown.value == "effect"


def test_indels_and_orientations(view):
    set_and_wait(view, sweep="indel", at="30")
    assert "deleted ones go there" in view.caption
    column = view.result.columns.values.index(-10)
    event(view, event="press", x=-10, y=1, panel="y")
    view.wait()
    assert view.picked == (1, column)
    assert view.detail.layout.display == "none"  # no 10 bases in a site of 6
    set_and_wait(view, sweep="orientation")
    assert view.detail.layout.display == ""
    assert "no site on any strand" in unescape(view.caption)


def test_shuffled_backgrounds_target_and_output(view, backgrounds, classifier):
    set_and_wait(view, backgrounds="shuffled")
    assert len(view.result.backgrounds) == 8
    assert backgrounds[0].bases not in [one.bases for one in view.result.backgrounds]
    assert "8 copies of b0" in view.caption
    set_and_wait(view, backgrounds="both", target=classifier.classes[2], output="probability")
    assert view.result.backgrounds[0].bases == backgrounds[0].bases
    assert view.result.target_name == classifier.classes[2]
    assert view.result.unit == "probability"
    assert view.attribution.unit == "probability"
    set_and_wait(view, backgrounds="one", step=10)
    assert view.result.columns.values == (0, 10, 20, 30, 40, 50)
    assert "Every 10 bp" in view.caption


def test_motifs_are_typed_and_refused(view):
    set_and_wait(view, motif="MA0139")
    assert view.result.motif.name == "CTCF"
    assert "CTCF (MA0139.2)" in unescape(view.caption)
    view.motif.value = "CTFC"
    assert "did you mean" in view._message.value
    assert "dx-error" in view._message._dom_classes
    assert view.plot.stale
    set_and_wait(view, motif="CTCF (MA0139.2)")
    assert view._message.value == ""
    assert not view.plot.stale
    set_and_wait(view, motif="ACGT" * 20)
    assert "longer than the background of 60 bp" in view._message.value


def test_a_sequence_and_a_zoom(view, backgrounds):
    view.selection.update(index=3)
    view.wait()
    assert [one.name for one in view.result.backgrounds] == ["other"]
    event(view, event="zoom", range=[10.5, 40.5])
    for plot in (view.plot, view.detail):
        assert json.loads(plot.spec)["layout"]["xaxis"]["range"] == [10.5, 40.5]


def test_cancelling_leaves_a_way_back(view, monkeypatch):
    from dnabert2_explore.widgets.marginalize import explorer as module

    def slow(*_args, progress, **_how):
        view._bar._button.click()
        progress(1, 2)

    with monkeypatch.context() as patch:
        patch.setattr(module, "marginalize", slow)
        set_and_wait(view, motif="CCCCC")
    assert "Cancelled" in view._message.value
    assert view.result.motif.consensus == SITE
    set_and_wait(view, target=view.enc.classes[0])
    assert view.result.motif.consensus == "CCCCC"


def test_what_is_on_show_is_faded_until_it_is_the_answer(view):
    assert not view.plot.stale
    assert not view.detail.stale
    view.motif.value = "no motif"
    assert view.plot.stale
    assert view.detail.stale
    set_and_wait(view, motif=SITE)
    assert not view.plot.stale
    assert not view.detail.stale
    marks = json.loads(view.detail.spec)["layout"]["shapes"]
    view._explain()  # asks nothing anew
    assert json.loads(view.detail.spec)["layout"]["shapes"] == marks
    assert not view.detail.stale


def test_a_model_without_classes_is_asked_for_masked_bases(encoder, backgrounds):
    view = MotifGym(encoder, backgrounds[0], "GATC")
    view.wait()
    assert view.result.unit == "nats"
    assert "log-likelihood" in view.caption
    assert view.target.layout.display == "none"
    view.selection.update(bases=(5, 9))
    view.wait()
    assert view.result.target == (5, 9)
    empty = np.flatnonzero(np.isnan(view.result.mean("effect")).all(axis=0))
    assert len(empty)  # over the masked bases
    before = view.picked
    event(view, event="press", x=float(empty[0] + 1), y=0.0, panel="y2")
    assert view._message.value == ""
    assert view.picked == before


def test_exports(view):
    set_and_wait(view, sweep="spacing")
    lines = [line for line in view.table.splitlines() if not line.startswith("#")]
    rows = list(csv.DictReader(io.StringIO("\n".join(lines))))
    assert len(rows) == view.result.scores.size
    assert {row["strands"] for row in rows} == {"++", "+-", "-+", "--"}
    assert float(rows[0]["interaction"]) == pytest.approx(
        view.result.of("interaction")[0, 0, 0], rel=1e-4
    )
    assert view._stem() == "gym-b0-spacing"
    assert "GTAAGT" in unescape(view.to_html())
    compile(view.code, "code", "exec")


def test_a_motif_of_ones_own_and_its_code(classifier, backgrounds):
    own = Motif("mine", np.array([[3, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [1, 0, 0, 0]]))
    view = MotifGym(classifier, backgrounds, own)
    view.wait()
    assert view.result.motif is own
    compile(view.code, "code", "exec")
    assert "Motif('mine'" in view.code


def test_the_code_of_a_second_motif_of_ones_own_runs(classifier, backgrounds):
    own = Motif("mine", np.array([[3, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [1, 0, 0, 0]]))
    view = MotifGym(classifier, backgrounds, SITE, sweep="spacing", second=own)
    view.wait()
    names = {}
    exec(view.code, names)
    np.testing.assert_allclose(names["result"].scores, view.result.scores, atol=1e-5)


def test_an_unknown_sweep_is_refused_at_once(classifier, backgrounds):
    with pytest.raises(InputError, match="choose one of position"):
        MotifGym(classifier, backgrounds, sweep="around")


def test_the_example_opens_on_a_motif_that_its_model_knows():
    view = MotifGym()
    view.step.value = 20
    view.wait()
    assert view.enc.name == "pocket-motif"
    assert view.result.target_name == "planted"
    assert view.selection.current.label == "decoy"
    # The same bases in another order do less, wherever they stand.
    result = view.result
    effect, shuffled = (x - result.baseline for x in (result.scores, result.control))
    assert effect.mean() > 1
    assert effect.mean() > shuffled.mean() + 1
    names = {}
    exec(view.code, names)
    np.testing.assert_allclose(names["result"].scores, view.result.scores, atol=1e-5)


def test_a_classifier_of_sites_finds_the_donor_and_runs_as_its_code_says():
    view = MotifGym(dx.load("pocket-splice"))
    view.step.value = 20
    view.wait()
    assert view.result.target_name == "donor"
    row, column = view.result.peak
    assert view.result.rows.values[row] == "+"
    assert 80 <= view.result.columns.values[column] <= 120
    names = {}
    exec(view.code, names)
    np.testing.assert_allclose(names["result"].scores, view.result.scores, atol=1e-5)
    assert names["result"].control_sites == view.result.control_sites
