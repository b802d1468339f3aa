"""What the attribution view computes, piece by piece: each a job, kept by what it is of."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from typing import Any

from ...analysis.attribution import (
    METHODS,
    Attribution,
    AttributionSettings,
    attribute,
    average_offsets,
    mirror_strands,
    scorecard,
)
from ...common.progress import Progress
from ...encoder import Encoder
from ...encoder.passes.cost import BACKWARD
from ...errors import Cancelled, InputError, panics_told
from ...sequences.motifs.motif import ALPHABET, Motif
from ..core.jobs import sentence

__all__ = [
    "PER_TOKEN",
    "AttributionRequest",
    "Failure",
    "Task",
    "TaskResults",
    "attribution_task",
    "is_far",
    "map_task",
    "motifs_task",
    "offsets_task",
    "passes_of",
    "scorecard_task",
    "strands_task",
    "typed_motifs",
]

#: Bases of a token, about.
PER_TOKEN = 4.8
#: Samples of GradientSHAP and Shapley values; of a scorecard the attributions (strands, offsets,
#: twins), mutated bases, points of its curves.
_SAMPLES, _CARD, _MUTATED, _POINTS = 25, 13, 300, 22 * 33
_KEPT = 64


@dataclass(frozen=True, slots=True)
class AttributionRequest:
    """One attribution, as the controls ask for it.

    With `auto` an integral takes as many steps as it needs, within reason, whatever `settings` say.
    """

    bases: str
    target: Any
    settings: AttributionSettings
    auto: bool = True

    @property
    def method(self) -> str:
        """The method."""
        return self.settings.method

    def by(self, method: str) -> AttributionRequest:
        """Ask by another method: what that has no use for takes its default."""
        return replace(self, settings=self.settings.by(method))

    @property
    def first_steps(self) -> int:
        """Steps to begin with; 0 for a method that takes none."""
        if not METHODS[self.method].integral:
            return 0
        return (50 if len(self.bases) <= 600 else 20) if self.auto else self.settings.n_steps

    def at(self, steps: int) -> AttributionRequest:
        """Ask with so many steps; 0 leaves them as they are."""
        settings = replace(self.settings, n_steps=steps) if steps else self.settings
        return replace(self, settings=settings, auto=False)


@dataclass(frozen=True, slots=True)
class Task:
    """A piece of work: equal keys are the same piece, `what` names it in the progress bar.

    `bases` is the length of the sequence that the model reads, `passes` how often it reads it
    forwards, about; a gradient counts as five times.
    """

    key: Hashable
    what: str
    work: Callable[[Progress], Any]
    bases: int = 0
    passes: float = 0.0

    def run(self, progress: Progress) -> Any:
        """Do it; what goes wrong is a result too, so that the pieces behind it are done."""
        try:
            with panics_told():
                return self.work(progress)
        except Cancelled:
            raise
        except Exception as error:  # shown in the view: a thread has nobody above it to tell
            return Failure(sentence(error))


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a piece could not be done, as HTML."""

    why: str


class TaskResults:
    """Results of tasks by key; those that were not looked at for longest go first."""

    def __init__(self) -> None:
        self._results: OrderedDict[Hashable, Any] = OrderedDict()

    def get(self, task: Task | None) -> Any:
        """Return the result of a task; None where it is not there, or failed."""
        if task is None or task.key not in self._results:
            return None
        self._results.move_to_end(task.key)
        found = self._results[task.key]
        return None if isinstance(found, Failure) else found

    def put(self, task: Task, result: Any) -> None:
        """Keep a result."""
        self._results[task.key] = result
        while len(self._results) > _KEPT:
            self._results.popitem(last=False)

    def __contains__(self, task: Task) -> bool:
        return task.key in self._results

    def failures(self, tasks: list[Task]) -> list[str]:
        """Why tasks could not be done."""
        found = [self._results.get(task.key) for task in tasks]
        return list(dict.fromkeys(one.why for one in found if isinstance(one, Failure)))

    def forget_failures(self) -> None:
        """Let what failed be tried again."""
        for key in [k for k, one in self._results.items() if isinstance(one, Failure)]:
            del self._results[key]

    def clear(self) -> None:
        """Forget everything."""
        self._results.clear()


def is_far(result: Attribution) -> bool:
    """Tell whether delta is larger than the scorecard lets pass."""
    from ...analysis.attribution.trust.checks import check_convergence

    return check_convergence(result).passed is False


