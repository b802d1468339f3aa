"""The variant view in JupyterLab, driven by mouse and keyboard in headless Chromium."""

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
    "import dnabert2_explore as dx",
    'dx.VariantExplorer(head=dx.load("pocket-splice"), window=200, strands="forward")',
]


def drawn(page):
    return int(page.locator(".dx-variant-plot [data-drawn]").get_attribute("data-drawn"))


def wait_drawn(page, before):
    page.wait_for_function(
        "n => +document.querySelector('.dx-variant-plot [data-drawn]')?.dataset.drawn > n",
        arg=before,
    )


def test_a_variant_is_chosen_typed_zoomed_and_refused(tmp_path_factory, screenshots):
    folder, scratch = tmp_path_factory.mktemp("notebooks"), tmp_path_factory.mktemp("jupyter")
    write_notebook(folder / "v.ipynb", CELLS)
    with lab_server(folder, scratch) as server, lab_page(server, 1200, 950) as lab:
        lab.open("v.ipynb")
        lab.show_only_notebook()
        lab.run_all()
        page = lab.page
        wait_drawn(page, 0)
        page.select_option(".dx-variant-chosen select", index=3)
        page.wait_for_function(
            "document.querySelector('.dx-variant > .dx-caption').innerText.includes('GATTACA')"
        )
        assert "nats" in page.inner_text(".dx-variant .dx-read-out")
        page.screenshot(path=screenshots / "variant.png")

        before = drawn(page)
        box = page.locator(".dx-variant-plot .nsewdrag").first.bounding_box()
        y = box["y"] + 40
        page.mouse.move(box["x"] + 200, y)
        page.mouse.down()
        page.mouse.move(box["x"] + 500, y, steps=6)
        page.mouse.up()
        wait_drawn(page, before)

        page.fill(".dx-variant-typed input", "688 G>T")
        page.press(".dx-variant-typed input", "Enter")
        page.wait_for_function(
            "document.querySelector('.dx-variant > .dx-caption').innerText.includes('688 G>T')"
        )
        page.fill(".dx-variant-typed input", "688 C>T")
        page.press(".dx-variant-typed input", "Enter")
        page.wait_for_selector(".dx-variant .dx-error")
        assert "the genome holds G" in page.inner_text(".dx-variant .dx-error")
        assert serious_findings(page, ".dx-variant") == []
        assert lab.foreign == []
        assert lab.errors == []
        assert lab.tracebacks() == []
