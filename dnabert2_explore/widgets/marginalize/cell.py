"""The cell of a sweep that is looked at: its numbers, and its attribution with the site marked."""

from __future__ import annotations

from typing import Any

import numpy as np
from ipywidgets import Dropdown, Widget
from numpy.typing import NDArray

from ...analysis.attribution import METHODS, Attribution, attribute
from ...analysis.gym import Place, Sweep
from ...common.names import Output
from ...encoder import Encoder
from ...figures.attribution.tracks import attribution_tracks
from ...figures.core.colours import theme_of
from ...figures.core.parts import Figure
from ...figures.core.style import band
from ..core.code import BUTTONS
from ..core.controls import chips, part, row, show
from ..core.explorer import Explorer
from ..core.kept import Kept
from ..core.plot import PlotlyView
from ..core.state import Selection
from .captions import outputs_of_cell, what_cell_changes
from .controls import GymControls

__all__ = ["STEPS", "CellExplorer"]

_KEPT = 16
#: Of integrated gradients.
STEPS = 50


class CellExplorer(Explorer):
    """Base of the motif gym: below the sweep stands what one cell of it is made of.

    Parameters
    ----------
    selection : Selection, optional
        Shared with other views.
    controls : list of Widget
        Stand in the heading.
    """

    #: A subclass makes these before anything else.
    enc: Encoder
    controls: GymControls
    which: Dropdown
    method: Dropdown

    def __init__(self, selection: Selection | None, controls: list[Widget]) -> None:
        self.result: Sweep | None = None
        self.attribution: Attribution | None = None
        self.picked: tuple[int, int] | None = None
        self._explained: tuple[Any, ...] | None = None  # what is asked of the cell
        self._answered: tuple[Any, ...] | None = None  # and what `attribution` answers
        self._before: NDArray[np.float32] | None = None
        self._marks: tuple[Place, ...] = ()  # sites in what is explained
        self._known: Kept[tuple[Any, ...], tuple[Attribution, Any]] = Kept(_KEPT)
        self._cell = part("dx-gym-cell")
        self._here = part("dx-gym-here")
        self.detail = PlotlyView().add_class("dx-gym-detail")
        self.detail.on_event(self._hear)
        self.detail.observe(lambda _change: self._guarded(self._draw_detail), names="width")
        super().__init__(selection, controls)
        self.detail.group = self.selection.group
        show(self._read_out, False)  # the cell's numbers stand above its attribution

    def _below(self) -> list[Widget]:
        return [self._cell, row("dx-controls", self.which, self.method, self._here), self.detail]

    def _words(self, result: Sweep) -> str:
        """Say what is shown, as HTML: the caption."""
        raise NotImplementedError

    def _explain(self) -> None:
        """Attribute the cell looked at."""
        result, picked = self.result, self.picked
        if result is None or picked is None or self._quiet or self.plot.stale:
            return
        which = self.which.value or 0
        if not result.design.exists(*picked) or np.isnan(result.scores[(*picked, which)]):
            self.attribution = self._explained = self._answered = None
            self._draw_detail()
            return
        marks = result.places(*picked)
        bases = result.sequence(*picked, which)
        plain = result.without(*picked, which)
        method = self.controls.method_for(len(bases))
        output: Output = "probability" if result.unit == "probability" else "auto"
        request = (bases, plain, result.target, method, output)
        if request == self._explained:
            self._draw_detail()
            return
        self._explained = request
        if request not in self._known:
            self._draw_detail()

        def work(progress: Any) -> tuple[Attribution, Any]:
            found = attribute(
                self.enc,
                bases,
                result.target,
                method=method,
                n_steps=STEPS,
                progress=progress,
                output=output,
            )  # fmt: skip
            if len(self.enc.classes) < 2:
                return found, None
            # Beside the attribution's, which is of one reading.
            before = self.enc.predict([plain], strands="one", segmentations=0)
            return found, before[0]

        def show_detail(found: tuple[Attribution, Any]) -> None:
            self.attribution, self._before = found
            self._answered, self._marks = request, marks
            self._draw_detail()

        self._settle(self._known, request, METHODS[method].title, work, show_detail)

    def _detail_figure(self) -> Figure | None:
        found = self.attribution
        if found is None:
            return None
        figure = attribution_tracks(
            found,
            view=self.selection.view,
            width=self.detail.width or 900,
            theme=self.selection.theme,
        )
        theme = theme_of(self.selection.theme)
        marks = [band(theme, place.start, place.end) for place in self._marks]
        return figure.update_layout(
            shapes=[*figure.layout.shapes, *marks], dragmode=self.selection.drag
        )

    def _draw_detail(self) -> None:
        result, picked, figure = self.result, self.picked, self._detail_figure()
        self.detail.stale = self.plot.stale or self._explained != self._answered
        show(self.which, len(self.which.options) > 1)
        show(self.detail, figure is not None)
        if result is None or picked is None:
            self._cell.value = self._here.value = ""
            return
        self._cell.value = chips(what_cell_changes(result, picked))
        found = None if self.detail.stale else self.attribution
        self._here.value = chips(
            outputs_of_cell(result, picked, self.which.value or 0, found, self._before)
        )
        self._caption_line.value = self._words(result)
        if figure is not None:
            n_bases = len(result.backgrounds[0])
            self.detail.show(figure, linked=True, bounds=(0.5, n_bases + 0.5), config=BUTTONS)
