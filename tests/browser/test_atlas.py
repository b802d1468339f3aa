"""The atlas alone in JupyterLab: its legend, cards, space and layers, by mouse and keyboard."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

pytest.importorskip("playwright", reason="playwright is not installed: pip install -e '.[test]'")

from playwright.sync_api import Locator, TimeoutError

from .harness import Lab, find_chromium, lab_page, lab_server, write_notebook

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(find_chromium() is None, reason="no Chromium: apt-get install chromium"),
]

NOTEBOOK = "atlas.ipynb"
CELL = (
    "import dnabert2_explore as dx\n"
    "windows = dx.demo.windows()[::5]\n"
    "dx.AtlasExplorer(dx.load('pocket'), windows)"
)


class AtlasPage:
    """An atlas on a page of its own."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab

    def find(self, selector: str) -> Locator:
        return self.lab.page.locator(f".dx-atlas {selector}")

    def wait(self, script: str, argument: Any = None, seconds: float = 90) -> None:
        """Wait until a function of the plot's element, and of an argument, is true."""
        self.lab.page.wait_for_function(
            f"argument => ({script})(document.querySelector('.dx-atlas .dx-plot'), argument)",
            arg=argument,
            timeout=1000 * seconds,
        )

    def wait_caption(self, words: str) -> None:
        self.lab.page.wait_for_function(
            "words => document.querySelector('.dx-atlas > .dx-caption').innerText.includes(words)",
            arg=words,
        )

    def place(self, point: int) -> list[float]:
        where: list[float] = self.find(".dx-plot").first.evaluate(
            "(plot, i) => plot.pointPlace(i)", point
        )
        return where

    def rest_on(self, point: int) -> None:
        """Rest with the pointer on a point until its card is there."""
        for _ in range(60):
            x, y = self.place(point)
            self.lab.page.mouse.move(x - 30, y)
            self.lab.page.mouse.move(x, y, steps=5)
            with suppress(TimeoutError):
                self.find(".dx-card").wait_for(state="visible", timeout=1500)
                return
        raise AssertionError("no card was shown")

    def painted(self) -> int:
        """Pixels of the map that are not its ground."""
        count: int = self.find(".dx-cloud-points").evaluate(
            """canvas => {
                const {data} = canvas.getContext('2d').getImageData(
                    0, 0, canvas.width, canvas.height);
                let found = 0;
                for (let i = 0; i < data.length; i += 4)
                    if (data[i] !== data[0] || data[i + 1] !== data[1] || data[i + 2] !== data[2])
                        found++;
                return found;
            }"""
        )
        return count

    def drag(self, places: list[tuple[float, float]]) -> None:
        """Drag over the map through places that are shares of its width and height."""
        box = self.find(".dx-cloud-over").bounding_box()
        assert box is not None
        mouse = self.lab.page.mouse
        there = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in places]
        mouse.move(*there[0])
        mouse.down()
        for place in there[1:]:
            mouse.move(*place, steps=5)
        mouse.up()

    def lasso_all(self) -> None:
        self.drag([(0.003, 0.003), (0.997, 0.003), (0.997, 0.997), (0.003, 0.997), (0.003, 0.003)])


@pytest.fixture(scope="module")
def atlas(tmp_path_factory):
    """A hundred windows of genomes; the tests below follow one another on it."""
    folder = tmp_path_factory.mktemp("notebooks")
    write_notebook(folder / NOTEBOOK, [CELL])
    with (
        lab_server(folder, tmp_path_factory.mktemp("jupyter")) as server,
        lab_page(server, width=1440, height=900) as lab,
    ):
        lab.open(NOTEBOOK)
        lab.show_only_notebook()
        lab.run_all()
        page = AtlasPage(lab)
        page.wait("plot => Number(plot?.dataset.points) === 100")
        page.find(".dx-cloud-over").scroll_into_view_if_needed()
        yield page


@pytest.fixture(autouse=True)
def _nothing_foreign_and_no_error(atlas):
    yield
    assert atlas.lab.foreign == [], "requests to other hosts"
    assert atlas.lab.errors == [], "errors in the browser's console"
    assert atlas.lab.tracebacks() == [], "errors in the notebook"
    assert atlas.find(".dx-error:visible").all_inner_texts() == []


