"""The motif gym: drop a motif into a background, sweep how, and watch what the model answers."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence as Items
from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from ipywidgets import HTML, Combobox, Dropdown, HBox, Text, Widget
from numpy.typing import NDArray

from ..analysis.attribution import METHODS, Attribution, attribute
from ..analysis.gym import SHOWN, SWEEPS, Place, Sweep, as_motif, gym
from ..encoder import Bases, Encoder, load
from ..errors import InputError
from ..figures.attribution import attribution_tracks
from ..figures.colours import theme_of
from ..figures.gym import column_values, row_labels, sweep_figure
from ..figures.style import band, span_text
from ..sequences import Sequence
from ..sequences.jaspar import jaspar
from ..sequences.motifs import Motif
from .examples import SPLICE, WINDOWS, fill
from .explorer import Explorer
from .plot import PlotlyView
from .state import Selection
from .tokens import BUTTONS

if TYPE_CHECKING:
    import plotly.graph_objects as go

__all__ = ["MotifGym"]

_KEPT = 16
#: Bases that a sweep of positions puts through the model unless a step is chosen: a few seconds of
#: the pocket model on a laptop.
_BASES = 800_000
_SHUFFLED, _SET = 4, 8
#: Up to here every base of a cell is mutated; longer sequences are explained by gradients.
_MUTATED = 400
_STEPS = 50
#: Bases to predict when a model without classes is asked and nothing is selected.
_SPAN = 12


class _Asked(NamedTuple):
    """What is computed: a sweep's arguments."""

    motif: str
    second: str
    sweep: str
    kind: str
    bases: tuple[str, ...]
    target: Any
    output: str
    at: int | None
    columns: tuple[int, ...] | None


