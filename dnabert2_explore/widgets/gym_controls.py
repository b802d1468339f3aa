"""What can be set in the motif gym."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from ipywidgets import HTML, Combobox, Dropdown, HBox, Text

from ..analysis.attribution import METHODS
from ..analysis.gym import SWEEPS
from ..encoder import Encoder

__all__ = ["BACKGROUNDS", "MUTATED", "SET", "SHUFFLED", "Asked", "GymControls"]

#: Shuffled copies beside a background, and backgrounds in a set.
SHUFFLED, SET = 4, 8
#: Up to here every base of a cell is mutated; longer sequences are explained by gradients.
MUTATED = 400
#: Kinds of backgrounds.
BACKGROUNDS = {
    "one": "in this sequence",
    "both": f"and {SHUFFLED} shuffled copies",
    "shuffled": f"in {SET} shuffled copies alone",
    "set": f"in up to {SET} like it",
}
_SHOWN = ("effect", "control", "interaction")


class Asked(NamedTuple):
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

    @property
    def shuffled(self) -> int:
        """Shuffled copies of the background."""
        return {"both": SHUFFLED, "shuffled": SET}.get(self.kind, 0)


class GymControls:
    """The widgets of the motif gym.

    Parameters
    ----------
    enc : Encoder
    motif, second, sweep : str
        To begin with.
    profiles : iterable of str
        Motifs to offer by name.
    changed : callable
        Called without arguments when another sweep is wanted.
    drawn : callable
        Called without arguments when the same sweep is to be shown otherwise.
    explained : callable
        Called without arguments when the cell is to be explained otherwise.
    """

    def __init__(
        self,
        enc: Encoder,
        motif: str,
        second: str,
        sweep: str,
        profiles: Iterable[str],
        changed: Callable[[], None],
        drawn: Callable[[], None],
        explained: Callable[[], None],
    ) -> None:
        self._enc = enc
        names = tuple(profiles)
        self.motif = Combobox(
            value=motif,
            options=names,
            continuous_update=False,
            placeholder="GTAAGT, or a factor of JASPAR",
            tooltip="A word of A, C, G, T, or a name or accession of JASPAR; then Enter",
        ).add_class("dx-gym-motif")
        self.second = Combobox(
            value=second,
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
            options=[(words, kind) for kind, words in BACKGROUNDS.items()],
            value="set",
            tooltip="Backgrounds; like it: of its set, with its label and length",
        ).add_class("dx-gym-background")
        self.target = Dropdown(
            options=[("class that changes most", ""), *((name, name) for name in enc.classes)],
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
            options=[(name, name) for name in _SHOWN[:2]], tooltip="What the map shows"
        ).add_class("dx-gym-shown")
        self.method = Dropdown(
            options=[("auto method", ""), *((info.title, n) for n, info in METHODS.items())],
            tooltip="Attribution method; auto: every base mutated, or gradients above "
            f"{MUTATED} bp",
        ).add_class("dx-method")
        self.which = Dropdown(options=[("", 0)], tooltip="In which background").add_class(
            "dx-gym-which"
        )
        self._at_hint = HTML("<span class='dx-hint'>from base</span>")
        row = [self.backgrounds, self.target, self.output, self._at_hint, self.at, self.step]
        self.panel = HBox([*row, self.shown]).add_class("dx-controls")
        for box in (self.motif, self.second, self.sweep, self.backgrounds, self.target):
            box.observe(lambda _change: changed(), names="value")
        for box in (self.output, self.at, self.step):
            box.observe(lambda _change: changed(), names="value")
        self.shown.observe(lambda _change: drawn(), names="value")
        for box in (self.method, self.which):
            box.observe(lambda _change: explained(), names="value")

    @property
    def moves(self) -> bool:
        """Whether the sweep is one of positions."""
        return self.sweep.value in ("position", "orientation")

    def method_for(self, n_bases: int) -> str:
        """Return the method that explains a cell of so many bases."""
        auto = "saturation_mutagenesis" if n_bases <= MUTATED else "layer_integrated_gradients"
        return self.method.value or auto

    def arrange(self) -> None:
        """Show what can be set now."""
        spacing, several = self.sweep.value == "spacing", len(self._enc.classes) > 1
        self.second.layout.display = "" if spacing else "none"
        self.step.layout.display = "" if self.moves else "none"
        for part in (self.at, self._at_hint):
            part.layout.display = "none" if self.moves else ""
        for part in (self.target, self.output):
            part.layout.display = "" if several else "none"
        wanted = tuple((name, name) for name in _SHOWN if spacing or name != "interaction")
        if tuple(self.shown.options) != wanted:
            kept = self.shown.value if self.shown.value in dict(wanted) else "effect"
            self.shown.options = wanted
            self.shown.value = kept
