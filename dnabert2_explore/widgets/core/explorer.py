"""What every view has: heading, caption, help, export, a progress line, and its errors inside."""

from __future__ import annotations

import re
import textwrap
import time
from collections.abc import Callable
from html import escape, unescape
from typing import TYPE_CHECKING, Any

import ipywidgets
from ipywidgets import HTML, Button, HBox, Textarea, ToggleButton, VBox

from ...common.kinds import checked
from ...common.progress import Progress
from ...errors import ExploreError, InputError, panics_told
from ...figures.core.colours import theme_of
from ...results.origins import unrecorded
from ...results.records import in_html, sealed_text, table_line
from .closing import close_inside
from .jobs import Job, JobBar, quiet
from .plot import PlotlyView
from .remember import choices, file_record
from .state import Selection

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from ...encoder import Encoder

__all__ = ["LONGEST", "Explorer", "sentence"]

#: Bases of the longest sequence that is put through a model here: its attention map already takes
#: a quarter of a gigabyte, and time grows with the square.
LONGEST = 40_000
#: Changes that only move marks and what is in sight.
_PASSING = frozenset(("bases", "view", "drag"))
_TURN = 0.05  # seconds between two looks whether another view is done


def sentence(error: BaseException) -> str:
    """Error as HTML: one sentence, with the kind of error folded below it unless it is ours."""
    text = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, ExploreError):
        return escape(text)
    return (
        f"This did not work: {escape(text)}"
        f"<details><summary>details</summary><code>{escape(type(error).__name__)}: "
        f"{escape(text)}</code></details>"
    )