class MotifGym(Explorer):
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
        ``"pocket-splice"`` by default.
    background : str, Sequence, or several, optional
        To choose from; examples by default.
    motif : Motif or str
        To begin with: a word, or a name or accession of JASPAR.
    sweep : str
        To begin with; see `gym`.
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
    reacts_to = frozenset({"sequences", "index", "bases", "view", "drag", "theme"})

    def __init__(
        self,
        enc: Encoder | None = None,
        background: Bases | Items[Bases] | None = None,
        motif: Motif | str = "GTAAGT",
        sweep: str = "position",
        second: Motif | str | None = None,
        selection: Selection | None = None,
    ) -> None:
        self.enc = enc if enc is not None else load("pocket-splice")
        self.result: Sweep | None = None
        self.attribution: Attribution | None = None
        self.picked: tuple[int, int] | None = None
        self._asked: _Asked | None = None
        self._explained: tuple[Any, ...] | None = None  # what is asked of the cell
        self._answered: tuple[Any, ...] | None = None  # and what `attribution` answers
        self._before: NDArray[np.float32] | None = None
        self._marks: tuple[Place, ...] = ()  # sites in what is explained
        self._carried = ""  # the place that was picked, not typed
        self._quiet = False
        self._kept: OrderedDict[_Asked, Sweep] = OrderedDict()
        self._known: OrderedDict[tuple[Any, ...], tuple[Attribution, Any]] = OrderedDict()
        self._profiles = {one.label: one for one in jaspar()}
        # Motifs given as such are kept under what the box shows of them.
        self._given: dict[str, Motif] = {}
        if sweep not in SWEEPS:
            raise InputError(f"Sweep {sweep!r} is unknown: choose one of {', '.join(SWEEPS)}.")
        self._make_controls(motif, sweep, second)
        self.detail = PlotlyView()
        self.detail.add_class("dx-gym-detail")
        self.detail.on_event(self._hear)
        self.detail.observe(lambda _change: self._guarded(self._draw_detail), names="width")
        super().__init__(selection, [self.motif, self.sweep, self.second])
        self.detail.group = self.selection.group
        self._read_out.layout.display = "none"  # the cell's numbers stand above its attribution
        if self.input is not None:
            for part in (self.input.selected, self.input.clear):
                part.layout.display = "none" if self.enc.has_head else ""
        if selection is None:
            self._fill(background)
        self._guarded(lambda: self._changed({"index"}))

    def _make_controls(self, motif: Motif | str, sweep: str, second: Motif | str | None) -> None:
        names = tuple(self._profiles)
        self.motif = Combobox(
            value=self._text(motif),
            options=names,
            continuous_update=False,
            placeholder="GTAAGT, or a factor of JASPAR",
            tooltip="A word of A, C, G, T, or a name or accession of JASPAR; then Enter",
        ).add_class("dx-gym-motif")
        self.second = Combobox(
            value=self._text(second) if second is not None else "",
            options=names,
            continuous_update=False,
            placeholder="second motif: the same",
            tooltip="The other motif of a pair; then Enter",
        ).add_class("dx-gym-second")
        self.sweep = Dropdown(
            options=[(words, name) for name, words in SWEEPS.items()],
            value=sweep,
            tooltip="What to vary",
        ).add_class("dx-gym-sweep")
        self.backgrounds = Dropdown(
            options=[
                ("in this sequence", "one"),
                (f"and {_SHUFFLED} shuffled copies", "both"),
                (f"in {_SET} shuffled copies alone", "shuffled"),
                (f"in up to {_SET} like it", "set"),
            ],
            value="set",
            tooltip="Backgrounds; like it: of its set, with its label and length",
        ).add_class("dx-gym-background")
        self.target = Dropdown(
            options=[("class that changes most", ""), *((name, name) for name in self.enc.classes)],
            tooltip="Which class",
        ).add_class("dx-target")
        self.output = Dropdown(
            options=[("logit", "auto"), ("probability", "probability")], tooltip="Which output"
        ).add_class("dx-gym-output")
        self.at = Text(
            placeholder="in the middle",
            continuous_update=False,
            tooltip="First base of the first site, counted from 1; then Enter",
        ).add_class("dx-gym-at")
        self.at.layout.width = "110px"
        self.step = Dropdown(
            options=[("auto step", 0), *((f"every {n} bp", n) for n in (1, 2, 5, 10, 20))],
            tooltip="Distance between positions",
        ).add_class("dx-gym-step")
        self.shown = Dropdown(
            options=[("effect", "effect"), ("control", "control")], tooltip="What the map shows"
        ).add_class("dx-gym-shown")
        self.method = Dropdown(
            options=[("auto method", ""), *((info.title, n) for n, info in METHODS.items())],
            tooltip="Attribution method; auto: every base mutated, or gradients above "
            f"{_MUTATED} bp",
        ).add_class("dx-method")
        self.which = Dropdown(options=[("", 0)], tooltip="In which background").add_class(
            "dx-gym-which"
        )
        self._at_hint = HTML("<span class='dx-hint'>from base</span>")
        self._cell = HTML().add_class("dx-gym-cell")
        self._here = HTML().add_class("dx-gym-here")
        for box in (self.motif, self.second, self.sweep, self.backgrounds, self.target):
            box.observe(self._on_control, names="value")
        for box in (self.output, self.at, self.step):
            box.observe(self._on_control, names="value")
        self.shown.observe(lambda _change: self._guarded(self._draw), names="value")
        for box in (self.method, self.which):
            box.observe(lambda _change: self._guarded(self._explain), names="value")

    def _text(self, motif: Motif | str) -> str:
        if isinstance(motif, str):
            return motif
        self._given[motif.label] = motif
        return motif.label

    def _fill(self, background: Bases | Items[Bases] | None) -> None:
        if background is None:
            fill(self.selection, sets=(SPLICE, WINDOWS))
            # Where there is no site yet.
            free = next(
                (i for i, s in enumerate(self.selection.sequences) if s.label == "neither"), 0
            )
            self.selection.update(index=free)
            return
        several = [background] if isinstance(background, str | Sequence) else list(background)
        fill(
            self.selection,
            [
                one if isinstance(one, Sequence) else Sequence(f"background {i}", one)
                for i, one in enumerate(several, start=1)
            ],
        )

    def _above(self) -> list[Widget]:
        return [
            HBox(
                [
                    self.backgrounds,
                    self.target,
                    self.output,
                    self._at_hint,
                    self.at,
                    self.step,
                    self.shown,
                ]
            ).add_class("dx-controls")
        ]

    def _below(self) -> list[Widget]:
        return [
            self._cell,
            HBox([self.which, self.method, self._here]).add_class("dx-controls"),
            self.detail,
        ]

    # What is asked -----------------------------------------------------------------------------

    def _on_control(self, _change: Any) -> None:
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
            for i in selection.members(selection.sets[selection.index])
            if i != selection.index
            and selection.sequences[i].label == current.label
            and len(selection.sequences[i]) == len(current)
        ]
        return [current, *like[: _SET - 1]]

    def _question(self) -> _Asked | None:
        current = self.selection.current
        if current is None:
            return None
        sweep, kind = self.sweep.value, self.backgrounds.value
        motif = self._motif(self.motif.value)
        target: Any = self.target.value or None
        if not self.enc.has_head:
            middle = len(current) // 2
            target = self.selection.bases or (
                max(0, middle - _SPAN // 2),
                min(len(current), middle + _SPAN // 2),
            )
        bases = tuple(one.bases for one in self._sequences())
        moves = sweep in ("position", "orientation")
        return _Asked(
            motif=self.motif.value,
            second=self.second.value.strip() if sweep == "spacing" else "",
            sweep=sweep,
            kind=kind,
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
        if not text.isdigit() or not 1 <= int(text) <= n_bases:
            raise InputError(
                f"{self.at.value!r} is no place in this background; expected a number from 1 to "
                f"{n_bases:,}: change it, or leave it empty for the middle."
            )
        at = int(text) - 1
        if text == self._carried:
            # A cell was picked, for its own sweep; what is swept now may need more room.
            other = self._motif(self.second.value) if self.second.value.strip() else motif
            taken = {"copies": 5 * len(motif), "spacing": len(motif) + len(other)}
            at = max(0, min(at, n_bases - taken.get(self.sweep.value, len(motif))))
        return at

    def _columns(self, motif: Motif, bases: tuple[str, ...]) -> tuple[int, ...] | None:
        """Positions to try: as many as take a few seconds, or as the step says."""
        n_bases = len(bases[0])
        count = {"both": 1 + _SHUFFLED, "shuffled": _SET}.get(self.backgrounds.value, len(bases))
        rows = 4 if self.sweep.value == "orientation" else 2
        step = self.step.value
        if not step:
            # The motif and its control, on every row, in every background.
            step = max(1, -(-2 * rows * count * n_bases * n_bases // _BASES))
        # None where nothing fits: the sweep says so.
        return tuple(range(0, n_bases - len(motif) + 1, step)) or None

    def _changed(self, changed: set[str]) -> None:
        self._show_controls()
        if changed <= {"bases"} and self.enc.has_head:
            return
        if changed <= {"view", "drag", "theme", "bases"} and self.enc.has_head:
            self._draw()
            return
        if self._refuses():
            self._asked = None
            self.detail.layout.display = "none"
            return
        # What is on show belongs to the question before: fade it until the answer is there.
        self.plot.stale = self.detail.stale = True
        before, self._asked = self._asked, None
        question = self._asked = self._question()
        if question is None or (question == before and self.result is not None):
            self._draw()
            self._explain()
            return
        if question in self._kept:
            if self._job is not None:
                self._job.cancel()
            self._kept.move_to_end(question)
            self.say("")
            self._apply(self._kept[question])
            return
        self._compute(question)

    def _compute(self, question: _Asked) -> None:
        motif = self._motif(question.motif)
        second = self._motif(question.second) if question.second else None
        sequences = self._sequences()
        shuffled = {"both": _SHUFFLED, "shuffled": _SET}.get(question.kind, 0)

        def work(progress: Any) -> Sweep:
            return gym(
                self.enc,
                sequences,
                motif,
                question.target,
                question.sweep,
                second=second,
                output=question.output,
                columns=question.columns,
                at=question.at,
                shuffled=shuffled,
                only_shuffled=question.kind == "shuffled",
                control=True,
                progress=progress,
            )

        def done(result: Sweep) -> None:
            self._kept[question] = result
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
            self._apply(result)

        self._start(f"sweeping {SWEEPS[question.sweep]} of {motif.label}", work, done)

    def _apply(self, result: Sweep) -> None:
        self.result = result
        self._quiet = True
        try:
            names = [(_short(s.name, 40), i) for i, s in enumerate(result.backgrounds)]
            if tuple(self.which.options) != tuple(names):
                self.which.options = names
        finally:
            self._quiet = False
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
                self._quiet = True
                try:
                    self._carried = str(int(result.columns.values[column]) + 1)
                    self.at.value = self._carried
                finally:
                    self._quiet = False
        self._draw()
        self._explain()

    # The cell ----------------------------------------------------------------------------------

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
        method = self._method(len(bases))
        output = "probability" if result.unit == "probability" else "auto"
        question = (bases, plain, result.target, method, output)
        if question == self._explained:
            self._draw_detail()
            return
        self._explained = question
        if question in self._known:
            if self._job is not None:
                self._job.cancel()
            self.say("")
            self._show_detail(question, marks)
            return
        self._draw_detail()

        def work(progress: Any) -> tuple[Attribution, Any]:
            found = attribute(
                self.enc, bases, result.target, method, _STEPS, progress, output=output
            )
            many = len(self.enc.classes) > 1
            return found, self.enc.predict([plain])[0] if many else None

        def done(found: tuple[Attribution, Any]) -> None:
            self._known[question] = found
            while len(self._known) > _KEPT:
                self._known.popitem(last=False)
            self._show_detail(question, marks)

        self._start(METHODS[method].title, work, done)

    def _method(self, n_bases: int) -> str:
        auto = "saturation_mutagenesis" if n_bases <= _MUTATED else "layer_integrated_gradients"
        return self.method.value or auto

    def _show_detail(self, question: tuple[Any, ...], marks: tuple[Place, ...]) -> None:
        self.attribution, self._before = self._known[question]
        self._answered, self._marks = question, marks
        self._draw_detail()

    def _detail_figure(self) -> go.Figure | None:
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
        self.which.layout.display = "" if len(self.which.options) > 1 else "none"
        self.detail.layout.display = "none" if figure is None else ""
        if result is None or picked is None:
            self._cell.value = self._here.value = ""
            return
        self._cell.value = _chips(_cell_chips(result, picked))
        self._here.value = _chips(self._here_chips(result, picked))
        self._caption_line.value = self._words(result)
        if figure is not None:
            n_bases = len(result.backgrounds[0])
            self.detail.show(figure, linked=True, bounds=(0.5, n_bases + 0.5), config=BUTTONS)

    def _here_chips(self, result: Sweep, picked: tuple[int, int]) -> list[str]:
        """Write the outputs in the background looked at, without the motif and with it."""
        which = self.which.value or 0
        before, after = result.baseline[(*picked, which)], result.scores[(*picked, which)]
        if np.isnan(after):
            return ["no such cell"]
        chips = [
            f"{escape(result.target_name)} {before:.2f} → <b>{after:.2f}</b> "
            f"{escape(result.unit)}".replace("-", "−")
        ]
        found = self.attribution
        plain = self._before
        if found is None or plain is None or found.probabilities is None:
            return chips
        if not self.detail.stale:
            chips += [
                f"{escape(name)} {a:.0%} → <b>{b:.0%}</b>"
                for name, a, b in zip(found.classes, plain, found.probabilities, strict=True)
            ]
        return chips

    # What is shown -----------------------------------------------------------------------------

    def _show_controls(self) -> None:
        sweep = self.sweep.value
        moves = sweep in ("position", "orientation")
        self.second.layout.display = "" if sweep == "spacing" else "none"
        self.step.layout.display = "" if moves else "none"
        for part in (self.at, self._at_hint):
            part.layout.display = "none" if moves else ""
        self.target.layout.display = "" if len(self.enc.classes) > 1 else "none"
        self.output.layout.display = "" if len(self.enc.classes) > 1 else "none"
        wanted = [("effect", "effect"), ("control", "control")]
        if sweep == "spacing":
            wanted.append(("interaction", "interaction"))
        if tuple(self.shown.options) != tuple(wanted):
            kept = self.shown.value if self.shown.value in dict(wanted) else "effect"
            self.shown.options = wanted
            self.shown.value = kept

    def _view(self) -> tuple[float, float] | None:
        """Range of the x axis, where it is the base axis."""
        view = self.selection.view
        if view is None or self.result is None or self.result.columns.name != "position":
            return None
        return view[0] + 0.5, view[1] + 0.5

    def _figure(self) -> go.Figure | None:
        result = self.result
        if result is None:
            return None
        shown = self.shown.value if result.has(self.shown.value) else "effect"
        figure = sweep_figure(
            result, shown=shown, picked=self.picked, view=self._view(), theme=self.selection.theme
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
        self.plot.stale = self._asked is None or self._kept.get(self._asked) is not result
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

    def _words(self, result: Sweep) -> str:
        def named(motif: Motif) -> str:
            shown = f"<b>{escape(motif.label)}</b>"
            return shown if motif.label == motif.consensus else f"{shown} {motif.consensus}"

        shown = self.shown.value if result.has(self.shown.value) else "effect"
        what = {
            "effect": f"What {named(result.motif)} adds",
            "control": f"What {named(result.motif)} with its positions shuffled adds",
            "interaction": f"What {named(result.motif)} adds beyond its parts alone",
        }[shown]
        if result.second is not None:
            pair = f"{named(result.motif)} and {named(result.second)}"
            what = {
                "effect": f"What {pair} add",
                "control": f"What {pair} with their positions shuffled add",
                "interaction": f"What {pair} together add beyond each alone",
            }[shown]
        output = (
            f"the {result.unit} of class “{escape(result.target_name)}”"
            if len(self.enc.classes) > 1
            else f"the value ({escape(result.target_name)})"
            if self.enc.has_head
            else f"the log-likelihood of {escape(result.target_name)} (nats)"
        )
        n = len(result.backgrounds)
        first = escape(_short(result.backgrounds[0].name, 40))
        kind = self._asked.kind if self._asked is not None else ""
        where = {
            "both": f"in {first} and {_SHUFFLED} copies of it, shuffled by dinucleotides",
            "shuffled": f"in {n} copies of {escape(_short(self._first_name(), 40))}, shuffled by "
            "dinucleotides",
            "set": f"in {n} backgrounds ({first}, and others like it)" if n > 1 else f"in {first}",
        }.get(kind, f"in {first}")
        mean = ", mean and standard deviation," if n > 1 else ""
        how = {
            "position": "written over the background, on either strand",
            "orientation": "written over the background; reversed and complemented only are no "
            "site on any strand",
            "copies": f"first copy from base {result.design.at + 1:,}",
            "spacing": f"first site from base {result.design.at + 1:,}",
            "indel": f"site from base {result.design.at + 1:,}; inserted bases come from the end "
            "of the background, deleted ones go there, and so in the background without the site",
        }[result.sweep]
        steps = np.diff(result.columns.values[:2])
        every = (
            f" Every {steps[0]} bp."
            if result.columns.name == "position" and len(steps) and steps[0] > 1
            else ""
        )
        below = f"Below, {METHODS[self._method(len(result.backgrounds[0]))].title} of the cell."
        return (
            f"{what} to {output}{mean} {where}: {how}.{every} {below} "
            f"<span class='dx-model'>{escape(result.model)}</span>"
        )

    def _first_name(self) -> str:
        current = self.selection.current
        return current.name if current is not None else ""

    def _press(self, event: dict[str, Any]) -> None:
        result = self.result
        if result is None or self.plot.stale:
            return
        x = column_values(result)
        column = int(np.abs(x - event["x"]).argmin())
        if event.get("panel") == "y2":  # a line: the nearest
            shown = self.shown.value if result.has(self.shown.value) else "effect"
            away = np.abs(result.mean(shown)[:, column] - event["y"])
            if np.isnan(away).all():  # no line here: every cell would write over masked bases
                return
            row = int(np.nanargmin(away))
        else:
            row = int(np.clip(round(event["y"]), 0, len(result.rows) - 1))
        self._pick(row, column)

    def _key(self, key: str, shift: bool) -> None:
        result = self.result
        if key in ("ArrowLeft", "ArrowRight") and result is not None and self.picked is not None:
            if not self.plot.stale:
                row, column = self.picked
                column += -1 if key == "ArrowLeft" else 1
                self._pick(row, int(np.clip(column, 0, len(result.columns) - 1)))
        else:
            super()._key(key, shift)

    def _cancelled(self) -> None:
        if self.plot.stale:
            self._asked = None
        self._explained = None
        super()._cancelled()

    # Export ------------------------------------------------------------------------------------

    def _code(self) -> str:
        question, result = self._asked, self.result
        if question is None or result is None:
            raise InputError("There is no sweep yet: choose a background first.")
        shuffled = {"both": _SHUFFLED, "shuffled": _SET}.get(question.kind, 0)
        more = "".join(
            [
                f", second={_motif_code(result.second)}" if result.second is not None else "",
                f", output={question.output!r}" if question.output != "auto" else "",
                f", columns={_columns_code(question.columns)}" if question.columns else "",
                f", at={result.design.at}" if question.columns is None else "",
                f", shuffled={shuffled}" if shuffled else "",
                ", only_shuffled=True" if question.kind == "shuffled" else "",
            ]
        )
        motif = _motif_code(result.motif)
        target: Any = result.target_name if isinstance(result.target, int) else result.target
        if len(self.enc.classes) < 2 and self.enc.has_head:
            target = None
        matrices = "import numpy as np\n" if "np.array" in motif + more else ""
        typed = "from dnabert2_explore.sequences.motifs import Motif\n" if "Motif(" in motif else ""
        lines = [
            f"{matrices}import dnabert2_explore as dx\n"
            "from dnabert2_explore.analysis.gym import gym\n"
            f"from dnabert2_explore.figures.gym import sweep_figure\n{typed}\n"
            f"enc = dx.load({self.enc.source!r})\n{self._background_code()}"
            f"result = gym(enc, backgrounds, {motif}, {target!r}, {question.sweep!r}{more}, "
            "control=True)\n"
            f"sweep_figure(result, shown={self.shown.value!r}, picked={self.picked!r})"
        ]
        if self._explained is not None and self.picked is not None:
            _, _, aim, method, output = self._explained
            lines.append(
                f"\n\nbases = result.sequence(*{self.picked!r}, {self.which.value or 0})\n"
                f"dx.attribute(enc, bases, {aim!r}, {method!r}, {_STEPS}, output={output!r})"
            )
        return "".join(lines)

    def _background_code(self) -> str:
        """Lines of Python that set ``backgrounds``."""
        selection = self.selection
        name = selection.sets[selection.index]
        members = selection.members(name)
        sequences = self._sequences()
        places = [next(i for i in members if selection.sequences[i] is s) for s in sequences]
        places = [members.index(i) for i in places]
        where = {SPLICE: "dx.demo.splice()", WINDOWS: "dx.demo.windows()"}
        if name in where:
            return f"backgrounds = [{where[name]}[i] for i in {places}]\n"
        if sum(map(len, sequences)) <= 3000:
            return f"backgrounds = {[s.bases for s in sequences]!r}\n"
        return (
            "sequences = dx.read_sequences('your_file.fa')\n"
            f"backgrounds = [sequences[i] for i in {places}]  # {sequences[0].name} …\n"
        )

    def _table(self) -> str:
        result = self.result
        if result is None:
            raise InputError("There is no sweep yet: choose a background first.")
        text: str = result.table().to_csv(index=False, float_format="%.6g", lineterminator="\n")
        positions = "; positions are 0-based" if result.columns.name == "position" else ""
        return (
            f"# {result.motif.label}: {SWEEPS[result.sweep]}; {result.target_name}; "
            f"{result.model}\n# scores and changes in {result.unit}{positions}\n{text}"
        )

    def _stem(self) -> str:
        sweep = self.result.sweep if self.result is not None else "none"
        return f"{super()._stem()}-{sweep}"


def _chips(texts: list[str]) -> str:
    return "<div class='dx-chips'>" + "".join(f"<span>{t}</span>" for t in texts) + "</div>"


def _cell_chips(result: Sweep, picked: tuple[int, int]) -> list[str]:
    """Write what a cell changes, over all backgrounds."""
    chips = [f"<b>{escape(_cell_name(result, *picked))}</b>"]
    for shown in SHOWN:
        if result.has(shown) and np.isfinite(result.mean(shown)[picked]):
            mean, spread = result.mean(shown)[picked], result.deviation(shown)[picked]
            chips.append(f"{shown} {_number(mean, spread, shown == 'effect')}")
    return chips


def _cell_name(result: Sweep, row: int, column: int) -> str:
    label, value = row_labels(result)[row], int(column_values(result)[column])
    if result.columns.name == "position":
        span = span_text(*result.places(row, column)[0][:2])
        return f"bases {span}, {'strand ' if result.sweep == 'position' else ''}{label}"
    if result.sweep == "indel":
        return "no insertion or deletion" if not value else f"{value:+d} bp {label}"
    return f"{'strands ' if result.sweep == 'spacing' else ''}{label}, {value} bp between them"


def _number(mean: float, spread: float, strong: bool) -> str:
    text = f"{mean:+.2f}".replace("-", "−")
    text = f"<b>{text}</b>" if strong else text
    return f"{text} ± {spread:.2f}" if np.isfinite(spread) else text


def _short(name: str, length: int) -> str:
    return name if len(name) <= length else f"{name[: length - 1]}…"


def _motif_code(motif: Motif) -> str:
    """Write a motif as an argument: its word, its accession, or its matrix."""
    if motif.accession:
        return repr(motif.accession)
    if motif.label == motif.consensus:
        return repr(motif.consensus)
    return f"Motif({motif.name!r}, np.array({motif.probabilities.round(4).tolist()}))"


def _columns_code(columns: tuple[int, ...]) -> str:
    step = columns[1] - columns[0] if len(columns) > 1 else 1
    return f"range({columns[0]}, {columns[-1] + 1}, {step})"
