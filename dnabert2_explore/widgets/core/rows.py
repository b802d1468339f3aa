"""A table whose rows are pressed: sorted in the browser, its text never read as HTML."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence as Items
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anywidget
import traitlets

__all__ = ["Column", "RowTable"]

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a `RowTable`, with a tip on hover over its heading.

    Numbers are written by `form`, "number", "whole", "share" or "p"; text has none. A `mono` one
    has letters of one width, for bases.
    """

    label: str
    form: str = ""
    tip: str = ""
    mono: bool = False

    def spec(self) -> dict[str, Any]:
        """Return what the browser needs to know."""
        more: dict[str, Any] = {"form": self.form} if self.form else {}
        if self.tip:
            more["tip"] = self.tip
        return {"label": self.label, "mono": self.mono, **more}


class RowTable(anywidget.AnyWidget):
    """Rows of text and numbers; a click or Enter on one is told to listeners.

    Class ``dx-rows``; the row that is looked at has ``dx-current``.
    """

    # The text, not the path: a path's watcher would keep every widget for good.
    _esm = (HERE / "rows.js").read_text(encoding="utf-8")
    _css = (HERE / "explore.css").read_text(encoding="utf-8")

    columns: Any = traitlets.List().tag(sync=True)
    rows: Any = traitlets.List().tag(sync=True)
    row_keys: Any = traitlets.List().tag(sync=True)
    current = traitlets.Int(-1).tag(sync=True)
    pressable = traitlets.Bool(False).tag(sync=True)

    def __init__(self, pressed: Callable[[int], None] | None = None) -> None:
        super().__init__(pressable=pressed is not None)
        self._pressed = pressed
        self.on_msg(self._receive)

    def show(
        self, columns: Items[Column], rows: Iterable[Items[Any]], keys: Iterable[int] | None = None
    ) -> None:
        """Show rows in place of those that are there.

        A cell a column; numbers that are not finite are shown as ∞ or –. `keys` are told of a row
        that is pressed; its number by default.
        """
        made = [[_plain(value) for value in row] for row in rows]
        with self.hold_sync():
            self.row_keys = list(range(len(made))) if keys is None else [int(key) for key in keys]
            self.columns = [column.spec() for column in columns]
            self.rows = made

    def _receive(self, _widget: Any, content: dict[str, Any], _buffers: Any) -> None:
        if content.get("event") == "row" and self._pressed is not None:
            self._pressed(int(content["key"]))


def _plain(value: Any) -> Any:
    """Return what JSON can hold."""
    if value is None or isinstance(value, str | bool | int):
        return value
    number = float(value)
    # JSON has no infinity; so large a number is shown as one.
    return number if math.isfinite(number) else ("∞" if number > 0 else "–")
