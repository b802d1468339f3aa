"""The gallery of all heads: a thumbnail each, to choose from by a click."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from ipywidgets import VBox
from numpy.typing import NDArray

from ....figures.inside.heads import head_gallery
from ...core.controls import part
from ...core.plot import PlotlyView

__all__ = ["THUMBNAIL", "HeadGallery"]

THUMBNAIL = 24  # cells a side


class HeadGallery(VBox):
    """Thumbnails of every head of every layer.

    Class ``dx-heads``; part ``dx-heads-plot``. picked(layer, head), both counted from 0, is called
    when a thumbnail is pressed.
    """

    def __init__(self, picked: Callable[[int, int], None]) -> None:
        self._picked = picked
        self._drawn: tuple[Any, ...] | None = None
        self.plot = PlotlyView().add_class("dx-heads-plot")
        self.plot.on_event(self._hear)
        words = (
            f"From up to {THUMBNAIL} queries, evenly spaced; each head on its own scale. Click one "
            "to see it."
        )
        super().__init__(
            [part("dx-title", "<h3>All heads</h3>"), self.plot, part("dx-caption", words)]
        )
        self.add_class("dx-heads")

    def follow(self, seen: Callable[[], None]) -> None:
        """Call `seen` whenever it is looked at, or gets another width."""
        self.plot.observe(lambda _change: seen(), names="width")
        self.layout.observe(lambda _change: seen(), names="display")

    def draw(
        self, thumbnails: NDArray[np.float32] | None, selected: tuple[int, int] | None, theme: str
    ) -> None:
        """Draw the thumbnails, with a frame around the selected one, if somebody looks."""
        if thumbnails is None or self.layout.display == "none":
            return  # drawn when it is looked at
        width = self.plot.width or 360
        how = (selected, width, theme)
        if self._drawn is not None and self._drawn[0] is thumbnails and self._drawn[1:] == how:
            return  # a click on a token changes nothing of it
        self._drawn = (thumbnails, *how)
        self.plot.show(
            head_gallery(thumbnails, selected=selected, width=width, theme=theme),
            pressable=True,
            config={"displayModeBar": False},
        )

    def _hear(self, event: dict[str, Any]) -> None:
        if event["event"] == "press":
            self._picked(round(event["y"]) - 1, round(event["x"]) - 1)
