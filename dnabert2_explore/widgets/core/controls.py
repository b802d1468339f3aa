"""Small controls that views are set with."""

from __future__ import annotations

from collections.abc import Callable, Sequence as Items
from typing import Any

from ipywidgets import Button, Dropdown, ToggleButton, ToggleButtons, Widget

from ...figures.inside.dependencies import SHOWN

__all__ = [
    "DIFFERENCE",
    "TRAINED",
    "UNTRAINED",
    "compute_button",
    "menu",
    "show",
    "toggle",
    "twin_choice",
    "twin_key",
]

#: Whose numbers a view shows, and the keys that choose.
TRAINED, UNTRAINED, DIFFERENCE = SHOWN
_NETWORKS = {
    TRAINED: ("T", "The model"),
    UNTRAINED: ("U", "The same network before any training"),
    DIFFERENCE: ("D", "What training added"),
}


def menu(name: str, options: Items[tuple[str, Any]], tip: str) -> Dropdown:
    """Make a menu of class `name`; its first option is chosen."""
    return Dropdown(options=options, tooltip=tip).add_class(name)


def toggle(text: str, name: str, tip: str) -> ToggleButton:
    """Make a button of class `name` that stays down."""
    return ToggleButton(description=text, tooltip=tip).add_class(name)


def compute_button(agreed: Callable[[], None]) -> Button:
    """Make the button, hidden at first, by which a person agrees to what takes long."""
    button = Button(description="Compute", tooltip="Compute it now").add_class("dx-compute")
    button.layout.display = "none"
    button.on_click(lambda _button: agreed())
    return button


def twin_choice(*, difference: bool = False) -> ToggleButtons:
    """Make the buttons, class ``dx-shown``, that put the untrained network in the model's place."""
    names = [one for one in SHOWN if difference or one != DIFFERENCE]
    tips = ["{1} (key {0})".format(*_NETWORKS[one]) for one in names]
    return ToggleButtons(options=names, tooltips=tips).add_class("dx-shown")


def twin_key(choice: ToggleButtons, key: str) -> bool:
    """Choose by a key; tell whether it was one of the choice's."""
    for name in choice.options:
        if key == _NETWORKS[name][0]:
            choice.value = name
            return True
    return False


def show(widget: Widget, visible: bool) -> None:
    """Show a widget, or take its place away."""
    widget.layout.display = "" if visible else "none"
