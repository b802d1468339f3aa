"""The dependency view: which predictions change when a base does, on the axes of attention."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Sequence as Items
from dataclasses import dataclass, replace
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from ipywidgets import Button, Dropdown, ToggleButtons, Widget

from ..analysis.inside.dependencies import BASES, TOKENS, DependencyMap, dependency_map
from ..analysis.inside.heads import HeadAgreement
from ..delimited import csv_lines, remark
from ..encoder import Encoder, load
from ..encoder.twin import random_twin
from ..errors import InputError
from ..figures.attention import cell_text
from ..figures.dependencies import SHOWN, dependency_figure
from ..sequences import Sequence, in_place
from .examples import SPLICE, WINDOWS, fill
from .explorer import Explorer
from .state import Selection
from .tokens import BUTTONS, select_token, sequence_code, step_token

if TYPE_CHECKING:
    import plotly.graph_objects as go

__all__ = ["DependencyExplorer"]

#: Seconds above which the cost is said and asked for first.
_LONG = 10.0
#: Bases of the longest stretch that is mapped at once: more are more than a screen can show.
_MOST = 1200
#: Maps that are kept.
_KEPT = 12
TRAINED, UNTRAINED, DIFFERENCE = SHOWN


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a map is of."""

    bases: str
    region: tuple[int, int]
    of: str


