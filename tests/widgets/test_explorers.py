import csv
import io
import json
import re
from dataclasses import replace
from functools import partial
from html import unescape
from pathlib import Path

import numpy as np
import pytest

import dnabert2_explore as dx
from dnabert2_explore import Sequence
from dnabert2_explore.analysis.attribution import METHODS
from dnabert2_explore.widgets.attribution import tasks as attribution_tasks
from dnabert2_explore.widgets.attribution.controls import AUTO
from dnabert2_explore.widgets.views.tokens import vocabularies

from .conftest import event


def spec(view):
    return json.loads(view.plot.spec)


@pytest.fixture
def tokens(encoder, sequences):
    return dx.TokenExplorer(encoder, sequences)


@pytest.fixture
def attention(encoder, sequences):
    view = dx.AttentionExplorer(encoder, sequences)
    view.wait()
    return view


@pytest.fixture
def attribution(classifier, sequences):
    view = dx.AttributionExplorer(classifier, sequences, n_steps=10)
    view.wait()
    return view


@pytest.fixture
def atlas(encoder, sequences):
    view = dx.AtlasExplorer(encoder, sequences)
    view.wait()
    return view


# Arcs ----------------------------------------------------------------------------------------


def test_attention_as_arcs_is_drawn_read_and_written_as_code(attention):
    attention.axes.value = "arcs"
    drawn = spec(attention)
    assert drawn["layout"]["yaxis"]["range"] == [-1.15, 1.15]
    assert "strongest pairs in sight" in attention._caption_line.value
    cut = attention.result.tokens
    start, end = (int(v) for v in cut.spans[5])
    event(attention, event="press", x=start + 1.2, y=0.8, panel="y", shift=False)
    assert attention.selection.bases == (start, end)
    code = attention._code()
    assert "attention_arcs(matrix" in code
    scope = {}
    exec(code, scope)
    assert scope["attention"].tokens.bases == cut.bases
    attention.axes.value = "bases"
    assert "strongest pairs" not in attention._caption_line.value


# Tokens --------------------------------------------------------------------------------------


def test_pressing_a_token_selects_its_bases(tokens):
    cut = tokens.tokens
    start, end = (int(v) for v in cut.spans[5])
    event(tokens, event="press", x=start + 1.2, y=1, panel="y", shift=False)
    assert tokens.selection.bases == (start, end)
    assert f"id {cut.ids[5]}" in tokens._read_out.value
    assert spec(tokens)["layout"]["shapes"][0]["x0"] == start + 0.5
    event(tokens, event="press", x=start + 1, y=1, panel="y", shift=False)
    assert tokens.selection.bases is None


def test_shift_extends_the_selection(tokens):
    spans = tokens.tokens.spans
    for token, shift in ((4, False), (7, True)):
        event(tokens, event="press", x=float(spans[token, 0] + 1), y=1, panel="y", shift=shift)
    assert tokens.selection.bases == (spans[4, 0], spans[7, 1])
    assert "4 tokens in bases" in tokens._read_out.value


def test_vocabularies_of_other_sizes_are_trained_on_the_set(encoder, monkeypatch):
    few = partial(dx.vocabulary_curve, sizes=(16, 64, 256))
    monkeypatch.setattr(vocabularies, "vocabulary_curve", few)
    windows = dx.demo.windows()[::25]
    view = dx.TokenExplorer(encoder, windows)
    view.merges.value = True
    view.vocabularies.value = True
    assert not view.merges.value  # one of the three at a time
    view.wait()
    found = view._sizes.result
    expected = few(windows)
    np.testing.assert_array_equal(found.compression, expected.compression)
    assert [t.name for t in view.figure.data] == ["shuffled", "held out", "used"]
    assert view.figure.layout.shapes[0].x0 == len(encoder.tokenizer)
    assert f"{expected.compression[1]:.2f}</td>" in view._read_out.value
    assert f"trained on {expected.trained_on:,} bases" in view.caption
    assert view.table.splitlines()[2] == "entries,compression,shuffled,used"
    assert "dx.vocabulary_curve(sequences)" in view.code
    assert len(view._needs()) == len(windows)
    view.vocabularies.value = False
    assert "byte-pair encoding of" in view.caption
    # What takes long says so, and waits.
    monkeypatch.setattr(vocabularies, "LONG", 0.0)
    view = dx.TokenExplorer(encoder, windows)
    view.vocabularies.value = True
    assert view._job is None
    assert "bp) take about 1 s to train" in view._message.value
    assert view._sizes.compute.layout.display == ""
    with pytest.raises(dx.InputError, match="train them first"):
        _ = view.table
    view._sizes.compute.click()
    view._job.cancel()
    view._cancelled()
    view.wait()
    assert view._sizes.result is None
    assert view._sizes.compute.layout.display == ""
    view._sizes.compute.click()
    view.wait()
    assert view._sizes.result is not None
    # Too little to learn from is said.
    view = dx.TokenExplorer(encoder, [Sequence("short", "ACGT" * 30)])
    view.vocabularies.value = True
    view._sizes.compute.click()
    view.wait()
    assert "expected at least 10" in view._message.value


