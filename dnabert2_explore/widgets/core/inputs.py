"""The input bar: examples, own sequences by paste or upload, zoom, and what is selected."""

from __future__ import annotations

from functools import partial
from html import escape
from typing import Any

from ipywidgets import VBox, Widget

from ...errors import InputError
from ...figures.core.style import span_text
from ...sequences.reading.letters import whole_number
from .add_panel import AddPanel
from .closing import close_inside
from .controls import Message, button, choice, field, hint, menu, opens, part, row, toggle
from .state import Selection

__all__ = ["InputBar", "parse_span", "zoomed"]


def zoomed(selection: Selection, factor: float) -> tuple[int, int] | None:
    """Return the view `factor` times as wide, about the selection or the middle; None is all."""
    current = selection.current
    if current is None:
        return None
    n = len(current)
    start, end = selection.view or (0, n)
    width = (end - start) * factor
    if width >= n:
        return None
    width = max(width, min(20, n))
    chosen = selection.bases
    inside = chosen is not None and chosen[0] < end and chosen[1] > start
    middle = sum(chosen) / 2 if inside and chosen is not None else (start + end) / 2
    first = round(min(max(middle - width / 2, 0), n - width))
    return first, first + round(width)


def parse_span(text: str, length: int) -> tuple[int, int]:
    """Read ``"101-250"``, ``"1,200..1,400"`` or ``"97"`` (1-based, inclusive).

    InputError if that is not a stretch of the sequence.

    Examples
    --------
    >>> parse_span("101-250", 1000)
    (100, 250)
    """
    parts = text.replace("–", "-").replace("..", "-").replace(",", "").replace(" ", "").split("-")
    numbers = [whole_number(part) for part in parts]
    if not 1 <= len(parts) <= 2 or None in numbers:
        raise InputError(
            f"{text!r} is not a stretch of bases; expected for example 101-250: type two positions."
        )
    first, last = numbers[0] or 0, numbers[-1] or 0
    if not 1 <= first <= last <= length:
        raise InputError(
            f"Bases {text} do not lie in this sequence; expected positions from 1 to {length:,}: "
            "change the numbers."
        )
    return first - 1, last


