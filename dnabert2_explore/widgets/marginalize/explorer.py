"""The motif gym: drop a motif into a background, sweep how, and watch what the model answers."""

from __future__ import annotations

from collections.abc import Sequence as Items
from typing import Any

import numpy as np
from ipywidgets import Widget

from ...analysis.gym import SWEEPS, Sweep, marginalize
from ...encoder import Bases, Encoder, load
from ...errors import InputError
from ...figures.core.parts import Figure
from ...figures.core.style import short
from ...figures.gym import column_values, sweep_figure
from ...sequences import Sequence
from ...sequences.given import as_sequences
from ...sequences.motifs.jaspar import as_motif, jaspar
from ...sequences.motifs.motif import Motif
from ...sequences.reading.letters import whole_number
from ..core.code import BUTTONS
from ..core.controls import show
from ..core.explorer import ARROWS
from ..core.kept import Kept
from ..core.state import Selection
from ..examples import MOTIF, SPLICE, WINDOWS, fill
from .captions import in_words
from .cell import STEPS, CellExplorer
from .controls import SET, SHUFFLED, GymControls, SweepRequest
from .export import background_code, cell_code, sweep_code, table_of

__all__ = ["MotifGym"]

_KEPT = 16
#: Bases that a sweep of positions puts through the model unless a step is chosen: a few seconds of
#: the pocket model on a laptop.
_BASES = 800_000
#: Bases to predict when a model without classes is asked and nothing is selected.
_SPAN = 12


