"""Small controls that views are set with."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence as Items
from typing import Any

from ipywidgets import Button, Dropdown, ToggleButton, Widget

__all__ = ["compute_button", "menu", "show", "toggle"]


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


def show(widget: Widget, visible: bool) -> None:
    """Show a widget, or take its place away."""
    widget.layout.display = "" if visible else "none"
