"""What the page of an atlas takes: move, zoom, point at, lasso, in headless Chromium.

    python benchmarks/atlas_page.py [points …] [--out benchmarks/results/atlas_page.json]

Sequences and vectors are random (only the time is of interest), the widget is the real one in
JupyterLab. A handler is everything that the page's main thread does at a stretch: the longest of
Chromium's "long tasks" (50 ms and more) while a person acts, the longest event handler and frame.
Each is done three times, and the quietest counts: what other work on the machine takes is not the
page's.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # for tests.browser, which is not installed

from benchmarks.lab_latency import processor  # noqa: E402
from tests.browser.harness import Lab, lab_page, lab_server  # noqa: E402

SOURCE = """\
import numpy as np
import dnabert2_explore as dx

n, length, hidden = {n}, 200, 384
rng = np.random.default_rng(0)
letters = np.frombuffer(b"ACGT", dtype=np.uint8)
texts = [row.tobytes().decode() for row in letters[rng.integers(0, 4, (n, length))]]
kinds = rng.integers(0, 20, n)
middles = rng.normal(size=(20, hidden)) * 0.4
vectors = (middles[kinds] + rng.normal(size=(n, hidden))).astype(np.float32)
sequences = tuple(
    dx.Sequence(f"window {{i}}", t, f"class {{k}}") for i, (t, k) in enumerate(zip(texts, kinds))
)
given = dx.EmbeddedSequences(sequences, vectors, "random vectors")
atlas = dx.AtlasExplorer(dx.load("pocket"), given)
atlas.set_height(560)
atlas
"""
REPEATS = 3
WATCH = """() => {
    window.seen = [];
    const took = (e) => e.entryType === 'event' ? e.processingEnd - e.processingStart : e.duration;
    const keep = (list) =>
        list.getEntries().forEach((e) => window.seen.push([e.entryType, took(e)]));
    new PerformanceObserver(keep).observe({type: 'longtask'});
    new PerformanceObserver(keep).observe({type: 'event', durationThreshold: 16});
    // The frame in which points are drawn is no event: it is timed by itself.
    const ask = window.requestAnimationFrame.bind(window);
    window.requestAnimationFrame = (run) => ask((now) => {
        const begun = performance.now();
        run(now);
        window.seen.push(['frame', performance.now() - begun]);
    });
}"""


class AtlasPage:
    """The widget as a person has it."""

    def __init__(self, lab: Lab) -> None:
        self.page = lab.page
        self.page.evaluate(WATCH)

    def box(self) -> dict[str, float]:
        """Where the map is on the screen."""
        found = self.page.locator(".dx-cloud-over").first.bounding_box()
        assert found is not None
        return {k: float(v) for k, v in found.items()}

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Return the place of shares of width and height."""
        box = self.box()
        return box["x"] + x * box["width"], box["y"] + y * box["height"]

    def press(self, tool: str) -> None:
        """Choose a tool of the map."""
        self.page.locator(f".dx-cloud-{tool}").first.click()

    def worst(self) -> dict[str, float]:
        """Milliseconds of the longest of each kind since the last call."""
        self.page.wait_for_timeout(600)
        found: dict[str, float] = {}
        for kind, took in self.page.evaluate("window.seen.splice(0)"):
            found[kind] = max(found.get(kind, 0.0), round(took, 1))
        return {kind: found.get(kind, 0.0) for kind in ("longtask", "event", "frame")}

    def quietest(self, what: str) -> dict[str, float]:
        """Act some times: the longest of each kind in the repeat that was disturbed least."""
        found = []
        for _ in range(REPEATS):
            self.press("whole")  # the last repeat moved the points
            self.page.wait_for_timeout(300)
            self.worst()
            self.act(what)
            found.append(self.worst())
        return min(found, key=lambda one: max(one.values()))

    def act(self, what: str) -> None:
        """Do as a hand does."""
        mouse, page = self.page.mouse, self.page
        if what == "hover":
            for i in range(60):
                mouse.move(*self.at(0.3 + 0.006 * i, 0.3 + 0.006 * i))
                page.wait_for_timeout(16)
        elif what in ("move", "turn"):
            self.press("pan" if what == "move" else "rotate")
            mouse.move(*self.at(0.5, 0.5))
            mouse.down()
            for i in range(40):
                mouse.move(*self.at(0.5 + 0.004 * i, 0.5 + 0.003 * i))
                page.wait_for_timeout(16)
            mouse.up()
        elif what == "zoom":
            mouse.move(*self.at(0.5, 0.5))
            for step in (-60,) * 20 + (60,) * 20:
                page.keyboard.down("Control")
                mouse.wheel(0, step)
                page.keyboard.up("Control")
                page.wait_for_timeout(16)
        elif what == "lasso":
            self.press("lasso")
            corners = [(0.3, 0.2), (0.7, 0.2), (0.7, 0.8), (0.3, 0.8), (0.3, 0.21)]
            mouse.move(*self.at(*corners[0]))
            mouse.down()
            for corner in corners[1:]:
                mouse.move(*self.at(*corner), steps=20)
            mouse.up()