def test_keys_step_zoom_and_clear(tokens):
    event(tokens, event="key", key="ArrowRight")
    first = tokens.selection.bases
    event(tokens, event="key", key="ArrowRight")
    assert tokens.selection.bases[0] == first[1]
    event(tokens, event="key", key="ArrowLeft")
    assert tokens.selection.bases == first
    event(tokens, event="key", key="+")
    assert tokens.selection.view is not None
    event(tokens, event="key", key="0")
    assert tokens.selection.view is None
    event(tokens, event="key", key="Escape")
    assert tokens.selection.bases is None


def test_dragging_zooms_and_selects(tokens):
    event(tokens, event="zoom", range=[20.5, 60.5])
    assert tokens.selection.view == (20, 60)
    assert spec(tokens)["layout"]["xaxis"]["range"] == [20.5, 60.5]
    event(tokens, event="zoom", range=[0.5, 999])
    assert tokens.selection.view is None
    event(tokens, event="stretch", range=[3.4, 9.6])
    assert tokens.selection.bases == (3, 9)


def test_unknown_bases_are_counted_on_show_without_a_warning(encoder, recwarn):
    view = dx.TokenExplorer(encoder, [Sequence("n", "acguNNRYACGT")])
    assert "4 unknown" in view._stats.value
    assert "2 N" in view._stats.value
    assert "lower case" in view._stats.value
    assert not [w for w in recwarn if "nknown" in str(w.message)]


def test_the_dark_page_gets_dark_colours(tokens):
    before = tokens.plot.spec
    tokens.plot.theme = "dark"
    assert tokens.selection.theme == "dark"
    assert tokens.plot.spec != before


def test_other_tokenizers_on_the_same_axis(tokens):
    tokens.compare.value = True
    assert len(tokens.figure.data) == 8  # the other strand's tokens among them
    assert tokens.figure.layout.xaxis.range == (0.5, 160.5)
    event(tokens, event="press", x=20.0, y=-4, panel="y", shift=False)
    line = tokens._read_out.value
    assert re.search(r"New tokens where base \d+ is changed", line)
    assert line.count("<tr>") == 4  # substituted, inserted, deleted
    assert "single bases" in line
    assert "compare_tokenizers" in tokens.code
    assert "single bases" in tokens.table
    tokens.compare.value = False
    assert "dx.plot(tokens" in tokens.code


def test_merges_in_place_of_the_tokens(tokens, encoder):
    assert tokens.entries.layout.display == "none"
    tokens.merges.value = True
    assert tokens.entries.layout.display == ""
    n = len(tokens.tokens) - 2
    assert f"{n:,} tokens" in tokens._caption_line.value
    tokens.entries.value = size = tokens.entries.options[0][1]
    fewer = dx.replay_merges(encoder, tokens.tokens.bases).borders(size)
    assert f"With {size:,} entries: {len(fewer) - 1:,} tokens" in tokens._caption_line.value
    event(tokens, event="press", x=20.0, y=-4, panel="y", shift=False)
    assert "merges by their number in the vocabulary" in tokens._read_out.value
    names = {}
    exec(tokens.code, names)
    assert names["found"].tokens.bases == tokens.tokens.bases
    assert tokens.table.splitlines()[2] == "step,rank,left,right,start,border,end"
    tokens.compare.value = True  # one at a time
    assert not tokens.merges.value
    assert "compare_tokenizers" in tokens.code
    tokens.compare.value = False


# Attention -----------------------------------------------------------------------------------


