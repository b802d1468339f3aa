"""The attribution view beyond one method: comparison, mutations, scorecard, motifs."""

import base64
import re

import numpy as np
import pytest

import dnabert2_explore as dx
from dnabert2_explore import Sequence
from dnabert2_explore.analysis.attribution import attribute
from dnabert2_explore.sequences import mutate, reverse_complement
from dnabert2_explore.widgets.attribution import tasks as attribution_tasks
from dnabert2_explore.widgets.attribution.tasks import typed_motifs
from dnabert2_explore.widgets.examples import Site
from dnabert2_explore.widgets.views.mutations import changed_tokens

from .conftest import event

NUMBER = re.compile(r"[-+−]?\d+\.\d+")


@pytest.fixture
def view(classifier, sequences):
    view = dx.AttributionExplorer(classifier, sequences[:3], n_steps=10)
    view.method.value = "input_x_gradient"
    view.wait()
    return view


def rebuilt(view, enc):
    """The figure that the copied code gives."""
    lines = view.code.splitlines()
    scope = {"loaded": enc}
    exec("\n".join("enc = loaded" if one.startswith("enc =") else one for one in lines[:-1]), scope)
    return eval(lines[-1], scope)


def differences(figure, other):
    """Where two figures draw differently, beyond the rounding of two computations."""
    ours, theirs = figure.to_plotly_json(), other.to_plotly_json()
    theirs["layout"] = theirs["layout"] | {"dragmode": ours["layout"]["dragmode"]}
    theirs["layout"].pop("meta", None)  # where it comes from is not drawn
    return list(apart(ours, theirs, "figure"))


def apart(a, b, where):
    a, b = unpacked(a), unpacked(b)
    if isinstance(a, dict) and isinstance(b, dict):
        for key in a.keys() | b.keys():
            yield from apart(a.get(key, "missing"), b.get(key, "missing"), f"{where}.{key}")
    elif isinstance(a, list | tuple) and isinstance(b, list | tuple) and len(a) == len(b):
        for i, (x, y) in enumerate(zip(a, b, strict=True)):
            yield from apart(x, y, f"{where}[{i}]")
    elif isinstance(a, float) or isinstance(b, float):
        if not (isinstance(a, float | int) and a == pytest.approx(b, abs=2e-4, nan_ok=True)):
            yield where, a, b
    elif isinstance(a, str) and isinstance(b, str):
        if NUMBER.sub("#", a) != NUMBER.sub("#", b) or not close(numbers(a), numbers(b)):
            yield where, a, b
    elif a != b:
        yield where, a, b


def numbers(text):
    """Numbers in a text and their last digits' worth: rounding may fall on either side of one."""
    found = [one.replace("−", "-") for one in NUMBER.findall(text)]
    return [(float(one), 10.0 ** -len(one.partition(".")[2])) for one in found]


def close(ours, theirs):
    return all(abs(x - y) < 1.01 * step for (x, step), (y, _) in zip(ours, theirs, strict=True))


def unpacked(content):
    """Plotly writes arrays as base64: text that one last bit makes another."""
    if isinstance(content, np.ndarray):
        return content.tolist()
    if not (isinstance(content, dict) and "bdata" in content):
        return content
    values = np.frombuffer(base64.b64decode(content["bdata"]), content["dtype"])
    if "shape" in content:
        values = values.reshape([int(n) for n in content["shape"].split(",")])
    return values.tolist()


def press(view, panel, x, y=0.0, shift=False):
    event(view, event="press", x=x, y=y, panel=panel, shift=shift)


# Settings ------------------------------------------------------------------------------------


def test_nothing_more_is_shown_or_computed_until_it_is_asked_for(view):
    assert view.shown.plain
    assert view.controls.panel.layout.display == "none"
    assert view.mutations.layout.display == "none"
    assert view._correlations.children == ()
    assert list(view._plan()) == ["main", "others"]
    assert view._plan()["others"] == []


