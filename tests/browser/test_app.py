"""The workbench as an app: ``dnabert2-explore app`` through Voila, in headless Chromium."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading

import pytest

pytest.importorskip("playwright", reason="playwright is not installed: pip install -e '.[test]'")

from playwright.sync_api import sync_playwright

from .axe import serious_findings
from .harness import CHROMIUM_OPTIONS, JUPYTER_FOLDERS, find_chromium

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(find_chromium() is None, reason="no Chromium: apt-get install chromium"),
]


def test_the_app_opens_on_a_file_without_a_cell_and_asks_nobody(tmp_path, screenshots):
    (tmp_path / "mine.fa").write_text(">mine\n" + "ACGTTGCATTAGCCATGACG" * 10 + "\n")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    jupyter = {name: str(tmp_path / name.lower()) for name in JUPYTER_FOLDERS}
    app = subprocess.Popen(
        [sys.executable, "-m", "dnabert2_explore", "app", "mine.fa", "--no-browser",
         "--port", str(port)],
        cwd=tmp_path, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=os.environ | jupyter,
    )  # fmt: skip
    foreign: list[str] = []
    errors: list[str] = []
    try:
        assert app.stdout is not None
        assert app.stderr is not None
        url = re.search(r"http://127\.0\.0\.1:\d+/voila\S+", app.stdout.readline()).group()
        patience = threading.Timer(180, app.kill)  # which ends the lines
        patience.start()
        for line in app.stderr:
            assert "Warning" not in line, "a newcomer's first line is no warning"
            if "answers" in line:
                break
        patience.cancel()
        # What it says later must not fill the pipe.
        threading.Thread(target=app.stderr.read, daemon=True).start()
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=find_chromium(), args=CHROMIUM_OPTIONS
            )
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            page.on("request", lambda one: foreign.append(one.url))
            page.on("pageerror", lambda error: errors.append(str(error)))
            page.goto(url.split("?")[0])
            assert "token" in page.content()  # asked for, not opened
            page.goto(url)
            page.wait_for_selector(".dx-workbench", timeout=120_000)
            page.wait_for_selector(".dx-tokens .dx-plot[data-drawn]", timeout=60_000)
            page.screenshot(path=screenshots / "app.png")
            assert page.locator(".dx-frame:visible").count() == 0, (
                "no slider before there are layers"
            )
            assert page.locator(".jp-InputArea-editor").count() == 0
            assert page.locator(".dx-error:visible").count() == 0
            link = page.get_by_text("Open as a notebook")
            assert link.get_attribute("href") == "/lab/tree/00_workbench.ipynb"
            # Names of controls are given when the views have settled.
            page.wait_for_function(
                """() => !document.querySelector(
                    ":is(.dx-workbench, .dx-alone) :is(select, input)[title]:not([aria-label])")""",
                timeout=60_000,
            )
            assert serious_findings(page, ".dx-workbench") == []
            page.emulate_media(color_scheme="dark")
            page.wait_for_function("document.body.dataset.jpThemeLight === 'false'")
            drawn = "getComputedStyle(document.querySelector('.dx-bar')).backgroundColor"
            dark = [int(n) for n in re.findall(r"\d+", page.evaluate(drawn))[:3]]
            assert max(dark) < 100, "a dark browser has a dark app"
            page.wait_for_timeout(3000)  # figures are drawn anew
            page.screenshot(path=screenshots / "app-dark.png")
            assert serious_findings(page, ".dx-workbench") == []
            foot = page.locator(".dx-workbench .dx-attention > .dx-caption").bounding_box()
            below = link.bounding_box()
            assert foot["y"] > 780, "the views fill the window"
            assert below["y"] + below["height"] <= 900
            for width, height in ((720, 450), (390, 844)):  # a laptop at 200%, a phone
                page.set_viewport_size({"width": width, "height": height})
                page.wait_for_timeout(1500)
                page.screenshot(path=screenshots / f"app-{width}.png")
                cut = page.evaluate("""() => [...document.querySelectorAll(
                    ".dx-workbench :is(.dx-chips, .dx-chip, .dx-stats, .dx-caption, button, div)")]
                    .filter(one => one.scrollWidth > one.clientWidth + 1
                        && one.getClientRects().length
                        && getComputedStyle(one).overflowX === "hidden")
                    .map(one => one.className + ": " + one.textContent)""")
                assert cut == []
                assert page.evaluate("document.documentElement.scrollWidth") == width
            browser.close()
    finally:
        app.send_signal(signal.SIGINT)
        try:
            app.wait(timeout=20)
        except subprocess.TimeoutExpired:
            app.kill()
            app.wait()
    assert errors == []
    assert all(re.match(r"(http|ws)://127\.0\.0\.1|data:|blob:", one) for one in foreign), foreign