def test_every_choice_of_map_says_what_it_is(attention):
    n = len(attention.result.tokens)
    for what, words in (
        ("head", "head 4 in layer 2"),
        ("mean of heads", "layer 2, mean of 4 heads"),
        ("mean of all layers", "2 layers × 4 heads"),
        ("rollout", "rollout through 2 layers"),
    ):
        attention.what.value = what
        assert words in attention.caption
        assert attention.matrix.shape == (n, n)
        assert np.allclose(attention.matrix.sum(axis=1), 1, atol=1e-4)
    assert "sdpa · cpu" in attention.caption


def test_a_head_shows_its_own_map(attention):
    attention.layer.value, attention.head.value = 0, 1
    assert np.array_equal(attention.matrix, attention.result.head(0, 1))
    assert "layer 1" in attention.caption


def test_alibi_can_be_switched_off_and_looked_at_alone(attention):
    attention.part.value = "content"
    assert np.array_equal(attention.matrix, attention.result.head(1, 3, part="content"))
    assert "Without ALiBi" in attention.caption
    assert "'content'" in attention.code
    attention.part.value = "distance"
    assert "any sequence of as many tokens" in attention.caption
    attention.what.value = "rollout"
    assert attention.part.layout.display == "none"
    attention.what.value, attention.part.value = "head", "both"
    assert "keeps 95% of this head" in attention.caption


def test_the_untrained_network_is_one_click_away(attention, monkeypatch):
    from dnabert2_explore.widgets.views.attention import explorer as module

    # The model of these tests has itself the weights of seed 0.
    monkeypatch.setattr(module, "random_twin", lambda enc: dx.random_twin(enc, seed=1))
    trained = attention.matrix
    attention.network.value = "untrained"
    attention.wait()
    assert attention.caption.startswith("Untrained: attention of head 4 in layer 2")
    assert "random weights" in attention.caption
    twin = dx.attend(dx.random_twin(attention.enc, seed=1), attention.result.tokens.bases)
    np.testing.assert_allclose(attention.matrix, twin.head(1, 3), atol=1e-6)
    assert not np.allclose(attention.matrix, trained, atol=1e-4)
    assert "enc = dx.random_twin(enc)" in attention.code
    attention.network.value = "trained"
    attention.wait()
    np.testing.assert_allclose(attention.matrix, trained, atol=1e-6)


def test_long_maps_are_computed_as_they_are_drawn(attention, monkeypatch):
    from dnabert2_explore.widgets.views.attention import explorer as module

    whole = np.array(attention.figure.data[1].z)
    before = attention.matrix
    monkeypatch.setattr(module, "_WHOLE", 8)
    attention._matrix = None
    attention._draw()
    assert attention._matrix is None
    np.testing.assert_allclose(attention.figure.data[1].z, whole, atol=1e-6)
    np.testing.assert_allclose(attention.matrix, before, atol=1e-6)
    monkeypatch.setattr(module, "_EXACT", 8)
    attention._draw()
    assert "8 queries stand for each cell" in attention.caption
    attention.what.value = "rollout"
    assert "takes up to 8 tokens" in attention._message.value
    attention.what.value = "head"
    assert not attention._message.value


def test_what_takes_the_model_long_is_said_first(attention, monkeypatch):
    from dnabert2_explore.encoder.passes import cost
    from dnabert2_explore.widgets.views.attention import explorer as module

    monkeypatch.setattr(cost, "_LITTLE", 0.0)
    monkeypatch.setattr(module, "LONG", 0.0)
    attention.selection.update(index=2)
    attention.wait()
    assert "in the model" in attention._message.value
    assert attention.compute.layout.display == ""
    attention.compute.click()
    attention.wait()
    assert attention.result.tokens.bases == attention.selection.current.bases
    assert attention.compute.layout.display == "none"


def test_pressing_a_cell_selects_its_row_and_reads_it_out(attention):
    tokens = attention.result.tokens
    x, y = (float(tokens.spans[i, 0] + 1) for i in (3, 6))
    event(attention, event="press", x=x, y=y, panel="y", shift=False)
    assert attention.selection.bases == tuple(tokens.spans[6])
    value = attention.matrix[6, 3]
    assert f"{value:.4f}" in attention._read_out.value