def test_output_baseline_and_spread_reach_the_method_and_the_caption(view, classifier):
    view.method.value = "occlusion"
    view.controls.output.value = "probability"
    view.controls.baseline.value = "zero"
    view.controls.spread.value = "occlusion"
    view.wait()
    result = view.result
    assert (result.unit, result.baseline, result.spread) == ("probability", "zero", "occlusion")
    expected = attribute(
        classifier,
        view.selection.current,
        None,
        method="occlusion",
        output="probability",
        baseline="zero",
        spread="occlusion",
    )
    assert np.allclose(result.base_scores, expected.base_scores, atol=1e-6)
    assert "embedding set to zero" in view.caption
    assert "replacement by N" in view.caption
    assert differences(view.figure, rebuilt(view, classifier)) == []


def test_what_a_method_has_no_use_for_is_not_offered(view):
    controls = view.controls
    assert controls.baseline.layout.display == "none"
    assert controls.steps.layout.display == "none"
    view.method.value = "mutagenesis_gradient"
    assert controls.spread.layout.display == "none"
    view.method.value = "layer_conductance"
    assert controls.baseline.layout.display == controls.steps.layout.display == ""
    view.wait()


def test_more_says_what_is_on_while_it_is_folded(view):
    view.controls.more.value = True
    view.controls.strands.value = True
    assert view.controls.more.description == "More"
    view.controls.more.value = False
    assert view.controls.more.description == "More (1 on)"
    view.wait()


# Comparison ----------------------------------------------------------------------------------


def test_methods_are_stacked_and_their_ranks_correlated(view, classifier):
    view.controls.compare.value = True
    for name in ("saliency", "occlusion"):
        view.controls.others[name].value = True
    view.wait()
    assert [one.method for one in view.shown.others] == ["saliency", "occlusion"]
    assert view.shown.panels == ["token", "base", "base", "base"]
    assert "Spearman" in view.caption
    n = len(view.selection.current)
    assert f"over {n} bases" in view.caption
    assert len(view._correlations.children) == 1
    assert differences(view.figure, rebuilt(view, classifier)) == []
    table = view.table
    assert "# Spearman input_x_gradient, saliency:" in table
    rows = [line for line in table.splitlines() if not line.startswith("#")]
    assert rows[0] == "position,base,token,input_x_gradient,saliency,occlusion"
    assert len(rows) == n + 1
    view.controls.compare.value = False
    assert view._correlations.children == ()
    assert view.shown.plain


def test_quick_methods_are_computed_first(view, monkeypatch):
    asked, real = [], attribution_tasks.attribute

    def spy(enc, bases, target, *, settings, progress):
        asked.append(settings.method)
        return real(enc, bases, target, settings=settings, progress=progress)

    monkeypatch.setattr(attribution_tasks, "attribute", spy)
    for name in ("occlusion", "saliency"):
        view.controls.others[name].value = True
    view.controls.compare.value = True
    view.wait()
    assert asked == ["saliency", "occlusion"]


def test_one_method_that_fails_is_said_and_the_others_are_shown(view, monkeypatch):
    real = attribution_tasks.attribute

    def broken(enc, bases, target, *, settings, progress):
        if settings.method == "saliency":
            raise dx.InputError("Saliency is out of order: choose another.")
        return real(enc, bases, target, settings=settings, progress=progress)

    monkeypatch.setattr(attribution_tasks, "attribute", broken)
    view.controls.compare.value = True
    for name in ("saliency", "occlusion"):
        view.controls.others[name].value = True
    view.wait()
    assert view._message.value == "Saliency is out of order: choose another."
    assert [one.method for one in view.shown.others] == ["occlusion"]


