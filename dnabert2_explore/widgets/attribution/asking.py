"""What the attribution view asks, in which order, and what of it waits for a person."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ipywidgets import HTML, VBox

from ...analysis.attribution import METHODS, Attribution
from ...common.costs import duration
from ...encoder import Encoder
from ...errors import InputError
from ..core.controls import compute_button, show
from ..core.explorer import Explorer, guarded
from ..core.state import Selection
from ..views.mutations import Edit, MutationBar, apply_edits
from .controls import AttributionControls
from .costs import QUICK, Costs
from .scorecard import ScorecardBadge
from .tasks import (
    AttributionRequest,
    Task,
    TaskResults,
    attribution_task,
    is_far,
    map_task,
    motifs_task,
    offsets_task,
    scorecard_task,
    strands_task,
)

__all__ = ["AskingExplorer", "steps_of"]

#: Bases to explain when a model without classes is asked and nothing is selected.
_SPAN = 12
#: Bases of the longest stretch that is mutated through.
_MAP = 300
#: Kinds of annotated features that a scorecard takes for the truth.
_PLANTED = ("motif", "planted motif")


def steps_of(result: Attribution) -> int:
    """Return the steps that an attribution took; 0 where its method takes none."""
    return int(dict(result.settings).get("steps", 0))


class AskingExplorer(Explorer):
    """Base of the attribution view: plans what is wanted, and computes it one by one.

    Parameters
    ----------
    selection : Selection, optional
        Shared with other views.
    """

    #: A subclass makes these before anything else.
    enc: Encoder
    controls: AttributionControls
    badge: ScorecardBadge
    mutations: MutationBar
    _classes: HTML
    _verdict: HTML
    _correlations: VBox

    def __init__(self, selection: Selection | None) -> None:
        self.compute = compute_button(lambda: self._guarded(self._agree))
        self._kept = TaskResults()
        self._costs = Costs()
        self._held: tuple[Task, float] | None = None  # what a person has to agree to, and seconds
        self._instead: dict[str, tuple[Any, int]] = {}  # method and steps of files and sessions
        self._doing: Task | None = None
        self._halted = False
        self._edits: dict[str, tuple[Edit, ...]] = {}
        self._cursor: int | None = None
        self._region: tuple[int, int] | None = None
        self._checked: Task | None = None
        super().__init__(selection, self.controls.heading)

    # What is asked -----------------------------------------------------------------------------

    @guarded
    def _on_control(self) -> None:
        self._instead.clear()
        if self.controls.map.value and self._region is None:
            self._region = self._stretch()
        elif not self.controls.map.value:
            self._region = None
        self._changed({"control"})

    def _stretch(self) -> tuple[int, int] | None:
        """Bases in sight, to be mutated one by one."""
        current = self.selection.current
        if current is None:
            return None
        start, end = self.selection.view or (0, len(current))
        if end - start <= _MAP:
            return start, end
        self.controls.map.value = False
        raise InputError(
            f"There are {end - start:,} bases in sight, and the mutation map takes up to {_MAP}: "
            "zoom in, then press Mutation map again."
        )

    def _target(self) -> Any:
        """Target of the present request."""
        if self.enc.has_head:
            return self.target.value or None
        current, span = self.selection.current, self.selection.bases
        if span is not None or current is None:
            return span
        middle = len(current) // 2
        return max(0, middle - _SPAN // 2), min(len(current), middle + _SPAN // 2)

    @property
    def edits(self) -> tuple[Edit, ...]:
        """Mutations of the sequence looked at, in the order they were made."""
        current = self.selection.current
        return () if current is None else self._edits.get(current.bases, ())

    def _exact(self, request: AttributionRequest) -> list[Task]:
        """Tasks that answer a request: a second, with more steps, where the first is not exact."""
        steps = request.first_steps
        first = attribution_task(self.enc, request.at(steps))
        result = self._kept.get(first)
        if result is not None and steps and request.auto and is_far(result):
            return [first, attribution_task(self.enc, request.at(4 * steps))]
        return [first]

    def _fitting(self, request: AttributionRequest) -> AttributionRequest:
        """Ask by a quick method where the one that is chosen takes long for this sequence."""
        method, steps = self._instead.get(request.bases, ("", 0))
        if method:
            return request.by(method).at(steps)
        return request.by(QUICK) if self._waits(self._exact(request)[0]) else request

    def _waits(self, task: Task) -> bool:
        """Whether a person has to agree to a task first."""
        return task not in self._kept and self._costs.long(self.enc, task) > 0

    def _answer(self, request: AttributionRequest) -> Attribution | None:
        """Return the best answer that is there."""
        found = [self._kept.get(task) for task in self._exact(request)]
        return next((one for one in reversed(found) if one is not None), None)

    def _questions(self) -> tuple[AttributionRequest, AttributionRequest | None] | None:
        """Ask for the sequence looked at, and, once that is answered, for its mutant."""
        current = self.selection.current
        if current is None:
            return None
        request = self._fitting(self.controls.request(current.bases, self._target()))
        if not self.edits:
            return request, None
        original = self._answer(request)
        if original is None:
            return request, None
        mutant = apply_edits(current.bases, self.edits)
        return request, replace(request, bases=mutant, target=original.target)

    def _plan(self) -> dict[str, list[Task]]:
        """List what is wanted, the first things first."""
        requests = self._questions()
        if requests is None:
            return {}
        request, mutant = requests
        plan = {"main": self._exact(request)}
        if mutant is not None:
            plan["mutant"] = self._exact(mutant)
        shown = mutant or request
        result = self._answer(shown)
        if result is None or (self.edits and mutant is None):
            return plan
        controls = self.controls
        exact = shown.at(steps_of(result))
        others = [controls.request(shown.bases, shown.target, name) for name in controls.by_cost]
        plan["others"] = [task for other in others for task in self._exact(other)]
        if controls.strands.value:
            plan["strands"] = [strands_task(self.enc, exact)]
        if controls.offsets.value:
            plan["offsets"] = [offsets_task(self.enc, exact)]
        if controls.motifs.value:
            wanted, least = controls.motif.value, controls.threshold.value
            plan["hits"] = [motifs_task(shown.bases, wanted, least)]
        if self._region is not None:
            plan["effects"] = [map_task(self.enc, shown, self._region)]
        card = self._card_task(exact)
        if card in self._kept or (self._checked is not None and self._checked.key == card.key):
            plan["card"] = [card]
        return plan

    def _card_task(self, request: AttributionRequest) -> Task:
        truth = tuple((f.start, f.end) for f in self.selection.features if f.kind in _PLANTED)
        return scorecard_task(self.enc, request, truth)

    # Work --------------------------------------------------------------------------------------

    def _changed(self, changed: set[str]) -> None:
        if "index" in changed:
            self._cursor = None
            if self._region is not None:
                self._region = self._stretch()
        if changed & {"index", "control", "edits"}:
            self._halted = False
            self._kept.forget_failures()
        if self._refuses():
            self._classes.value = self._verdict.value = ""
            self.badge.show(None, None)
            self.mutations.show(None, "", (), "")
            self._correlations.children = ()
            return
        self._go_on()
        self._draw()

    def _go_on(self) -> None:
        """Begin the first thing that is wanted and not there."""
        plan = self._plan()
        every = [task for tasks in plan.values() for task in tasks]
        absent = [task for task in every if task not in self._kept]
        missing = next((task for task in absent if not self._waits(task)), None)
        if missing is not None:
            trial = self._costs.trial(self.enc, missing)
            missing = missing if trial is None or trial in self._kept else trial
        self._hold(absent)
        doing = self._doing.key if self.busy and self._doing is not None else None
        if missing is not None and doing == missing.key:
            return
        if missing is None or self._halted:
            if self._job is not None and self._doing is not None:
                self._job.cancel()
            self._doing = None
            if not self._halted:
                why = self._kept.failures(every)
                self.say("<br>".join(why) or self._cost(), error=bool(why))
            return
        self._doing = task = missing
        self._start(task.what, task.run, lambda result: self._done(task, result))

    def _hold(self, absent: list[Task]) -> None:
        """Keep in mind the first thing that is wanted and takes long, and offer to compute it."""
        current = self.selection.current
        wanted = list(absent)
        if current is not None and current.bases not in self._instead:
            request = self.controls.request(current.bases, self._target())
            stands_in = self._exact(self._fitting(request))[0]
            wanted[:0] = [stands_in, self._exact(request)[0]]
        held = next((task for task in wanted if self._waits(task)), None)
        self._held = None if held is None else (held, self._costs.long(self.enc, held))
        show(self.compute, self._held is not None)

    def _cost(self) -> str:
        """Say what the thing takes that was not begun, and what stands in its place."""
        if self._held is None:
            return ""
        task, seconds = self._held
        text = f"{task.what[:1].upper()}{task.what[1:]} of {task.bases:,} bp: about "
        text += f"{duration(seconds)}. Compute it, or look at a shorter stretch."
        requests = self._questions()
        by = requests[0] if requests is not None else None
        if by is not None and by.method != self.controls.method.value and self._answer(by):
            text += f" {METHODS[by.method].title.capitalize()} stands in its place."
        return text

    def _agree(self) -> None:
        if self._held is not None:
            self._costs.agree(self._held[0])
            self._changed({"control"})

    def _done(self, task: Task, result: Any) -> None:
        self._doing = None
        self._kept.put(task, result)
        self._go_on()
        self._draw()

    def _cancelled(self) -> None:
        self._halted, self._doing, self._checked = True, None, None
        self._costs.forget()
        super()._cancelled()
