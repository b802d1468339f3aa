import json

import pytest

import dnabert2_explore as dx
from dnabert2_explore import Sequence

from .conftest import event


@pytest.fixture
def bench(encoder, classifier, sequences):
    bench = dx.Workbench(encoder, classifier=classifier, sequences=sequences)
    bench.wait()
    return bench


def captions(bench):
    return [view.caption for view in (bench.tokens, bench.attention, bench.attribution)]


def test_four_views_share_one_selection(bench):
    views = (bench.tokens, bench.attention, bench.attribution, bench.atlas)
    assert len({id(view.selection) for view in views}) == 1
    assert len({view.plot.group for view in views}) == 1
    assert all(view.plot.spec or view.plot.cloud for view in views)
    assert all(view.input is None for view in views)


def test_an_atlas_point_loads_its_sequence_into_every_view(bench):
    event(bench.atlas, event="click", curve=0, x=0, y=0, data=6, shift=False)
    bench.wait()
    assert all("s6" in caption for caption in captions(bench))
    assert bench.input.sequence.value == 6


def test_a_token_is_marked_in_every_track(bench):
    spans = bench.tokens.tokens.spans
    event(bench.tokens, event="press", x=float(spans[8, 0] + 1), y=1, panel="y", shift=False)
    assert bench.selection.bases == tuple(spans[8])
    for view in (bench.tokens, bench.attribution):
        assert view.figure.layout.shapes[0].x0 == spans[8, 0] + 0.5
    assert len(bench.attention.figure.layout.shapes) == 2
    event(bench.attention, event="key", key="Escape")
    assert bench.selection.bases is None
    assert bench.tokens.figure.layout.shapes == ()


def test_zoom_is_shared(bench):
    event(bench.attribution, event="zoom", range=[30.5, 70.5])
    for view in (bench.tokens, bench.attention, bench.attribution):
        assert view.figure.layout.xaxis.range == (30.5, 70.5)


def test_quick_clicks_end_at_the_last_one(bench):
    for index in (1, 2, 3, 4, 5):
        bench.selection.update(index=index)
    bench.wait()
    assert all("s5" in caption for caption in captions(bench))
    assert not bench.attribution.plot.stale


def test_a_pasted_sequence_with_unknown_bases(bench):
    bench.input.paste.value = ">odd\nacgtNNNNACGTRRYACGTTGCATGCAT"
    bench.input.add.click()
    bench.wait()
    assert all("odd" in caption for caption in captions(bench))
    for view in (bench.tokens, bench.attention, bench.attribution, bench.atlas):
        assert view._message.value == ""


def test_a_single_base(bench):
    bench.selection.add([Sequence("one", "A")])
    bench.wait()
    for view in (bench.tokens, bench.attention, bench.attribution, bench.atlas):
        assert view._message.value == ""


def test_a_narrow_page_gets_a_low_atlas(bench):
    bench.tokens.plot.room = 1278
    bench.tokens.plot.width = 640
    bench.atlas.plot.width = 640
    assert bench.atlas.figure.layout.height == 340
    bench.atlas.plot.width = 330
    assert bench.atlas.figure.layout.height == 540


def drawn_height(view):
    """Of the figure in the page, which may be lower than the one exported."""
    return json.loads(view.plot.spec)["layout"]["height"]


@pytest.mark.parametrize("room", [778, 958, 1278])
def test_tokens_an_explanation_and_a_map_share_the_screen(bench, room):
    bench.tokens.plot.room = room
    beside = 86 + 56 + 86 + 62  # bars, headings, captions; the browser test measures them
    plots = [drawn_height(view) for view in (bench.tokens, bench.attribution, bench.attention)]
    assert sum(plots) + beside <= room
    assert plots[-1] >= 220
    assert bench.attribution.figure.layout.height > plots[1]  # exports keep their size