def test_a_point_tells_its_name_and_its_tokens(atlas, screenshots):
    atlas.rest_on(7)
    tokens = atlas.find(".dx-card .dx-card-tokens i")
    assert tokens.count() > 20
    assert all(set(one) <= set("ACGT") for one in tokens.all_inner_texts()[1:])
    assert "species: " in atlas.find(".dx-card").inner_text()
    assert "tokens" in atlas.find(".dx-card").inner_text()
    atlas.lab.page.screenshot(path=screenshots / "atlas-card.png")
    atlas.lab.page.mouse.move(2, 2)
    atlas.find(".dx-card").wait_for(state="hidden")


def test_a_press_on_the_legend_takes_a_class_off_the_map_and_out_of_reach(atlas, screenshots):
    button = atlas.find(".dx-legend-class").first
    name, number = button.inner_text().split()
    every = atlas.painted()
    button.click()
    atlas.wait_caption(f"{number} of hidden classes are left out")
    assert atlas.find(".dx-legend-class").first.get_attribute("aria-pressed") == "false"
    left = atlas.painted()
    assert 0 < left < every
    atlas.lasso_all()
    atlas.lab.page.wait_for_function(
        "words => document.querySelector('.dx-chosen-count').innerText.includes(words)",
        arg=f"{100 - int(number)} of {100 - int(number)} chosen",
    )
    assert name not in atlas.find(".dx-read-out").inner_text().partition("chosen")[2]
    atlas.lab.page.screenshot(path=screenshots / "atlas-legend.png")
    atlas.find(".dx-cloud-over").click(position={"x": 4, "y": 4})
    atlas.lab.page.keyboard.press("Escape")
    atlas.find(".dx-chosen").wait_for(state="hidden")
    atlas.find(".dx-legend-all").click()
    atlas.lab.page.wait_for_function(
        "() => !document.querySelector('.dx-atlas > .dx-caption').innerText.includes('hidden')"
    )
    assert atlas.painted() == every


def test_in_space_a_drag_turns_the_points(atlas, screenshots):
    atlas.find(".dx-three").click()
    atlas.wait_caption("in three dimensions")
    before = [atlas.place(i) for i in range(20)]
    atlas.drag([(0.5, 0.5), (0.62, 0.6)])
    atlas.wait(
        "(plot, before) => before.some(([x, y], i) => {"
        "const [a, b] = plot.pointPlace(i); return Math.hypot(a - x, b - y) > 5; })",
        before,
    )
    turned = [atlas.place(i) for i in range(20)]
    shifts = {(round(a[0] - b[0]), round(a[1] - b[1])) for a, b in zip(before, turned, strict=True)}
    assert len(shifts) > 10  # a turn, no shift of the whole
    atlas.lab.page.screenshot(path=screenshots / "atlas-space.png")
    atlas.find(".dx-three").click()
    atlas.lab.page.wait_for_function(
        "() => !document.querySelector('.dx-atlas > .dx-caption').innerText.includes('three')"
    )


def test_the_slider_goes_from_layer_to_layer(atlas, screenshots):
    atlas.find(".dx-projection button").nth(3).click()
    slider = atlas.find(".dx-frame")
    slider.wait_for(state="visible")
    atlas.wait_caption("each turned onto the one before")
    output = atlas.find(".dx-cloud-frames output")
    last = int(slider.get_attribute("max") or 0)
    assert output.inner_text() == f"layer {last}"
    before = [atlas.place(i) for i in range(20)]
    slider.focus()
    atlas.lab.page.keyboard.press("ArrowLeft")
    atlas.wait_caption(f"layer {last - 1}")
    assert output.inner_text() == f"layer {last - 1}"
    after = [atlas.place(i) for i in range(20)]
    moved = [((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2) ** 0.5
             for a, b in zip(before, after, strict=True)]  # fmt: skip
    assert max(moved) > 2
    atlas.lab.page.screenshot(path=screenshots / "atlas-layers.png")
    # Who asked for less motion sees a point at its old place and at its new one, nowhere between.
    atlas.lab.page.emulate_media(reduced_motion="reduce")
    places = slider.evaluate(
        """(slider, layer) => new Promise((done) => {
        const plot = slider.closest(".dx-plot"), seen = new Set();
        slider.value = layer;
        slider.dispatchEvent(new Event("input"));
        const begun = performance.now();
        const look = () => {
            seen.add(plot.pointPlace(7).join());
            performance.now() - begun < 700 ? requestAnimationFrame(look) : done(seen.size);
        };
        look();
    })""",
        last - 2,
    )
    assert places <= 2
    atlas.lab.page.emulate_media(reduced_motion="no-preference")
    atlas.wait_caption(f"layer {last - 2}")
    atlas.find(".dx-projection button").nth(0).click()
    slider.wait_for(state="hidden")
