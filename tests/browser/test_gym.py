"""The motif gym in JupyterLab, driven by mouse and keyboard in headless Chromium."""

from __future__ import annotations

import pytest

pytest.importorskip("playwright", reason="playwright is not installed: pip install -e '.[test]'")

from .axe import serious_findings
from .harness import find_chromium, lab_page, lab_server, write_notebook

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(find_chromium() is None, reason="no Chromium: apt-get install chromium"),
]

CELLS = [
    "import dnabert2_explore as dx\n"
    "from dnabert2_explore.widgets.marginalize.explorer import MotifGym",
    "free = [s for s in dx.demo.splice() if s.label == 'neither']\n"
    "view = MotifGym(dx.load('pocket-splice'), free[:2])\nview.step.value = 10\n"
    "view.method.value = 'occlusion'\nview",
]


def wait_settled(page):
    page.wait_for_function(
        """() => document.querySelectorAll('.dx-gym .dx-plot[data-drawn]').length === 2
            && !document.querySelector('.dx-gym .dx-stale')"""
    )


def wait_cell(page, words):
    page.wait_for_function(
        "words => document.querySelector('.dx-gym .dx-gym-cell')?.innerText.includes(words)",
        arg=words,
    )


def test_a_motif_is_swept_clicked_changed_and_refused(tmp_path_factory, screenshots):
    folder, scratch = tmp_path_factory.mktemp("notebooks"), tmp_path_factory.mktemp("jupyter")
    write_notebook(folder / "g.ipynb", CELLS)
    with lab_server(folder, scratch) as server, lab_page(server, 1200, 1000) as lab:
        lab.open("g.ipynb")
        lab.show_only_notebook()
        lab.run_all()
        page = lab.page
        wait_settled(page)
        wait_cell(page, "strand +")
        page.screenshot(path=screenshots / "gym.png")

        # The map is the lower panel; its second row is the reverse strand.
        box = page.locator(".dx-gym-plot .nsewdrag").first.bounding_box()
        x = box["x"] + box["width"] * 40.5 / 200
        lab.click_point(x, box["y"] + 0.75 * box["height"])
        wait_cell(page, "bases 41–46, strand −")
        wait_settled(page)
        assert "→" in page.inner_text(".dx-gym .dx-gym-here")

        page.select_option(".dx-gym-sweep select", label="spacing and strands of two motifs")
        wait_cell(page, "bp between them")
        wait_settled(page)
        assert page.input_value(".dx-gym-at input") == "41"
        page.fill(".dx-gym-motif input", "GTNNGT")
        page.press(".dx-gym-motif input", "Enter")
        page.wait_for_selector(".dx-gym .dx-error")
        assert "no profile" in page.inner_text(".dx-gym .dx-error")
        assert serious_findings(page, ".dx-gym") == []
        assert lab.foreign == []
        assert lab.errors == []
        assert lab.tracebacks() == []