def test_strands_and_phases_have_lanes_of_their_own(view, classifier):
    view.controls.strands.value = view.controls.offsets.value = True
    view.wait()
    # Predicted on this strand only: there is no mean of the two.
    assert not view.shown.strands.applicable
    names = [lane.name for lane in view.shown.lanes]
    assert names[2:] == ["reverse strand", "mean of 8 tokenization offsets"]
    assert "left crops" in view.caption
    assert "The strands need not agree" in view.caption
    assert differences(view.figure, rebuilt(view, classifier)) == []
    assert "reverse_strand,offsets_mean,offsets_low,offsets_high" in view.table


def test_strands_that_ought_to_agree_have_a_mean(view, classifier):
    current = view.selection.current
    predicted = classifier.predict([current, reverse_complement(current.bases)]).argmax(axis=1)
    neither = next(i for i in range(3) if i not in predicted)
    view.target.value = classifier.classes[neither]
    view.controls.strands.value = True
    view.wait()
    names = [lane.name for lane in view.shown.lanes]
    assert names[2:] == ["reverse strand", "mean of both strands"]
    assert differences(view.figure, rebuilt(view, classifier)) == []
    assert "reverse_strand,strands_mean" in view.table


# Motifs --------------------------------------------------------------------------------------


def test_a_typed_word_is_found_where_it_stands(view, classifier):
    bases = view.selection.current.bases
    word = bases[30:39]
    view.controls.motifs.value = True
    view.controls.motif.value = word
    view.wait()
    hits = view.shown.hits
    assert (30, 39, 1) in set(zip(hits.start, hits.end, hits.strand, strict=True))
    assert view.shown.panels[-1] == "hits"
    assert "chance alone" in view.caption
    press(view, "y3", 35.0, 0.0)
    assert view.selection.bases == (30, 39)
    assert differences(view.figure, rebuilt(view, classifier)) == []
    assert "# motif hit: " in view.table


def test_a_short_word_is_looked_for_as_it_stands():
    (motif,), threshold = typed_motifs("GT", 1e-5)
    assert motif.consensus == "GT"
    assert threshold == pytest.approx(1 / 16, rel=0.02)


def test_an_unknown_motif_is_one_sentence_in_the_view(view):
    view.controls.motifs.value = True
    view.controls.motif.value = "CTFC"
    view.wait()
    assert "has no profile" in view._message.value
    assert view.result is not None
    view.controls.motif.value = "TATAAA"
    view.wait()
    assert view._message.value == ""


def test_annotation_is_drawn_where_there_is_one(view):
    view.selection.add(
        [Sequence("site", "ACGTTGCATTAGCATGCAAT" * 4)],
        annotations={0: (Site(10, 20, "+", "exon", "E1"),)},
    )
    view.controls.annotation.value = True
    view.wait()
    assert view.shown.panels[-1] == "annotation"
    assert "Site(10, 20" in view.code


# Mutations -----------------------------------------------------------------------------------


def test_a_base_is_clicked_typed_over_and_taken_back(view, classifier):
    view.selection.update(view=(20, 60))
    bases = view.selection.current.bases
    press(view, "y2", 31.0)
    assert view._cursor == 30
    assert view.mutations.cursor_row.layout.display == ""
    letter = "A" if bases[30] != "A" else "C"
    event(view, event="key", key=letter)
    view.wait()
    mutant = mutate(bases, 30, letter)
    assert str(view.edits[0]) == f"{bases[30]}31{letter}"
    expected = attribute(classifier, mutant, view.shown.original.target, method="input_x_gradient")
    assert np.allclose(view.result.base_scores, expected.base_scores, atol=1e-6)
    assert [lane.name for lane in view.shown.lanes] == ["original", "mutant"] * 2
    assert view.shown.figure().layout.yaxis3.range == view.shown.figure().layout.yaxis4.range
    change = view.mutations._change.value
    assert f"{view.shown.original.score:+.2f}" in change
    assert f"{view.result.score:+.2f}" in change
    assert "tokens at" in change
    assert differences(view.figure, rebuilt(view, classifier)) == []
    assert f"# mutant: {bases[30]}31{letter}" in view.table
    event(view, event="key", key="Escape")
    assert view.edits == ()
    assert view.shown.plain
    assert view._cursor == 30
    event(view, event="key", key="Escape")
    assert view._cursor is None


