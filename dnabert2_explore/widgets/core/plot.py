"""A plotly figure in a notebook: one copy of plotly.js for all of them, redrawn as a whole.

``plotly.graph_objects.FigureWidget`` would do, but each one carries its own 5 MB of script, sends
every change as a patch (two threads patching one figure interleave), and cannot link two figures
without a round trip through the kernel. Here a figure is a value: ``show(figure)`` replaces what
is drawn, and linked zoom and crosshair stay in the browser (``plot.js``).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets
import traitlets

from ...figures.core.parts import Figure
from ...results.records import KEYWORD

__all__ = ["PlotlyView"]

HERE = Path(__file__).parent


class _Script(ipywidgets.Widget):
    """Carries plotly.js to the browser, once for all views of a kernel."""

    source = traitlets.Unicode().tag(sync=True)


_shared: list[_Script] = []


def _script() -> _Script:
    """Return the one script; a new one after ``Widget.close_all()`` closed it."""
    from plotly.offline import get_plotlyjs

    if not _shared or _shared[0].comm is None:
        _shared[:] = [_Script(source=get_plotlyjs())]
    return _shared[0]


class PlotlyView(anywidget.AnyWidget):
    """Shows one plotly figure and reports what a person does with it.

    `spec` is the figure drawn, as JSON: ``data``, ``layout``, ``config``, and what `show` was told.
    The browser reports `width`, the plot's in pixels; `room`, the height that its window has for
    views, without the bars of a notebook, 0 before; and `theme`. What is `stale` belongs to an
    earlier question, and is faded until the next figure. Views with the same non-empty `group`
    share zoom and crosshair when ``linked``.
    """

    # The text, not the path: a path's watcher would keep every widget for good.
    _esm = (HERE / "plot.js").read_text(encoding="utf-8")
    _css = (HERE / "explore.css").read_text(encoding="utf-8")

    spec = traitlets.Unicode().tag(sync=True)
    width = traitlets.Int(0).tag(sync=True)
    room = traitlets.Int(0).tag(sync=True)
    theme = traitlets.Enum(["light", "dark"], default_value="light").tag(sync=True)
    stale = traitlets.Bool(False).tag(sync=True)
    group = traitlets.Unicode().tag(sync=True)
    runtime = traitlets.Instance(_Script).tag(sync=True, **ipywidgets.widget_serialization)

    def __init__(self, **traits: Any) -> None:
        super().__init__(runtime=_script(), **traits)
        self._listeners: list[Callable[[dict[str, Any]], None]] = []
        self.on_msg(self._receive)

    def show(
        self,
        figure: Figure,
        *,
        linked: bool = False,
        bounds: tuple[float, float] | None = None,
        pressable: bool = False,
        typed: str = "",
        config: dict[str, Any] | None = None,
    ) -> None:
        """Draw `figure` in place of what is there.

        The x axis of a `linked` one counts bases: zoom and crosshair are shared within ``group``. A
        double click returns to `bounds`. A `pressable` one reports presses anywhere in a panel
        (event ``"press"``), not only on marks; keys of the letters in `typed`, as capitals, are
        reported too (event ``"key"``). `config` is added to plotly.js' configuration.
        """
        from plotly.utils import PlotlyJSONEncoder

        settings = {
            "displaylogo": False,
            "displayModeBar": "hover",
            "responsive": False,
            "showTips": False,
            **(config or {}),
        }
        parts = figure.to_dict()
        self.spec = json.dumps(
            {
                "data": parts["data"],
                "layout": parts["layout"],
                "config": settings,
                "linked": linked,
                "bounds": bounds,
                "pressable": pressable,
                "typed": typed,
            },
            cls=PlotlyJSONEncoder,
            separators=(",", ":"),
        )

    def on_event(self, listener: Callable[[dict[str, Any]], None]) -> None:
        """Call `listener` with every event: ``{"event": "press" | "zoom" | "click" | …, …}``."""
        self._listeners.append(listener)

    def _receive(self, _widget: Any, content: dict[str, Any], _buffers: Any) -> None:
        for listener in self._listeners:
            listener(content)

    def save_image(self, figure: Figure, format: str, filename: str, record: str = "") -> None:
        """Let the browser draw `figure` apart and download it as ``"png"`` or ``"svg"``.

        The picture carries `record`, as `records.read_record` finds it.
        """
        self.send(
            {
                "do": "image",
                "figure": figure.to_json(validate=False),
                "format": format,
                "filename": filename,
                "record": record,
                "keyword": KEYWORD,
            }
        )

    def save_text(self, text: str, filename: str, type: str = "text/plain") -> None:
        """Let the browser download `text` as a file."""
        self.send({"do": "file", "text": text, "filename": filename, "type": type})

    def save_bytes(self, data: bytes, filename: str, type: str) -> None:
        """Let the browser download `data` as a file."""
        self.send({"do": "file", "filename": filename, "type": type}, buffers=[data])
