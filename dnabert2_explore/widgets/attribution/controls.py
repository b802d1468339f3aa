"""What can be set in the attribution view: three menus, and the rest behind "More"."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ipywidgets import HBox, VBox, Widget

from ...analysis.attribution import BY_COST, METHODS, AttributionSettings
from ...analysis.settings import USUAL
from ...encoder import Encoder
from ..core.controls import field, hint, menu, on_value, row, show, toggle
from .tasks import AttributionRequest

__all__ = ["AttributionControls"]

#: Short names for menus; captions have `BASELINES` and `SPREADS` in full.
BASELINE_MENU = {
    "mean": "from the mean embedding",
    "mask": "from [MASK]",
    "pad": "from [PAD]",
    "zero": "from zero embeddings",
    "shuffled": "from shuffled sequences",
}
SPREAD_MENU = {
    "even": "spread evenly over bases",
    "occlusion": "spread by occlusion of bases",
    "mutagenesis": "spread by mutation of bases",
}
#: Stands for "as many steps as it takes, within reason" among the numbers of steps.
AUTO = -1
_THRESHOLDS = (1e-3, 1e-4, 1e-5, 1e-6)


class AttributionControls:
    """The widgets of the attribution view, and what they say.

    Steps are auto where `n_steps` is None; `changed` is called when something else is wanted.
    """

    def __init__(self, enc: Encoder, n_steps: int | None, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._quiet = False
        self.target = menu("dx-target", [], "Which class to explain")
        self.method = menu("dx-method", [(i.title, n) for n, i in METHODS.items()], "Method")
        numbers = sorted({20, 50, 100, 200, n_steps or 50})
        self.steps = menu(
            "dx-steps",
            [("auto steps", AUTO), *((f"{n} steps", n) for n in numbers)],
            "Steps of the integral: more takes longer and brings delta nearer to 0",
        )
        self.steps.value = n_steps or AUTO
        self.more = toggle("More", "dx-more", "Baseline, comparison, strands, motifs, mutations")
        self.output = menu(
            "dx-output", [("logit", "auto"), ("probability", "probability")], "What is explained"
        )
        self.baseline = menu(
            "dx-baseline", [(v, k) for k, v in BASELINE_MENU.items()], "Where attribution starts"
        )
        self.spread = menu(
            "dx-spread",
            [(v, k) for k, v in SPREAD_MENU.items()],
            "How a token's score is shared by its bases",
        )
        self.compare = toggle("Compare", "dx-compare", "Stack other methods below this one")
        self.strands = toggle(
            "Strands",
            "dx-strands",
            "The reverse complement too; the mean where both ought to agree",
        )
        self.offsets = toggle(
            "Offsets", "dx-offsets", "Mean and range over 8 left crops, each cut into tokens anew"
        )
        self.annotation = toggle("Annotation", "dx-annotation", "Annotated features")
        self.motifs = toggle("Motifs", "dx-motifs", "Sites of known motifs, or of a word")
        self.map = toggle(
            "Mutation map", "dx-map", "Mutate every base of the visible stretch (300 bp at most)"
        )
        self.others = {
            name: toggle(METHODS[name].title, "dx-other", f"Compare with {METHODS[name].title}")
            for name in METHODS
        }
        self.motif = field(
            "dx-motif",
            "all of JASPAR, or a name or word",
            "A factor such as CTCF, an accession, or a word such as TATAAA; then Enter",
        )
        self.threshold = menu(
            "dx-threshold", [(f"p < {p:g}", p) for p in _THRESHOLDS], "Least probable sites"
        )
        self.threshold.value = 1e-5
        self._others_row = row("dx-others", hint("with"), *self.others.values())
        self._motif_row = row("dx-motif-row", hint("look for"), self.motif, self.threshold)
        self._toggles = [
            self.compare, self.strands, self.offsets, self.annotation, self.motifs, self.map
        ]  # fmt: skip
        self.panel = VBox(
            [
                row("dx-controls", self.output, self.baseline, self.spread),
                HBox(list(self._toggles)).add_class("dx-controls"),
                self._others_row,
                self._motif_row,
            ]
        ).add_class("dx-attribution-more")
        self.use(enc)
        self.arrange()
        on_value(self.arrange, self.more)
        menus = [self.target, self.method, self.steps, self.output, self.baseline, self.spread]
        texts = [*self.others.values(), self.motif, self.threshold]
        on_value(self._on_change, *menus, *self._toggles, *texts)

    @property
    def heading(self) -> list[Widget]:
        """What always shows."""
        return [self.target, self.method, self.steps, self.more]

    def use(self, enc: Encoder) -> None:
        """Offer what a model has: its classes, or nothing of the kind."""
        self._enc = enc
        self._quiet = True
        # "" stands for the predicted class: a dropdown takes None for "nothing chosen".
        self.target.options = [("predicted class", ""), *((name, name) for name in enc.classes)]
        self.target.value = ""
        self._quiet = False

    def _on_change(self) -> None:
        if not self._quiet:
            self.arrange()
            self._changed()

    def arrange(self) -> None:
        """Show what can be set now."""
        info = METHODS[self.method.value]
        show(self.target, self._enc.has_head)
        show(self.output, len(self._enc.classes) > 1)
        show(self.steps, info.integral)
        show(self.baseline, info.baseline or any(METHODS[m].baseline for m in self.compared))
        show(self.spread, "spread" in info.takes)
        show(self.panel, self.more.value)
        show(self._others_row, self.compare.value)
        show(self._motif_row, self.motifs.value)
        for name, button in self.others.items():
            show(button, name != self.method.value)
        on = sum(toggle.value for toggle in self._toggles)
        folded = on and not self.more.value
        self.more.description = f"More ({on} on)" if folded else "More"

    @property
    def compared(self) -> tuple[str, ...]:
        """Further methods, in the order of menus."""
        if not self.compare.value:
            return ()
        chosen = (n for n, button in self.others.items() if button.value)
        return tuple(n for n in chosen if n != self.method.value)

    @property
    def by_cost(self) -> tuple[str, ...]:
        """Further methods, the quick ones first."""
        return tuple(sorted(self.compared, key=BY_COST.index))

    def request(self, bases: str, target: Any, method: Any = "") -> AttributionRequest:
        """Say what is to be computed, by the method chosen or another one."""
        auto = self.steps.value == AUTO
        settings = AttributionSettings(
            method=self.method.value,
            output=self.output.value if len(self._enc.classes) > 1 else "auto",
            n_steps=USUAL.n_steps if auto else self.steps.value,
            baseline=self.baseline.value,
            spread=self.spread.value,
        )
        return AttributionRequest(bases, target, settings.by(method or self.method.value), auto)