def passes_of(request: AttributionRequest) -> float:
    """Count the forward passes of the whole sequence that an attribution takes, about."""
    bases, tokens = len(request.bases), len(request.bases) / PER_TOKEN
    if METHODS[request.method].integral:
        own = BACKWARD * request.settings.n_steps
    else:
        own = {
            "deep_lift": 2 * BACKWARD,
            "attn_lrp": 2 * BACKWARD,
            "gradient_shap": _SAMPLES * BACKWARD,
            "occlusion": tokens,
            "feature_ablation": tokens,
            "shapley_value_sampling": _SAMPLES * tokens,
            "saturation_mutagenesis": 3.0 * bases,
        }.get(request.method, BACKWARD)
    spread = {"occlusion": 1.0, "mutagenesis": 3.0}.get(request.settings.spread, 0.0)
    return own + spread * bases


def attribution_task(enc: Encoder, request: AttributionRequest) -> Task:
    """Explain by one method."""
    steps = request.settings.n_steps if METHODS[request.method].integral else 0
    what = f"{METHODS[request.method].title}{f', {steps} steps' if steps else ''}"
    return _task("attribution", what, attribute, enc, request)


def offsets_task(enc: Encoder, request: AttributionRequest) -> Task:
    """Explain by the same method over tokenization offsets."""
    return _task("offsets", "tokenization offsets", average_offsets, enc, request)


def strands_task(enc: Encoder, request: AttributionRequest) -> Task:
    """Explain by the same method on both strands."""
    return _task("strands", "both strands", mirror_strands, enc, request)


def scorecard_task(
    enc: Encoder, request: AttributionRequest, truth: tuple[tuple[int, int], ...]
) -> Task:
    """Put one attribution to all checks."""
    return _task("scorecard", "scorecard", scorecard, enc, request, truth=truth or None)


def _task(
    kind: str,
    what: str,
    call: Callable[..., Any],
    enc: Encoder,
    request: AttributionRequest,
    **more: Any,
) -> Task:
    """Make a task of a call that attributes."""

    def work(progress: Any) -> Any:
        return call(
            enc, request.bases, request.target, settings=request.settings, progress=progress, **more
        )

    n, passes = len(request.bases), passes_of(request)
    if kind == "scorecard":
        passes = _CARD * passes + _POINTS + 3 * min(n, _MUTATED)
    else:
        passes *= {"offsets": 8, "strands": 2}.get(kind, 1)
    return Task((kind, request, *more.values()), what, work, n, passes)


def map_task(enc: Encoder, request: AttributionRequest, region: tuple[int, int]) -> Task:
    """Mutate every base of a stretch."""

    def work(progress: Any) -> Any:
        from ...analysis.attribution import saturation_mutagenesis

        return saturation_mutagenesis(
            enc,
            request.bases,
            request.target,
            output=request.settings.output,
            region=region,
            progress=progress,
        )

    key = ("map", request.bases, request.target, request.settings.output, region)
    return Task(key, "mutants", work, len(request.bases), 3.0 * (region[1] - region[0]))


def motifs_task(bases: str, wanted: str, threshold: float) -> Task:
    """Look for the motifs that were typed."""

    def work(progress: Any) -> Any:
        from ...analysis.motifs import scan_motifs

        motifs, least = typed_motifs(wanted, threshold)
        return scan_motifs(bases, motifs, threshold=least, progress=progress)

    return Task(("motifs", bases, wanted, threshold), "looking for motifs", work)


def typed_motifs(wanted: str, threshold: float) -> tuple[list[Motif], float]:
    """Find the motifs that a person typed, and the threshold on p-values to look for them with.

    `wanted` is empty for all of JASPAR's vertebrates that can have a p-value below the threshold; a
    word of A, C, G and T, which, too short for it, is looked for as it stands, and nothing like it;
    or a name or accession. InputError if JASPAR has no such profile, or the threshold is out of its
    reach.
    """
    from ...analysis.motifs.scan import out_of_reach
    from ...sequences.motifs.jaspar import jaspar, jaspar_motif

    word = wanted.strip()
    if not word:
        every = jaspar()
        lost = set(out_of_reach(every, threshold))
        return [motif for i, motif in enumerate(every) if i not in lost], threshold
    if set(word.upper()) <= set(ALPHABET):
        return [Motif.of_word(word)], max(threshold, 1.01 * 4.0 ** -len(word))
    motif = jaspar_motif(word)
    if out_of_reach([motif], threshold):
        raise InputError(
            f"No site of {motif.label}, however good, has p < {threshold:g}: choose a larger "
            "threshold."
        )
    return [motif], threshold
