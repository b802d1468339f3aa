"""Everything public shows itself: short in a terminal, a small static picture in a notebook."""

from __future__ import annotations

import dataclasses
import inspect
import re
import subprocess
import sys
import typing
import warnings
import xml.etree.ElementTree as ET
from html import escape, unescape
from html.parser import HTMLParser
from urllib.parse import unquote

import ipywidgets
import numpy as np
import pandas as pd
import pytest
from nbconvert.exporters import LatexExporter

import dnabert2_explore as dx
from dnabert2_explore.errors import ExploreError
from dnabert2_explore.figures import plots
from dnabert2_explore.figures.display import ROOMS, card, html_of, training
from dnabert2_explore.figures.display.drawing.canvas import Canvas, Panel, number, thinned
from dnabert2_explore.results.rich_display import RichDisplay

from ..training.gue.conftest import made_run
from . import samples

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>&\"'"


def every(folder, runs):
    return [
        *samples.attributed(),
        *samples.read(),
        *samples.motifs(),
        *samples.maps(),
        *samples.features(),
        *samples.variants(),
        *samples.trained(folder, runs),
        *samples.stored(folder),
    ]


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    runs = [made_run("tf_2"), made_run("tf_4", wrong=10), made_run("H3", state="reduced")]
    return every(tmp_path_factory.mktemp("shown"), runs)


def public_classes():
    """Classes among the package's names, and those that its calls return."""
    found = set()
    for name in dx.__all__:
        value = getattr(dx, name)
        if inspect.isclass(value):
            found.add(value)
            if not issubclass(value, Exception | ipywidgets.Widget):
                found |= {one for _, call in methods(value) for one in returned(call)}
        elif inspect.isfunction(value):
            found |= returned(value)
    return {
        one
        for one in found
        if one.__module__.startswith("dnabert2_explore")
        and not issubclass(one, ExploreError | ipywidgets.Widget)
    }


def methods(kind):
    return [
        pair for pair in inspect.getmembers(kind, inspect.isfunction) if not pair[0].startswith("_")
    ]


def returned(call):
    """Classes of this package in a call's return annotation, inside lists and tuples too."""
    try:
        hint = typing.get_type_hints(call).get("return")
    except NameError:  # a name for type checkers alone
        return set()
    waiting, found = [hint], set()
    while waiting:
        one = waiting.pop()
        if inspect.isclass(one) and one.__module__.startswith("dnabert2_explore"):
            found.add(one)
        waiting += typing.get_args(one)
    return found


def test_every_public_class_shows_itself_and_has_a_sample(shown):
    kinds = {type(one) for one in shown}
    public = public_classes() - {dx.PretrainConfig}  # shown as the other configuration is
    assert {one.__name__ for one in public if not issubclass(one, RichDisplay)} == NO_DISPLAY
    assert {one.__name__ for one in public - kinds if one.__name__ in ROOMS} == set()
    assert {one.__name__ for one in public if issubclass(one, RichDisplay)} <= set(dx.__all__)
    assert set(ROOMS) - {one.__name__ for one in kinds} == {"PretrainConfig"}


def test_a_result_without_a_picture_shows_its_table():
    class Plain(RichDisplay):
        def _line(self):
            return "two rows"

        def table(self):
            return pd.DataFrame({"name": ["<b>", "x"], "value": [0.12345, 2.0]})

    html = html_of(Plain())
    assert "&lt;b&gt;" in html
    assert "0.123" in html


#: Parts of a result, and of settings, that are plain lines; and a torch module.
NO_DISPLAY = {"Difference", "Edited", "Feature", "OneHotModel", "Place", "Segmentation"}


def test_in_a_terminal_a_result_is_a_line(shown):
    for one in shown:
        assert len(repr(one).splitlines()) == 1, type(one)
        assert len(repr(one)) <= 300, repr(one)
        assert one._repr_mimebundle_()["text/plain"] == repr(one)


class Outline(HTMLParser):
    """Tags in order, and whether each is closed where it should be."""

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.names = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.names += [name for name, _ in attrs]
        self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.names += [name for name, _ in attrs]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def outline(html):
    found = Outline()
    found.feed(html)
    found.close()
    assert not found.open
    return found