def test_edits_gather_and_a_base_changed_back_is_no_edit(view):
    bases = view.selection.current.bases
    for place in (10, 20):
        view._cursor = place
        view.mutate("A" if bases[place] != "A" else "C")
    view.wait()
    assert len(view.mutations._chips.children) == 2
    view._cursor = 10
    view.mutate(bases[10])
    view.wait()
    assert [edit.position for edit in view.edits] == [20]
    view.mutations._chips.children[0].click()
    assert view.edits == ()


def test_a_mutant_is_kept_as_a_sequence_of_its_own(view):
    bases, n = view.selection.current.bases, len(view.selection.sequences)
    view._cursor = 10
    view.mutate("A" if bases[10] != "A" else "C")
    view.wait()
    mutant = view.result.tokens.bases
    view.mutations.keep.click()
    view.wait()
    assert len(view.selection.sequences) == n + 1
    assert view.selection.current.bases == mutant
    assert view.edits == ()
    view.selection.update(index=0)
    assert view.edits == ()


def test_without_a_base_chosen_a_letter_asks_for_one(view):
    event(view, event="key", key="A")
    assert "No base is chosen" in view._message.value
    assert view.edits == ()


def test_far_out_a_press_selects_the_token_and_sets_no_cursor(view):
    view.plot.width = 400
    press(view, "y2", 31.0)
    assert view._cursor is None
    tokens = view.result.tokens
    assert view.selection.bases == tuple(tokens.spans[tokens.at(30)])


def test_the_map_shows_every_mutation_and_a_press_makes_one(view, classifier):
    view.selection.update(view=(20, 32))
    view.controls.map.value = True
    view.wait()
    effects = view.shown.effects
    assert np.flatnonzero(~np.isnan(effects.effects).all(axis=1)).tolist() == list(range(20, 32))
    assert f"correlates by {effects.correlation:.2f}" in view.caption
    assert differences(view.figure, rebuilt(view, classifier)) == []
    bases = view.selection.current.bases
    row = next(i for i in range(4) if "ACGT"[i] != bases[25])
    press(view, "y3", 26.0, float(row))
    view.wait()
    assert str(view.edits[0]) == f"{bases[25]}26{'ACGT'[row]}"
    assert view.result.score - view.shown.original.score == pytest.approx(
        float(effects.effects[25, row]), abs=1e-4
    )


def test_a_map_of_a_long_stretch_is_refused(view):
    view.selection.add([Sequence("long", "ACGTTGCA" * 50)])
    view.controls.map.value = True
    assert "400 bases in sight" in view._message.value
    assert not view.controls.map.value
    view.wait()


def test_tokens_cut_otherwise_are_told_between_common_borders(classifier):
    bases = "ACGTTGCATTAGCATGCAAT" * 3
    old = classifier.tokenize(bases)
    new = classifier.tokenize(mutate(bases, 30, "G" if bases[30] != "G" else "T"))
    for (start, end), before, after in changed_tokens(old, new):
        assert "".join(before) == bases[start:end]
        assert len("".join(after)) == end - start
        assert before != after
    covered = {i for (a, b), *_ in changed_tokens(old, new) for i in range(a, b)}
    assert 30 in covered
    assert changed_tokens(old, old) == []


# A model without classes ---------------------------------------------------------------------