def test_token_axes_leave_the_shared_base_axis(attention):
    assert spec(attention)["linked"]
    attention.axes.value = "tokens"
    assert not spec(attention)["linked"]
    event(attention, event="press", x=4, y=5, panel="y", shift=False)
    assert attention.selection.bases == tuple(attention.result.tokens.spans[4])


def test_another_sequence_brings_another_map(attention):
    attention.selection.update(index=3)
    attention.wait()
    assert attention.result.tokens.bases == attention.selection.current.bases
    assert "s3" in attention.caption


# Attribution ---------------------------------------------------------------------------------


def test_scores_follow_the_class_and_show_delta(attribution, classifier):
    assert "Convergence delta" in attribution.caption
    attribution.target.value = classifier.classes[2]
    attribution.wait()
    assert attribution.result.target_name == classifier.classes[2]
    assert f"“{classifier.classes[2]}”" in attribution.caption
    assert not attribution.plot.stale
    assert "<meter" in attribution._classes.value


@pytest.mark.parametrize("method", METHODS)
def test_every_method(attribution, method):
    attribution.method.value = method
    attribution.wait()
    assert attribution.result.method == method
    assert attribution._message.value == ""


def test_an_answer_once_given_is_kept(attribution, monkeypatch):
    first = attribution.result
    attribution.selection.update(index=1)
    attribution.wait()
    monkeypatch.setattr(attribution_tasks, "attribute", None)
    attribution.selection.update(index=0)
    attribution.wait()
    assert attribution.result is first


def test_without_classes_the_selected_bases_are_explained(encoder, sequences):
    view = dx.AttributionExplorer(encoder, sequences, n_steps=10)
    view.selection.update(bases=(40, 52))
    view.wait()
    assert view.result.target == (40, 52)
    assert "nats" in view.caption


def test_an_error_is_one_sentence_in_the_view(attribution, monkeypatch):
    def broken(*args, **kwargs):
        raise dx.InputError("The class is <unknown>: choose another.")

    monkeypatch.setattr(attribution_tasks, "attribute", broken)
    attribution.selection.update(index=2)
    attribution.wait()
    assert unescape(attribution._message.value) == "The class is <unknown>: choose another."
    assert "dx-error" in attribution._message._dom_classes


def test_cancel_leaves_the_view_usable(attribution, monkeypatch):
    real = attribution_tasks.attribute

    def slow(enc, bases, target, *, settings, progress):
        attribution._bar.children[1].click()
        progress(1, 2)
        pytest.fail("went on after it was cancelled")

    monkeypatch.setattr(attribution_tasks, "attribute", slow)
    attribution.selection.update(index=5)
    attribution.wait()
    assert "Cancelled" in attribution._message.value
    monkeypatch.setattr(attribution_tasks, "attribute", real)
    attribution.method.value = "saliency"
    attribution.wait()
    assert attribution.result.tokens.bases == attribution.selection.current.bases


# Atlas ---------------------------------------------------------------------------------------


def test_pca_stands_first_and_umap_waits_to_be_chosen(atlas):
    assert atlas.caption.startswith("PCA of 8 sequences")
    assert "UMAP is ready" in atlas.caption
    atlas.projection.value = "UMAP"
    assert atlas.caption.startswith("UMAP")


def test_clicking_a_point_looks_at_its_sequence(atlas):
    event(atlas, event="click", curve=0, x=0, y=0, data=5, shift=False)
    assert atlas.selection.index == 5
    assert "s5" in atlas._read_out.value


def test_a_lasso_chooses_and_is_summed_up(atlas):
    event(atlas, event="chosen", points=[0, 2, 4])
    assert atlas.selection.chosen == (0, 2, 4)
    assert "3 chosen: 3 fungi" in atlas._read_out.value
    event(atlas, event="key", key="Escape")
    assert atlas.selection.chosen == ()


def test_colours(atlas):
    for value in ("category", "species", "label", "gc", "length"):
        atlas.colour.value = value
        name, values = atlas.values()
        assert len(values) == 8
        assert name in atlas.caption
    assert atlas.values()[1] == [160 + 5 * i for i in range(8)]


def test_layer_and_pooling_give_other_vectors(atlas):
    last = atlas.vectors
    atlas.layer.value = 0
    atlas.wait()
    assert not np.allclose(atlas.vectors, last)
    assert "the embeddings" in atlas.caption