class DependencyExplorer(Explorer):
    """See which tokens' predictions change when a base is substituted.

    Columns are the substituted bases, rows the tokens predicted, as an attention map has keys and
    queries. "untrained" shows a network of the same shape that has learnt nothing, "difference"
    what training added. Click a cell to select the token under its column; keys: U for untrained,
    D for the difference, T for trained, arrows from token to token.

    Class ``dx-dependencies``; parts ``dx-shown``, ``dx-of``, ``dx-compute`` (what takes more than
    10 s is computed when this is pressed).

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

    title = "Dependencies"
    kind = "dependencies"
    help = (
        "Every base is replaced by each of the three others, the mutant is cut into tokens anew, "
        "and the masked-LM head reads it as it stands. The map holds, for each token that kept its "
        "span, the symmetrised Kullback-Leibler divergence (nats) between its predictions before "
        "and after, the largest of the three. A base and its own token depend on each other in any "
        "network: look beside the diagonal, and at the <i>untrained</i> one. "
        "<cite>After Tomaz da Silva et al. 2025 (nucleotide dependencies).</cite>"
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
        self.shown = ToggleButtons(
            options=list(SHOWN),
            tooltips=[
                "The model (key T)",
                "The same network before any training (key U)",
                "What training added (key D)",
            ],
        ).add_class("dx-shown")
        self.of = Dropdown(
            options=[("tokens predicted", TOKENS), ("bases predicted", BASES)],
            tooltip="Whose predictions are compared",
        ).add_class("dx-of")
        self.compute = Button(description="Compute", tooltip="Compute it now")
        self.compute.add_class("dx-compute")
        self.compute.layout.display = "none"
        self.compute.on_click(lambda _button: self._guarded(self._agree))
        self._twin: Encoder | None = None
        self._maps: OrderedDict[tuple[_Asked, bool], DependencyMap] = OrderedDict()
        self._heads: dict[_Asked, HeadAgreement | None] = {}
        self._seconds: dict[_Asked, float] = {}
        self._agreed: set[tuple[_Asked, bool]] = set()
        self._regions: dict[str, tuple[int, int]] = {}  # of sessions that were opened
        self._doing: tuple[_Asked, bool] | None = None
        self._halted = False
        self._cell = ""
        self.height = 420
        super().__init__(selection, [self.shown, self.of])
        for control in (self.shown, self.of):
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
        """Draw the map `height` pixels high."""
        if height != self.height:
            self.height = height
            self._guarded(self._draw)

    # What is asked -----------------------------------------------------------------------------

    def _changed(self, changed: set[str]) -> None:
        if "index" in changed:
            self._cell, self._halted = "", False
        if not self.active:
            return
        self._ask()

    def _ask(self) -> None:
        """Begin what is wanted and not there."""
        self._halted = False
        self._go_on()
        self._draw()

    def _agree(self) -> None:
        asked = self._asked()
        if asked is not None:
            self._agreed |= {(asked, False), (asked, True)}
            self._ask()

    def _asked(self) -> _Asked | None:
        """Find the present question; None where there is none to ask."""
        current = self.selection.current
        if current is None or not self.active or not self.enc.has_masked_lm:
            return None
        n, view = len(current), self.selection.view
        whole = _Asked(current.bases, (0, n), self.of.value)
        dear = self._seconds.get(whole, 0.0) > _LONG and (whole, False) not in self._agreed
        low, high = (view or (0, n)) if n > _MOST or dear else (0, n)
        recalled = self._regions.get(current.bases)
        if recalled is not None and (view is None or self._inside(view, recalled)):
            return _Asked(current.bases, recalled, self.of.value)
        if high - low > _MOST:
            return None
        # What was computed for a wider stretch shows a narrower one too.
        for asked, _ in reversed(self._maps):
            if (
                (asked.bases, asked.of) == (current.bases, self.of.value)
                and asked.region[0] <= low
                and high <= asked.region[1]
            ):
                return asked
        return _Asked(current.bases, (low, high), self.of.value)

    @staticmethod
    def _inside(view: tuple[int, int], region: tuple[int, int]) -> bool:
        return region[0] <= view[0] and view[1] <= region[1]

    @property
    def _wanted(self) -> list[tuple[_Asked, bool]]:
        """Maps that the view shows: of the model, and of its twin where that is looked at."""
        asked = self._asked()
        if asked is None:
            return []
        return [(asked, False)] + ([(asked, True)] if self.shown.value != TRAINED else [])

    def _go_on(self) -> None:
        missing = next((one for one in self._wanted if one not in self._maps), None)
        running = self._job is not None and self._job.running and not self._job.cancelled
        if running and missing is not None and self._doing == missing:
            return
        if running and self._job is not None:
            self._job.cancel()
        self._doing = None
        self.compute.layout.display = "none"
        if missing is None or self._halted:
            return
        asked, untrained = missing
        known = self._seconds.get(asked)
        agreed = missing in self._agreed
        if known is not None and known > _LONG and not agreed:
            self._say_cost(asked, untrained, known)
            return
        self._doing = missing
        what = "dependencies of an untrained network" if untrained else "dependencies"
        self._start(
            f"{what}, mutants",
            lambda progress: self._work(asked, untrained, agreed, progress),
            lambda result: self._done(asked, untrained, result),
        )

    def _say_cost(self, asked: _Asked, untrained: bool, seconds: float) -> None:
        start, end = asked.region
        self.say(
            f"{'The untrained network' if untrained else 'The map'} takes about "
            f"{_duration(seconds)}: {3 * (end - start):,} mutants. Compute it, or zoom in first."
        )
        self.compute.layout.display = ""

    # Work --------------------------------------------------------------------------------------

    def _work(
        self, asked: _Asked, untrained: bool, agreed: bool, progress: Any
    ) -> tuple[DependencyMap | None, HeadAgreement | None, float]:
        """Compute a map, unless a few of its mutants say that it takes long."""
        enc = self.enc
        if untrained:
            self._twin = enc = self._twin or random_twin(self.enc)
        start, end = asked.region
        if not agreed and end - start > 8:
            middle = (start + end) // 2
            letters = in_place(asked.bases)
            few = next(
                (i for i in range(middle, end - 4) if set(letters[i : i + 4]) <= set("ACGT")), None
            )
            if few is not None:
                begun = time.monotonic()
                dependency_map(enc, asked.bases, (few, few + 4), asked.of)
                seconds = (time.monotonic() - begun) * (end - start) / 4
                if seconds > _LONG:
                    return None, None, seconds
        begun = time.monotonic()
        found = dependency_map(enc, asked.bases, asked.region, asked.of, progress=progress)
        seconds = time.monotonic() - begun
        heads = None
        if asked.of == TOKENS and not untrained:
            try:
                heads = found.heads()
            except InputError:  # too few pairs of tokens to rank: the map is there all the same
                heads = None
        return found, heads, seconds

    def _done(
        self,
        asked: _Asked,
        untrained: bool,
        result: tuple[DependencyMap | None, HeadAgreement | None, float],
    ) -> None:
        self._doing = None
        found, heads, seconds = result
        self._seconds[asked] = seconds
        if found is not None:
            self._maps[asked, untrained] = found
            if not untrained:
                self._heads[asked] = heads
            while len(self._maps) > _KEPT:
                self._maps.popitem(last=False)
        self._go_on()
        self._draw()

    def _cancelled(self) -> None:
        self._halted, self._doing = True, None
        self.compute.layout.display = ""
        super()._cancelled()

    # What is shown -----------------------------------------------------------------------------

    @property
    def result(self) -> DependencyMap | None:
        """The map on show, with its twin where that was computed."""
        asked = self._asked()
        if asked is None or (asked, False) not in self._maps:
            return None
        found = self._maps[asked, False]
        return replace(found, twin=self._maps.get((asked, True)))

    @property
    def _ready(self) -> str:
        """What can be shown of it now."""
        result = self.result
        return self.shown.value if result is not None and result.twin is not None else TRAINED

    def _figure(self) -> go.Figure | None:
        result = self.result
        if result is None:
            return None
        figure = dependency_figure(
            result,
            shown=self._ready,
            view=self.selection.view,
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
                f"Model {escape(self.enc.name)} has no masked-LM head, whose predictions a "
                'dependency map compares: load a pre-trained model such as "pocket".',
            )
            return
        if self._asked() is None:
            self._show(
                None,
                f"<b>{escape(current.name)}</b> has {len(current):,} bp; a map takes up to "
                f"{_MOST:,} bp at once: zoom in.",
            )
            return
        result = self.result
        self.plot.stale = result is None or self._ready != self.shown.value
        if result is None:
            if self._doing is None and self.plot.spec and not self._halted:
                self._show(None, f"<b>{escape(current.name)}</b>: not computed yet.")
            return
        self._read_out.value = self._cell
        self._show(
            self._figure(),
            self._words(result),
            linked=True,
            bounds=(0.5, len(current) + 0.5),
            pressable=True,
            typed="TUD",
            config=BUTTONS,
        )

    def _words(self, result: DependencyMap) -> str:
        current, asked = self.selection.current, self._asked()
        assert current is not None
        assert asked is not None
        what = "token" if result.of == TOKENS else "base"
        means = [f"the model {_mean(result):.2g}"]
        if result.twin is not None:
            means.append(f"untrained {_mean(result.twin):.2g}")
        parts = [
            f"How far each {what}'s prediction moves when a base is substituted, in "
            f"<b>{escape(current.name)}</b>: mean outside the base's own token, nats: "
            f"{', '.join(means)}. {result.kept:.0%} of tokens kept their span."
        ]
        heads = self._heads.get(asked)
        if heads is not None and not np.isnan(heads.beyond_distance).all():
            layer, head = np.unravel_index(
                int(np.nanargmax(heads.beyond_distance)), heads.chance.shape
            )
            parts.append(
                f"Of all heads, head {head + 1} in layer {layer + 1} agrees best: rank correlation "
                f"{heads.beyond_distance[layer, head]:.2f} at equal distance (chance up to "
                f"{heads.chance[layer, head]:.2f})."
            )
        parts.append("Colours end at the 99th percentile outside of own tokens.")
        line = result.twin.model if self._ready == UNTRAINED and result.twin else result.model
        parts.append(f"<span class='dx-model'>{escape(line)}</span>")
        return " ".join(parts)

    # Pressing and typing -----------------------------------------------------------------------

    def _press(self, event: dict[str, Any]) -> None:
        result = self.result
        if result is None:
            return
        tokens = result.tokens
        last = len(tokens.bases) - 1
        base = int(np.clip(round(event["x"]) - 1, 0, last))
        start, end = result.region
        self._cell = ""
        if start <= base < end and event.get("panel", "y") == "y":
            other = int(np.clip(round(event["y"]) - 1, 0, last))
            column = tokens.at(other) if result.of == TOKENS else other
            value = result.values[base - start, column]
            name = (
                cell_text(tokens, column)
                if result.of == TOKENS
                else f"{in_place(tokens.bases)[other]} (base {other + 1:,})"
            )
            said = "is not known: it is cut otherwise" if np.isnan(value) else f"{value:.4f} nats"
            more = ""
            if result.twin is not None and not np.isnan(result.twin.values[base - start, column]):
                more = f" (untrained {result.twin.values[base - start, column]:.4f})"
            self._cell = (
                f"Substituting <code>{in_place(tokens.bases)[base]}</code> at base {base + 1:,} · "
                f"change at {escape(name)}: <b>{said}</b>{more}"
            )
        select_token(self.selection, tokens, event["x"], bool(event.get("shift")))
        self._read_out.value = self._cell

    def _key(self, key: str, shift: bool) -> None:
        result = self.result
        if key in "TUD":
            self.shown.value = {"T": TRAINED, "U": UNTRAINED, "D": DIFFERENCE}[key]
        elif key in ("ArrowLeft", "ArrowRight") and result is not None:
            self._cell = ""
            step_token(self.selection, result.tokens, -1 if key == "ArrowLeft" else 1)
        else:
            super()._key(key, shift)

    # Export ------------------------------------------------------------------------------------

    def _there(self) -> DependencyMap:
        result = self.result
        if result is None:
            raise InputError("There is no dependency map yet: choose a sequence first.")
        return result

    def _memory(self) -> dict[str, Any]:
        # How wide the stretch is may hang on how quick the machine was.
        return {} if self.result is None else {"region": self.result.region}

    def _recall(self, more: dict[str, Any]) -> None:
        current, region = self.selection.current, more.get("region")
        if current is not None and region is not None:
            self._regions[current.bases] = int(region[0]), int(region[1])
        self._changed(set())

    def _code(self) -> str:
        result = self._there()
        return (
            "import dnabert2_explore as dx\n"
            "from dnabert2_explore.figures import dependency_figure\n\n"
            f"enc = dx.load({self.enc.source!r})\n"
            f"{sequence_code(self.selection)}"
            f"found = dx.dependency_map(enc, bases, {result.region}, of={result.of!r}, "
            f"twin={result.twin is not None})\n"
            f"dependency_figure(found, shown={self._ready!r}, view={self.selection.view!r}, "
            f"selected={self.selection.bases!r})"
        )

    def _table(self) -> str:
        result, current = self._there(), self.selection.current
        assert current is not None
        frame = result.table()
        lines = [
            remark(f"{current.name}: {self.caption}"),
            "# positions 0-based, half-open; change in nats; own: the base lies in that token",
            ",".join(frame.columns),
        ]
        return "\n".join([*lines, *csv_lines(frame.itertuples(index=False))]) + "\n"


def _mean(found: DependencyMap) -> float:
    """Mean of what bases do outside their own token."""
    values = found.elsewhere
    known = ~np.isnan(values)
    return float(values[known].mean()) if known.any() else float("nan")


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