def measured(n: int, scratch: Path) -> dict[str, Any]:
    """Open a lab with so many points and act."""
    folder = scratch / "notebooks"
    folder.mkdir()
    (scratch / "jupyter").mkdir()
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    cell = {
        "cell_type": "code", "id": "a", "metadata": {}, "execution_count": None, "outputs": [],
        "source": SOURCE.format(n=n),
    }  # fmt: skip
    book = {"cells": [cell], "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    (folder / "atlas.ipynb").write_text(json.dumps(book))
    found: dict[str, Any] = {"points": n, "worst_ms": {}}
    with (
        lab_server(folder, scratch / "jupyter") as server,
        lab_page(server, width=1440, height=900) as lab,
    ):
        lab.open("atlas.ipynb")
        begun = time.perf_counter()
        lab.start_all()
        lab.page.wait_for_selector(".dx-plot[data-drawn]", timeout=300_000)
        found["seconds_to_picture"] = round(time.perf_counter() - begun, 2)
        page = AtlasPage(lab)
        # The judgement in the background is not the map's.
        lab.page.wait_for_selector(".dx-judged-words table", state="attached", timeout=300_000)
        lab.page.locator(".dx-plot").first.evaluate(
            "plot => plot.scrollIntoView({block: 'center'})"
        )
        lab.page.wait_for_timeout(4000)
        page.worst()
        for what in ("hover", "move", "zoom", "lasso"):
            found["worst_ms"][what] = page.quietest(what)
        if shots := os.environ.get("DX_SCREENSHOTS"):
            lab.page.screenshot(path=str(Path(shots, f"atlas-{n}.png")))
        begun = time.perf_counter()
        lab.page.wait_for_selector(".dx-rows tbody tr", timeout=300_000)
        found["chosen"] = lab.page.locator(".dx-chosen-count").inner_text()
        lab.page.locator(".dx-three").first.click()
        lab.page.wait_for_selector(".dx-cloud-rotate", timeout=60_000)
        lab.page.wait_for_timeout(1000)
        page.worst()
        found["worst_ms"]["turn in 3-D"] = page.quietest("turn")
        found["load"] = os.getloadavg()[0]
        if shots:
            lab.page.screenshot(path=str(Path(shots, f"atlas-{n}-3d.png")))
    return found


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("points", nargs="*", type=int, default=[20_000, 100_000])
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    runs = []
    for n in given.points:
        with tempfile.TemporaryDirectory() as scratch:
            runs.append(measured(n, Path(scratch)))
        print(json.dumps(runs[-1]), flush=True)
    if given.out:
        about = {"processor": processor(), "cores": os.cpu_count(), "browser": "headless Chromium"}
        given.out.write_text(json.dumps({"about": about, "runs": runs}, indent=1) + "\n")


if __name__ == "__main__":
    main()