def test_a_pasted_sequence_joins_the_atlas(encoder, sequences):
    view = dx.AtlasExplorer(encoder, sequences)
    view.selection.sets = ("Examples",) * len(sequences)
    view.selection.add([Sequence("mine", "ACGTTGCA" * 20)])
    view.wait()
    assert "9 sequences" in view.caption
    assert view.selection.current.name == "mine"


def test_two_sequences_are_no_atlas(encoder, sequences):
    view = dx.AtlasExplorer(encoder, sequences[:2])
    view.wait()
    assert "at least 3" in view.caption
    assert view.plot.layout.display == "none"


# All -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["tokens", "attention", "attribution", "atlas"])
def test_export(request, name, monkeypatch):
    view = request.getfixturevalue(name)
    sent = []
    monkeypatch.setattr(view.plot, "send", lambda message, **_: sent.append(message))
    for button in view._export_line.children[0].children:
        button.click()
    assert [m.get("format") or m.get("filename", "").rpartition(".")[2] for m in sent] == [
        "png",
        "svg",
        "html",
        "csv",
        "",
    ]
    picture = json.loads(sent[0]["figure"])["layout"]
    assert "parameters" in picture["annotations"][-1]["text"] or name == "tokens"
    assert picture["height"] > view.figure.layout.height
    page = sent[2]["text"]
    assert "Plotly.newPlot" in page
    assert 'src="http' not in page
    assert sent[3]["text"].startswith("# ")
    compile(view.code, name, "exec")
    assert view._message.layout.display == "none"


@pytest.mark.parametrize("name", ["tokens", "attention", "attribution", "atlas"])
def test_help_unfolds(request, name):
    view = request.getfixturevalue(name)
    assert view._help_line.layout.display == "none"
    view.help_button.value = True
    assert view._help_line.layout.display == ""
    assert "<cite>" in view._help_line.value


@pytest.mark.parametrize("name", ["tokens", "attention", "attribution"])
def test_copied_code_rebuilds_the_figure(request, name, encoder, classifier):
    view = request.getfixturevalue(name)
    view.selection.update(bases=(10, 14), view=(0, 80))
    view.wait()
    code = view.code.splitlines()
    enc = classifier if name == "attribution" else encoder
    scope = {"loaded": enc}
    code = [line if not line.startswith("enc =") else "enc = loaded" for line in code]
    exec("\n".join(code[:-1]), scope)
    figure = eval(code[-1], scope)
    assert len(figure.data) == len(view.figure.data)
    assert figure.layout.xaxis.range == view.figure.layout.xaxis.range


def test_no_sequences_is_a_designed_state(encoder, classifier):
    for view in (
        dx.TokenExplorer(encoder, []),
        dx.AttentionExplorer(encoder, []),
        dx.AttributionExplorer(classifier, []),
        dx.AtlasExplorer(encoder, []),
    ):
        view.wait()
        assert "hoose" in view.caption
        assert view.plot.layout.display == "none"
        assert view._message.value == ""


def test_auto_steps_go_on_until_delta_is_small_and_say_when_it_is_not(attribution, monkeypatch):
    real, asked = attribution_tasks.attribute, []

    def rough(enc, bases, target, *, settings, progress):
        n_steps = settings.n_steps
        asked.append(n_steps)
        result = real(enc, bases, target, settings=settings, n_steps=10, progress=progress)
        result = replace(result, settings=(("steps", str(n_steps)),))
        return replace(result, delta=9.0 if n_steps < 200 else 0.0)

    monkeypatch.setattr(attribution_tasks, "attribute", rough)
    attribution.steps.value = 50
    attribution.wait()
    assert "do not trust" in attribution.caption
    attribution.steps.value = AUTO
    attribution.wait()
    assert asked == [50, 200]
    assert "do not trust" not in attribution.caption
    assert "(200 steps)" in attribution.caption
    assert "n_steps=200" in attribution.code


def test_plain_strings_are_sequences_too(encoder):
    for given in ("ACGTTGCATTAGC", ["ACGTTGCATTAGC"]):
        view = dx.TokenExplorer(encoder, given)
        assert view.selection.current == Sequence("sequence 1", "ACGTTGCATTAGC")
    with pytest.raises(dx.InputError, match=r"read the file first, with read_sequences\('x\.fa'\)"):
        dx.TokenExplorer(encoder, Path("x.fa"))


ODD = 'x","y"\nA&B <i>,=1+1'