def test_in_a_notebook_it_is_a_small_static_picture(shown):
    for one in shown:
        html = one._repr_mimebundle_()["text/html"]
        assert html == html_of(one)
        assert len(html.encode()) <= 100_000, (type(one), len(html))
        found = outline(html)
        assert not {"script", "iframe", "link", "object"} & set(found.tags)
        assert not [name for name in found.names if name.startswith("on") or name == "href"]
        assert "http" not in html.replace("http://www.w3.org/2000/svg", ""), type(one)
        assert "url(" not in html
        assert "@import" not in html
        assert "nan" not in re.findall(r'="(nan|inf)', html), type(one)
        assert not re.search(r'="[^"]*\bnan\b[^"]*"', html), type(one)


def test_where_styles_and_drawings_are_taken_out_an_image_is_left(shown):
    """JupyterLab sanitizes a notebook that its user has not run, and keeps the words of an SVG."""
    seen = 0
    for one in shown:
        html = html_of(one)
        stills = re.findall(r'<(?:img|div) class="dx-still".*?(?:/>|</div>)', html)
        drawings = list(ET.fromstring(f"<a>{_as_xml(html)}</a>").iter("svg"))
        outer = [one for one in drawings if not any(one in list(o.iter())[1:] for o in drawings)]
        assert len(stills) == len(outer) == html.count('<div class="dx-live" hidden="hidden"><svg ')
        for still, drawing in zip(stills, outer, strict=True):
            if still.startswith("<div"):  # there was no room
                assert "Trust Notebook" in still
                assert len(html.encode()) > 50_000
                continue
            label, text = re.search(
                r'alt="([^"]*)" src="data:image/svg\+xml,([^"]*)"', still
            ).groups()
            image = ET.fromstring(
                unquote(unescape(text))
            )  # strict: a browser shows nothing otherwise
            assert "".join(image.itertext()) == "".join(drawing.itertext())
            used = set(re.findall(r"var\((--dx-[\w-]+)\)", unquote(unescape(text))))
            assert used <= set(re.findall(r"(--dx-[\w-]+):", image.get("style"))), type(one)
            assert unescape(label) == image.get("aria-label", "")
            seen += 1
    assert seen > 30


def test_an_image_of_any_name_is_one(shown):
    name = 'A&B <i>"q" %41 #'
    svg = f'<svg aria-label="{escape(name)}" width="9"><text>{escape(name)}</text></svg>'
    found = []
    parser = HTMLParser()
    parser.handle_startendtag = lambda tag, attributes: found.append((tag, dict(attributes)))
    parser.feed(card._still(svg))
    ((tag, attributes),) = found
    assert tag == "img"
    assert attributes["alt"] == name
    text = unquote(attributes["src"].removeprefix("data:image/svg+xml,"))
    assert "".join(ET.fromstring(text).itertext()) == name


def test_names_that_say_themselves_stand_in_their_cards():
    one = dx.Variant("chr1", 9, "A", "G")
    assert one._repr_mimebundle_()["text/markdown"].startswith(r"**Variant** chr1:10 A\>G")


def test_without_permutations_the_head_atlas_tells_of_no_null():
    enc, bases = dx.load("pocket"), dx.demo.splice()[0].bases
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        text = html_of(dx.head_atlas(enc, bases, permutations=0))
    assert "by chance" not in text
    assert "there is no null" in text


def _as_xml(html):
    return (
        re.sub(r"<style>.*?</style>|<img [^>]*/>", "", html)
        .replace("<br>", "")
        .replace("&nbsp;", " ")
    )


def test_on_paper_it_is_a_line_and_its_table(shown):
    """nbconvert's LaTeX and PDF know no HTML: they get the same words and numbers."""
    priority = LatexExporter().config.NbConvertBase.display_data_priority
    tables = 0
    for one in shown:
        bundle = one._repr_mimebundle_()
        chosen = next(kind for kind in priority if kind in bundle)
        assert chosen == "text/markdown"
        first, *rest = bundle[chosen].split("\n\n")
        assert first.startswith(f"**{type(one).__name__}** ")
        for lines in (part.splitlines() for part in rest if part.startswith("| ")):
            tables += 1
            columns = {len(re.findall(r"(?<!\\)\|", line)) for line in lines}
            assert len(columns) == 1, (type(one), lines)
            assert set(lines[1]) <= set("| -")
    assert tables > 20