def test_without_classes_a_base_in_the_masked_stretch_is_not_mutated(encoder, sequences):
    view = dx.AttributionExplorer(encoder, sequences[:1])
    view.method.value = "input_x_gradient"
    view.selection.update(bases=(40, 52), view=(20, 70))
    view.wait()
    assert view.controls.output.layout.display == "none"
    press(view, "y2", 46.0)
    assert view.selection.bases == (40, 52)
    bases = view.selection.current.bases
    view.mutate("A" if bases[45] != "A" else "C")
    assert "masked stretch" in view._message.value
    press(view, "y2", 31.0)
    view.mutate("A" if bases[30] != "A" else "C")
    view.wait()
    assert view.shown.original.target == view.result.target == (40, 52)
    assert "nats of masked bases" in view.mutations._change.value


# Scorecard and export ------------------------------------------------------------------------


def test_delta_is_checked_at_once_and_the_rest_on_demand(classifier, sequences):
    view = dx.AttributionExplorer(classifier, sequences[:1], n_steps=10)
    view.wait()
    assert "convergence" in view.badge._chips.value
    assert "deletion" not in view.badge._chips.value
    view.badge.button.click()
    view.wait()
    card = view.shown.card
    for check in card.checks:
        mark = {
            "passed": "✓",
            "failed": "✗",
            "not applicable": "–",
            "information": "i",
            "not known": "?",
        }[check.result]
        assert f"{mark} {check.title}" in view.badge._chips.value
    assert not card.trusted  # the model states no scores of its own
    words = "Undecided: " if card.verdict.startswith("undecided") else "Do not trust: "
    assert words in view._verdict.value
    assert "# check deletion" in view.table
    view.method.value = "saliency"
    view.wait()
    assert view.shown.card is None  # it was of another method


def test_what_leaves_says_what_computed_it(view, classifier):
    for text in (view.table, view.to_html()):
        assert classifier.weights_sha256 in text
        assert "captum" in text
        assert "attention backend" in text
        assert "seed" in text


def test_another_model_is_asked_from_now_on(view, classifier, encoder):
    view.use(encoder)
    view.wait()
    assert view.result.unit == "nats"
    assert view.target.layout.display == "none"


def test_what_takes_long_is_said_first_and_a_quick_method_stands_in(
    classifier, sequences, monkeypatch
):
    from dnabert2_explore.encoder.passes import cost
    from dnabert2_explore.widgets.attribution import costs as attribution_costs

    monkeypatch.setattr(cost, "_LITTLE", 0.0)
    # Of everything that is asked, only one backward pass is quick enough.
    monkeypatch.setattr(
        attribution_costs,
        "measured_seconds",
        lambda enc, tokens, passes=1.0: 1.0 if passes <= cost.BACKWARD else 200.0,
    )
    view = dx.AttributionExplorer(classifier, sequences[:2])
    view.wait()
    assert view.result.method == "input_x_gradient"
    assert "about 3 min" in view._message.value
    assert "Input × gradient stands in its place" in view._message.value
    assert "nput × gradient" in view.caption
    assert view.compute.layout.display == ""

    # A file of it is made again by what stood in, not by what was not computed.
    again = dx.AttributionExplorer(classifier, sequences[:2])
    again._recall(view._memory())
    again.wait()
    assert again.result.method == "input_x_gradient"
    assert again.compute.layout.display == "none"

    view.compute.click()
    view.wait()
    assert view.result.method == "layer_integrated_gradients"
    assert view.compute.layout.display == "none" or "200 steps" in view._message.value

    view.badge.button.click()  # a check says its cost, too, before it starts
    view.wait()
    assert "Scorecard" in view._message.value
    assert view.shown.card is None


def test_views_compute_in_the_order_of_what_they_take(classifier, sequences):
    view = dx.AttributionExplorer(classifier, sequences[:2])
    view.wait()

    class Busy:
        looks = 0

        @property
        def busy(self):
            Busy.looks += 1
            return Busy.looks < 3

    view.after = (Busy(),)
    view.selection.update(index=1)
    view.wait()
    assert Busy.looks >= 3
    assert view.result.tokens.bases == sequences[1].bases
