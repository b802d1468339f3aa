"""What leaves a view: its figure, caption, numbers and code, as pictures, pages and tables."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable
from functools import partial
from html import escape, unescape
from typing import Any

from ipywidgets import HTML, HBox, Textarea, VBox

from ...errors import InputError
from ...figures.core.colours import theme_of
from ...figures.core.parts import Figure
from ...results.records import in_html, sealed_text, table_line
from .controls import Guard, button, show
from .remember import file_record
from .state import Selection

__all__ = ["Exports"]


class Exports:
    """What an `Explorer` gives away, and the buttons for it."""

    title: str
    kind: str
    selection: Selection
    plot: Any
    _caption_line: HTML
    _code_box: Textarea
    _guarded: Guard

    def _code(self) -> str:
        """Write the lines of Python that rebuild this view."""
        raise NotImplementedError

    def _table(self) -> str:
        """Write the data of this view as CSV, with ``#`` comment lines on top."""
        raise NotImplementedError

    def _figure(self) -> Figure | None:
        """Make the figure on show; None while there is none."""
        raise NotImplementedError

    def _figure_alone(self) -> Figure | None:
        """Make the figure with everything that stands beside it on the page."""
        return self._figure()

    def _figure_page(self) -> Figure | None:
        """Make the figure for a page of its own, where no kernel answers."""
        return self._figure_alone()

    def _page_foot(self) -> str:
        """HTML that stands below figure and caption on a page of its own."""
        return ""

    # Export ------------------------------------------------------------------------------------

    @property
    def figure(self) -> Figure | None:
        """The plotly figure on show, to keep or change."""
        return self._figure_alone()

    @property
    def caption(self) -> str:
        """The caption as plain text."""
        return unescape(re.sub(r"<[^>]+>", "", self._caption_line.value))

    @property
    def code(self) -> str:
        """The lines of Python that rebuild this view."""
        return self._code()

    @property
    def table(self) -> str:
        """The data on show as CSV; lines that start with ``#`` are comments."""
        return self._table()

    @property
    def record(self: Any) -> str:
        """Where figure and table come from, as exported files carry it: a line of JSON."""
        return sealed_text(file_record(self))

    def to_csv(self) -> str:
        """Write the data on show as CSV, with the record that `reproduce` reads."""
        return table_line(self.record) + self.table

    def to_html(self) -> str:
        """Write the figure and its caption as one HTML file that opens offline."""
        figure = self._figure_page()
        if figure is None:
            raise InputError("There is no figure yet: choose a sequence first.")
        theme = theme_of(self.selection.theme)
        ink, paper = theme.ink, theme.paper
        body = figure.to_html(
            include_plotlyjs=True, full_html=False, auto_play=False, config={"displaylogo": False}
        )
        return (
            "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
            f"<title>{escape(self.title)}</title><style>body{{font-family:system-ui,sans-serif;"
            f"max-width:1200px;margin:2rem auto;color:{ink};background:{paper}}}</style></head>"
            f"<body><h2>{escape(self.title)}</h2>{body}<p>{escape(self.caption)}</p>"
            f"{self._page_foot()}{in_html(self.record)}</body></html>"
        )

    def _stem(self) -> str:
        current = self.selection.current
        name = re.sub(r"[^A-Za-z0-9._-]+", "_", current.name)[:60] if current else "none"
        return f"{self.kind}-{name}"

    def _make_export(self) -> tuple[VBox, Textarea]:
        box = Textarea(tooltip="The Python that rebuilds this view").add_class("dx-code")
        show(box, False)
        actions: list[tuple[str, str, Callable[[], None]]] = [
            ("PNG", "Picture at three times the resolution", lambda: self._image("png")),
            ("SVG", "Picture to edit", lambda: self._image("svg")),
            ("HTML", "Interactive, opens offline", self._save_html),
            ("CSV", "The numbers on show", self._save_csv),
            ("Code", "The lines of Python that rebuild this view", self._show_code),
        ]
        buttons = [
            button(label, f"dx-save-{label.lower()}", tip, partial(self._guarded, act))
            for label, tip, act in actions
        ]
        line = VBox([HBox(buttons).add_class("dx-export-buttons"), box]).add_class("dx-export")
        show(line, False)
        return line, box

    def _stamped(self) -> Figure:
        """Make the figure for a paper or a slide: on paper, with what it shows and which model."""
        figure = self.figure
        if figure is None:
            raise InputError("There is no figure yet: choose a sequence first.")
        theme, layout = theme_of(self.selection.theme), figure.layout
        width = max(self.plot.width, 640)
        lines = textwrap.wrap(self.caption, max(40, width // 6))
        foot = 15 * len(lines) + 6
        figure.add_annotation(
            text="<br>".join(escape(line) for line in lines),
            x=0,
            y=0,
            xref="paper",
            yref="paper",
            xanchor="left",
            yanchor="top",
            yshift=-layout.margin.b - 2,
            align="left",
            showarrow=False,
            font={"size": 10.5, "color": theme.muted},
        )
        return figure.update_layout(
            width=width,
            height=layout.height + foot,
            margin_b=layout.margin.b + foot,
            paper_bgcolor=theme.paper,
        )

    def _image(self, format: str) -> None:
        self.plot.save_image(self._stamped(), format, self._stem(), self.record)

    def _save_html(self) -> None:
        self.plot.save_text(self.to_html(), f"{self._stem()}.html", "text/html")

    def _save_csv(self) -> None:
        self.plot.save_text(self.to_csv(), f"{self._stem()}.csv", "text/csv")

    def _show_code(self) -> None:
        self._code_box.value = self.code
        self._code_box.rows = self._code_box.value.count("\n") + 1
        show(self._code_box, True)
        self.plot.send({"do": "copy", "text": self._code_box.value})
