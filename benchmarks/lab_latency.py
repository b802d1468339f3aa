"""From `dnabert2-explore lab` to a drawn workbench, and from a click to redrawn views.

    python benchmarks/lab_latency.py                # one start, ten clicks on a 1 kb sequence
    python benchmarks/lab_latency.py --starts 3     # the first start may be a cold one
    python benchmarks/lab_latency.py --model FOLDER --classifier FOLDER   # one's own, no browser

Drives Chromium, headless, on this machine, so its rendering takes cores that a real browser would
take too. Prints Markdown; the numbers kept in docs/performance.md come from here.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # for tests.browser, which is not installed

from tests.browser.harness import find_chromium, lab_page, lab_server  # noqa: E402
from tests.browser.workbench import VIEWS, WorkbenchPage  # noqa: E402


def processor() -> str:
    """Name of the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def timed_start(scratch: Path) -> tuple[dict[str, float], list[float], list[float]]:
    """Start, run, click; seconds of each part."""
    parts: dict[str, float] = {}
    begun = time.perf_counter()

    def mark(name: str) -> None:
        parts[name] = time.perf_counter() - begun

    (scratch / "notebooks").mkdir()
    (scratch / "jupyter").mkdir()
    with lab_server(scratch / "notebooks", scratch / "jupyter") as server:
        mark("server answers")
        with lab_page(server, height=1750) as lab:
            lab.open()
            mark("notebook open, kernel idle")
            lab.start_all()
            page = WorkbenchPage(lab)
            lab.page.wait_for_selector(".dx-workbench", timeout=300_000)
            mark("workbench on the page")
            waiting = list(VIEWS)
            while waiting:
                page.wait(lambda: any(page.drawn()[view] for view in waiting), 300)
                for view in [view for view in waiting if page.drawn()[view]]:
                    mark(f"{view} drawn")
                    waiting.remove(view)
            page.wait_drawn(300)
            mark("all four views drawn")
            lab.wait_all(600)  # the cells below the workbench
            page.wait(lambda: page.umap_is_ready(), 600)
            mark("UMAP ready, every cell run")
            page.wait_settled()
            clicks = [timed_click(page, i) for i in range(10)]
            picks = [timed_pick(page) for _ in range(5)]
    return parts, clicks, picks


def timed_click(page: WorkbenchPage, place: int) -> float:
    """Seconds from a click on a token to tokens, attribution and attention drawn again."""
    target = page.token_block(place - 5)
    page.wait_settled(0.3)
    before, begun = page.drawn(), time.perf_counter()
    page.click_middle(target)
    page.wait_redrawn(before, ("tokens", "attribution", "attention"))
    return time.perf_counter() - begun


def timed_pick(page: WorkbenchPage) -> float:
    """Seconds from a click on the atlas to all four views of that sequence."""
    page.wait_settled(0.3)
    before, begun = page.drawn(), time.perf_counter()
    page.pick_atlas_point()
    page.wait_redrawn(before, VIEWS)
    page.wait_drawn()
    return time.perf_counter() - begun


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--starts", type=int, default=1, help="how often to start the lab")
    parser.add_argument("--model", help="a folder: the kernel's part with that model, 1 and 10 kb")
    parser.add_argument("--classifier", default="", help="a folder to ask for attributions")
    parser.add_argument("--out", default="", help="JSON file of the table, with --model")
    options = parser.parse_args()
    if options.model:
        from benchmarks.lab_model import measure

        measure(options.model, options.classifier, options.out)
        return
    starts = options.starts
    if find_chromium() is None:
        sys.exit("no Chromium on this machine: apt-get install chromium")
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    print(f"{processor()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}, ")
    print(f"Python {platform.python_version()}; load before {load:.1f}\n")
    for number in range(1, starts + 1):
        with tempfile.TemporaryDirectory() as scratch:
            parts, clicks, picks = timed_start(Path(scratch))
        print(f"start {number}, seconds since the command:\n")
        for name, seconds in parts.items():
            print(f"| {name} | {seconds:.1f} |")
        for name, times in (("token clicked, 1 kb", clicks), ("atlas point picked, 1 kb", picks)):
            median, worst = statistics.median(times), max(times)
            print(f"| {name}: median of {len(times)}, worst | {median:.2f}, {worst:.2f} |")
        print(flush=True)


if __name__ == "__main__":
    main()
