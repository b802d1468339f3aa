"""The legend of an atlas: a press on a class hides it, or shows it again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence as Items
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from ...figures.cloud import SHAPES
from ...figures.core.colours import SYMBOLS, class_colours, theme_of
from ..core.plot import PlotlyView

__all__ = ["Legend"]

HERE = Path(__file__).parent
_MOST = 60  # classes named; a list of thousands is no legend


class Legend(anywidget.AnyWidget):
    """Classes with their colour, marker and number, or a scale; laid out by the page.

    Class ``dx-legend``; a class is a button with ``aria-pressed``, false where it is hidden. With
    Shift, or twice, a press leaves this class alone on show.

    `entries` have ``name``, ``colour``, ``shape`` and ``n``, and `more` counts the classes beyond
    them; `hidden` are not shown; the `scale` of numbers has ``field``, ``low``, ``high`` and
    ``colours``; `note` says what the outlined points are, and how many.
    """

    _esm = (HERE / "legend.js").read_text(encoding="utf-8")
    _css = PlotlyView._css

    entries: Any = traitlets.List().tag(sync=True)
    hidden: Any = traitlets.List(traitlets.Unicode()).tag(sync=True)
    scale: Any = traitlets.Dict().tag(sync=True)
    note = traitlets.Unicode().tag(sync=True)
    more = traitlets.Int(0).tag(sync=True)

    def show(
        self,
        values: Items[str] | Items[float],
        field: str = "",
        starred: str = "",
        n_starred: int = 0,
        theme: str = "light",
    ) -> None:
        """Name what the points are coloured by; classes that are gone are hidden no more.

        `values` are of all points, the hidden ones too; `field` is name and unit, for numbers;
        `starred` says what the outlined points are.
        """
        counts = Counter(v for v in values if isinstance(v, str))
        every = list(class_colours(counts).items())
        numbers = [v for v in values if not isinstance(v, str) and v == v]
        with self.hold_sync():
            self.entries = [
                {"name": name, "colour": colour, "shape": SHAPES[SYMBOLS[i % len(SYMBOLS)]],
                 "n": counts[name]}
                for i, (name, colour) in enumerate(every[:_MOST])
            ]  # fmt: skip
            self.more = max(len(every) - _MOST, 0)
            self.hidden = [name for name in self.hidden if name in counts]
            self.note = f"{starred} (outlined) {n_starred:,}" if n_starred else ""
            self.scale = {}
            if numbers:
                self.scale = {
                    "field": field, "low": min(numbers), "high": max(numbers),
                    "colours": [colour for _, colour in theme_of(theme).continuous],
                }  # fmt: skip
