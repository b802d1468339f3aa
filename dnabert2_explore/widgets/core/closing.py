"""Closing what is composed of widgets: all parts, their work, and their ear to the selection."""

from __future__ import annotations

from typing import Any

from ipywidgets import Widget

__all__ = ["close_inside"]

#: Traits that hold parts of a widget alone; others may be shared with what stays open.
_OWN = ("children", "layout", "style")


def close_inside(widget: Widget) -> None:
    """Close what a widget is made of, and cancel the work of its parts.

    ipywidgets closes a box alone, and keeps every widget that is not closed for the kernel's life.
    """
    values: dict[str, Any] = widget._trait_values
    for name in _OWN:
        held = values.get(name)
        for one in held if isinstance(held, tuple | list) else (held,):
            if not isinstance(one, Widget):
                continue
            job = getattr(one, "_job", None)
            if job is not None and hasattr(job, "cancel"):
                job.cancel()
            if not hasattr(one, "_unsubscribe"):  # which closes its inside itself
                close_inside(one)
            one.close()
