"""What cannot be shown is said in the view in one sentence, and nothing that was there is lost."""

from __future__ import annotations

import dataclasses
import datetime
import re
from html import unescape

import pytest

import dnabert2_explore as dx
from dnabert2_explore import Sequence
from dnabert2_explore.widgets.core.remember import recall
from dnabert2_explore.widgets.views.inside import layers as layer_view, on_demand
from dnabert2_explore.widgets.views.variant import patching
from dnabert2_explore.widgets.workbench import MAPS

from ..conftest import random_bases

SITES = [
    Sequence(f"site {i}", random_bases(60, seed=i), label="ab"[i % 2], fields={"kind": "x"})
    for i in range(10)
]
POOR = {
    "one base": "A",
    "two bases": "AC",
    "all N": "N" * 40,
    "one N": "N",
    "gaps": "-" * 12,
    "few bases": "ACGT" + "N" * 40,
}


#: Maps of what a masked-LM head predicts, and their views.
PREDICTED = {"dependencies": "dependencies", "bases": "nucleotides", "lens": "lens"}


@pytest.fixture(autouse=True)
def _a_slow_machine_asks_for_nothing(monkeypatch):
    monkeypatch.setattr(on_demand, "LONG", float("inf"))
    monkeypatch.setattr(layer_view, "LONG", 0.0)


def sentences(view) -> str:
    """Everything a view says."""
    return re.sub(r"<[^>]+>", "", f"{view._message.value} {view._caption_line.value}")


def views_of(bench):
    return {
        name: getattr(bench, name)
        for name in ("tokens", "attribution", "attention", "dependencies", "nucleotides", "lens",
                     "layers", "features")
    }  # fmt: skip


@pytest.fixture
def bench(encoder, classifier):
    poor = [Sequence(name, bases, label="a") for name, bases in POOR.items()]
    bench = dx.Workbench(
        encoder, classifier=classifier, sequences=[*SITES, *poor], embedder=encoder
    )
    bench.wait()
    yield bench
    bench.close()


def test_every_view_says_what_it_cannot_show_of_a_poor_sequence(bench):
    for number, (name, bases) in enumerate(POOR.items()):
        bench.selection.update(index=len(SITES) + number)
        known = not set("ACGT").isdisjoint(bases)
        for _, which in MAPS:
            bench.maps.value = which
            bench.wait(60)
            for kind, view in views_of(bench).items():
                # What went wrong without being foreseen has its kind of error folded below it.
                assert "did not work" not in view._message.value, (kind, view._message.value)
            if which in PREDICTED:
                said = sentences(getattr(bench, PREDICTED[which]))
                assert ("has no A, C, G or T here" in said) != known, (which, said)
                assert name in said
        for button in (bench.tokens.merges, bench.tokens.compare):
            button.value = True
            assert "did not work" not in bench.tokens._message.value
            button.value = False
    # Nothing is lost: the next sequence is shown as ever, and no old message stands over it.
    bench.selection.update(index=0)
    bench.wait(60)
    for kind, view in views_of(bench).items():
        if kind in ("tokens", "attribution", "attention"):
            assert view._message.value == "", (kind, view._message.value)
    for which, kind in PREDICTED.items():
        bench.maps.value = which
        bench.wait(60)
        view = getattr(bench, kind)
        assert view.result is not None
        assert view._message.value == ""
        assert view.figure is not None


def test_layers_say_which_labels_are_missing(encoder):
    view = dx.LayersExplorer(encoder, [*SITES, Sequence("bare", "ACGT" * 10)])
    assert "1 of 11 sequences of this set have no label: choose another field" in sentences(view)
    assert view._job is None
    view = dx.LayersExplorer(encoder, [dataclasses.replace(one, label="a") for one in SITES])
    assert "All sequences of this set are a: choose another field" in sentences(view)
    view = dx.LayersExplorer(encoder, SITES)
    assert "take about" in sentences(view)


def test_layers_and_heads_out_of_range(encoder):
    attention = dx.AttentionExplorer(encoder, SITES)
    attention.wait()
    before = attention.layer.value
    assert recall(attention, {"settings": {"layer": 77, "head": 99}, "more": {}}) == [
        "attention: layer cannot be 77 here",
        "attention: head cannot be 99 here",
    ]
    assert attention.layer.value == before
    made = dx.features.train(encoder, SITES, 1, n_features=8, k=2, steps=2)
    with pytest.raises(dx.InputError, match=r"of layer 9, and .* has layers 0 .* to 2"):
        dx.FeatureExplorer(encoder, SITES, features=dataclasses.replace(made, layer=9))
    narrow = dataclasses.replace(
        made, twin=None, encode=made.encode[:5], decode=made.decode[:, :5], bias=made.bias[:5]
    )
    view = dx.FeatureExplorer(encoder, SITES, features=narrow)
    view.wait()
    assert "take the states of the model they were trained on" in sentences(view)


