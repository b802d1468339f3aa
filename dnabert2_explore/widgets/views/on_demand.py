"""Views of a masked-LM head that compute what is looked at, and ask first where that takes long."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence as Items
from dataclasses import dataclass
from html import escape
from typing import Any

from ipywidgets import Button, Widget

from ...costs import LONG
from ...encoder import Encoder, load
from ...sequences import Sequence, in_place
from ...sequences.motifs.motif import ALPHABET
from ..core.explorer import Explorer
from ..core.state import Selection
from ..examples import SPLICE, WINDOWS, fill

__all__ = ["LONG", "OnDemandExplorer", "Request", "Wanted"]

#: Bases of the longest stretch that is read at once: more are more than a screen can show.
MOST = 1200
#: Results that are kept.
KEPT = 12


@dataclass(frozen=True, slots=True)
class Request:
    """What a result is of: a stretch of a sequence, and what is asked of it."""

    bases: str
    region: tuple[int, int]
    of: str = ""


#: A question, and whether it is put to the untrained network.
Wanted = tuple[Request, bool]


class OnDemandExplorer(Explorer):
    """Base of views that compute a stretch in the background; part ``dx-compute``.

    Subclasses say in `_work` what is computed, in `_announce` and `_cost` what it is called, and
    draw `_kept`. What takes more than 10 s is tried out on a few bases first, and computed when
    the button is pressed; of a longer sequence, what is in sight is read.

    Parameters
    ----------
    enc : Encoder, optional
        With a masked-LM head; the pocket model by default.
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
        enc: Encoder | None,
        sequences: Items[Sequence] | None,
        selection: Selection | None,
        active: bool,
        controls: list[Widget],
        height: int,
    ) -> None:
        self.enc = enc if enc is not None else load()
        self.active = active
        self.compute = Button(description="Compute", tooltip="Compute it now")
        self.compute.add_class("dx-compute")
        self.compute.layout.display = "none"
        self.compute.on_click(lambda _button: self._guarded(self._agree))
        self.height = height
        self._kept: OrderedDict[Wanted, Any] = OrderedDict()
        self._seconds: dict[Request, float] = {}
        self._agreed: set[Request] = set()
        self._regions: dict[str, tuple[int, int]] = {}  # of sessions that were opened
        self._doing: Wanted | None = None
        self._halted = False
        super().__init__(selection, controls)
        for control in controls:
            control.observe(lambda _change: self._guarded(self._ask), names="value")
        if selection is None:
            fill(self.selection, sequences, sets=(SPLICE, WINDOWS), first=SPLICE)
        self._guarded(lambda: self._changed({"index"}))

    def _above(self) -> list[Widget]:
        return [self.compute]

    def activate(self, active: bool) -> None:
        """Compute what is looked at from now on, or nothing."""
        self.active = active
        if active:
            self._guarded(lambda: self._changed({"index"}))
        elif self._job is not None:
            self._job.cancel()
            self._doing = None

    def set_height(self, height: int) -> None:
        """Draw `height` pixels high."""
        if height != self.height:
            self.height = height
            self._guarded(self._draw)

    # What a subclass says ----------------------------------------------------------------------

    @property
    def _of(self) -> str:
        """What is asked of a stretch."""
        return ""

    def _announce(self, wanted: Wanted) -> str:
        """Name what is computed, for the progress line."""
        raise NotImplementedError

    def _cost(self, wanted: Wanted, seconds: float) -> str:
        """Say what it takes."""
        raise NotImplementedError

    def _work(self, wanted: Wanted, agreed: bool, progress: Any) -> tuple[Any, float]:
        """Compute a result: it, or None where it takes long, and the seconds."""
        raise NotImplementedError

    def _forget(self) -> None:
        """Leave what was read out of the sequence before."""

    # What is asked -----------------------------------------------------------------------------

    def _changed(self, changed: set[str]) -> None:
        if "index" in changed:
            self._forget()
        if self.active:
            self._ask()

    def _ask(self) -> None:
        """Begin what is wanted and not there."""
        self._halted = False
        if not self.busy:
            self.say("")  # of the sequence before
        self._go_on()
        self._draw()

    def _agree(self) -> None:
        asked = self._asked()
        if asked is not None:
            self._agreed.add(asked)
            self._ask()

    def _asked(self) -> Request | None:
        """Find the present question; None where there is none to ask."""
        current = self.selection.current
        if current is None or not self.active or not self.enc.has_masked_lm:
            return None
        n, view = len(current), self.selection.view
        recalled = self._regions.get(current.bases)
        if recalled is not None and (view is None or _inside(view, recalled)):
            return Request(current.bases, recalled, self._of)
        whole = Request(current.bases, (0, n), self._of)
        dear = self._seconds.get(whole, 0.0) > LONG and whole not in self._agreed
        shown = (view or (0, n)) if n > MOST or dear else (0, n)
        if shown[1] - shown[0] > MOST:
            return None
        # What was computed for a wider stretch shows a narrower one too.
        for asked, _ in reversed(self._kept):
            same = (asked.bases, asked.of) == (current.bases, self._of)
            if same and _inside(shown, asked.region):
                return asked
        return Request(current.bases, shown, self._of)

    @property
    def _wanted(self) -> list[Wanted]:
        """Results that the view shows."""
        asked = self._asked()
        return [] if asked is None else [(asked, False)]

    def _go_on(self) -> None:
        missing = next((one for one in self._wanted if one not in self._kept), None)
        if self._bare:
            missing = None  # what stands in its place says why
        running = self._job is not None and self._job.running and not self._job.cancelled
        if running and missing is not None and self._doing == missing:
            return
        if running and self._job is not None:
            self._job.cancel()
        self._doing = None
        self.compute.layout.display = "none"
        if missing is None or self._halted:
            return
        known, agreed = self._seconds.get(missing[0]), missing[0] in self._agreed
        if known is not None and known > LONG and not agreed:
            self.say(self._cost(missing, known))
            self.compute.layout.display = ""
            return
        self._doing = missing
        self._start(
            self._announce(missing),
            lambda progress: self._work(missing, agreed, progress),
            lambda result: self._done(missing, *result),
        )

    def _done(self, wanted: Wanted, result: Any, seconds: float) -> None:
        self._doing = None
        self._seconds[wanted[0]] = seconds
        if result is not None:
            self._kept[wanted] = result
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        self._go_on()
        self._draw()

    def _cancelled(self) -> None:
        self._halted, self._doing = True, None
        self.compute.layout.display = ""
        super()._cancelled()

    # What is shown -----------------------------------------------------------------------------

    @property
    def _bare(self) -> bool:
        """Whether what is asked of holds no base that a vocabulary knows."""
        asked = self._asked()
        if asked is None:
            return False
        start, end = asked.region
        return set(in_place(asked.bases)[start:end]).isdisjoint(ALPHABET)

    def _hindrance(self) -> str:
        """Say, as HTML, why nothing can be shown; empty where something can."""
        current = self.selection.current
        if current is None:
            return "Choose an example, or add a sequence of your own."
        if not self.enc.has_masked_lm:
            return (
                f"Model {escape(self.enc.name)} has no masked-LM head, whose predictions are read "
                'here: load a pre-trained model such as "pocket".'
            )
        if self._asked() is None:
            return (
                f"<b>{escape(current.name)}</b> has {len(current):,} bp; up to {MOST:,} bp are "
                "read at once: zoom in."
            )
        if self._bare:
            return (
                f"<b>{escape(current.name)}</b> has no A, C, G or T here, and nothing else is "
                "predicted: choose another sequence, or another stretch of this one."
            )
        return ""

    def _waiting(self, ready: bool, fresh: bool) -> bool:
        """Mark the plot that waits for its successor; tell whether there is nothing to draw."""
        self.plot.stale = not fresh
        current = self.selection.current
        if ready or current is None:
            return not ready
        if self._doing is None and self.plot.spec and not self._halted:
            self._show(None, f"<b>{escape(current.name)}</b>: not computed yet.")
        return True

    def _remember(self, region: tuple[int, int] | None) -> dict[str, Any]:
        # How wide the stretch is may hang on how quick the machine was.
        return {} if region is None else {"region": region}

    def _recall(self, more: dict[str, Any]) -> None:
        current, region = self.selection.current, more.get("region")
        if current is not None and region is not None:
            self._regions[current.bases] = int(region[0]), int(region[1])
        self._changed(set())


def _inside(view: tuple[int, int], region: tuple[int, int]) -> bool:
    return region[0] <= view[0] and view[1] <= region[1]
