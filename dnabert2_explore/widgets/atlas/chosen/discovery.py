"""Motifs of what was chosen, by a classifier: what it costs is said before it starts."""

from __future__ import annotations

import time
from collections.abc import Callable
from html import escape
from typing import Any

from ipywidgets import VBox

from ....analysis.attribution import attribute, saturation_mutagenesis
from ....analysis.motifs.find import MotifFindings, discover_motifs
from ....encoder import Encoder
from ....sequences import Sequence
from ...core.controls import Guard, button, menu, on_value, part, row
from ...core.explorer import guarded
from ...core.jobs import Worker
from ...core.state import Selection
from .logos import LogoCards

__all__ = ["MotifFinder"]

_METHODS = (
    ("integrated gradients", "layer_integrated_gradients"),
    ("saturation mutagenesis", "saturation_mutagenesis"),
)


class MotifFinder(VBox):
    """A button that runs `discover_motifs` on the chosen sequences, after saying how long it takes.

    Class ``dx-find``; parts ``dx-find-target select``, ``dx-find-method select``,
    ``dx-find-motifs``, ``dx-find-found``.

    `chosen` returns the sequences. `go` looks at the next of them in which a function of its number
    finds a stretch; it is called with that and a name for what is looked for.
    """

    def __init__(
        self,
        classifier: Encoder | None,
        chosen: Callable[[], list[Sequence]],
        go: Callable[[Callable[[int], tuple[int, int] | None], str], None],
        selection: Selection,
        guarded: Guard,
    ) -> None:
        self._chosen, self._go = chosen, go
        self._selection, self._guarded = selection, guarded
        self._worker = Worker(guarded, self._failed, selection.lock, self._cancelled)
        self._ready = False  # the cost was said
        self.findings: MotifFindings | None = None
        self.target = menu("dx-find-target", [], "Motifs of which class")
        self.method = menu("dx-find-method", list(_METHODS), "Attribution")
        self.button = button(
            "Find motifs",
            "dx-find-motifs",
            "What the classifier looks at in these sequences",
            lambda: guarded(self._press),
        )
        self.bar = self._worker.bar
        self.said = part("dx-hint")
        self.found = LogoCards(self._on_motif).add_class("dx-find-found")
        self.use(classifier)
        super().__init__(
            [
                row("dx-chosen-row", self.button, self.target, self.method),
                self.bar,
                self.said,
                self.found,
            ]
        )
        self.add_class("dx-find")
        on_value(self.forget, self.target, self.method)

    def use(self, classifier: Encoder | None) -> None:
        """Ask another classifier from now on."""
        self.classifier = classifier
        classes = classifier.classes if classifier is not None and classifier.has_head else ()
        self.target.options = list(classes)
        self.target.value = classes[0] if classes else None
        self.button.disabled = not classes
        self.said.value = (
            f"Asks {escape(classifier.name)} which bases its decision rests on."
            if classifier is not None and classes
            else "Give a classifier to find motifs of its decisions: "
            "dx.AtlasExplorer(classifier=dx.load('pocket-splice'))."
        )

    def forget(self) -> None:
        """Stop, and drop what belongs to another selection."""
        self._worker.stop()
        self._ready, self.findings = False, None
        self.found.show()
        self.button.description = "Find motifs"

    def wait(self, timeout: float | None = None) -> None:
        """Block until what was started is done (for scripts and tests)."""
        self._worker.wait(timeout)

    def _cancelled(self) -> None:
        self._failed("Cancelled.")

    def _failed(self, why: str) -> None:
        self.said.value = why
        self.button.description, self._ready = "Find motifs", False

    def _press(self) -> None:
        chosen, model = self._chosen(), self.classifier
        if self._worker.busy:
            return
        if model is None or not chosen:
            self.said.value = "Nothing is chosen yet: draw a lasso first."
            return
        target, method = self.target.value, self.method.value
        if not self._ready:
            self._worker.start(
                "timing one sequence",
                lambda _p: _seconds(model, chosen, target, method),
                lambda seconds: self._say(seconds, len(chosen)),
            )
            return

        def work(progress: Any) -> MotifFindings:
            return discover_motifs(model, chosen, target, method=method, progress=progress)

        self._worker.start(f"motifs of {len(chosen):,} sequences", work, self._show)

    def _say(self, seconds: float, n: int) -> None:
        whole = seconds * n / 0.7  # attribution is some 70 % of all the time
        amount = f"{whole:,.0f} s" if whole < 90 else f"{whole / 60:,.0f} min"
        self._ready = True
        self.button.description = "Start"
        self.said.value = f"{n:,} sequences will take about {amount}. Press Start, or choose fewer."

    def _show(self, findings: MotifFindings) -> None:
        self.findings, self._ready = findings, False
        self.button.description = "Find motifs"
        motifs = findings.discovery.motifs
        more = "Press a motif to see it in a sequence." if motifs else "No pattern was found."
        self.said.value = f"{escape(findings.caption)} {more}"
        self.found.show(motifs, findings.matches, self._selection.theme)

    @guarded
    def _on_motif(self, number: int) -> None:
        if self.findings is None:
            return
        pattern = self.findings.discovery.patterns[number]
        self._go(pattern.sites.first_in, pattern.motif.consensus)
        self.found.current = number


def _seconds(model: Encoder, chosen: list[Sequence], target: Any, method: Any) -> float:
    """Time one sequence of median length, after a short one that loads what it takes."""
    one = sorted(chosen, key=len)[len(chosen) // 2]
    middle, whole = len(one) // 2, len(one)
    region = (max(middle - 8, 0), min(middle + 8, whole))

    def run(bases: str, part: tuple[int, int]) -> None:
        if method == "saturation_mutagenesis":
            saturation_mutagenesis(model, bases, target, region=part, approximate=False)
        else:
            attribute(model, bases, target, method=method)

    run("ACGTTGCATTAGC" * 5, (0, 1))
    start = time.perf_counter()
    run(one.bases, region)
    took = time.perf_counter() - start
    share = (region[1] - region[0]) / whole if method == "saturation_mutagenesis" else 1.0
    return took / share
