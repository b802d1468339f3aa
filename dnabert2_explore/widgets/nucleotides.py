"""The nucleotide view: which base a model of tokens expects at every place."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Sequence as Items
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from ipywidgets import Button, Widget

from ..analysis.inside import NucleotideProbabilities, nucleotide_probabilities
from ..delimited import csv_lines, remark
from ..encoder import Encoder, load
from ..errors import InputError
from ..figures.nucleotides import nucleotide_figure
from ..sequences import Sequence, in_place
from ..sequences.motifs import ALPHABET
from .examples import SPLICE, WINDOWS, fill
from .explorer import Explorer
from .state import Selection
from .tokens import BUTTONS, select_token, sequence_code, step_token

if TYPE_CHECKING:
    import plotly.graph_objects as go

__all__ = ["NucleotideExplorer"]

#: Seconds above which the cost is said and asked for first, and bases on which that is tried out.
_LONG, _TRIED = 10.0, 12
#: Bases at once: more are more than a screen can show.
_MOST = 1200
#: Results that are kept.
_KEPT = 8

_Asked = tuple[str, tuple[int, int]]


class NucleotideExplorer(Explorer):
    """See which bases the model expects, and how sure it is, beside an untrained network.

    Every token is masked in turn, and the masked-LM head's probabilities are summed over all tokens
    that could stand there. Click a base to select its token; arrows go from token to token.

    Class ``dx-nucleotides``; part ``dx-compute`` (what takes more than 10 s is computed when this
    is pressed).

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
    """

    title = "Predicted bases"
    kind = "nucleotides"
    help = (
        "Each token is masked, and the probability of a base is summed over all entries of the "
        "vocabulary that could stand there. Letters are as high as their probability times the "
        "information of their base (2 bits less its entropy). The borders of the tokens around "
        "stay, and give something away: so an <i>untrained</i> network is better than nothing too, "
        "and what counts is the distance to its line."
    )

    def __init__(
        self,
        enc: Encoder | None = None,
        sequences: Items[Sequence] | None = None,
        selection: Selection | None = None,
        active: bool = True,
    ) -> None:
        self.enc = enc if enc is not None else load()
        self.active = active
        self.compute = Button(description="Compute", tooltip="Compute it now")
        self.compute.add_class("dx-compute")
        self.compute.layout.display = "none"
        self.compute.on_click(lambda _button: self._guarded(self._agree))
        self._kept: OrderedDict[_Asked, NucleotideProbabilities] = OrderedDict()
        self._seconds: dict[_Asked, float] = {}
        self._agreed: set[_Asked] = set()
        self._doing: _Asked | None = None
        self._halted = False
        self._base: int | None = None
        self._recalled: _Asked | None = None
        self.height = 300
        super().__init__(selection, [])
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
        """Draw the logo and the track `height` pixels high."""
        if height != self.height:
            self.height = height
            self._guarded(self._draw)

    def _changed(self, changed: set[str]) -> None:
        if "index" in changed:
            self._base, self._halted = None, False
        if self.active:
            self._go_on()
            self._draw()

    def _agree(self) -> None:
        asked = self._asked()
        if asked is not None:
            self._agreed.add(asked)
            self._halted = False
            self._go_on()
            self._draw()

    def _asked(self) -> _Asked | None:
        """Find the present question; None where there is none to ask."""
        current = self.selection.current
        if current is None or not self.enc.has_masked_lm:
            return None
        n, view = len(current), self.selection.view
        if self._recalled is not None and self._recalled[0] == current.bases:
            start, end = self._recalled[1]
            if start <= (view or (0, n))[0] and (view or (0, n))[1] <= end:
                return self._recalled
        whole = (current.bases, (0, n))
        dear = self._seconds.get(whole, 0.0) > _LONG and whole not in self._agreed
        low, high = (view or (0, n)) if n > _MOST or dear else (0, n)
        if high - low > _MOST:
            return None
        for bases, region in reversed(self._kept):
            if bases == current.bases and region[0] <= low and high <= region[1]:
                return bases, region
        return current.bases, (low, high)

    def _go_on(self) -> None:
        asked = self._asked()
        missing = asked is not None and asked not in self._kept
        running = self._job is not None and self._job.running and not self._job.cancelled
        if running and missing and self._doing == asked:
            return
        if running and self._job is not None:
            self._job.cancel()
        self._doing = None
        self.compute.layout.display = "none"
        if asked is None or not missing or self._halted:
            return
        known, agreed = self._seconds.get(asked), asked in self._agreed
        if known is not None and known > _LONG and not agreed:
            self._say_cost(known)
            return
        self._doing = asked
        self._start(
            "probabilities of bases, passes",
            lambda progress: self._work(asked, agreed, progress),
            lambda result: self._done(asked, result),
        )

    def _say_cost(self, seconds: float) -> None:
        told = f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
        self.say(f"All bases in sight take about {told}. Compute them, or zoom in first.")
        self.compute.layout.display = ""

    def _work(self, asked: _Asked, agreed: bool, progress: Any) -> NucleotideProbabilities | float:
        """Compute it, unless a few bases say that it takes long."""
        bases, (start, end) = asked
        if not agreed and end - start > 4 * _TRIED:
            middle = (start + end - _TRIED) // 2
            begun = time.monotonic()
            nucleotide_probabilities(self.enc, bases, (middle, middle + _TRIED))
            seconds = 2 * (time.monotonic() - begun) * (end - start) / _TRIED
            if seconds > _LONG:
                return seconds
        return nucleotide_probabilities(self.enc, bases, (start, end), twin=True, progress=progress)

    def _done(self, asked: _Asked, result: NucleotideProbabilities | float) -> None:
        self._doing = None
        if isinstance(result, float):
            self._seconds[asked] = result
        else:
            self._kept[asked] = result
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        self._go_on()
        self._draw()

    def _cancelled(self) -> None:
        self._halted, self._doing = True, None
        self.compute.layout.display = ""
        super()._cancelled()

    @property
    def result(self) -> NucleotideProbabilities | None:
        """What is on show; None before it is there."""
        asked = self._asked()
        return None if asked is None else self._kept.get(asked)

    def _figure(self) -> go.Figure | None:
        result, current = self.result, self.selection.current
        if result is None or current is None:
            return None
        figure = nucleotide_figure(
            result,
            view=self.selection.view or (0, len(current)),
            selected=self.selection.bases,
            width=self.plot.width or 900,
            height=self.height,
            theme=self.selection.theme,
        )
        return figure.update_layout(dragmode=self.selection.drag)

    def _draw(self) -> None:
        current = self.selection.current
        if not self.active:
            return
        if current is None:
            self._show(None, "Choose an example, or add a sequence of your own.")
            return
        if not self.enc.has_masked_lm:
            self._show(
                None,
                f"Model {escape(self.enc.name)} has no masked-LM head, whose predictions are read "
                'here: load a pre-trained model such as "pocket".',
            )
            return
        if self._asked() is None:
            self._show(
                None,
                f"<b>{escape(current.name)}</b> has {len(current):,} bp; up to {_MOST:,} bp are "
                "read at once: zoom in.",
            )
            return
        result = self.result
        self.plot.stale = result is None
        if result is None:
            if self._doing is None and self.plot.spec and not self._halted:
                self._show(None, f"<b>{escape(current.name)}</b>: not computed yet.")
            return
        self._read_out.value = self._cell(result)
        self._show(
            self._figure(),
            f"Bases that {escape(self.enc.name)} expects in <b>{escape(current.name)}</b>, every "
            f"token masked in turn: {escape(result._line())}. "
            f"<span class='dx-model'>{escape(result.model)}</span>",
            linked=True,
            bounds=(0.5, len(current) + 0.5),
            pressable=True,
            config=BUTTONS,
        )

    def _cell(self, result: NucleotideProbabilities) -> str:
        """Say what is expected at the base that was pressed."""
        if self._base is None:
            return ""
        row = result.probabilities[self._base - result.region[0]]
        if np.isnan(row).any():
            return f"Base {self._base + 1:,} is not known to the vocabulary."
        letters = ", ".join(f"{base} {p:.2f}" for base, p in zip(ALPHABET, row, strict=True))
        here = in_place(result.sequence.bases)[self._base]
        return f"Base {self._base + 1:,}, <code>{here}</code> there: expected {letters}"

    def _press(self, event: dict[str, Any]) -> None:
        result = self.result
        if result is None:
            return
        base = int(np.clip(round(event["x"]) - 1, 0, len(result.sequence.bases) - 1))
        self._base = base if result.region[0] <= base < result.region[1] else None
        tokens = self.enc.tokenize(result.sequence.bases)
        select_token(self.selection, tokens, event["x"], bool(event.get("shift")))
        self._read_out.value = self._cell(result)

    def _key(self, key: str, shift: bool) -> None:
        result = self.result
        if key in ("ArrowLeft", "ArrowRight") and result is not None:
            self._base = None
            tokens = self.enc.tokenize(result.sequence.bases)
            step_token(self.selection, tokens, -1 if key == "ArrowLeft" else 1)
        else:
            super()._key(key, shift)

    def _there(self) -> NucleotideProbabilities:
        result = self.result
        if result is None:
            raise InputError("There are no probabilities yet: choose a sequence first.")
        return result

    def _memory(self) -> dict[str, Any]:
        # How wide the stretch is may hang on how quick the machine was.
        return {} if self.result is None else {"region": self.result.region}

    def _recall(self, more: dict[str, Any]) -> None:
        current, region = self.selection.current, more.get("region")
        if current is not None and region is not None:
            self._recalled = current.bases, (int(region[0]), int(region[1]))
        self._changed(set())

    def _code(self) -> str:
        result = self._there()
        return (
            "import dnabert2_explore as dx\n\n"
            f"enc = dx.load({self.enc.source!r})\n"
            f"{sequence_code(self.selection)}"
            f"found = dx.nucleotide_probabilities(enc, bases, {result.region}, twin=True)\n"
            f"dx.plot(found, view={self.selection.view!r}, selected={self.selection.bases!r})"
        )

    def _table(self) -> str:
        result, current = self._there(), self.selection.current
        assert current is not None
        frame = result.table()
        lines = [remark(f"{current.name}: {self.caption}"), ",".join(frame.columns)]
        return "\n".join([*lines, *csv_lines(frame.itertuples(index=False))]) + "\n"
