"""What is said under the atlas, and the planes the model is compared with."""

from __future__ import annotations

import numpy as np
import pytest

import dnabert2_explore as dx
from dnabert2_explore import Sequence
from dnabert2_explore.encoder.loading.twin import random_twin
from dnabert2_explore.sequences.kmers import kmer_frequencies
from dnabert2_explore.widgets.atlas.mapping import judgement as judging
from dnabert2_explore.widgets.atlas.mapping.judgement import grouping

from ..conftest import random_bases


@pytest.fixture(scope="module")
def many():
    return [
        Sequence(
            f"m{i}",
            random_bases(120, seed=i, alphabet="ACGT" if i % 2 else "AACGTT"),
            label="ab"[i % 2],
            fields={"species": f"species {i % 4}", "note": str(i)},
        )
        for i in range(24)
    ]


@pytest.fixture
def atlas(encoder, many):
    view = dx.AtlasExplorer(encoder, many)
    view.wait()
    return view


def test_what_the_map_is_stands_under_it_unasked(atlas):
    words = atlas.judgement.words.value
    assert words.startswith("<b>")
    assert "of this map" in words
    for part in ("4-mers", "untrained twin", "shuffled labels", "GC content", "Trustworthiness"):
        assert part in words
    assert "of species it has not seen" in words
    assert "The axes hold" in words
    assert atlas.judgement.result.n == 24
    atlas.colour.value = "gc"
    atlas.wait()
    assert atlas.judgement.result.scores == ()


def test_every_space_is_drawn_and_named(atlas, many, encoder):
    texts = [s.bases for s in many]
    for space, words, expected in (
        ("kmers", "frequencies of 4-mers", kmer_frequencies(texts, 4)),
        ("twin", "twin with random weights", random_twin(encoder).embed(texts)),
        ("gc", "less what GC content predicts", None),
        ("4-mers", "less what 4-mers predict", None),
        ("model", "mean over the tokens of layer", encoder.embed(texts)),
    ):
        atlas.space.value = space
        atlas.wait()
        assert words in atlas.caption
        if expected is not None:
            np.testing.assert_allclose(atlas.vectors, expected, rtol=1e-4, atol=1e-5)
        scope = {"dx": dx}
        code = atlas.code.replace(f"dx.load({encoder.source!r})", "loaded")
        code = code.replace("dx.read_sequences('your_file.fa')", "given")
        exec("\n".join(code.splitlines()[:-1]), scope | {"loaded": encoder, "given": many})
        assert atlas._message.layout.display == "none"


def test_a_slow_twin_is_offered_with_its_cost(encoder, many, monkeypatch):
    monkeypatch.setattr(judging, "_QUICK", 0.0)
    fresh = [Sequence(s.name, s.bases + "ACG", s.label) for s in many]
    view = dx.AtlasExplorer(encoder, fresh)
    view.wait()
    view.judgement.wait()
    assert "untrained twin" not in view.judgement.words.value
    assert view.judgement.button.description.startswith("Add the untrained twin (about")
    view.judgement.button.click()
    view.judgement.wait()
    assert "untrained twin" in view.judgement.words.value
    assert view.judgement.button.layout.display == "none"


def test_groups_are_what_classes_share(many):
    labels = [s.label for s in many]
    assert grouping(tuple(many), labels, "label") == "species"
    assert grouping(tuple(many), [s.fields["species"] for s in many], "species") == ""
    alone = tuple(Sequence("x", "ACGT", fields={"species": v}) for v in "aabb")
    assert grouping(alone, list("1122"), "label") == ""


def test_few_points_are_not_judged(encoder, many):
    view = dx.AtlasExplorer(encoder, many[:5])
    view.wait()
    assert view.judgement.words.value == ""


def test_an_atlas_shows_what_its_model_calls_its_vector():
    """The shipped embedder's is of all layers; the last alone was drawn in its place."""
    import dnabert2_explore as dx

    atlas = dx.AtlasExplorer(sequences=dx.demo.windows()[:30:3])
    atlas.wait()
    assert atlas.layer.label == "layers 0+1+2"
    assert "layer=None" in atlas.code
    assert atlas.vectors.shape[1] == atlas.enc.embedding_size
