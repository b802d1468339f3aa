import json
from html import unescape

import pytest

import dnabert2_explore as dx
from dnabert2_explore import Sequence
from dnabert2_explore.sequences import ReadingWarning
from dnabert2_explore.sequences.reading.genome import Genome
from dnabert2_explore.sequences.variants.variant import Variant

from ..conftest import random_bases
from .conftest import event

BASES = random_bases(600, seed=3, alphabet="ACGT")


@pytest.fixture
def genome():
    return Genome.from_records([Sequence("chr", BASES)])


@pytest.fixture
def variants():
    return [
        Variant("chr", 300, BASES[300], "ACGT"["ACGT".index(BASES[300]) - 1]),
        Variant("chr", 200, BASES[200:206], BASES[200]),
    ]


@pytest.fixture
def view(encoder, variants, genome):
    made = dx.VariantExplorer(encoder, variants, genome=genome, window=64)
    made.wait()
    return made


def spec(view):
    return json.loads(view.plot.spec)


def test_the_first_variant_is_shown_with_its_scores(view, variants):
    assert view.result.variant == variants[0]
    assert "log-likelihood ratio" in view._read_out.value
    assert "nats" in view._read_out.value
    assert str(variants[0]) in unescape(view.caption)
    assert "occlusion" in view.caption
    assert "both strands" in view.caption
    assert spec(view)["linked"]


def test_another_variant_is_chosen_or_typed(view, variants):
    view.chosen.value = 1
    view.wait()
    assert view.result.variant == variants[1]
    view.typed.value = f"401 {BASES[400]}>TTTTT"
    view.wait()
    assert view.chosen.value == -1
    assert (view.result.variant.position, view.result.variant.alt) == (400, "TTTTT")
    view.chosen.value = 0
    assert view.typed.value == ""
    assert view.result.variant == variants[0]  # kept, so at once


def test_what_cannot_be_scored_is_said_in_the_view(view, variants):
    wrong = "ACGT"["ACGT".index(BASES[400]) - 1]
    view.typed.value = f"401 {wrong}>{BASES[400]}"
    view.wait()
    assert "exchanged" in view._message.value
    assert "dx-error" in view._message._dom_classes
    view.typed.value = "nonsense"
    assert "is no variant" in view._message.value
    view.chosen.value = 1
    view.wait()
    assert view._message.value == ""


def test_zooming_stays_in_this_view(view):
    event(view, event="zoom", range=[10.5, 30.5])
    assert spec(view)["layout"]["xaxis"]["range"] == [10.5, 30.5]
    assert view.selection.view is None
    event(view, event="key", key="0")
    assert spec(view)["layout"]["xaxis"]["range"] == [0.5, view.result.columns + 0.5]
    event(view, event="key", key="+")
    low, high = spec(view)["layout"]["xaxis"]["range"]
    assert high - low < view.result.columns


def test_layers_and_methods(view):
    before = spec(view)["data"]
    view.layer.value = 0
    assert "layer 1" in view.caption
    assert spec(view)["data"] != before
    view.method.value = "layer_integrated_gradients"
    view.wait()
    assert "delta" in view.caption


def test_a_head_has_classes_to_explain(encoder, classifier, variants, genome):
    view = dx.VariantExplorer(encoder, variants, genome=genome, head=classifier, window=64)
    view.wait()
    assert " → <b>" in view._read_out.value
    view.target.value = classifier.classes[0]
    view.wait()
    assert view.result.target == classifier.classes[0]


def test_exports(view, variants):
    lines = view.table.splitlines()
    header = lines.index("column,position,ref,alt,ref_token,alt_token,attention,attribution")
    rows = [line.split(",") for line in lines[header + 1 :]]
    assert len(rows) == view.result.columns
    changed = [row for row in rows if row[2] != row[3]]
    assert [(int(r[1]), r[2], r[3]) for r in changed] == [(301, variants[0].ref, variants[0].alt)]
    assert any(line.startswith("# llr: ") for line in lines)
    compile(view.code, "code", "exec")
    assert "compare_variant" in view.code
    assert "chr:301" in unescape(view.to_html())


def test_the_example_runs_as_its_code_says():
    view = dx.VariantExplorer(window=64)
    view.wait()
    assert view.result is not None
    names = {}
    exec(view.code, names)
    assert names["result"].scores["llr"][0] == pytest.approx(view.result.scores["llr"][0], abs=1e-5)


def test_nothing_to_show_says_what_to_do(encoder, genome):
    view = dx.VariantExplorer(encoder, [], genome=genome, window=64)
    assert "type one such as" in view.caption
    assert view.figure is None


def test_variants_come_as_people_have_them(encoder, variants, genome, tmp_path):
    """A path was a list of letters, and text of a variant was shown as one and failed later."""
    rows = "".join(f"chr,{v.position + 1},{v.ref},{v.alt}\n" for v in variants)
    (tmp_path / "v.csv").write_text("chrom,pos,ref,alt\n" + rows + "chr,x,A,C\n")
    text = [f"chr:{v.position + 1} {v.ref}>{v.alt}" for v in variants]
    with pytest.warns(ReadingWarning, match="1 variants cannot be read, such as: .*line 4"):
        views = [dx.VariantExplorer(encoder, tmp_path / "v.csv", genome=genome, window=64)]
    views += [
        dx.VariantExplorer(encoder, given, genome=genome, window=64) for given in (text, text[0])
    ]
    for view, expected in zip(views, (variants, variants, variants[:1]), strict=True):
        view.wait()
        assert [one.position for one in view.variants] == [one.position for one in expected]
        assert "dx-error" not in view._message._dom_classes, view._message.value
    with pytest.raises(dx.InputError, match="There is no file"):
        dx.VariantExplorer(encoder, "calls.vcf", genome=genome)


def test_the_patch_map_comes_on_demand(view, variants, monkeypatch):
    from dnabert2_explore.widgets.views.variant import patching

    panel = view.patching
    assert panel.result is None
    assert panel.plot.layout.display == "none"
    panel.button.value = True
    view.wait()
    assert panel.result is not None
    assert abs(panel.result.everything - 1).max() < 2e-3
    assert "all places together give 100%" in panel.words.value
    trained = panel.plot.spec
    panel.twin.value = True
    assert panel.plot.spec != trained
    monkeypatch.setattr(patching, "LONG", 0.0)
    view.chosen.value = 1
    view.wait()
    view.wait()
    assert panel.result is None
    assert "takes about" in panel.words.value
    panel.compute.click()
    view.wait()
    assert panel.result is not None
    assert panel.result.ref.bases != panel.result.alt.bases
    panel.button.value = False
    assert panel.plot.layout.display == "none"


def test_the_patch_map_of_a_class(encoder, classifier, variants, genome):
    made = dx.VariantExplorer(encoder, variants, genome=genome, head=classifier, window=64)
    made.wait()
    made.patching.button.value = True
    made.wait()
    assert made.patching.result.target_name in classifier.classes
    assert made.patching.result.unit == "logit"
