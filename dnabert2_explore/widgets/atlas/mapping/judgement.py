"""What the picture is, under it: computed in the background, without being asked for."""

from __future__ import annotations

import math
from collections.abc import Callable
from html import escape
from typing import Any

from ipywidgets import VBox

from ....analysis.maps import MapJudgement, judge_map
from ....common.costs import LONG, duration
from ....common.progress import Progress
from ....figures.core.colours import NOT_GIVEN, OTHERS
from ....sequences import Sequence
from ...core.controls import Guard, button, part, show
from ...core.jobs import Worker
from ...core.state import Selection
from ..points import Points

__all__ = ["Judgement", "grouping"]

#: Columns that say which sequences belong together, the first that does is taken.
_GROUPS = ("species", "locus", "chromosome", "record", "genome")
_QUICK = LONG  # seconds the untrained twin may take without being asked for
_LEAST = 10


def grouping(sequences: tuple[Sequence, ...], labels: list[str], label: str) -> str:
    """Return the column that neighbours and folds are kept apart by; empty without one.

    Two classes at least have to be in two groups each.
    """
    for column in _GROUPS:
        if column == label:
            continue
        groups: dict[str, set[str]] = {}
        for sequence, value in zip(sequences, labels, strict=True):
            if value and sequence.fields.get(column):
                groups.setdefault(value, set()).add(sequence.fields[column])
        if sum(len(found) > 1 for found in groups.values()) > 1:
            return column
    return ""


class Judgement(VBox):
    """Words and numbers under an atlas.

    Class ``dx-judged``; parts ``dx-judged-words``, ``dx-judged-twin``. `twin` is called with
    progress and the most seconds; it returns the untrained twin's vectors, or the seconds they
    would take.
    """

    def __init__(
        self,
        selection: Selection,
        twin: Callable[[Points, Progress, float], Any],
        guarded: Guard,
    ) -> None:
        self._selection, self._twin, self._guarded = selection, twin, guarded
        self._asked: tuple[Any, ...] = ()
        self._question: tuple[Any, ...] | None = None
        self._kept: dict[tuple[Any, ...], tuple[MapJudgement, float]] = {}
        self.result: MapJudgement | None = None
        self.words = part("dx-judged-words")
        self._worker = Worker(guarded, self._failed, selection.lock, self._cancelled)
        self.bar = self._worker.bar
        tip = "Embed these sequences by a network that learnt nothing"
        self.button = button("", "dx-judged-twin", tip, lambda: guarded(self._with_twin))
        show(self.button, False)
        super().__init__([self.bar, self.words, self.button])
        self.add_class("dx-judged")

    def follow(self, points: Points, plane: Any, method: str, space: str, *, pca: bool) -> None:
        """Judge another map, unless it is the one that is judged.

        `method` tells maps of the same points apart; of a `pca` the axes hold a share of the
        variance.
        """
        key = (points.indices, points.about, points.field, method, space)
        if key == self._asked:
            return
        self.stop()
        self._asked, self._question = key, (points, plane, pca, space)
        if key in self._kept:
            self._show(*self._kept[key])
        elif len(points.indices) < _LEAST:
            self._clear()
        else:
            self._start(_QUICK)

    def _clear(self) -> None:
        self.result = None
        self.words.value = ""
        show(self.button, False)

    def stop(self) -> None:
        """Stop; what was shown goes."""
        self._worker.stop()
        self._asked, self._question = (), None
        self._clear()

    def wait(self, timeout: float | None = None) -> None:
        """Block until the judgement is there (for scripts and tests)."""
        self._worker.wait(timeout)

    def _cancelled(self) -> None:
        self.words.value = "<span class='dx-hint'>What explains this map was not computed.</span>"

    def _with_twin(self) -> None:
        if self._question is not None:
            self._start(math.inf)

    def _start(self, most: float) -> None:
        assert self._question is not None
        key, (points, plane, pca, space) = self._asked, self._question
        labels = None
        if not points.numeric:
            labels = ["" if v in (NOT_GIVEN, OTHERS) else str(v) for v in points.values]
        column = "" if labels is None else grouping(points.sequences, labels, points.field)
        texts = [s.bases for s in points.sequences]

        def work(progress: Any) -> tuple[MapJudgement, float]:
            beside, cost = {}, 0.0
            if labels is not None and space != "twin":
                twin = self._twin(points, progress, most)
                if isinstance(twin, float):
                    cost = twin
                else:
                    beside["untrained twin"] = twin
            found = judge_map(
                plane,
                points.vectors,
                texts,
                labels,
                label=points.field,
                groups=[s.fields.get(column, "") for s in points.sequences] if column else None,
                grouped_by=column,
                beside=beside,
                pca=pca,
                progress=progress,
            )
            return found, cost

        def done(found: tuple[MapJudgement, float]) -> None:
            if key == self._asked:
                self._kept[key] = found
                self._show(*found)

        self._worker.start("what explains this map", work, done)

    def _failed(self, why: str) -> None:
        self.words.value = why

    def _show(self, found: MapJudgement, cost: float) -> None:
        self.result = found
        shape, *_ = [line for line in str(found).split("\n") if line.startswith("Trust")]
        more = " ".join(escape(x) for x in (found.neighbourhood, shape, found.left_out) if x)
        self.words.value = (
            f"<b>{escape(found.headline)}</b> {escape(found.verdict)}"
            f"<details><summary>Numbers</summary>{more}{_numbers(found)}</details>"
        )
        show(self.button, cost)
        self.button.description = f"Add the untrained twin (about {duration(cost)})"


def _numbers(found: MapJudgement) -> str:
    """Two small tables: shares of the axes, and the label in each space."""

    def row(cells: list[str], kind: str = "td") -> str:
        return "<tr>" + "".join(f"<{kind}>{cell}</{kind}>" for cell in cells) + "</tr>"

    n_axes = max((len(each) for each, _ in found.axes.values()), default=2)
    names = [f"axis {d + 1}" for d in range(n_axes)]
    first = row(["R² (cross-validated)", *names, "map"], "th") + "".join(
        row([escape(name), *(f"{share:.2f}" for share in each), f"{whole:.2f}"])
        for name, (each, whole) in found.axes.items()
    )
    second = ""
    if found.scores:
        second = row(
            [f"{escape(found.label)}, told from", f"{found.n_neighbors} neighbours", "probe",
             "95 %"], "th",
        ) + "".join(
            row([escape(s.space), f"{s.purity:.2f}", f"{s.probe.score:.2f}",
                 f"{s.probe.low:.2f}–{s.probe.high:.2f}"])
            for s in found.scores
        )  # fmt: skip
    return f"<table>{first}</table>{f'<table>{second}</table>' if second else ''}"
