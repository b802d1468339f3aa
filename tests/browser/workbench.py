"""The workbench as a person finds it on the page: what it shows, and how to act on it.

The class names are those documented in ``dnabert2_explore/widgets/__init__.py``.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, TimeoutError as Refused

from .harness import Lab

VIEWS = ("tokens", "attention", "attribution", "atlas")

_SPAN = re.compile(r"bases\s+([\d,]+)(?:\s*[–-]\s*([\d,]+))?", re.I)


class WorkbenchPage:
    """One workbench on a page."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab

    # What it shows ------------------------------------------------------------------------------

    def locator(self, selector: str) -> Locator:
        """Elements of the workbench."""
        return self.lab.page.locator(f".dx-workbench {selector}")

    def text(self, selector: str) -> str:
        """Text of one element, white space folded."""
        return " ".join(self.locator(selector).first.inner_text().split())

    def chosen(self, selector: str) -> str:
        """Return the chosen entry of a list."""
        text: str = self.locator(selector).evaluate("list => list.selectedOptions[0].textContent")
        return text

    def caption(self, view: str) -> str:
        """Caption of a view."""
        return self.text(f".dx-{view} .dx-caption")

    def drawn(self) -> dict[str, int]:
        """How often each view's plot was drawn."""
        counts: dict[str, int] = self.lab.page.evaluate(
            """views => Object.fromEntries(views.map(view => {
                const plot = document.querySelector(`.dx-workbench .dx-${view} .dx-plot`);
                return [view, Number(plot?.dataset.drawn ?? 0)];
            }))""",
            list(VIEWS),
        )
        return counts

    def sequence_in(self, view: str) -> str:
        """Name of the sequence a caption speaks of."""
        return self.text(f".dx-{view} .dx-caption b")

    def looked_at(self) -> str:
        """Name of the sequence the atlas marks."""
        return self.text(".dx-atlas .dx-read-out b")

    @staticmethod
    def span_in(text: str) -> tuple[int, int] | None:
        """First "bases a–b" of a text, 1-based and inclusive."""
        found = _SPAN.search(text)
        if found is None:
            return None
        first = int(found[1].replace(",", ""))
        return first, int(found[2].replace(",", "")) if found[2] else first

    def selected_bases(self) -> tuple[int, int] | None:
        """The selected stretch, 1-based and inclusive, as the input bar has it."""
        return self.span_in(self.text(".dx-selected"))

    def base_axes(self) -> dict[str, tuple[int, int]]:
        """Return the first and last base in sight on every base axis, counted from 1."""
        ranges: dict[str, list[float]] = self.lab.page.evaluate(
            """views => Object.fromEntries(views.map(view => {
                const plot = document.querySelector(
                    `.dx-workbench .dx-${view} .js-plotly-plot`);
                return [view, plot._fullLayout.xaxis.range];
            }))""",
            ["tokens", "attention", "attribution"],
        )
        return {view: (round(a + 0.5), round(b - 0.5)) for view, (a, b) in ranges.items()}

    def map_is_there(self) -> bool:
        """Whether the dependency map is drawn; presses Compute where it asks first."""
        asks = self.locator(".dx-dependencies .dx-compute")
        if asks.is_visible():
            with suppress(Refused):  # it hides where the view finds that it need not ask
                asks.click(timeout=2_000)
        drawn = self.locator(".dx-dependencies .dx-plot:not(.dx-stale) .hm")
        return drawn.count() > 0 and drawn.first.is_visible()

    def umap_is_ready(self) -> bool:
        """Whether the atlas has its second projection, on show or not."""
        return "UMAP is ready" in self.caption("atlas") or self.caption("atlas").startswith(
            "UMAP ("
        )

    def view_errors(self) -> list[str]:
        """Errors on show in the views."""
        shown = self.locator(".dx-view .dx-error:visible")
        return shown.all_inner_texts()

    def sideways_overflow(self) -> int:
        """Pixels by which the workbench is wider than its place."""
        pixels: int = self.lab.page.evaluate(
            """() => {
                const bench = document.querySelector('.dx-workbench');
                return bench.scrollWidth - bench.clientWidth;
            }"""
        )
        return pixels

    def paste(self, text: str) -> None:
        """Paste sequences, and add them.

        ipywidgets holds a text back while the kernel has not answered to the one before, but not a
        click: on a busy machine that would be there first.
        """
        self.lab.wait_idle()
        self.locator(".dx-paste textarea").fill(text)
        self.locator(".dx-add").click()

    def screenshot(self, path: Path) -> None:
        """Save a picture of the workbench."""
        self.lab.page.mouse.move(2, 2)
        self.lab.page.wait_for_timeout(300)
        self.lab.page.locator(".dx-workbench").screenshot(path=path)

    # Waiting ------------------------------------------------------------------------------------

    def wait(self, condition: Callable[[], Any], timeout: float = 60) -> None:
        """Wait until ``condition()`` is true.

        Raises
        ------
        RuntimeError
            If a view shows an error meanwhile.
        TimeoutError
            If it takes longer than ``timeout`` seconds.
        """
        begun = time.monotonic()
        while not condition():
            if errors := self.view_errors():
                raise RuntimeError(f"errors on show in the views: {errors}")
            if time.monotonic() - begun > timeout:
                raise TimeoutError(f"not within {timeout} s")
            self.lab.page.wait_for_timeout(20)

    def wait_text(self, selector: str, words: str, timeout: float = 60) -> None:
        """Wait until an element says ``words``."""
        try:
            self.wait(lambda: words in self.text(selector), timeout)
        except TimeoutError as error:
            raise TimeoutError(f"{error}: {selector} says {self.text(selector)!r}") from None

    def wait_sequence(self, view: str, name: str, timeout: float = 120) -> None:
        """Wait until a view's caption speaks of the sequence ``name``."""
        self.wait(lambda: self.sequence_in(view) == name, timeout)

    def wait_drawn(self, timeout: float = 180) -> None:
        """Wait until all four views show what belongs to the present sequence."""
        self.lab.page.wait_for_selector(".dx-workbench", timeout=timeout * 1000)
        self.wait(lambda: all(self.drawn().values()), timeout)
        self.wait(lambda: self.locator(".dx-stale").count() == 0, timeout)
        names = ("tokens", "attention", "attribution")
        self.wait(lambda: len({self.sequence_in(view) for view in names}) == 1, timeout)

    def wait_redrawn(
        self, before: dict[str, int], views: tuple[str, ...], timeout: float = 60
    ) -> None:
        """Wait until each of ``views`` was drawn again since ``before = drawn()``."""

        def all_again() -> bool:
            now = self.drawn()
            return all(now[view] > before[view] for view in views)

        self.wait(all_again, timeout)

    def wait_settled(self, quiet: float = 1.0) -> None:
        """Wait until nothing has been drawn for a while."""
        last, since = self.drawn(), time.monotonic()
        while time.monotonic() - since < quiet:
            self.lab.page.wait_for_timeout(100)
            if (now := self.drawn()) != last:
                last, since = now, time.monotonic()

    # Acting -------------------------------------------------------------------------------------

    def choose(self, selector: str, what: str | int) -> None:
        """Choose an entry of a list by its text or its place."""
        if isinstance(what, int):
            self.locator(selector).select_option(index=what)
        else:
            self.locator(selector).select_option(label=what)

    def click_middle(self, target: Locator) -> None:
        """Click the middle of an element as a hand does."""
        target.scroll_into_view_if_needed()
        box = target.bounding_box()
        assert box is not None
        self.lab.click_point(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)

    def token_block(self, place: int = 0) -> Locator:
        """Block of the token ribbon, counted from the middle among the wide enough ones."""
        blocks = self.locator(".dx-tokens .bars .point path")
        widths = blocks.evaluate_all("all => all.map(one => one.getBoundingClientRect().width)")
        wide = [i for i, width in enumerate(widths) if width >= 4]
        return blocks.nth(wide[len(wide) // 2 + 2 * place])

    def click_token(self, place: int = 0) -> None:
        """Click a block of the token ribbon."""
        self.click_middle(self.token_block(place))

    def lasso(self) -> None:
        """Draw a lasso about the left part of the atlas."""
        self.locator(".dx-atlas .dx-plot").scroll_into_view_if_needed()
        box = self.locator(".dx-atlas .dx-cloud-over").first.bounding_box()
        assert box is not None
        mouse = self.lab.page.mouse
        corners = [(0.02, 0.02), (0.4, 0.02), (0.4, 0.98), (0.02, 0.98), (0.02, 0.02)]
        places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in corners]
        mouse.move(*places[0])
        mouse.down()
        for place in places[1:]:
            mouse.move(*place, steps=5)
        mouse.up()

    def pick_atlas_point(self, timeout: float = 20) -> None:
        """Click points of the atlas until another sequence than the present one is picked."""
        before = self.looked_at()
        plot = self.locator(".dx-atlas .dx-plot")
        plot.scroll_into_view_if_needed()
        count = int(plot.evaluate("plot => Number(plot.dataset.points)"))
        for place in range(0, count, max(1, count // 7)):
            self.lab.click_point(*plot.evaluate("(plot, i) => plot.pointPlace(i)", place))
            deadline = time.monotonic() + timeout / 5
            while time.monotonic() < deadline:
                if self.looked_at() != before:
                    return
                self.lab.page.wait_for_timeout(20)
        raise TimeoutError("no point of the atlas could be picked")
