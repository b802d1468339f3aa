"""What every view has: heading, caption, help, export, a progress line, and its errors inside."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from functools import wraps
from html import escape
from typing import TYPE_CHECKING, Any

import ipywidgets
from ipywidgets import HBox, VBox

from ...common.kinds import checked
from ...common.progress import Progress
from ...errors import caught_warnings, panics_told
from ...figures.core.parts import Figure
from ...results.origins import unrecorded
from .closing import close_inside
from .code import BUTTONS
from .controls import Message, opens, part, row, show, toggle
from .exports import Exports
from .jobs import Job, JobBar, sentence, shown_warnings
from .kept import Kept
from .plot import PlotlyView
from .remember import choices
from .state import Selection

if TYPE_CHECKING:
    from ...encoder import Encoder

__all__ = ["ARROWS", "LONGEST", "Explorer", "guarded"]

#: Bases of the longest sequence that is put through a model here: its attention map already takes
#: a quarter of a gigabyte, and time grows with the square.
LONGEST = 40_000
#: Changes that only move marks and what is in sight.
_PASSING = frozenset(("bases", "view", "drag"))
#: Keys that step from token to token, and which way.
ARROWS = {"ArrowLeft": -1, "ArrowRight": 1}
_TURN = 0.05  # seconds between two looks whether another view is done


def guarded(method: Callable[..., None]) -> Callable[..., None]:
    """Make a method show what goes wrong in it in its view, by the view's `_guarded`."""

    @wraps(method)
    def shown(self: Any, *given: Any) -> None:
        self._guarded(lambda: method(self, *given))

    return shown


