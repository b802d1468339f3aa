"""The workbench notebook in JupyterLab, driven by mouse and keyboard in headless Chromium."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from PIL import Image

from dnabert2_explore.results.records import read_record, unpacked

pytest.importorskip("playwright", reason="playwright is not installed: pip install -e '.[test]'")

from .harness import find_chromium, lab_page, lab_server
from .workbench import VIEWS, WorkbenchPage

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(find_chromium() is None, reason="no Chromium: apt-get install chromium"),
]


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """The notebook, run, its workbench drawn; the tests below follow one another on it."""
    folder = tmp_path_factory.mktemp("notebooks")  # `lab --dir` copies the notebooks there
    with (
        lab_server(folder, tmp_path_factory.mktemp("jupyter")) as server,
        lab_page(server, width=1600, height=1750) as lab,
    ):
        lab.open()
        lab.show_only_notebook()
        lab.run_all()
        page = WorkbenchPage(lab)
        page.wait_drawn()
        yield page


@pytest.fixture(autouse=True)
def _nothing_foreign_and_no_error(bench):
    yield
    assert bench.lab.foreign == [], "requests to other hosts"
    assert bench.lab.errors == [], "errors in the browser's console"
    assert bench.lab.tracebacks() == [], "errors in the notebook"
    assert bench.view_errors() == [], "errors in the views"


def test_four_views_are_drawn(bench, screenshots):
    assert sorted(bench.drawn()) == sorted(VIEWS)
    assert all(count > 0 for count in bench.drawn().values())
    assert bench.locator(".dx-chip").count() >= 1
    bench.screenshot(screenshots / "workbench-first.png")


def test_every_view_says_what_computed_it(bench):
    names = {bench.sequence_in(view) for view in ("tokens", "attention", "attribution")}
    assert len(names) == 1
    for view in ("attention", "attribution", "atlas"):  # captions follow the pictures
        bench.wait(lambda view=view: " parameters · " in bench.caption(view))
    assert "PCA" in bench.caption("atlas")
    assert "delta" in bench.caption("attribution")


def test_clicking_a_token_selects_its_bases_everywhere(bench):
    before = bench.drawn()
    bench.click_token()
    bench.wait_redrawn(before, ("tokens", "attribution", "attention"))
    bench.wait(bench.selected_bases)  # the input bar follows after the views
    start, end = bench.selected_bases()
    read_out = bench.text(".dx-tokens .dx-read-out")
    assert "token" in read_out
    assert f"{end - start + 1} bp" in read_out
    for view in ("tokens", "attribution"):
        assert bench.span_in(bench.text(f".dx-{view} .dx-read-out")) == (start, end)


def test_clicking_another_token_moves_the_selection(bench):
    first = bench.selected_bases()
    before = bench.drawn()
    bench.click_token(1)
    bench.wait_redrawn(before, ("tokens", "attribution", "attention"))
    bench.wait(lambda: bench.selected_bases() not in (None, first))


def test_arrow_keys_go_from_token_to_token(bench):
    _, end = bench.selected_bases()
    before = bench.drawn()
    bench.lab.page.keyboard.press("ArrowRight")
    bench.wait_redrawn(before, ("tokens", "attribution", "attention"))
    bench.wait(lambda: (bench.selected_bases() or (0,))[0] == end + 1)


def test_changing_the_head_redraws_attention(bench):
    for choice, words in ((1, "head 2"), (0, "head 1")):
        before = bench.drawn()
        bench.choose(".dx-attention .dx-head select", choice)
        bench.wait_redrawn(before, ("attention",))
        bench.wait_text(".dx-attention .dx-caption", words)


def test_rollout_and_token_axes(bench):
    bench.choose(".dx-attention .dx-what select", "rollout")
    bench.wait_text(".dx-attention .dx-caption", "rollout")
    before = bench.drawn()
    bench.locator(".dx-attention .dx-axes button").nth(1).click()
    bench.wait_redrawn(before, ("attention",))
    before = bench.drawn()
    bench.locator(".dx-attention .dx-axes button").nth(0).click()
    bench.wait_redrawn(before, ("attention",))
    bench.choose(".dx-attention .dx-what select", "head")
    bench.wait_text(".dx-attention .dx-caption", "head")


def test_a_head_of_the_gallery_is_shown(bench):
    bench.locator(".dx-side:visible button").nth(1).click()
    bench.wait(lambda: bench.locator(".dx-heads-plot .nsewdrag").first.is_visible())
    bench.wait_settled()
    box = bench.locator(".dx-heads-plot .nsewdrag").first.bounding_box()
    bench.lab.click_point(box["x"] + box["width"] * 0.75, box["y"] + box["height"] * 0.3)
    bench.wait_text(".dx-attention .dx-caption", "head 5 in layer 2")
    bench.locator(".dx-side:visible button").nth(0).click()
    bench.wait(lambda: bench.locator(".dx-atlas .dx-plot").is_visible())
    bench.choose(".dx-attention .dx-layer select", 3)
    bench.choose(".dx-attention .dx-head select", 0)
    bench.wait_text(".dx-attention .dx-caption", "head 1 in layer 4")


def test_tokens_an_explanation_and_a_map_stand_on_a_laptops_screen(bench, screenshots):
    page = bench.lab.page
    page.set_viewport_size({"width": 1440, "height": 900})
    bench.wait_settled()
    # Models of twelve layers have two digits.
    words, room = page.evaluate("""() => {
        const list = document.querySelector('.dx-attention .dx-layer select');
        const style = getComputedStyle(list);
        const pen = document.createElement('canvas').getContext('2d');
        pen.font = style.font;
        const edges = parseFloat(style.paddingLeft) + parseFloat(style.paddingRight);
        return [pen.measureText('layer 12').width, list.clientWidth - edges];
    }""")
    assert words <= room
    for place, view in ((0, "attention"), (1, "dependencies")):
        bench.choose(".dx-maps:visible select", place)
        if view == "dependencies":
            bench.wait(lambda: bench.map_is_there(), 120)
        bench.wait_settled()
        page.evaluate("document.querySelector('.dx-workbench').scrollIntoView()")
        page.wait_for_timeout(200)
        page.screenshot(path=screenshots / f"laptop-{view}.png")
        foot = bench.locator(f".dx-{view} > .dx-caption").bounding_box()
        status = page.locator("#jp-bottom-panel").bounding_box()
        assert foot["y"] + foot["height"] <= status["y"]
        panels = bench.locator(f".dx-{view} .nsewdrag").evaluate_all(
            "all => all.map(one => one.getBoundingClientRect().height)"
        )
        assert max(panels) > 100
    assert bench.sideways_overflow() == 0


def test_the_untrained_network_is_one_click_away(bench, screenshots):
    bench.wait_text(".dx-dependencies .dx-caption", "kept their span")
    assert "untrained" not in bench.caption("dependencies")
    bench.locator(".dx-dependencies .dx-shown button").nth(1).click()
    bench.wait(bench.map_is_there, 120)
    bench.wait_text(".dx-dependencies .dx-caption", "random weights")
    bench.locator(".dx-dependencies .dx-plot").focus()
    bench.lab.page.keyboard.press("d")
    bench.wait(lambda: bench.locator(".dx-dependencies .dx-shown .mod-active").inner_text()
               == "difference")  # fmt: skip
    bench.wait_settled()
    bench.click_token(1)
    bench.wait(bench.selected_bases)
    bench.lab.page.screenshot(path=screenshots / "laptop-difference.png")
    bench.locator(".dx-dependencies .dx-shown button").nth(0).click()
    bench.choose(".dx-maps:visible select", 0)
    bench.lab.page.set_viewport_size({"width": 1600, "height": 1750})
    bench.wait_settled()


def test_arcs_and_the_maps_of_the_layers_fit_a_laptop(bench, screenshots):
    page = bench.lab.page
    page.set_viewport_size({"width": 1440, "height": 900})
    clear = bench.locator("button:visible").filter(has_text="clear")
    if clear.count():  # what is selected is said in the captions' place
        clear.first.click()
    bench.wait_settled()
    bench.locator(".dx-attention .dx-axes button").nth(2).click()
    bench.wait(lambda: "strongest pairs" in bench.text(".dx-attention > .dx-caption"))
    for place, view, words in (
        (0, "attention", "strongest pairs"),
        (4, "lens", "Rank of"),
        (5, "layers", ""),
        (6, "features", ""),
    ):
        bench.choose(".dx-maps:visible select", place)
        bench.wait(lambda view=view: bench.locator(f".dx-{view}:visible").count() > 0)
        bench.wait(
            lambda view=view, words=words: words in bench.text(f".dx-{view} > .dx-caption"), 120
        )
        bench.wait_settled()
        page.evaluate("document.querySelector('.dx-workbench').scrollIntoView()")
        page.wait_for_timeout(200)
        page.screenshot(path=screenshots / f"laptop-{view}-map.png")
        foot = bench.locator(f".dx-{view}:visible").first.bounding_box()
        status = page.locator("#jp-bottom-panel").bounding_box()
        assert foot["y"] + foot["height"] <= status["y"]
        if view == "lens":
            bench.locator(".dx-lens .dx-shown button").nth(1).click()
            bench.wait_text(".dx-lens > .dx-caption", "of an untrained network")
            bench.locator(".dx-lens .dx-shown button").nth(0).click()
    # What takes longer is said before it begins, and waits to be asked.
    assert bench.locator(".dx-features button:visible").filter(has_text="Train").count() == 1
    assert bench.sideways_overflow() == 0
    bench.choose(".dx-maps:visible select", 0)
    bench.locator(".dx-attention .dx-axes button").nth(0).click()
    page.set_viewport_size({"width": 1600, "height": 1750})
    bench.wait_settled()


def test_zooming_moves_every_base_axis(bench):
    whole = bench.base_axes()
    bench.locator(".dx-zoom-in").click()
    bench.wait(lambda: bench.base_axes() != whole)
    bench.wait(lambda: len(set(bench.base_axes().values())) == 1)
    low, high = bench.base_axes()["tokens"]
    assert high - low < 0.7 * (whole["tokens"][1] - whole["tokens"][0])
    bench.locator(".dx-zoom-all").click()
    bench.wait(lambda: bench.base_axes() == whole)


def test_picking_an_atlas_point_loads_that_sequence_into_every_view(bench):
    for _ in range(2):
        before, drawn = bench.looked_at(), bench.drawn()
        bench.pick_atlas_point()
        name = bench.looked_at()
        assert name != before
        bench.wait_redrawn(drawn, VIEWS)
        for view in ("tokens", "attention", "attribution"):
            bench.wait_sequence(view, name)
        bench.wait_drawn()


def test_a_lasso_leads_to_a_table_a_motif_and_a_sequence(bench, screenshots):
    bench.lasso()
    bench.wait_text(".dx-chosen .dx-why", "enriched", 60)
    assert " of 500 chosen" in bench.text(".dx-chosen-count")
    first = bench.text(".dx-chosen .dx-rows tbody tr td")
    assert set(first) <= set("ACGT")
    bench.screenshot(screenshots / "workbench-lasso.png")
    bench.locator(".dx-chosen .dx-rows tbody tr").first.click()
    bench.wait(bench.selected_bases)
    start, end = bench.selected_bases()
    assert end - start + 1 == len(first)
    bench.wait_drawn()

    bench.choose(".dx-words select", "motifs")
    card = bench.locator(".dx-chosen .dx-motif-card")
    bench.wait(lambda: card.count() and "q = " in card.first.inner_text(), 120)  # of JASPAR
    bench.screenshot(screenshots / "workbench-motifs.png")
    looked_at = bench.looked_at()
    card.first.click()
    bench.wait(lambda: bench.looked_at() != looked_at)  # on to the next that holds it
    bench.wait(lambda: bench.selected_bases() not in (None, (start, end)))
    for view in ("tokens", "attention", "attribution"):
        bench.wait_sequence(view, bench.looked_at())
    assert card.first.get_attribute("aria-current") == "true"
    assert " of 500 chosen" in bench.text(".dx-chosen-count")
    bench.wait_drawn()

    bench.locator(".dx-chosen .dx-tab button").nth(2).click()
    bench.wait_text(".dx-chosen .dx-why", "most typical")
    row = bench.locator(".dx-chosen .dx-rows tbody tr").nth(2)
    name = row.locator("td").first.inner_text()
    row.click()
    for view in ("tokens", "attention", "attribution"):
        bench.wait_sequence(view, name)
    bench.wait_drawn()
    bench.locator(".dx-clear").click()
    bench.wait(lambda: not bench.locator(".dx-chosen").is_visible())


def test_another_method_and_target(bench):
    bench.choose(".dx-attribution .dx-method select", 1)
    bench.wait_text(".dx-attribution .dx-caption", "aliency")
    bench.choose(".dx-attribution .dx-method select", 0)
    bench.wait_text(".dx-attribution .dx-caption", "delta")
    classes = bench.locator(".dx-attribution .dx-target select option").all_inner_texts()
    bench.choose(".dx-attribution .dx-target select", 2)
    bench.wait_text(".dx-attribution .dx-caption", f"“{classes[2]}”", 120)
    bench.choose(".dx-attribution .dx-target select", 0)


def test_a_pasted_sequence_is_read_cleaned_and_shown(bench):
    bench.locator(".dx-add-button").click()
    bench.paste(">mine\nacguacguNNNNACGTTGCATGCAATTGGCC\nAACCTTGGACGTACGATCG\n")
    for view in ("tokens", "attention", "attribution"):
        bench.wait_sequence(view, "mine")
    assert "4 N" in bench.text(".dx-tokens .dx-stats")
    pasted = bench.locator(".dx-paste textarea")
    bench.wait(lambda: pasted.input_value() == "")  # which the kernel does last
    bench.paste(">protein\nMKVLEEFFPPQQIIKLLEEFFPPMKVLEEFFPPQQ\n")
    bench.wait_text(".dx-input-message", "Could not use")
    bench.locator(".dx-paste textarea").fill(">again\nACGTACGTTTGACAACGT\n")
    bench.locator(".dx-add").click()  # the message goes when the next paste is good
    bench.wait_text(".dx-input-message", "Added 1")
    bench.locator(".dx-add-button").click()


def test_a_picture_says_where_it_comes_from(bench, tmp_path):
    page = bench.lab.page
    bench.locator(".dx-attention .dx-export-button").click()
    for kind in ("png", "svg"):
        with page.expect_download() as waiting:
            bench.locator(f".dx-attention .dx-save-{kind}").click()
        path = tmp_path / waiting.value.suggested_filename
        waiting.value.save_as(path)
        assert path.suffix == f".{kind}"
        record = read_record(path)  # whose digest fits
        assert record["view"] == "attention"
        assert len(record["models"]["enc"]["sha256"]) == 64
        assert "query" in unpacked(record["table"])
        if kind == "svg":
            ElementTree.fromstring(path.read_bytes())
        else:
            assert Image.open(path).size[0] > 600  # whole still: its sums fit
            Image.open(path).verify()
    bench.locator(".dx-attention .dx-export-button").click()


def test_umap_takes_the_place_of_pca_when_it_is_ready(bench):
    bench.locator(".dx-atlas .dx-projection button").nth(1).click()
    bench.wait_text(".dx-atlas .dx-caption", "UMAP (cosine", 240)
    bench.locator(".dx-atlas .dx-projection button").nth(0).click()
    bench.wait(lambda: bench.caption("atlas").startswith("PCA"))


def test_dark_theme_and_a_narrow_window(bench, screenshots):
    page = bench.lab.page
    before = bench.drawn()
    bench.lab.command("apputils:change-theme", {"theme": "JupyterLab Dark"})
    bench.wait_redrawn(before, VIEWS)
    bench.wait_drawn()
    bench.screenshot(screenshots / "workbench-dark.png")
    before = bench.drawn()
    bench.lab.command("apputils:change-theme", {"theme": "JupyterLab Light"})
    bench.wait_redrawn(before, VIEWS)
    page.set_viewport_size({"width": 1100, "height": 1750})
    bench.wait_settled()
    bench.screenshot(screenshots / "workbench-narrow.png")
    bench.wait(lambda: bench.sideways_overflow() == 0)
    page.set_viewport_size({"width": 1600, "height": 1750})
    bench.wait_settled()


def test_splice_sites_down_to_single_letters(bench, screenshots):
    """The picture in the README."""
    if "Splice" not in bench.chosen(".dx-set select"):
        before = bench.sequence_in("tokens")
        bench.choose(".dx-set select", 1)
        bench.wait(lambda: bench.sequence_in("tokens") != before)
    bench.wait_drawn()
    bench.locator(".dx-atlas .dx-projection button").nth(1).click()
    bench.wait_text(".dx-atlas .dx-caption", "UMAP (cosine", 240)
    length = bench.base_axes()["tokens"][1]
    bench.locator(".dx-range input").fill(f"{length // 2 - 39}-{length // 2 + 40}")
    bench.locator(".dx-range input").press("Enter")
    bench.wait(lambda: set(bench.base_axes().values()) == {(length // 2 - 39, length // 2 + 40)})
    bench.wait_settled()
    bench.click_token(2)  # beside the site
    bench.wait(lambda: bench.selected_bases() is not None)
    bench.choose(".dx-attention .dx-layer select", 0)
    bench.choose(".dx-attention .dx-head select", 3)
    bench.wait_text(".dx-attention .dx-caption", "head 4 in layer 1")
    # Bases are letters now.
    bench.wait(lambda: bench.text(".dx-tokens .js-plotly-plot").count("A") > 5)
    bench.lab.page.set_viewport_size({"width": 1600, "height": 1000})
    bench.choose(".dx-maps:visible select", 1)
    bench.wait(bench.map_is_there, 120)
    bench.wait_settled()
    bench.screenshot(screenshots / "workbench.png")
    bench.choose(".dx-maps:visible select", 0)
    bench.lab.page.set_viewport_size({"width": 1600, "height": 1750})
    bench.wait_settled()


def test_positions_on_show_count_from_1(bench):
    bench.locator(".dx-zoom-all").click()
    bench.wait(lambda: re.match(r"1\D", bench.locator(".dx-range input").input_value()))