def test_whatever_a_name_holds_it_is_text(shown):
    tried = 0
    for one in shown:
        if not dataclasses.is_dataclass(one):
            continue
        plain = set(outline(html_of(one)).tags)
        for field in dataclasses.fields(one):
            value = getattr(one, field.name)
            if isinstance(value, str):
                hostile = HOSTILE
            elif isinstance(value, tuple) and value and all(isinstance(v, str) for v in value):
                hostile = (HOSTILE,) * len(value)
            else:
                continue
            try:
                html = html_of(dataclasses.replace(one, **{field.name: hostile}))
            except (ExploreError, KeyError, ValueError, TypeError):  # a name of ours, not a text
                continue
            tried += 1
            assert set(outline(html).tags) <= plain | {"b", "div", "td", "tr", "th"}, field.name
            assert "<script" not in html
            assert html.count("<img") == html.count('<img class="dx-still" ')
    assert tried > 60


def test_a_longest_sequence_stays_small():
    rng = np.random.default_rng(0)
    text = "".join(rng.choice(list("ACGTN"), 20_000))
    enc = dx.load("pocket")
    with pytest.warns(UserWarning, match="are not A, C, G or T"):
        cut = enc.tokenize(text)
    for one in (dx.Sequence("long", text), cut):
        assert len(html_of(one).encode()) <= 100_000


