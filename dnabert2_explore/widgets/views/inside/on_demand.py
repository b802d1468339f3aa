"""Views of a masked-LM head that compute what is looked at, and ask first where that takes long."""

from __future__ import annotations

from collections.abc import Sequence as Items
from dataclasses import dataclass
from html import escape
from typing import Any

from ipywidgets import ToggleButtons, Widget

from ....common.costs import LONG
from ....encoder import Encoder, load
from ....errors import InputError
from ....figures.core.parts import Figure
from ....sequences import Sequence, in_place
from ....sequences.motifs.motif import ALPHABET
from ...core.code import frame_csv, opening
from ...core.controls import UNTRAINED, show, twin_key
from ...core.explorer import ARROWS
from ...core.kept import Kept
from ...core.live import LiveExplorer
from ...core.state import Selection
from ..tokens.explorer import step_token

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


class OnDemandExplorer(LiveExplorer):
    """Base of views that compute a stretch in the background; part ``dx-compute``.

    Subclasses say in `_work` what is computed, in `_announce` and `_cost` what it is called, in
    `_picture`, `_words` and `_cell` what is shown of it, and in `_call` how to compute it again.
    The trained network is shown or its untrained twin, as `shown` says (class ``dx-shown``; keys
    T, U, and D where there is a difference). What takes more than 10 s is tried out on a few bases
    first, and computed when the button is pressed; of a longer sequence, what is in sight is read.

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

    #: The buttons of `twin_choice`, which a subclass makes before anything else.
    shown: ToggleButtons
    #: Keys that choose the network.
    typed = "TU"
    #: What to tell who asks for numbers that are not there yet.
    nothing = "Nothing was computed yet: choose a sequence first."
    #: Units of the table, a line above its columns.
    units = ""

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
        self._kept: Kept[Wanted, Any] = Kept(KEPT)
        self._seconds: dict[Request, float] = {}
        self._agreed: set[Request] = set()
        self._regions: dict[str, tuple[int, int]] = {}  # of sessions that were opened
        self._doing: Wanted | None = None
        self._halted = False
        super().__init__(sequences, selection, active, controls, height)
        self._when(self._ask, *controls)
        self._guarded(lambda: self._changed({"index"}))

    def _rest(self) -> None:
        self._doing = None

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

    def _picture(self, result: Any, **of_all: Any) -> Figure:
        """Draw a result; `of_all` are the options that every one of these figures has."""
        raise NotImplementedError

    def _words(self, result: Any) -> str:
        """Say what is shown, as HTML: the caption."""
        raise NotImplementedError

    def _cell(self, result: Any) -> str:
        """Read out what is selected, as HTML; empty where nothing is."""
        raise NotImplementedError

    def _call(self, result: Any) -> str:
        """Write the call that computes it, of ``enc`` and ``bases``."""
        raise NotImplementedError

    # What is asked -----------------------------------------------------------------------------

    def _changed(self, changed: set[str]) -> None:
        if "index" in changed:
            self._forget()
        super()._changed(changed)

    def _ask(self) -> None:
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
        if self.busy and missing is not None and self._doing == missing:
            return
        if self.busy:
            self._halt()
        self._doing = None
        show(self.compute, False)
        if missing is None or self._halted:
            return
        known, agreed = self._seconds.get(missing[0]), missing[0] in self._agreed
        if known is not None and known > LONG and not agreed:
            self.say(self._cost(missing, known))
            show(self.compute, True)
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
        self._go_on()
        self._draw()

    def _cancelled(self) -> None:
        self._halted, self._doing = True, None
        show(self.compute, True)
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

    @property
    def result(self) -> Any:
        """What is on show, its untrained twin beside it; None before it is there."""
        asked = self._asked()
        return None if asked is None else self._kept.get((asked, False))

    @property
    def _ready(self) -> str:
        """Whose numbers can be shown now."""
        return str(self.shown.value)

    def _one(self, result: Any) -> Any:
        """Return the result or its twin, whichever is on show."""
        return result.twin if self._ready == UNTRAINED and result.twin is not None else result

    def _figure(self) -> Figure | None:
        result, current = self.result, self.selection.current
        if result is None or current is None:
            return None
        figure = self._picture(
            result,
            view=self.selection.view or (0, len(current)),
            selected=self.selection.bases,
            shown=self._ready,
            height=self.height,
            theme=self.selection.theme,
        )
        return figure.update_layout(dragmode=self.selection.drag)

    def _draw(self) -> None:
        current = self.selection.current
        if not self.active:
            return
        if hindrance := self._hindrance():
            self._show(None, hindrance)
            return
        result = self.result
        fresh = result is not None and self._ready == self.shown.value
        if self._waiting(result is not None, fresh) or result is None or current is None:
            return
        self._read_out.value = self._cell(result)
        self._show_on_bases(
            self._figure(),
            f"{self._words(result)} "
            f"<span class='dx-model'>{escape(self._one(result).model)}</span>",
            typed=self.typed,
        )

    def _key(self, key: str, shift: bool) -> None:
        current = self.selection.current
        if twin_key(self.shown, key):
            return
        if key in ARROWS and self.result is not None and current is not None:
            self._forget()
            step_token(self.selection, self.enc.tokenize(current.bases), ARROWS[key])
        else:
            super()._key(key, shift)

    # What leaves it ----------------------------------------------------------------------------

    def _there(self) -> Any:
        result = self.result
        if result is None:
            raise InputError(self.nothing)
        return result

    def _code(self) -> str:
        return (
            f"{opening(self.enc, self.selection)}found = {self._call(self._there())}\n"
            f"dx.plot(found, shown={self._ready!r}, view={self.selection.view!r}, "
            f"selected={self.selection.bases!r})"
        )

    def _table(self) -> str:
        result, current = self._there(), self.selection.current
        assert current is not None
        units = [self.units] if self.units else []
        return frame_csv(result.table(), f"{current.name}: {self.caption}", *units)

    def _memory(self) -> dict[str, Any]:
        # How wide the stretch is may hang on how quick the machine was.
        return {} if self.result is None else {"region": self._region}

    @property
    def _region(self) -> tuple[int, int]:
        """Bases that what is there was computed of."""
        asked = self._asked()
        assert asked is not None
        return asked.region

    def _recall(self, more: dict[str, Any]) -> None:
        current, region = self.selection.current, more.get("region")
        if current is not None and region is not None:
            self._regions[current.bases] = int(region[0]), int(region[1])
        self._changed(set())


def _inside(view: tuple[int, int], region: tuple[int, int]) -> bool:
    return region[0] <= view[0] and view[1] <= region[1]
