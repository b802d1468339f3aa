"""Small controls that views are set with, each made in one line and tagged with its class."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence as Items
from html import escape
from typing import Any

from ipywidgets import (
    HTML,
    Button,
    Combobox,
    Dropdown,
    HBox,
    Text,
    ToggleButton,
    ToggleButtons,
    Widget,
)

from ...figures.inside.dependencies import SHOWN

__all__ = [
    "DIFFERENCE",
    "TRAINED",
    "UNTRAINED",
    "Guard",
    "Message",
    "button",
    "chips",
    "choice",
    "combo",
    "compute_button",
    "field",
    "folded",
    "hint",
    "label",
    "menu",
    "offer",
    "on_value",
    "opens",
    "part",
    "row",
    "show",
    "toggle",
    "twin_choice",
    "twin_key",
    "undo_keep",
]

#: Does what a person asked for, and says in the view what failed.
Guard = Callable[[Callable[[], None]], None]

#: Whose numbers a view shows, and the keys that choose.
TRAINED, UNTRAINED, DIFFERENCE = SHOWN
_NETWORKS = {
    TRAINED: ("T", "The model"),
    UNTRAINED: ("U", "The same network before any training"),
    DIFFERENCE: ("D", "What training added"),
}


class Message(HTML):
    """A line, class ``dx-message``, that is hidden while there is nothing to say.

    What is said takes the place of what was said before; warnings stand behind it until they are
    forgotten, apart by where they come from.
    """

    def __init__(self) -> None:
        super().__init__()
        self._said = ""
        self._warnings: dict[str, dict[str, None]] = {}
        self._own = threading.RLock()  # work warns from its thread
        show(self.add_class("dx-message"), False)

    def say(self, html: str, *, error: bool = False) -> None:
        """Show a message; the line hides where it is empty and there is no warning."""
        with self._own:
            self._said = html
            (self.add_class if error else self.remove_class)("dx-error")
            self._write()

    def warn(self, html: str, source: str) -> None:
        """Show a warning, once."""
        with self._own:
            self._warnings.setdefault(source, {})[html] = None
            self._write()

    def forget(self, source: str) -> None:
        """Take the warnings of a source away."""
        with self._own:
            if self._warnings.pop(source, None):
                self._write()

    def _write(self) -> None:
        told = [self._said, *(one for of in self._warnings.values() for one in of)]
        self.value = " ".join(filter(None, dict.fromkeys(told)))
        show(self, self.value)


def menu(name: str, options: Items[Any], tip: str, value: Any = None) -> Dropdown:
    """Make a menu of class `name`; its first option is chosen, or `value`."""
    made = Dropdown(options=options, tooltip=tip).add_class(name)
    if value is not None:
        made.value = value
    return made


def offer(control: Any, options: Items[Any]) -> None:
    """Offer other options; what was chosen stays where it is among them, else the first is."""
    if tuple(control.options) != tuple(options):
        before = control.value
        values = [one[1] if isinstance(one, tuple) else one for one in options]
        control.options = options
        control.value = before if before in values else next(iter(values), None)


def combo(name: str, value: str, options: Items[str], tip: str, words: str = "") -> Combobox:
    """Make a line of class `name` to type in that offers some words; it counts from Enter on."""
    return Combobox(
        value=value,
        options=options,
        ensure_option=False,
        continuous_update=False,
        placeholder=words,
        tooltip=tip,
    ).add_class(name)


def choice(name: str, options: Items[Any], tips: Items[str] = ()) -> ToggleButtons:
    """Make buttons of class `name`, of which one stays down: the first at first."""
    return ToggleButtons(options=options, tooltips=list(tips)).add_class(name)


def toggle(text: str, name: str, tip: str) -> ToggleButton:
    """Make a button of class `name` that stays down."""
    return ToggleButton(description=text, tooltip=tip).add_class(name)


def button(
    text: str, name: str, tip: str, act: Callable[[], Any] | None = None, style: str = ""
) -> Button:
    """Make a button of class `name` that does `act` when it is pressed."""
    made = Button(description=text, tooltip=tip, button_style=style).add_class(name)
    if act is not None:
        made.on_click(lambda _button: act())
    return made


def field(name: str, words: str, tip: str, width: str | None = None) -> Text:
    """Make a line of class `name` to type in; what is typed counts from Enter on."""
    made = Text(placeholder=words, continuous_update=False, tooltip=tip).add_class(name)
    made.layout.width = width
    return made


def hint(words: str) -> HTML:
    """Write a few quiet words between controls."""
    return HTML(f"<span class='dx-hint'>{words}</span>")


def label(words: str) -> HTML:
    """Name the control that stands beside or below."""
    return HTML(f"<span class='dx-label'>{words}</span>")


def chips(texts: Iterable[str], first: str = "", last: str = "") -> str:
    """Lay short texts side by side, as HTML, between other parts of such a line."""
    return f"<div class='dx-chips'>{first}{''.join(f'<span>{t}</span>' for t in texts)}{last}</div>"


def folded(summary: str, items: Iterable[str], look: str = "") -> str:
    """Fold plain texts up under a summary, as HTML; empty where there are none."""
    rows = "".join(f"<li>{escape(one, quote=False)}</li>" for one in items)
    return f"<details{look}><summary>{summary}</summary><ul>{rows}</ul></details>" if rows else ""


def part(name: str, html: str = "") -> HTML:
    """Make a place of class `name` for HTML."""
    return HTML(html).add_class(name)


def row(name: str, *widgets: Widget) -> HBox:
    """Put widgets of class `name` beside each other."""
    return HBox(list(widgets)).add_class(name)


def on_value(act: Callable[[], Any], *controls: Widget) -> None:
    """Do `act` whenever one of the controls is set otherwise."""
    for control in controls:
        control.observe(lambda _change: act(), names="value")


def opens(button: ToggleButton, *parts: Widget) -> None:
    """Let a button that stays down show widgets, hidden at first."""
    for one in parts:
        show(one, False)

    def open_or_close(change: Any) -> None:
        for one in parts:
            show(one, change["new"])

    button.observe(open_or_close, names="value")


def compute_button(agreed: Callable[[], None]) -> Button:
    """Make the button, hidden at first, by which a person agrees to what takes long."""
    made = button("Compute", "dx-compute", "Compute it now", agreed)
    show(made, False)
    return made


def undo_keep(
    tip: str, undone: Callable[[], Any], kept: Callable[[], Any]
) -> tuple[Button, Button]:
    """Make the buttons that take an edit back, and that make the mutant a sequence."""
    keep = "Add the mutant as a sequence of its own"
    return button("Undo", "dx-undo", tip, undone), button("Keep", "dx-keep", keep, kept)


def twin_choice(*, difference: bool = False) -> ToggleButtons:
    """Make the buttons, class ``dx-shown``, that put the untrained network in the model's place."""
    names = [one for one in SHOWN if difference or one != DIFFERENCE]
    tips = ["{1} (key {0})".format(*_NETWORKS[one]) for one in names]
    return choice("dx-shown", names, tips)


def twin_key(networks: ToggleButtons, key: str) -> bool:
    """Choose by a key; tell whether it was one of the choice's."""
    for name in networks.options:
        if key == _NETWORKS[name][0]:
            networks.value = name
            return True
    return False


def show(widget: Widget, visible: Any) -> None:
    """Show a widget, or take its place away where `visible` is false or empty."""
    widget.layout.display = "" if visible else "none"