def test_plain_data_needs_no_pictures():
    """A result is made and printed without figures; they load when a notebook asks."""
    code = (
        "import sys, dnabert2_explore as dx\n"
        "one = dx.Sequence('probe', 'ACGT'); repr(one)\n"
        "assert 'dnabert2_explore.figures' not in sys.modules\n"
        "assert 'torch' not in sys.modules\n"
        "one._repr_mimebundle_()\n"
        "assert 'torch' not in sys.modules\n"
        "assert 'plotly' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_numbers_axes_and_bins():
    assert number(0.0) == "0"
    assert number(3.2e-9) == "3.2e−09"
    places, kept = thinned(np.r_[np.zeros(99), -7.0], 10)
    assert (places[-1], kept[-1]) == (99, -7.0)
    panel = Panel(Canvas(100, 100, ""), (10, 0, 90, 80), (0, 8), (-1, 1))
    assert (panel.x(4), panel.y(0), panel.y(1)) == (50, 40, 0)


def smallest():
    """What comes of a base, of nothing, and of one of each."""
    enc = dx.load("pocket")
    return [
        dx.Sequence("probe", "A"),
        enc.tokenize("A"),
        enc.tokenize(""),
        dx.attend(enc, "A"),
        dx.dependency_map(enc, "A"),
        dx.nucleotide_probabilities(enc, "A"),
        dx.replay_merges(enc, "A"),
        enc.embed_long("ACGTAC"),
        dx.leaderboard([made_run("tf_2")], published=()),
    ]


def test_of_one_it_speaks_in_the_singular_and_of_nothing_without_numbers():
    for one in smallest():
        for text in (repr(one), one._repr_mimebundle_()["text/markdown"]):
            assert not re.search(r"(?<![\d.,])1 (?!is\b)[a-z]+s\b", text), text
            assert not re.search(r"\bnan\b|[-−]0(\.0+)?(?![\d.])", text), text


def test_a_line_counts_bases_as_screens_do_and_leaves_special_tokens_out():
    enc, bases = dx.load("pocket"), dx.demo.windows()[0].bases[:60]
    assert "bases 11–30 can change in" in repr(dx.dependency_map(enc, bases, (10, 30)))
    assert "of bases 11–30:" in repr(dx.nucleotide_probabilities(enc, bases, (10, 30)))
    splice, site = dx.load("pocket-splice"), dx.demo.splice()[0]
    why = dx.attribute(splice, site, "donor", method="occlusion")
    assert f"in {(~why.tokens.special).sum()} tokens" in repr(why)


def test_what_has_a_figure_shows_a_picture_in_a_cell(shown):
    plain = {
        type(one).__name__
        for one in shown
        if type(one).__name__ in plots._FIGURES and "<svg" not in html_of(one)
    }
    assert not plain


def test_a_plain_table_says_where_it_counts_from_and_that_it_is_empty():
    class Found(RichDisplay):
        def _line(self):
            return "features"

        def table(self):
            return pd.DataFrame({"start": rows, "end": rows})

    rows = [3]
    assert "from 0, ends not included" in html_of(Found())
    rows = []
    assert "<table" not in html_of(Found())
    assert "no row" in html_of(Found())


def test_a_plain_table_of_many_columns_shows_the_first():
    class Wide(RichDisplay):
        def _line(self):
            return "vectors"

        def table(self):
            return pd.DataFrame(np.zeros((2, 200)))

    assert html_of(Wide()).count("<th ") == 14
    assert "186 columns more in .table()." in html_of(Wide())


def test_names_beside_dots_have_room():
    rows = [("Spearman's rank correlation, test", 0.5, 0.4, 0.6, "red")]
    svg = training.dots(rows, "score")
    right = float(re.search(r'<text x="([\d.]+)"[^>]*text-anchor="end"[^>]*>Spearman', svg)[1])
    assert right >= 6 * len(rows[0][0])


def test_of_few_draws_no_small_p_is_promised():
    heads = dx.head_atlas(dx.load("pocket"), dx.demo.windows()[:1], permutations=4)
    assert "no p can be below 0.2" in html_of(heads)


def test_a_map_of_a_class_shows_its_untrained_twin():
    splice, site = dx.load("pocket-splice"), dx.demo.splice()[0]
    alone = dx.dependency_map(splice, site, (99, 103), of="donor")
    beside = dx.dependency_map(splice, site, (99, 103), of="donor", twin=True)
    assert "untrained" not in html_of(alone)
    assert "Dashed: an untrained network" in html_of(beside)
    one, two = dx.plot(alone), dx.plot(beside)
    assert len(two.data) > len(one.data)
    assert two.layout.yaxis.range == two.layout.yaxis2.range  # beside one another, on one scale


def test_the_axis_of_few_bases_numbers_each_once():
    few, many = (dx.plot(dx.load("pocket").tokenize(text)) for text in ("ACGT", "ACGT" * 9))
    assert few.layout.xaxis.dtick == 1
    assert many.layout.xaxis.dtick is None


def test_axes_of_things_that_are_counted_have_whole_ticks():
    panel = Panel(Canvas(100, 100, ""), (10, 0, 90, 80), (0.5, 3.5), (0, 1))
    panel.x_axis("token")
    assert re.findall(r">([\d.]+)</text>", "".join(panel.canvas.parts)) == ["1", "2", "3"]
    assert number(-0.0) == "0"


def test_a_models_card_says_how_it_predicts():
    assert "Its predictions: mean over 5 segmentations" in html_of(dx.load("pocket-splice"))
    assert "Its predictions" not in html_of(dx.load("pocket"))


def test_each_panel_has_its_title_beside_it_and_a_lone_point_is_seen():
    canvas = Canvas(680, 200, "")
    for left in (58.0, 398.0):
        Panel(canvas, (left, 10, left + 200, 150), (0, 8), (0, 1)).y_axis("share")
    assert re.findall(r"translate\(([\d.]+) ", str(canvas)) == ["11", "351"]
    panel = Panel(Canvas(100, 100, ""), (10, 0, 90, 80), (0, 8), (0, 1))
    panel.curve([0, 1, 2, 3, 4], [0.5, np.nan, 0.5, np.nan, np.nan], "red")
    assert str(panel.canvas).count("<circle") == 2


def test_cells_of_a_sweep_say_what_their_colours_are():
    splice, site = dx.load("pocket-splice"), dx.demo.splice()[0]
    sweep = dx.marginalize(splice, site, "GTAAGT", "donor", sweep="copies", copies=6, columns=(0,))
    most = number(float(abs(sweep.effect).max()))
    assert f"Orange adds, blue takes away; full colour is {most} logit." in html_of(sweep)


def test_names_of_lines_that_are_near_stand_on_either_side():
    found = dx.Clusters(
        np.zeros(9, int), np.ones(9), np.array([9]), np.array([0.8]), 0.74, 3, 5
    )  # fmt: skip
    anchors = {
        name: anchor
        for anchor, name in re.findall(
            r'text-anchor="(\w+)"[^>]*>(there|columns shuffled)', html_of(found)
        )
    }
    assert anchors == {"there": "start", "columns shuffled": "end"}
    none = dataclasses.replace(found, sizes=np.zeros(0, int), stability=np.zeros(0))
    assert "<svg" not in html_of(none)