class Explorer(Exports, VBox):
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
    _compact: Callable[[Figure], Figure] | None = None
    height = 0  # pixels of the plot, where somebody said how many
    _quiet = False  # controls are being set, by nobody's hand
    _acting = 0  # actions, one within the other
    _following = False  # work has just ended, and its result is taken
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
        self._message = Message()
        self._read_out = part("dx-read-out")
        self._caption_line = part("dx-caption")
        self._help_line = part("dx-help", f"<p>{self.help}</p>")
        self._export_line, self._code_box = self._make_export()
        self.help_button = toggle("?", "dx-help-button", "What is this?")
        self.export_button = toggle("Export", "dx-export-button", "Picture, data, code")
        opens(self.help_button.add_class("dx-quiet"), self._help_line)
        opens(self.export_button.add_class("dx-quiet"), self._export_line)
        self._heading = row(
            "dx-heading",
            part("dx-title", f"<h3>{self.title}</h3>"),
            HBox(controls).add_class("dx-controls"),
            row("dx-tools", self.help_button, self.export_button),
        )
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
        self._halt()
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
        if changed & {"sequences", "index", "edits"}:  # warnings were of another sequence
            for source in ("work", "action"):
                self._message.forget(source)
        self._guarded(lambda: self._changed(changed | missed))

    def _looked_at(self, _change: Any) -> None:
        missed, self._missed = self._missed, set()
        if missed and self.layout.display != "none":
            self._guarded(lambda: self._changed(missed))

    def _guarded(self, action: Callable[[], None], *, anew: bool = True) -> None:
        """Run `action`; what goes wrong is shown in the view, where the person looks.

        What it warns of, too, until the next one; if it does not show anything `anew`, beside what
        was warned of before.
        """
        with self.selection.lock:
            if anew and not self._acting:  # what acts within another action adds to it
                self._message.forget("action")
            self._acting += 1
            try:
                # Files of a view say what is on show.
                with caught_warnings(hear=self._heard("action")), panics_told(), unrecorded():
                    action()
            except Exception as error:  # a handler's exception would vanish in Jupyter's log
                self.say(sentence(error), error=True)
            finally:
                self._acting -= 1

    def _heard(self, source: str) -> Callable[[Warning], None]:
        return lambda warning: self._message.warn(shown_warnings([warning]), source)

    def _hush(self) -> None:
        """Take away what was said, and what work warned of, but for that which goes on."""
        if not self._following:
            self._message.forget("work")
        self.say("")

    def _when(self, act: Callable[[], None], *controls: ipywidgets.Widget) -> None:
        """Do `act` whenever somebody sets one of the controls otherwise (see `_silently`)."""

        def changed(_change: Any) -> None:
            if not self._quiet:
                self._guarded(act)

        for control in controls:
            control.observe(changed, names="value")

    @contextmanager
    def _silently(self) -> Iterator[None]:
        """Set controls that are followed by `_when` without following them."""
        self._quiet = True
        try:
            yield
        finally:
            self._quiet = False

    def _on_width(self, _change: Any) -> None:
        self._guarded(self._draw, anew=False)

    def _on_theme(self, change: Any) -> None:
        self.selection.update(theme=change["new"])

    def _hear(self, event: dict[str, Any]) -> None:
        self._guarded(lambda: self._handle(event), anew=False)

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
        self._halt()
        self._hush()
        self._read_out.value = ""
        self._show(
            None,
            f"<b>{escape(current.name)}</b> has {len(current):,} bp; this view takes sequences "
            f"of up to {self.most_bases:,} bp: add a shorter stretch of it to see its "
            f"{self.title.lower()}.",
        )
        return True

    def compact(self, lower: Callable[[Figure], Figure]) -> None:
        """Take little room from now on: a low figure, captions of one line (class ``dx-compact``).

        Parameters
        ----------
        lower : callable
            Lowers the figure that is drawn; exported ones keep their size.
        """
        self._compact = lower
        self.add_class("dx-compact")
        self._guarded(self._draw)

    def set_height(self, height: int) -> None:
        """Draw `height` pixels high."""
        if height != self.height:
            self.height = height
            self._guarded(self._draw)

    def lead(self, widget: ipywidgets.Widget) -> None:
        """Put a widget into the heading in place of the title."""
        self._heading.children = (widget, *self._heading.children[1:])

    # Messages ----------------------------------------------------------------------------------

    def say(self, html: str, *, error: bool = False) -> None:
        """Show a message above the plot; an empty one hides it."""
        self._message.say(html, error=error)

    def _show(self, figure: Figure | None, caption: str, **how: Any) -> None:
        """Draw `figure`, or hide the plot; the caption says what it is."""
        show(self.plot, figure is not None)
        if figure is not None:
            if self._compact is not None:
                figure = self._compact(figure)
            self.plot.show(figure, **how)
        self._caption_line.value = caption

    def _show_on_bases(self, figure: Figure | None, caption: str, **how: Any) -> None:
        """Draw a figure on the base axis of the sequence looked at; what is pressed is told."""
        current = self.selection.current
        assert current is not None  # callers looked
        usual = {"bounds": (0.5, len(current) + 0.5), "config": BUTTONS}
        self._show(figure, caption, **{"linked": True, "pressable": True, **usual, **how})

    # Work --------------------------------------------------------------------------------------

    def _start(self, what: str, work: Callable[[Progress], Any], done: Any) -> None:
        """Do `work` in the background in place of what this view was doing."""
        self._halt()
        self._hush()
        heard = self._heard("work")

        def failed(error: Exception) -> None:
            self.say(sentence(error), error=True)

        def guarded(result: Any) -> None:
            self._guarded(lambda: follow(result))

        def follow(result: Any) -> None:
            self._following = True  # what `done` starts now belongs to this work
            try:
                done(result)
            finally:
                self._following = False

        def in_turn(progress: Callable[[int, int], None]) -> Any:
            self._let_pass(progress)
            with caught_warnings(hear=lambda one: None if job.cancelled else heard(one)):
                return work(progress)

        job = Job(in_turn, guarded, failed, bar=self._bar, what=what, lock=self.selection.lock)
        self._job = job.start()  # one that is not alive yet would look as if it had ended

    def _settle(
        self,
        kept: Kept[Any, Any],
        question: Hashable,
        what: str,
        work: Callable[[Progress], Any],
        apply: Callable[[Any], None],
    ) -> None:
        """Apply the answer to a question: the one that is kept, or what `work` computes, kept."""
        if question in kept:
            kept.move_to_end(question)
            self._halt()
            self._hush()
            apply(kept[question])
            return

        def done(result: Any) -> None:
            kept[question] = result
            apply(result)

        self._start(what, work, done)

    def _halt(self) -> None:
        """Cancel what this view computes."""
        if self._job is not None:
            self._job.cancel()

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
