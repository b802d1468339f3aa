"""Views that compute while they are looked at, and ask first where that takes long."""

from __future__ import annotations

from collections.abc import Sequence as Items

from ipywidgets import Widget

from ...sequences import Sequence
from ..examples import SPLICE, WINDOWS, fill
from .controls import compute_button
from .explorer import Explorer
from .state import Selection

__all__ = ["LiveExplorer"]


class LiveExplorer(Explorer):
    """Base of views that rest while nobody looks; part ``dx-compute``.

    Subclasses begin what is wanted in `_ask`, and in `_agree` what a person has agreed to.

    Parameters
    ----------
    sequences : sequence of Sequence, optional
        The examples by default.
    selection : Selection, optional
        Shared with other views.
    active : bool
        Compute now; otherwise when `activate` is called.
    controls : list of Widget
    height : int
        Pixels.
    """

    def __init__(
        self,
        sequences: Items[Sequence] | None,
        selection: Selection | None,
        active: bool,
        controls: list[Widget],
        height: int,
    ) -> None:
        self.active, self.height = active, height
        self.compute = compute_button(lambda: self._guarded(self._agree))
        super().__init__(selection, controls)
        if selection is None:
            fill(self.selection, sequences, sets=(SPLICE, WINDOWS), first=SPLICE)

    def _above(self) -> list[Widget]:
        return [self.compute]

    def activate(self, active: bool) -> None:
        """Compute what is looked at from now on, or nothing."""
        self.active = active
        if active:
            self._guarded(lambda: self._changed({"index"}))
        elif self._job is not None:
            self._job.cancel()
            self._rest()

    def _changed(self, changed: set[str]) -> None:
        if self.active:
            self._ask()

    def _ask(self) -> None:
        """Begin what is wanted and not there."""
        raise NotImplementedError

    def _agree(self) -> None:
        """Compute what takes long: a person has agreed."""
        raise NotImplementedError

    def _rest(self) -> None:
        """Nothing is computed any more."""