def test_the_map_is_chosen_in_its_heading(bench):
    def shown(widget):
        return widget.layout.display != "none"

    assert shown(bench.attention)
    assert not shown(bench.dependencies)
    assert bench.dependencies.result is None  # nothing is computed that nobody looks at
    bench.maps.value = "dependencies"
    bench.wait()
    assert not shown(bench.attention)
    assert bench.dependencies.result is not None
    bench.attention.head.value = 1  # chosen in the gallery: it is shown
    assert bench.maps.value == "attention"
    bench.maps.value = "both"
    assert shown(bench.attention)
    assert shown(bench.dependencies)
    bench.wait()


def test_the_gallery_takes_the_atlas_place_on_demand(bench):
    assert bench.attention.heads.layout.display == "none"
    bench.side.value = "All heads"
    assert bench.atlas.layout.display == "none"
    assert bench.attention.heads.layout.display == ""


def test_the_chip_names_model_dtype_backend_and_device(bench):
    chips = bench.children[0].children[0].value
    assert chips.count("dx-chip") == 2
    assert "float32 · sdpa · cpu" in chips


def test_the_atlas_keeps_to_the_set_that_is_chosen(bench):
    bench.selection.add([Sequence(f"t{i}", "ACGTTGCA" * (5 + i)) for i in range(4)], "others")
    bench.wait()
    assert "4 sequences" in bench.atlas.caption or "12 sequences" in bench.atlas.caption
    bench.atlas.points.value = "others"
    bench.selection.update(index=0)
    bench.wait()
    assert "which is not among these points" not in bench.atlas._read_out.value  # one's own are
    bench.selection.add([Sequence("far", "ACGT" * 9)], "a third")
    bench.wait()
    assert "which is not among these points" in bench.atlas._read_out.value


def test_a_sequence_too_long_for_a_model_is_said_and_its_tokens_shown(bench):
    bench.selection.add([Sequence("chromosome", "ACGTTGCA" * 16000)])
    bench.wait()
    assert "128,000 bp" in bench.tokens._stats.value.replace("</b>", "").replace("<b>", "")
    for view in (bench.attention, bench.attribution):
        assert f"up to {view.most_bases:,} bp" in view.caption
        assert view.plot.layout.display == "none"
    assert "1 longer than 40,000 bp are left out" in bench.atlas.caption
    bench.selection.update(index=0)
    bench.wait()
    for view in (bench.attention, bench.attribution):
        assert view.plot.layout.display == ""
        assert "s0" in view.caption


def test_one_sequence_alone_is_placed_in_an_atlas(encoder, classifier, monkeypatch):
    """As `dnabert2-explore app one.fa` opens it: the atlas was empty."""
    from dnabert2_explore import demo
    from dnabert2_explore.widgets.examples import WINDOWS

    few = demo.windows()[::40]
    monkeypatch.setattr(demo, "windows", lambda: few)
    bench = dx.Workbench(
        encoder, classifier=classifier, sequences=[Sequence("mine", "ACGTTGCATT" * 20)]
    )
    bench.wait()
    assert bench.selection.current.name == "mine"
    assert bench.selection.sets.count(WINDOWS) == len(few)
    assert f"PCA of {len(few) + 1} sequences" in bench.atlas.caption
    assert "1 of them are placed" in bench.atlas.caption
    assert bench.atlas.plot.cloud["n"] == len(few) + 1
    bench.close()


def test_what_nobody_looks_at_is_not_drawn_anew(encoder, classifier, sequences):
    bench = dx.Workbench(encoder, classifier=classifier, sequences=sequences)
    bench.wait()
    bench.maps.value = "dependencies"
    bench.wait()
    before = bench.attention.plot.spec
    bench.selection.update(bases=(4, 9))
    bench.wait()
    assert bench.attention.plot.spec == before
    bench.maps.value = "attention"
    bench.wait()
    marked = bench.attention.plot.spec
    assert marked != before
    bench.side.value = "All heads"
    gallery = bench.attention.heads.plot.spec
    assert gallery
    drawn = []
    bench.attention.heads.plot.observe(lambda _change: drawn.append(1), names="spec")
    bench.selection.update(bases=(12, 20))
    bench.wait()
    assert not drawn
    bench.attention.head.value = 1
    bench.wait()
    assert drawn
    bench.close()
