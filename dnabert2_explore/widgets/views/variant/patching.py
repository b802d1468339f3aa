"""Where in the network a variant's effect is carried: the patch map below the variant view."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

import numpy as np
from ipywidgets import VBox

from ....analysis.inside.patching import PatchMap, patch
from ....analysis.variants.compare import VariantComparison
from ....common.costs import LONG, duration
from ....common.progress import Progress
from ....encoder import Encoder
from ....encoder.passes.cost import clock
from ....figures.inside.states import patch_figure
from ...core.controls import compute_button, on_value, part, show, toggle
from ...core.plot import PlotlyView

__all__ = ["PatchPanel"]


class PatchPanel(VBox):
    """A button, and below it the patch map of the variant on show, once it is pressed.

    Class ``dx-patching``; parts ``dx-patch``, ``dx-patch-twin``, ``dx-compute``, ``dx-patch-plot``.
    begin(what, work, done) does work in the background, as `Explorer._start`.
    """

    def __init__(
        self, begin: Callable[[str, Callable[..., Any], Callable[..., None]], None]
    ) -> None:
        self._begin = begin
        self.button = toggle(
            "Where in the network",
            "dx-patch",
            "Share of the effect that each layer and token of the reference gives back",
        )
        self.twin = toggle("untrained", "dx-patch-twin", "The same network before any training")
        self.compute = compute_button(self._agree)
        self.plot = PlotlyView().add_class("dx-patch-plot")
        self.words = part("dx-caption")
        self.result: PatchMap | None = None
        self._asked: tuple[Encoder, VariantComparison, str] | None = None
        self._theme = "light"
        self._agreed = False
        super().__init__([self.button, self.twin, self.compute, self.plot, self.words])
        self.add_class("dx-patching")
        on_value(self._go, self.button)
        on_value(self._draw, self.twin)
        self._draw()

    def ask(self, enc: Encoder, result: VariantComparison | None, target: str, theme: str) -> None:
        """Follow the variant on show; `target` names a class of `enc`, empty without one."""
        self._theme = theme
        asked = None if result is None else (enc, result, target)
        if asked != self._asked:
            self._asked, self.result, self._agreed = asked, None, False
            self._go()
        else:
            self._draw()

    def _agree(self) -> None:
        self._agreed = True
        self._go()

    def _go(self) -> None:
        show(self.compute, False)
        asked = self._asked
        self._draw()
        if not self.button.value or self.result is not None or asked is None:
            return
        agreed = self._agreed

        def work(progress: Progress) -> PatchMap | float:
            enc, found, target = asked
            if not agreed:
                begun = clock(enc)
                enc.hidden_states(found.ref)
                layers = enc.config.num_hidden_layers
                # Twice (the twin), from every layer on: half of the layers on average.
                seconds = (clock(enc) - begun) * (layers + 1) * len(found.ref)
                if seconds > LONG:
                    return seconds
            return patch(
                enc,
                found.ref.bases,
                found.alt.bases,
                target or _beside(found),
                twin=True,
                progress=progress,
            )

        def done(answer: PatchMap | float) -> None:
            if self._asked != asked:
                return
            if isinstance(answer, float):
                self.words.value = f"This takes about {duration(answer)}."
                show(self.compute, True)
                show(self.words, True)
                return
            self.result = answer
            self._draw()

        self._begin("patching the reference into the alternative, runs", work, done)

    def _draw(self) -> None:
        result = self.result if self.button.value else None
        for widget in (self.twin, self.plot, self.words):
            show(widget, result is not None)
        if result is None:
            show(self.compute, False)
            return
        shown = "untrained" if self.twin.value else "trained"
        figure = patch_figure(result, shown=shown, height=240, theme=self._theme)
        self.plot.show(figure, config={"displayModeBar": False})  # it would lie on the scale
        one = result.twin if self.twin.value and result.twin is not None else result
        if np.isnan(one.restored).all():
            self.words.value = "To the untrained network both alleles are the same."
            return
        layer, part = np.unravel_index(int(np.nanargmax(one.restored[1:])), one.shape)
        start, end = one.spans[part]
        self.words.value = (
            f"Share of the effect on {escape(one.target_name)} ({one.effect:+.3f} "
            f"{escape(one.unit)}) that comes back when the reference's state stands in one place "
            f"after one layer; all places together give 100%. Most after layer 1: bases "
            f"{start + 1:,}–{end:,} of the window after layer {layer + 1}, "
            f"{one.restored[layer + 1, part]:.0%}. Outlined: tokens that differ. "
            f"<span class='dx-model'>{escape(one.model)}</span>"
        )


def _beside(found: VariantComparison) -> tuple[int, int]:
    """Bases of the token behind the differing ones, or before: what is predicted there."""
    first, last = found.pair.ref.first, found.pair.ref.last
    spans = found.ref.spans
    at = last if last < len(spans) - 1 else first - 1
    return int(spans[at, 0]), int(spans[at, 1])
