"""The attribution view in JupyterLab: methods compared, a base mutated, the scorecard asked for."""

from __future__ import annotations

import pytest

from dnabert2_explore.analysis.attribution import CHECKS

pytest.importorskip("playwright", reason="playwright is not installed: pip install -e '.[test]'")

from .harness import find_chromium, lab_page, lab_server, write_notebook

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(find_chromium() is None, reason="no Chromium: apt-get install chromium"),
]

CELLS = [
    "import dnabert2_explore as dx",
    "view = dx.AttributionExplorer(n_steps=20)\nview.method.value = 'input_x_gradient'\nview",
]
FIRST, LAST = 81, 130  # bases in sight
SITE = 101  # G of the donor's GT


def wait_caption(page, words):
    page.wait_for_function(
        "words => document.querySelector('.dx-attribution .dx-caption').innerText.includes(words)",
        arg=words,
    )


def test_methods_are_compared_a_base_is_mutated_and_the_scores_are_checked(
    tmp_path_factory, screenshots
):
    folder, scratch = tmp_path_factory.mktemp("notebooks"), tmp_path_factory.mktemp("jupyter")
    write_notebook(folder / "a.ipynb", CELLS)
    with lab_server(folder, scratch) as server, lab_page(server, 1200, 1150) as lab:
        lab.open("a.ipynb")
        lab.show_only_notebook()
        lab.run_all()
        page = lab.page
        wait_caption(page, "donor")
        page.fill(".dx-range input", f"{FIRST}-{LAST}")
        page.press(".dx-range input", "Enter")
        page.wait_for_function(
            "first => document.querySelector('.dx-attribution-plot .js-plotly-plot')"
            "?._fullLayout.xaxis.range[0] === first - 0.5",
            arg=FIRST,
        )

        # A base is clicked and typed over.
        box = page.locator(".dx-attribution-plot .nsewdrag").nth(1).bounding_box()
        per_base = box["width"] / (LAST - FIRST + 1)
        lab.click_point(box["x"] + per_base * (SITE - FIRST + 0.5), box["y"] + box["height"] / 2)
        page.wait_for_selector(".dx-cursor", state="visible")
        assert f"Base {SITE} is G" in page.inner_text(".dx-cursor")
        page.keyboard.press("c")
        wait_caption(page, f"with G{SITE}C")
        assert "→" in page.inner_text(".dx-change")
        assert "mutant" in page.inner_text(".dx-attribution-plot")
        page.screenshot(path=screenshots / "attribution-mutant.png")
        page.keyboard.press("Escape")
        page.wait_for_selector(".dx-edit", state="detached")

        # Two methods on one axis.
        page.click(".dx-attribution .dx-more")
        page.click(".dx-attribution .dx-compare")
        page.click(".dx-attribution .dx-other:has-text('saliency')")
        wait_caption(page, "Spearman")
        page.wait_for_selector(".dx-correlations-plot [data-drawn]")
        assert "saliency" in page.inner_text(".dx-attribution-plot")
        page.screenshot(path=screenshots / "attribution-compared.png")

        # All checks.
        page.click(".dx-attribution .dx-badge .dx-check")
        page.wait_for_selector(".dx-verdict:visible", timeout=120_000)
        assert page.locator(".dx-check-chip").count() == len(CHECKS)
        page.screenshot(path=screenshots / "attribution-checked.png")
        assert page.locator(".dx-error:visible").count() == 0
        assert lab.foreign == []
        assert lab.errors == []
        assert lab.tracebacks() == []
