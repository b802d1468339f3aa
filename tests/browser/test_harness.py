"""The harness itself: it must see the foreign requests and errors it is there to catch."""

from __future__ import annotations

import pytest

pytest.importorskip("playwright", reason="playwright is not installed: pip install -e '.[test]'")

from .harness import find_chromium, lab_page, lab_server, write_notebook

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(find_chromium() is None, reason="no Chromium: apt-get install chromium"),
]

WIDGETS = """
import ipywidgets, plotly.graph_objects as go
figure = go.FigureWidget(go.Scatter(x=[1, 2, 3], y=[1, 3, 2], mode="markers"))
label = ipywidgets.Label("untouched").add_class("probe")
figure.data[0].on_click(lambda trace, points, _: setattr(label, "value", f"{points.point_inds}"))
ipywidgets.VBox([label, figure])
"""
MISCHIEF = """
from IPython.display import HTML, Javascript
display(HTML('<img src="https://example.org/pixel.png">'))
display(Javascript('console.error("a planted error")'))
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("notebooks")
    write_notebook(folder / "00_workbench.ipynb", [WIDGETS])
    write_notebook(folder / "mischief.ipynb", [MISCHIEF])
    with lab_server(folder, tmp_path_factory.mktemp("jupyter")) as server:
        yield server


def test_a_quiet_notebook_leaves_no_record(server):
    with lab_page(server) as lab:
        lab.open()
        lab.run_all()
        lab.page.wait_for_selector(".scatterlayer .point")
        lab.page.wait_for_timeout(300)
        box = lab.page.locator(".scatterlayer .point").nth(1).bounding_box()
        lab.click_point(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        lab.page.wait_for_function("document.querySelector('.probe').textContent === '[1]'")
        assert lab.tracebacks() == []
        assert lab.foreign == []
        assert lab.errors == []
        assert lab.page.locator(".jp-Notification, .Toastify__toast").count() == 0


def test_mischief_is_recorded(server):
    with lab_page(server) as lab:
        lab.open("mischief.ipynb")
        lab.run_all()
        lab.page.wait_for_timeout(500)
        assert set(lab.foreign) == {"https://example.org/pixel.png"}
        assert any("a planted error" in error for error in lab.errors)


def test_only_this_machine_may_connect(server):
    log = server.log.read_text()
    assert "http://127.0.0.1" in log
    assert "0.0.0.0" not in log
