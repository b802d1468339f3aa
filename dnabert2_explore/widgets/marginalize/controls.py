"""What can be set in the motif gym."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from ...analysis.attribution import METHODS
from ...analysis.gym import SWEEPS
from ...common.names import Method, Output, SweepName
from ...encoder import Encoder
from ..core.controls import combo, field, hint, menu, offer, on_value, row, show

__all__ = ["BACKGROUNDS", "MUTATED", "SET", "SHUFFLED", "GymControls", "SweepRequest"]

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


class SweepRequest(NamedTuple):
    """What is computed: a sweep's arguments."""

    motif: str
    second: str
    sweep: SweepName
    kind: str
    bases: tuple[str, ...]
    target: Any
    output: Output
    at: int | None
    columns: tuple[int, ...] | None

    @property
    def shuffled(self) -> int:
        """Shuffled copies of the background."""
        return {"both": SHUFFLED, "shuffled": SET}.get(self.kind, 0)


class GymControls:
    """The widgets of the motif gym, which begin with `motif`, `second` and `sweep`.

    `profiles` are motifs to offer by name. `changed` is called when another sweep is wanted,
    `drawn` when the same one is to be shown otherwise, `explained` when the cell is to be explained
    otherwise.
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
        self.motif = combo(
            "dx-gym-motif",
            motif,
            names,
            "A word of A, C, G, T, or a name or accession of JASPAR; then Enter",
            "GTAAGT, or a factor of JASPAR",
        )
        self.second = combo(
            "dx-gym-second",
            second,
            names,
            "The other motif of a pair; then Enter",
            "second motif: the same",
        )
        self.sweep = menu(
            "dx-gym-sweep", [(words, name) for name, words in SWEEPS.items()], "What to vary"
        )
        self.sweep.value = sweep
        self.backgrounds = menu(
            "dx-gym-background",
            [(words, kind) for kind, words in BACKGROUNDS.items()],
            "Backgrounds; like it: of its set, with its label and length",
        )
        self.backgrounds.value = "set"
        classes = [(name, name) for name in enc.classes]
        self.target = menu("dx-target", [("class that changes most", ""), *classes], "Which class")
        self.output = menu(
            "dx-gym-output", [("logit", "auto"), ("probability", "probability")], "Which output"
        )
        tip = "First base of the first site, counted from 1; then Enter"
        self.at = field("dx-gym-at", "in the middle", tip, "110px")
        steps = [(f"every {n} bp", n) for n in (1, 2, 5, 10, 20)]
        self.step = menu("dx-gym-step", [("auto step", 0), *steps], "Distance between positions")
        self.shown = menu("dx-gym-shown", [(n, n) for n in _SHOWN[:2]], "What the map shows")
        self.method = menu(
            "dx-method",
            [("auto method", ""), *((info.title, n) for n, info in METHODS.items())],
            f"Attribution method; auto: every base mutated, or gradients above {MUTATED} bp",
        )
        self.which = menu("dx-gym-which", [("", 0)], "In which background")
        self._at_hint = hint("from base")
        wired = [self.backgrounds, self.target, self.output, self.at, self.step]
        self.panel = row("dx-controls", *wired[:3], self._at_hint, *wired[3:], self.shown)
        on_value(changed, self.motif, self.second, self.sweep, *wired)
        on_value(drawn, self.shown)
        on_value(explained, self.method, self.which)

    @property
    def moves(self) -> bool:
        """Whether the sweep is one of positions."""
        return self.sweep.value in ("position", "orientation")

    def method_for(self, n_bases: int) -> Method:
        """Return the method that explains a cell of so many bases."""
        if n_bases <= MUTATED:
            auto: Method = "saturation_mutagenesis"
        else:
            auto = "layer_integrated_gradients"
        chosen: Method = self.method.value or auto
        return chosen

    def arrange(self) -> None:
        """Show what can be set now."""
        spacing, several = self.sweep.value == "spacing", len(self._enc.classes) > 1
        show(self.second, spacing)
        show(self.step, self.moves)
        for part in (self.at, self._at_hint):
            show(part, not self.moves)
        for part in (self.target, self.output):
            show(part, several)
        offer(self.shown, [(n, n) for n in _SHOWN if spacing or n != "interaction"])