FILES = {
    "motifs.meme": (
        "MEME version 4\n\nALPHABET= ACGT\n\nMOTIF M1 CTCF\nletter-probability matrix: alength= 4 "
        "w= 2 nsites= 20 E= 0\n 0.1 0.2 0.3 0.4\n 0.1 0.2 0.3 0.4\n",
        "motifs.meme holds 1 motif and no sequences",
    ),
    "motifs.jaspar": (
        ">MA0139.1 CTCF\nA [ 87 167 ]\nC [ 291 145 ]\nG [ 76 414 ]\nT [ 459 187 ]\n"
        ">MA0140.1 X\nA [ 87 167 ]\nC [ 291 145 ]\nG [ 76 414 ]\nT [ 459 187 ]\n",
        "motifs.jaspar holds 2 motifs and no sequences",
    ),
    "notes.txt": ("MOTIFS of my own: 1 2 3\n", "are not nucleotide codes"),
    "genes.gff3": (
        "##sequence-region chrX 1 60\nchrX\tme\texon\t1\t50\t.\t+\t.\tName=a\n",
        "genes.gff3 annotates chrX, and the sequences are site 0, site 1, site 2 and 7 more: "
        "'site 0' is as long as 'chrX' there: rename one of them",
    ),
    "other.gff3": ("this is no annotation\n", "line 1 is neither GFF3"),
    "picture.gff3": ("\0\1PNG", "is a binary file"),
}


@pytest.mark.parametrize("name", FILES)
def test_files_of_another_kind_are_named(encoder, name):
    content, expected = FILES[name]
    view = dx.TokenExplorer(encoder, SITES)
    bar = view.input
    bar.upload.value = (
        {
            "name": name,
            "type": "",
            "size": len(content),
            "content": memoryview(content.encode()),
            "last_modified": datetime.datetime.now(tz=datetime.UTC),
        },
    )
    said = unescape(bar.message.value)
    assert expected in said
    assert "dx-error" in bar.message._dom_classes
    assert len(view.selection.sequences) == len(SITES)
    assert not view.selection.annotations


def test_alleles_that_do_not_go_together_are_said(encoder):
    genome = dx.Genome.from_records([Sequence("g", random_bases(600, seed=1))])
    bases = random_bases(600, seed=1)
    view = dx.VariantExplorer(encoder, genome=genome, window=128)
    view.patching.button.value = True
    other = "C" if bases[299] != "C" else "G"
    view.typed.value = f"300 {bases[299]}>{other}"
    view.wait(60)
    view.wait(60)
    shown = view.result
    assert shown is not None
    for typed, expected in (
        (f"300 {bases[299]}>{'ACGT' * 30}", "does not fit"),
        (f"300 {bases[299]}>N", "holds N"),
        (f"9000 {bases[299]}>{other}", "leaves g, which has 600"),
        (f"x:5 A>{other}", "no record 'x'"),
        ("rubbish", "is no variant"),
    ):
        view.typed.value = typed
        view.wait(60)
        assert expected in unescape(view._message.value), typed
        assert "did not work" not in view._message.value
        assert view.result is shown  # what was there stays


def test_two_sequences_are_no_alleles(encoder, classifier, monkeypatch):
    one, other = random_bases(400, seed=1), random_bases(400, seed=2)
    with pytest.raises(dx.InputError, match="too different to align"):
        dx.patch(classifier, one, other, classifier.classes[0])
    # As the view says it.
    monkeypatch.setattr(
        patching, "patch", lambda *_, **__: dx.patch(classifier, one, other, classifier.classes[0])
    )
    view = dx.VariantExplorer(
        encoder, genome=dx.Genome.from_records([Sequence("g", one)]), window=128
    )
    view.typed.value = f"300 {one[299]}>{'C' if one[299] != 'C' else 'G'}"
    view.wait(60)
    shown = view.result
    view.patching.button.value = True
    view.wait(60)
    assert "too different to align; give two alleles of one sequence" in view._message.value
    assert view.result is shown
    assert view.figure is not None