class Explorer(VBox):
    """Base of the views.

    Subclasses draw themselves in `_draw`, say what they show in `_caption`, and give `_code` and
    `_table` for export. Classes: ``dx-view`` and the view's own; parts ``dx-title``,
    ``dx-caption``, ``dx-message``, ``dx-help-button``, ``dx-export-button``, ``dx-code``.

    Parameters
    ----------
    selection : Selection, optional
        Shared with other views; a view without one makes its own, with its own input bar.
    controls : list of ipywidgets.Widget
        Stand in the heading.
    """

    title = ""
    kind = ""  # class name and stem of exported files
    help = ""
    reacts_to = frozenset({"sequences", "index", "bases", "view", "drag", "theme", "annotated"})
    most_bases = LONGEST
    _compact: Callable[[go.Figure], go.Figure] | None = None
    after: tuple[Explorer, ...] = ()  # views whose work comes first: what is cheaper is seen first

    def __init__(self, selection: Selection | None, controls: list[ipywidgets.Widget]) -> None:
        from .inputs import InputBar

        self.alone = selection is None
        self.selection = selection if selection is not None else Selection()
        self.plot = self._make_plot()
        self.plot.group = self.selection.group
        self.plot.add_class(f"dx-{self.kind}-plot")
        self.plot.on_event(self._hear)
        self.plot.observe(self._on_width, names="width")
        self.plot.observe(self._on_theme, names="theme")
        self._job: Job[Any] | None = None
        self._bar = JobBar(self._cancelled)
        self._message = HTML().add_class("dx-message")
        self._message.layout.display = "none"
        self._read_out = HTML().add_class("dx-read-out")
        self._caption_line = HTML().add_class("dx-caption")
        self._help_line = HTML(f"<p>{self.help}</p>").add_class("dx-help")
        self._help_line.layout.display = "none"
        self._export_line, self._code_box = self._make_export()
        self.help_button = ToggleButton(description="?", tooltip="What is this?")
        self.help_button.add_class("dx-help-button").add_class("dx-quiet")
        self.export_button = ToggleButton(description="Export", tooltip="Picture, data, code")
        self.export_button.add_class("dx-export-button").add_class("dx-quiet")
        for button, line in (
            (self.help_button, self._help_line),
            (self.export_button, self._export_line),
        ):
            button.observe(self._toggler(line), names="value")
        self._heading = HBox(
            [
                HTML(f"<h3>{self.title}</h3>").add_class("dx-title"),
                HBox(controls).add_class("dx-controls"),
                HBox([self.help_button, self.export_button]).add_class("dx-tools"),
            ]
        ).add_class("dx-heading")
        parts = [
            self._heading,
            self._help_line,
            self._export_line,
            self._bar,
            self._message,
            *self._above(),
            self._stage(),
            *self._below(),
            self._foot(),
            self._caption_line,
        ]
        self.input = InputBar(self.selection) if self.alone else None
        if self.input is not None:
            parts.insert(0, self.input)
        super().__init__(parts)
        self.add_class("dx-view").add_class(f"dx-{self.kind}")
        if self.alone:
            self.add_class("dx-alone")
        self._missed: set[str] = set()
        self.layout.observe(self._looked_at, names="display")
        self._unsubscribe = self.selection.subscribe(self._selection_changed)

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        if "__init__" in cls.__dict__:
            cls.__init__ = checked(cls.__init__)  # type: ignore[method-assign]

    def __repr__(self) -> str:
        current = self.selection.current
        return f"<{type(self).__name__}{f': {current.name}' if current is not None else ''}>"

    def close(self) -> None:
        """Take the view off the page for good: its work is cancelled, and it hears of nothing more.

        Closing it again does nothing.
        """
        unsubscribe = getattr(self, "_unsubscribe", None)  # ipywidgets closes what was never made
        if unsubscribe is None or self.comm is None:
            super().close()
            return
        unsubscribe()
        if self._job is not None:
            self._job.cancel()
        close_inside(self)
        super().close()

    # What a subclass fills in ------------------------------------------------------------------

    def _make_plot(self) -> Any:
        """Make what draws: a `PlotlyView`, or one that derives from it."""
        return PlotlyView()

    def _above(self) -> list[ipywidgets.Widget]:
        """Widgets between the heading and the plot."""
        return []

    def _stage(self) -> ipywidgets.Widget:
        """Place the plot, with what stands beside it."""
        return self.plot

    def _below(self) -> list[ipywidgets.Widget]:
        """Widgets right under the plot."""
        return []

    def _foot(self) -> ipywidgets.Widget:
        """Place the line that reads the selection out, with what stands beside it."""
        return self._read_out

    def _draw(self) -> None:
        """Show the present state."""
        raise NotImplementedError

    def _code(self) -> str:
        """Write the lines of Python that rebuild this view."""
        raise NotImplementedError

    def _table(self) -> str:
        """Write the data of this view as CSV, with ``#`` comment lines on top."""
        raise NotImplementedError

    def _figure(self) -> go.Figure | None:
        """Make the figure on show; None while there is none."""
        raise NotImplementedError

    def _figure_alone(self) -> go.Figure | None:
        """Make the figure with everything that stands beside it on the page."""
        return self._figure()

    def _figure_page(self) -> go.Figure | None:
        """Make the figure for a page of its own, where no kernel answers."""
        return self._figure_alone()

    def _page_foot(self) -> str:
        """HTML that stands below figure and caption on a page of its own."""
        return ""

    def _models(self) -> dict[str, Encoder]:
        """Name the models that compute what is shown."""
        enc = getattr(self, "enc", None)
        return {} if enc is None else {"enc": enc}

    def _settings(self) -> dict[str, ipywidgets.Widget]:
        """Name the controls that say what is shown."""
        return choices(vars(self))

    def _memory(self) -> dict[str, Any]:
        """Return what else says what is shown, as JSON holds it."""
        return {}

    def _recall(self, more: dict[str, Any]) -> None:
        """Bring back what `_memory` returned."""

    def _needs(self) -> tuple[int, ...]:
        """Return the sequences that what is shown is made of."""
        return (self.selection.index,) if self.selection.current is not None else ()

    def _press(self, event: dict[str, Any]) -> None:
        """Act on a press somewhere in the plot."""

    def _changed(self, changed: set[str]) -> None:
        """Follow a change of the selection that this view reacts to."""
        self._draw()

    # Events ------------------------------------------------------------------------------------

    def _selection_changed(self, changed: set[str]) -> None:
        wanted = changed & self.reacts_to
        if not wanted:
            return
        if changed <= _PASSING and self.layout.display == "none":
            self._missed |= wanted  # nobody looks: what is selected is marked when somebody does
            return
        missed, self._missed = self._missed, set()
        self._guarded(lambda: self._changed(changed | missed))

    def _looked_at(self, _change: Any) -> None:
        missed, self._missed = self._missed, set()
        if missed and self.layout.display != "none":
            self._guarded(lambda: self._changed(missed))

    def _guarded(self, action: Callable[[], None]) -> None:
        """Run `action`; what goes wrong is shown in the view, where the person looks."""
        with self.selection.lock:
            try:
                with quiet(), panics_told(), unrecorded():  # files of a view say what is on show
                    action()
            except Exception as error:  # a handler's exception would vanish in Jupyter's log
                self.say(sentence(error), error=True)

    def _on_width(self, _change: Any) -> None:
        self._guarded(self._draw)

    def _on_theme(self, change: Any) -> None:
        self.selection.update(theme=change["new"])

    def _hear(self, event: dict[str, Any]) -> None:
        self._guarded(lambda: self._handle(event))

    def _handle(self, event: dict[str, Any]) -> None:
        kind = event["event"]
        if kind == "zoom":
            low, high = event["range"]
            self.selection.update(view=self._whole_or(round(low - 0.5), round(high - 0.5)))
        elif kind == "stretch":
            low, high = event["range"]
            self.selection.update(bases=(round(low - 0.5), max(round(high - 0.5), 1)))
        elif kind == "press":
            self._press(event)
        elif kind == "deselect":
            self.selection.clear()
        elif kind == "key":
            self._key(event["key"], bool(event.get("shift")))

    def _whole_or(self, start: int, end: int) -> tuple[int, int] | None:
        current = self.selection.current
        if current is None or (start <= 0 and end >= len(current)):
            return None
        return start, max(end, start + 1)

    def _key(self, key: str, shift: bool) -> None:
        if key == "Escape":
            self.selection.clear()
        elif key in "+-0":
            self.zoom({"+": 0.5, "-": 2.0, "0": float("inf")}[key])

    def zoom(self, factor: float) -> None:
        """Zoom the base axis about the selection, or about the middle of what is visible."""
        from .inputs import zoomed

        self.selection.update(view=zoomed(self.selection, factor))

    def _refuses(self) -> bool:
        """Whether the sequence looked at is too long for a model; says so in place of the plot."""
        current = self.selection.current
        if current is None or len(current) <= self.most_bases:
            return False
        if self._job is not None:
            self._job.cancel()
        self.say("")
        self._read_out.value = ""
        self._show(
            None,
            f"<b>{escape(current.name)}</b> has {len(current):,} bp; this view takes sequences "
            f"of up to {self.most_bases:,} bp: add a shorter stretch of it to see its "
            f"{self.title.lower()}.",
        )
        return True

    def compact(self, lower: Callable[[go.Figure], go.Figure]) -> None:
        """Take little room from now on: a low figure, captions of one line (class ``dx-compact``).

        Parameters
        ----------
        lower : callable
            Lowers the figure that is drawn; exported ones keep their size.
        """
        self._compact = lower
        self.add_class("dx-compact")
        self._guarded(self._draw)

    def lead(self, widget: ipywidgets.Widget) -> None:
        """Put a widget into the heading in place of the title."""
        self._heading.children = (widget, *self._heading.children[1:])

    # Messages ----------------------------------------------------------------------------------

    def say(self, html: str, *, error: bool = False) -> None:
        """Show a message above the plot; an empty one hides it."""
        self._message.value = html
        self._message.layout.display = "" if html else "none"
        (self._message.add_class if error else self._message.remove_class)("dx-error")

    def _show(self, figure: go.Figure | None, caption: str, **how: Any) -> None:
        """Draw `figure`, or hide the plot; the caption says what it is."""
        self.plot.layout.display = "none" if figure is None else ""
        if figure is not None:
            if self._compact is not None:
                figure = self._compact(figure)
            self.plot.show(figure, **how)
        self._caption_line.value = caption

    # Work --------------------------------------------------------------------------------------

    def _start(self, what: str, work: Callable[[Progress], Any], done: Any) -> None:
        """Do `work` in the background in place of what this view was doing."""
        if self._job is not None:
            self._job.cancel()
        self.say("")

        def failed(error: Exception) -> None:
            self.say(sentence(error), error=True)

        def guarded(result: Any) -> None:
            self._guarded(lambda: done(result))

        def in_turn(progress: Callable[[int, int], None]) -> Any:
            self._let_pass(progress)
            return work(progress)

        self._job = Job(
            in_turn, guarded, failed, bar=self._bar, what=what, lock=self.selection.lock
        ).start()

    @property
    def busy(self) -> bool:
        """Whether this view computes."""
        job = self._job
        return job is not None and job.running and not job.cancelled

    def _let_pass(self, progress: Callable[[int, int], None]) -> None:
        """Wait while views that come first compute; called from the thread that works."""
        while any(view.busy for view in self.after):
            progress(0, 0)
            time.sleep(_TURN)

    def _cancelled(self) -> None:
        self.say("Cancelled. Choose a sequence or a setting to compute again.")

    def wait(self, timeout: float | None = None) -> None:
        """Block until the background work of this view is done (for scripts and tests)."""
        while (job := self._job) is not None and job.running:
            job.wait(timeout)
            if timeout is not None:
                return

    # Export ------------------------------------------------------------------------------------

    @property
    def figure(self) -> go.Figure | None:
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
    def record(self) -> str:
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
        box.layout.display = "none"
        actions: list[tuple[str, str, Callable[[], None]]] = [
            ("PNG", "Picture at three times the resolution", lambda: self._image("png")),
            ("SVG", "Picture to edit", lambda: self._image("svg")),
            ("HTML", "Interactive, opens offline", self._save_html),
            ("CSV", "The numbers on show", self._save_csv),
            ("Code", "The lines of Python that rebuild this view", self._show_code),
        ]
        buttons = []
        for label, tip, action in actions:
            button = Button(description=label, tooltip=tip).add_class(f"dx-save-{label.lower()}")
            button.on_click(lambda _button, action=action: self._guarded(action))
            buttons.append(button)
        line = VBox([HBox(buttons).add_class("dx-export-buttons"), box]).add_class("dx-export")
        line.layout.display = "none"
        return line, box

    def _stamped(self) -> go.Figure:
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
        self._code_box.layout.display = ""
        self.plot.send({"do": "copy", "text": self._code_box.value})

    @staticmethod
    def _toggler(line: ipywidgets.Widget) -> Callable[[Any], None]:
        def toggle(change: Any) -> None:
            line.layout.display = "" if change["new"] else "none"

        return toggle