class MotifGym(CellExplorer):
    """Drop a motif into backgrounds, sweep how, and see prediction and attribution.

    Type a word or a factor of JASPAR, choose what to vary, and click a cell: its attribution
    stands below, with the site marked. Drag to zoom, double-click for the whole.

    Class ``dx-gym``; parts ``dx-gym-motif``, ``dx-gym-second``, ``dx-gym-sweep``,
    ``dx-gym-background``, ``dx-target``, ``dx-gym-output``, ``dx-gym-at``, ``dx-gym-step``,
    ``dx-gym-shown``, ``dx-gym-cell``, ``dx-gym-which``, ``dx-method``, ``dx-gym-here``,
    ``dx-gym-detail``.

    Parameters
    ----------
    enc : Encoder, optional
        ``"pocket-motif"`` by default, which was trained on sequences with a planted NFE2 site.
    background : str, Sequence, or several, optional
        To choose from; examples by default.
    motif : Motif or str, optional
        To begin with: a word, or a name or accession of JASPAR. By default what the model of the
        examples knows: NFE2, or GTAAGT where a model is given.
    sweep : str
        To begin with; see `marginalize`.
    second : Motif or str, optional
        The other one of two motifs.
    selection : Selection, optional
        Shared with other views.
    """

    title = "Motif gym"
    kind = "gym"
    help = (
        "A site of the motif is written over a background at every place (or on other strands, in "
        "several copies, beside a second motif, with insertions and deletions); each variant is "
        "cut into tokens anew and predicted. The effect is the output with the site minus the "
        "output of the same background without it, in the mean over backgrounds; the band is one "
        "standard deviation between them. Grey is the control: the same bases in another order. "
        "<cite>Koo et al. 2021 (global importance); Avsec et al. 2021 (spacing).</cite>"
    )

    def __init__(
        self,
        enc: Encoder | None = None,
        background: Bases | Items[Bases] | None = None,
        motif: Motif | str | None = None,
        *,
        sweep: str = "position",
        second: Motif | str | None = None,
        selection: Selection | None = None,
    ) -> None:
        if motif is None:
            motif = "NFE2" if enc is None else "GTAAGT"
        self._planted = enc is None
        self.enc = enc if enc is not None else load("pocket-motif")
        self._request: SweepRequest | None = None
        self._carried = ""  # the place that was picked, not typed
        self._kept: Kept[SweepRequest, Sweep] = Kept(_KEPT)
        self._profiles = {one.label: one for one in jaspar()}
        # Motifs given as such are kept under what the box shows of them.
        self._given: dict[str, Motif] = {}
        if sweep not in SWEEPS:
            raise InputError(f"Sweep {sweep!r} is unknown: choose one of {', '.join(SWEEPS)}.")
        self.controls = controls = GymControls(
            self.enc,
            self._text(motif),
            self._text(second) if second is not None else "",
            sweep,
            self._profiles,
            changed=self._on_control,
            drawn=lambda: self._guarded(self._draw),
            explained=lambda: self._guarded(self._explain),
        )
        self.motif, self.second, self.sweep = controls.motif, controls.second, controls.sweep
        self.backgrounds, self.target = controls.backgrounds, controls.target
        self.output, self.at, self.step = controls.output, controls.at, controls.step
        self.shown, self.method, self.which = controls.shown, controls.method, controls.which
        super().__init__(selection, [self.motif, self.sweep, self.second])
        if self.input is not None:
            for one in (self.input.selected, self.input.clear):
                show(one, not self.enc.has_head)
        if selection is None:
            self._fill(background)
        self._guarded(lambda: self._changed({"index"}))

    def _text(self, motif: Motif | str) -> str:
        if isinstance(motif, str):
            return motif
        self._given[motif.label] = motif
        return motif.label

    def _fill(self, background: Bases | Items[Bases] | None) -> None:
        if background is None:
            fill(self.selection, sets=(MOTIF,) if self._planted else (SPLICE, WINDOWS))
            # Where there is no site yet.
            labels = [one.label for one in self.selection.sequences]
            free = next((i for i, one in enumerate(labels) if one in ("neither", "decoy")), 0)
            self.selection.update(index=free)
            return
        fill(self.selection, as_sequences(background, "background"))

    def _above(self) -> list[Widget]:
        return [self.controls.panel]

    # What is asked -----------------------------------------------------------------------------

    def _on_control(self) -> None:
        if not self._quiet:
            self._guarded(lambda: self._changed({"index"}))

    def _motif(self, text: str) -> Motif:
        known = {**self._profiles, **self._given}
        return known[text] if text in known else as_motif(text)

    def _sequences(self) -> list[Sequence]:
        """Sequences chosen as backgrounds, the one looked at first."""
        selection, current = self.selection, self.selection.current
        assert current is not None  # callers looked
        if self.backgrounds.value != "set":
            return [current]
        like = [
            selection.sequences[i]
            for i in selection.peers
            if i != selection.index
            and selection.sequences[i].label == current.label
            and len(selection.sequences[i]) == len(current)
        ]
        return [current, *like[: SET - 1]]

    def _make_request(self) -> SweepRequest | None:
        current = self.selection.current
        if current is None:
            return None
        sweep, moves = self.sweep.value, self.controls.moves
        motif = self._motif(self.motif.value)
        target: Any = self.target.value or None
        if not self.enc.has_head:
            middle = len(current) // 2
            target = self.selection.bases or (
                max(0, middle - _SPAN // 2),
                min(len(current), middle + _SPAN // 2),
            )
        bases = tuple(one.bases for one in self._sequences())
        return SweepRequest(
            motif=self.motif.value,
            second=self.second.value.strip() if sweep == "spacing" else "",
            sweep=sweep,
            kind=self.backgrounds.value,
            bases=bases,
            target=target,
            output=self.output.value if len(self.enc.classes) > 1 else "auto",
            at=None if moves else self._place(motif, len(current)),
            columns=self._columns(motif, bases) if moves else None,
        )

    def _place(self, motif: Motif, n_bases: int) -> int | None:
        """Read where the first site stands, counted from 0."""
        text = self.at.value.strip().replace(",", "")
        if not text:
            return None
        number = whole_number(text)
        if number is None or not 1 <= number <= n_bases:
            raise InputError(
                f"{self.at.value!r} is no place in this background; expected a number from 1 to "
                f"{n_bases:,}: change it, or leave it empty for the middle."
            )
        at = number - 1
        if text == self._carried:
            # A cell was picked, for its own sweep; what is swept now may need more room.
            other = self._motif(self.second.value) if self.second.value.strip() else motif
            taken = {"copies": 5 * len(motif), "spacing": len(motif) + len(other)}
            at = max(0, min(at, n_bases - taken.get(self.sweep.value, len(motif))))
        return at

    def _columns(self, motif: Motif, bases: tuple[str, ...]) -> tuple[int, ...] | None:
        """Positions to try: as many as take a few seconds, or as the step says."""
        n_bases = len(bases[0])
        count = {"both": 1 + SHUFFLED, "shuffled": SET}.get(self.backgrounds.value, len(bases))
        rows = 4 if self.sweep.value == "orientation" else 2
        step = self.step.value
        if not step:
            # The motif and its control, on every row, in every background.
            step = max(1, -(-2 * rows * count * n_bases * n_bases // _BASES))
        # None where nothing fits: the sweep says so.
        return tuple(range(0, n_bases - len(motif) + 1, step)) or None

    def _changed(self, changed: set[str]) -> None:
        self.controls.arrange()
        if changed <= {"bases"} and self.enc.has_head:
            return
        if changed <= {"view", "drag", "theme", "bases"} and self.enc.has_head:
            self._draw()
            return
        if self._refuses():
            self._request = None
            show(self.detail, False)
            return
        # What is on show belongs to the request before: fade it until the answer is there.
        self.plot.stale = self.detail.stale = True
        before, self._request = self._request, None
        request = self._request = self._make_request()
        if request is None or (request == before and self.result is not None):
            self._draw()
            self._explain()
            return
        motif = self._motif(request.motif)
        second = self._motif(request.second) if request.second else None
        sequences = self._sequences()

        def work(progress: Any) -> Sweep:
            return marginalize(
                self.enc,
                sequences,
                motif,
                request.target,
                sweep=request.sweep,
                second=second,
                output=request.output,
                columns=request.columns,
                at=request.at,
                shuffled=request.shuffled,
                only_shuffled=request.kind == "shuffled",
                control=True,
                progress=progress,
            )

        what = f"sweeping {SWEEPS[request.sweep]} of {motif.label}"
        self._settle(self._kept, request, what, work, self._apply)

    def _apply(self, result: Sweep) -> None:
        self.result = result
        with self._silently():
            names = [(short(s.name, 40), i) for i, s in enumerate(result.backgrounds)]
            if tuple(self.which.options) != tuple(names):
                self.which.options = names
        self._pick(*result.peak)

    def _pick(self, row: int, column: int) -> None:
        """Look at a cell."""
        result = self.result
        assert result is not None  # callers have one
        self.picked = (row, column)
        if result.columns.name == "position":
            # The other sweeps begin where one looked.
            typed = self.at.value.strip()
            if typed in ("", self._carried):
                with self._silently():
                    self._carried = str(int(result.columns.values[column]) + 1)
                    self.at.value = self._carried
        self._draw()
        self._explain()

    # What is shown -----------------------------------------------------------------------------

    @property
    def _quantity(self) -> str:
        """What the map shows, where the sweep has it."""
        wanted = self.shown.value
        return wanted if self.result is not None and self.result.has(wanted) else "effect"

    def _words(self, result: Sweep) -> str:
        current = self.selection.current
        name = current.name if current is not None else ""
        method = self.controls.method_for(len(result.backgrounds[0]))
        return in_words(result, self._quantity, self.enc, self._request, name, method)

    def _view(self) -> tuple[float, float] | None:
        """Range of the x axis, where it is the base axis."""
        view = self.selection.view
        if view is None or self.result is None or self.result.columns.name != "position":
            return None
        return view[0] + 0.5, view[1] + 0.5

    def _figure(self) -> Figure | None:
        result = self.result
        if result is None:
            return None
        figure = sweep_figure(
            result,
            shown=self._quantity,
            picked=self.picked,
            view=self._view(),
            theme=self.selection.theme,
        )
        zooms = result.columns.name == "position" and self.selection.drag != "select"
        return figure.update_layout(dragmode=self.selection.drag if zooms else False)

    def _draw(self) -> None:
        result = self.result
        if self.selection.current is None:
            self._show(None, "Choose an example, or add a sequence of your own.")
            return
        if result is None:
            return
        self.plot.stale = self._request is None or self._kept.get(self._request) is not result
        n_bases = len(result.backgrounds[0])
        self._show(
            self._figure(),
            self._words(result),
            linked=result.columns.name == "position",
            bounds=(0.5, n_bases + 0.5),
            pressable=True,
            config=BUTTONS,
        )
        self._draw_detail()

    def _press(self, event: dict[str, Any]) -> None:
        result = self.result
        if result is None or self.plot.stale:
            return
        x = column_values(result)
        column = int(np.abs(x - event["x"]).argmin())
        if event.get("panel") == "y2":  # a line: the nearest
            away = np.abs(result.mean(self._quantity)[:, column] - event["y"])
            if np.isnan(away).all():  # no line here: every cell would write over masked bases
                return
            row = int(np.nanargmin(away))
        else:
            row = int(np.clip(round(event["y"]), 0, len(result.rows) - 1))
        self._pick(row, column)

    def _key(self, key: str, shift: bool) -> None:
        result = self.result
        if key in ARROWS and result is not None and self.picked is not None:
            if not self.plot.stale:
                row, column = self.picked
                column += ARROWS[key]
                self._pick(row, int(np.clip(column, 0, len(result.columns) - 1)))
        else:
            super()._key(key, shift)

    def _cancelled(self) -> None:
        if self.plot.stale:
            self._request = None
        self._explained = None
        super()._cancelled()

    # Export ------------------------------------------------------------------------------------

    def _code(self) -> str:
        request, result = self._request, self.result
        if request is None or result is None:
            raise InputError("There is no sweep yet: choose a background first.")
        backgrounds = background_code(self.selection, self._sequences())
        code = sweep_code(result, request, self.enc, backgrounds, self.shown.value, self.picked)
        if self._explained is not None and self.picked is not None:
            _, _, target, method, output = self._explained
            which = self.which.value or 0
            code += cell_code(self.picked, which, target, method, STEPS, output)
        return code

    def _table(self) -> str:
        if self.result is None:
            raise InputError("There is no sweep yet: choose a background first.")
        return table_of(self.result)

    def _stem(self) -> str:
        sweep = self.result.sweep if self.result is not None else "none"
        return f"{super()._stem()}-{sweep}"
