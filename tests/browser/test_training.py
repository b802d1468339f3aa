"""The training notebook in JupyterLab: train, send to the workbench, watch, play back."""

from __future__ import annotations

import shutil

import pytest

pytest.importorskip("playwright", reason="playwright is not installed: pip install -e '.[test]'")

from .axe import serious_findings
from .conftest import ROOT
from .harness import find_chromium, lab_page, lab_server

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(find_chromium() is None, reason="no Chromium: apt-get install chromium"),
]
NOTEBOOK = "01_training.ipynb"
FINETUNE, MONITOR, FILM = 3, 7, 9  # cells


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """The notebook, run; the tests below follow one another on it."""
    folder = tmp_path_factory.mktemp("notebooks")
    shutil.copy(ROOT / "notebooks" / NOTEBOOK, folder)
    with (
        lab_server(folder, tmp_path_factory.mktemp("jupyter")) as server,
        lab_page(server, width=1500, height=1500) as lab,
    ):
        lab.open(NOTEBOOK)
        lab.show_only_notebook()
        lab.run_all()
        yield lab


@pytest.fixture(autouse=True)
def _nothing_foreign_and_no_error(lab):
    yield
    assert lab.foreign == [], "requests to other hosts"
    assert lab.errors == [], "errors in the browser's console"
    assert lab.tracebacks() == [], "errors in the notebook"
    assert lab.page.locator(".dx-error:visible").all_inner_texts() == [], "errors in the views"


def wait_text(lab, selector, words, timeout=300):
    lab.page.wait_for_function(
        "([where, words]) => document.querySelector(where)?.textContent.includes(words)",
        arg=[selector, words],
        timeout=timeout * 1000,
    )


def drawn(lab, view):
    return int(lab.page.locator(f".dx-{view} .dx-plot").first.get_attribute("data-drawn") or 0)


def wait_drawn(lab, view, times):
    """Wait until a view's plot was drawn more often than so many times."""
    lab.page.wait_for_function(
        "([where, n]) => Number(document.querySelector(where)?.dataset.drawn) > n",
        arg=[f".dx-{view} .dx-plot", times],
    )


def picture(lab, view, path):
    lab.page.mouse.move(2, 2)
    lab.page.wait_for_timeout(400)
    lab.page.locator(f".dx-{view}").first.screenshot(path=path)


def test_the_curves_grow_and_the_test_scores_come(lab, screenshots):
    lab.show_cell(FINETUNE - 1)
    wait_text(lab, ".dx-training .dx-caption", "Lowest dev loss so far")
    assert lab.page.locator(".dx-training .dx-stop").is_visible()
    wait_text(lab, ".dx-training .dx-start-row .dx-job-text", "s left")
    lab.page.wait_for_selector(".dx-training .dx-scores table", timeout=300_000)
    wait_drawn(lab, "training", 3)
    wait_text(lab, ".dx-training .dx-leakage", "in train")
    assert "4-mer" in lab.page.locator(".dx-training .dx-scores").inner_text()
    # The strongest of the simple methods, which differs from run to run.
    verdict = lab.page.locator(".dx-training .dx-verdict").inner_text()
    assert "4-mer" in verdict or "Markov" in verdict
    picture(lab, "training", screenshots / "training.png")


def test_the_model_goes_to_a_workbench(lab):
    lab.page.locator(".dx-training .dx-send").click()
    lab.page.wait_for_selector(".dx-training .dx-workbench .dx-plot[data-drawn]", timeout=120_000)
    wait_text(lab, ".dx-training .dx-sent", "its test sequences")
    names = lab.page.locator(".dx-workbench .dx-target select").inner_text()
    assert "protozoa" in names
    wait_text(lab, ".dx-workbench .dx-attribution .dx-caption", "delta")


def test_the_monitor_follows_the_run_to_its_end(lab, screenshots):
    lab.show_cell(MONITOR)
    wait_text(lab, ".dx-pretraining .dx-state", "finished")
    assert "step 400 of 400" in lab.page.locator(".dx-pretraining .dx-state").inner_text()
    wait_drawn(lab, "pretraining", 3)
    picture(lab, "pretraining", screenshots / "pretraining.png")


def test_the_film_plays_and_steps(lab, screenshots):
    lab.show_cell(FILM)
    lab.page.wait_for_selector(".dx-timelapse .dx-plot[data-drawn]", timeout=300_000)
    wait_text(lab, ".dx-timelapse .dx-step", "after step 400 of 400")
    plot = lab.page.locator(".dx-timelapse .dx-plot").first
    plot.focus()
    lab.page.keyboard.press("ArrowLeft")
    wait_text(lab, ".dx-timelapse .dx-step", "after step 396")
    for _ in range(6):
        lab.page.keyboard.press("ArrowLeft")
    wait_text(lab, ".dx-timelapse .dx-step", "after step 198")
    before = drawn(lab, "timelapse")
    lab.page.locator(".dx-timelapse .dx-play button").first.click()
    wait_drawn(lab, "timelapse", before + 3)
    wait_text(lab, ".dx-timelapse .dx-step", "after step 400 of 400")
    picture(lab, "timelapse", screenshots / "timelapse.png")


def test_nothing_scrolls_sideways(lab):
    for cell, view in ((FILM, "timelapse"), (MONITOR, "pretraining"), (FINETUNE - 1, "training")):
        lab.show_cell(cell)
        lab.page.wait_for_selector(f".dx-{view}")
        # What stands out of a view that is wider than its frame.
        outside = lab.page.locator(f".dx-{view}").first.evaluate(
            """view => view.scrollWidth <= view.clientWidth ? [] : [...view.querySelectorAll("*")]
                .filter(e => e.getBoundingClientRect().right
                    > view.getBoundingClientRect().right + 1)
                .map(e => `${e.tagName} ${e.className}: ${(e.innerText ?? "").slice(0, 60)}`)"""
        )
        assert not outside, view
        assert serious_findings(lab.page, f".dx-{view}") == [], view
