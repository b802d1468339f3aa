"""What a cell returns, in JupyterLab: in a notebook of a colleague's, and when it has been run."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("playwright", reason="playwright is not installed: pip install -e '.[test]'")

import dnabert2_explore as dx

from .axe import serious_findings
from .harness import find_chromium, lab_page, lab_server, write_notebook

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(find_chromium() is None, reason="no Chromium: apt-get install chromium"),
]

CELLS = ["import dnabert2_explore as dx", 'dx.jaspar_motif("NFE2")']


def test_a_result_is_a_picture_before_the_notebook_is_trusted_and_after(
    tmp_path_factory, screenshots
):
    folder, scratch = tmp_path_factory.mktemp("notebooks"), tmp_path_factory.mktemp("jupyter")
    write_notebook(folder / "theirs.ipynb", CELLS)
    notebook = json.loads((folder / "theirs.ipynb").read_text())
    data = dx.jaspar_motif("NFE2")._repr_mimebundle_()
    notebook["cells"][1] |= {
        "execution_count": 2,
        "outputs": [
            {"output_type": "execute_result", "execution_count": 2, "metadata": {}, "data": data}
        ],
    }
    (folder / "theirs.ipynb").write_text(json.dumps(notebook))
    with lab_server(folder, scratch) as server, lab_page(server, 1200, 800) as lab:
        lab.open("theirs.ipynb")
        lab.show_only_notebook()
        page = lab.page
        shown = page.locator(".dx-shown")
        # The image is drawn, and no word of the drawing that was taken out stands beside it.
        still = shown.locator("img.dx-still")
        still.wait_for()
        page.wait_for_function("document.querySelector('img.dx-still').naturalWidth > 50")
        assert shown.locator("svg").count() == 0
        assert not shown.locator(".dx-live").first.is_visible()
        assert serious_findings(page, ".dx-shown") == []
        page.screenshot(path=screenshots / "untrusted.png")

        lab.run_all()
        shown.locator("svg").first.wait_for()
        assert not still.first.is_visible()
        page.screenshot(path=screenshots / "trusted.png")
    assert lab.foreign == []
    assert lab.errors == []