class InputBar(VBox):
    """Chooses the sequence all views look at, and moves along it.

    Classes: ``dx-input``; parts ``dx-set`` and ``dx-sequence`` (dropdowns), ``dx-previous``,
    ``dx-next``, ``dx-add-button``, ``dx-paste`` (text area), ``dx-upload``, ``dx-genome`` (text:
    the genome that the stretches of a BED lie on), ``dx-add``,
    ``dx-range`` (text), ``dx-zoom-in``, ``dx-zoom-out``, ``dx-zoom-all``, ``dx-drag``,
    ``dx-selected`` (what is selected), ``dx-clear``, ``dx-input-message``.
    """

    def __init__(self, selection: Selection) -> None:
        self.selection = selection
        self._quiet = False
        self.set = menu("dx-set", [], "Which set of sequences")
        self.sequence = menu("dx-sequence", [], "Which sequence")
        self.previous = button(
            "◂", "dx-previous", "Previous sequence of the set", partial(self._step, -1)
        )
        self.next = button("▸", "dx-next", "Next sequence of the set", partial(self._step, 1))
        self.add_button = toggle("+ Add sequences", "dx-add-button", "Paste or upload your own")
        self.range = field("dx-range", "", "Visible bases, e.g. 101-250")
        self.zoom_out = button("−", "dx-zoom-out", "Zoom out (key −)", partial(self._zoom, 2.0))
        self.zoom_in = button("+", "dx-zoom-in", "Zoom in (key +)", partial(self._zoom, 0.5))
        self.zoom_all = button(
            "whole", "dx-zoom-all", "Whole sequence (key 0)", partial(selection.update, view=None)
        )
        self.drag = choice(
            "dx-drag",
            [("zoom", "zoom"), ("select", "select"), ("pan", "pan")],
            ["Drag to zoom in", "Drag to select bases", "Drag to move along"],
        )
        self.selected = part("dx-selected")
        self.clear = button("clear", "dx-clear", "Unselect (Esc)", selection.clear)
        self.message = Message().add_class("dx-input-message")
        self.say = self.message.say
        self.panel = AddPanel(selection, self.message, self._close_panel)
        self.paste, self.upload, self.add = self.panel.paste, self.panel.upload, self.panel.add
        self.genome = self.panel.genome
        opens(self.add_button, self.panel)
        self.choose_row = row(
            "dx-choose", self.set, self.sequence, self.previous, self.next, self.add_button
        )
        self.move_row = row(
            "dx-move",
            self.selected,
            self.clear,
            row("dx-zooms", self.zoom_out, self.range, self.zoom_in, self.zoom_all),
            row("dx-drags", hint("drag to"), self.drag),
        )
        super().__init__([self.choose_row, self.panel, self.message, self.move_row])
        self.add_class("dx-input")
        self.set.observe(self._on_set, names="value")
        self.sequence.observe(self._on_sequence, names="value")
        self.range.observe(self._on_range, names="value")
        self.drag.observe(self._on_drag, names="value")
        self._unsubscribe = selection.subscribe(self._follow)
        self._follow({"sequences", "index", "bases", "view", "drag"})

    def _close_panel(self) -> None:
        self.add_button.value = False

    def close(self) -> None:
        """Take the bar off the page for good; it no longer follows the selection."""
        if hasattr(self, "_unsubscribe") and self.comm is not None:
            self._unsubscribe()
            close_inside(self)
        super().close()

    # The selection changed: show it ---------------------------------------------------------------

    def _follow(self, changed: set[str]) -> None:
        self._quiet = True
        try:
            if changed & {"sequences", "index"}:
                self._show_choice()
            if changed & {"sequences", "index", "bases", "chosen", "view"}:
                self._show_span()
            self.drag.value = self.selection.drag
        finally:
            self._quiet = False

    def _show_choice(self) -> None:
        selection = self.selection
        names = list(dict.fromkeys(selection.sets))
        counts = {name: selection.sets.count(name) for name in names}
        options = [(f"{name} ({counts[name]:,})", name) for name in names]
        if tuple(self.set.options) != tuple(options):
            self.set.options = options
        if selection.current is None:
            return
        own = selection.sets[selection.index]
        if self.set.value != own:
            self.set.value = own
        inside = _listed(selection, selection.peers)
        if tuple(self.sequence.options) != tuple(inside):
            self.sequence.options = inside
        self.sequence.value = selection.index

    def _show_span(self) -> None:
        selection, current = self.selection, self.selection.current
        if current is None:
            self.range.value, self.selected.value = "", ""
            return
        self.range.value = span_text(*(selection.view or (0, len(current))))
        parts = []
        if selection.bases:
            start, end = selection.bases
            parts.append(f"bases <b>{span_text(start, end)}</b> ({end - start:,} bp)")
        if selection.chosen:
            parts.append(f"<b>{len(selection.chosen):,}</b> sequences")
        self.selected.value = (
            f"<span>Selected: {' and '.join(parts)}</span>"
            if parts
            else "<span class='dx-hint'>Click a token, or drag, to select bases.</span>"
        )
        self.clear.layout.visibility = "visible" if parts else "hidden"

    def add_row(self, button: Widget, row: Widget) -> None:
        """Put a further button into the bar, and what it opens below."""
        self.choose_row.children = (*self.choose_row.children, button)
        self.children = (self.choose_row, row, self.panel, self.message, self.move_row)

    # A person did something -----------------------------------------------------------------------

    def _on_set(self, change: Any) -> None:
        members = self.selection.members(change["new"]) if change["new"] else ()
        if not self._quiet and members:
            self.selection.update(index=members[0])

    def _on_sequence(self, change: Any) -> None:
        if not self._quiet and change["new"] is not None:
            self.selection.update(index=change["new"])

    def _step(self, by: int) -> None:
        selection = self.selection
        if selection.current is None:
            return
        members = selection.peers
        place = members.index(selection.index) + by
        selection.update(index=members[place % len(members)])

    def _zoom(self, factor: float) -> None:
        self.selection.update(view=zoomed(self.selection, factor))

    def _on_drag(self, change: Any) -> None:
        if not self._quiet:
            self.selection.update(drag=change["new"])

    def _on_range(self, change: Any) -> None:
        current = self.selection.current
        if self._quiet or current is None or not change["new"].strip():
            return
        try:
            start, end = parse_span(change["new"], len(current))
        except InputError as error:
            self.say(escape(str(error)), error=True)
            return
        self.say("")
        self.selection.update(view=None if end - start == len(current) else (start, end))


#: Sequences in the list at once: a browser lays out no list of 20,000 without a stop of seconds.
_LISTED = 500


def _listed(selection: Selection, members: tuple[int, ...]) -> list[tuple[str, int]]:
    """Return what the list of sequences offers: all, or the 500 about the one looked at."""
    first = members.index(selection.index) // _LISTED * _LISTED
    last = min(first + _LISTED, len(members))
    offered = [(_label(selection, i), i) for i in members[first:last]]
    if first:
        offered.insert(0, (f"… {first:,} before", members[first - 1]))
    if last < len(members):
        offered.append((f"… {len(members) - last:,} more", members[last]))
    return offered


def _label(selection: Selection, index: int) -> str:
    sequence = selection.sequences[index]
    more = sequence.fields.get("species") or sequence.label or ""
    label = f"{sequence.name} · {more}" if more and more not in sequence.name else sequence.name
    return f"{label[:70]} · {len(sequence):,} bp"