def test_names_with_quotation_marks_and_line_ends_shift_no_column(encoder, sequences):
    """B6: a name, set or label with a quotation mark moved every cell behind it."""
    named = [replace(one, name=f"{ODD} {i}", label=f'"{i % 2}"') for i, one in enumerate(sequences)]
    atlas = dx.AtlasExplorer(encoder, named)
    atlas.wait()
    tokens = dx.TokenExplorer(encoder, named)
    rows = list(csv.reader(io.StringIO(atlas.table, newline="")))
    head, *body = [row for row in rows if not row[0].startswith("#")]
    assert {len(row) for row in body} == {len(head)}
    assert [row[0] for row in body] == [one.name for one in named]
    lines = tokens.table.splitlines()
    assert lines[0].startswith('# x","y" A&B <i>,=1+1 0: tokens of ')
    assert lines[2].startswith("index,token,")


def test_captions_are_plain_text_and_escaped_once(encoder, sequences):
    view = dx.TokenExplorer(encoder, [replace(sequences[0], name="A&B <img src=x>")])
    assert "A&B <img src=x>" in view.caption
    page = view.to_html()
    assert "A&amp;B &lt;img src=x&gt;" in page
    assert "&amp;lt;" not in page
    assert "<img src=x>" not in page


def test_a_name_cannot_write_a_line_of_the_code(encoder):
    view = dx.TokenExplorer(encoder, [Sequence("probe\nimport os; os.abort()", "ACGTTGCATTAGCATG")])
    lines = view.code.splitlines()
    assert not any(line.startswith("import os") for line in lines)
    compile(view.code, "code", "exec")


def test_annotation_is_drawn_as_soon_as_it_is_there(tokens):
    before = tokens.plot.spec
    name, n = tokens.selection.current.name, len(tokens.selection.current)
    line = f"{name}\tme\texon\t11\t{n - 10}\t.\t+\t.\tName=first\n".encode()
    tokens.selection.annotate(dx.read_annotation(io.BytesIO(line), name="x.gff3"))
    assert tokens.plot.spec != before
    assert "first" in str(tokens.plot.spec)


def test_a_click_edits_in_every_tokenizer(tokens):
    tokens.compare.value = True
    bases = tokens.selection.current.bases
    tokens.editing.how.value = "substitute"
    tokens.editing.letter.value = letter = "T" if bases[30] != "T" else "G"
    event(tokens, event="press", x=31.0, y=-20.0, panel="y", shift=False)
    assert tokens.edit == (30, 31, letter)
    assert tokens.selection.bases is None  # a click edits, and selects nothing
    found = tokens._compared.found
    for one in found.edit(30, 31, letter):
        assert f"{one.before} → {one.after} <small>({one.reach} bp)" in tokens._read_out.value
    names = [note.text for note in tokens.figure.layout.annotations]
    assert sum("mutant" in name for name in names) == sum(not c.overlapping for c in found.cuts)
    assert "replaced,new,reach" in tokens.table
    assert f"edit=(30, 31, {letter!r})" in tokens.code
    tokens.editing.how.value = "insert"
    event(tokens, event="press", x=11.0, y=-20.0, panel="y", shift=False)
    event(tokens, event="key", key="A")
    event(tokens, event="key", key="A")
    assert tokens.edit == (10, 10, letter + "AA")
    event(tokens, event="key", key="X")
    assert tokens.edit == (10, 11, "")
    count = len(tokens.selection.sequences)
    tokens.editing.keep.click()
    assert tokens.selection.current.bases == bases[:10] + bases[11:]
    assert len(tokens.selection.sequences) == count + 1
    assert tokens.edit is None  # of another sequence
    tokens.selection.update(index=0)
    assert tokens.edit == (10, 11, "")
    event(tokens, event="key", key="Z")
    assert tokens.edit is None


def test_an_edit_by_keyboard_begins_at_the_selection(tokens):
    tokens.compare.value = True
    event(tokens, event="key", key="X")
    assert "Select a base first" in tokens._message.value
    tokens.selection.update(bases=(20, 21))
    letter = "C" if tokens.selection.current.bases[20] != "C" else "A"
    event(tokens, event="key", key=letter)
    assert tokens.edit == (20, 21, letter)
    here = tokens.selection.current.bases[20]
    event(tokens, event="key", key=here)
    assert "already" in tokens._message.value
