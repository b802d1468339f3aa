"""What the attribution view computes, piece by piece: each a job, kept by what it is of."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from typing import Any

from ..analysis.attribution import METHODS, Attribution, attribute
from ..analysis.names import Baseline, Method, Output, Spread
from ..encoder import Encoder
from ..encoder.cost import BACKWARD
from ..errors import Cancelled, InputError, panics_told
from ..sequences.motifs import ALPHABET, Motif
from .explorer import sentence

__all__ = [
    "AUTO",
    "BY_COST",
    "PER_TOKEN",
    "STEPPED",
    "Asked",
    "Failed",
    "Kept",
    "Part",
    "attribution_part",
    "is_far",
    "map_part",
    "motifs_part",
    "passes_of",
    "phases_part",
    "scorecard_part",
    "strands_part",
    "typed_motifs",
]

#: Stands for "as many steps as it takes, within reason" among the numbers of steps.
AUTO = -1
#: Methods that integrate.
STEPPED = ("layer_integrated_gradients", "layer_conductance")
#: The quick ones first: several methods are computed in this order.
BY_COST = (
    "saliency",
    "input_x_gradient",
    "attn_lrp",
    "attention_x_gradient",
    "mutagenesis_gradient",
    "deep_lift",
    "gradient_shap",
    "layer_integrated_gradients",
    "occlusion",
    "feature_ablation",
    "layer_conductance",
    "shapley_value_sampling",
    "saturation_mutagenesis",
)
#: Bases of a token, about.
PER_TOKEN = 4.8
#: Samples of GradientSHAP and Shapley values; of a scorecard attributions (strands, phases, twins),
#: mutated bases, points of its curves.
_SAMPLES, _CARD, _MUTATED, _POINTS = 25, 13, 300, 22 * 33
_KEPT = 64


@dataclass(frozen=True, slots=True)
class Asked:
    """One question to a model, as the controls put it.

    Attributes
    ----------
    bases : str
    target : int, str, tuple of int, or None
    method : str
    steps : int
        `AUTO`, or how many; 0 where the method takes none.
    output, baseline, spread : str
        As in `attribute`; their defaults where the method has no use for them.
    """

    bases: str
    target: Any
    method: Method
    steps: int = AUTO
    output: Output = "auto"
    baseline: Baseline = "mean"
    spread: Spread = "even"

    def by(self, method: Any) -> Asked:
        """Ask by another method: what that has no use for takes its default."""
        info = METHODS[method]
        return Asked(
            bases=self.bases,
            target=self.target,
            method=method,
            steps=(self.steps or AUTO) if method in STEPPED else 0,
            output=self.output,
            baseline=self.baseline if info.baseline else "mean",
            spread=self.spread if info.run is not None else "even",
        )

    @property
    def first_steps(self) -> int:
        """Steps to begin with."""
        return (50 if len(self.bases) <= 600 else 20) if self.steps == AUTO else self.steps

    def settings(self, steps: int = 0) -> dict[str, Any]:
        """Keyword settings of `attribute` that are not its defaults."""
        found: dict[str, Any] = {"n_steps": steps} if steps else {}
        pairs = (("output", "auto"), ("baseline", "mean"), ("spread", "even"))
        return found | {n: getattr(self, n) for n, usual in pairs if getattr(self, n) != usual}


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of work.

    Attributes
    ----------
    key : hashable
        Equal keys are the same piece.
    what : str
        For the progress bar.
    work : callable
        Called as work(progress).
    bases : int
        Length of the sequence that the model reads.
    passes : float
        How often it reads it forwards, about; a gradient counts as five times.
    """

    key: Hashable
    what: str
    work: Callable[[Callable[[int, int], None]], Any]
    bases: int = 0
    passes: float = 0.0

    def run(self, progress: Callable[[int, int], None]) -> Any:
        """Do it; what goes wrong is a result too, so that the pieces behind it are done."""
        try:
            with panics_told():
                return self.work(progress)
        except Cancelled:
            raise
        except Exception as error:  # shown in the view: a thread has nobody above it to tell
            return Failed(sentence(error))


@dataclass(frozen=True, slots=True)
class Failed:
    """Why a piece could not be done, as HTML."""

    why: str


class Kept:
    """Results of parts by key; those that were not looked at for longest go first."""

    def __init__(self) -> None:
        self._results: OrderedDict[Hashable, Any] = OrderedDict()

    def get(self, part: Part | None) -> Any:
        """Return the result of a part; None where it is not there, or failed."""
        if part is None or part.key not in self._results:
            return None
        self._results.move_to_end(part.key)
        found = self._results[part.key]
        return None if isinstance(found, Failed) else found

    def put(self, part: Part, result: Any) -> None:
        """Keep a result."""
        self._results[part.key] = result
        while len(self._results) > _KEPT:
            self._results.popitem(last=False)

    def __contains__(self, part: Part) -> bool:
        return part.key in self._results

    def failures(self, parts: list[Part]) -> list[str]:
        """Why parts could not be done."""
        found = [self._results.get(part.key) for part in parts]
        return list(dict.fromkeys(one.why for one in found if isinstance(one, Failed)))

    def forget_failures(self) -> None:
        """Let what failed be tried again."""
        for key in [k for k, one in self._results.items() if isinstance(one, Failed)]:
            del self._results[key]

    def clear(self) -> None:
        """Forget everything."""
        self._results.clear()


def is_far(result: Attribution) -> bool:
    """Tell whether delta is larger than the scorecard lets pass."""
    from ..analysis.attribution.checks import check_convergence

    return check_convergence(result).passed is False


def passes_of(asked: Asked, steps: int) -> float:
    """Count the forward passes of the whole sequence that an attribution takes, about."""
    bases, tokens = len(asked.bases), len(asked.bases) / PER_TOKEN
    if asked.method in STEPPED:
        own = BACKWARD * (steps or 50)
    else:
        own = {
            "deep_lift": 2 * BACKWARD,
            "attn_lrp": 2 * BACKWARD,
            "gradient_shap": _SAMPLES * BACKWARD,
            "occlusion": tokens,
            "feature_ablation": tokens,
            "shapley_value_sampling": _SAMPLES * tokens,
            "saturation_mutagenesis": 3.0 * bases,
        }.get(asked.method, BACKWARD)
    spread = {"occlusion": 1.0, "mutagenesis": 3.0}.get(asked.spread, 0.0)
    return own + spread * bases


def attribution_part(enc: Encoder, asked: Asked, steps: int) -> Part:
    """Explain by one method; `steps` of the integral where it has one."""
    title = METHODS[asked.method].title

    def work(progress: Any) -> Attribution:
        settings = asked.settings(steps)
        return attribute(
            enc, asked.bases, asked.target, asked.method, progress=progress, **settings
        )

    return Part(("attribution", replace(asked, steps=steps)),
                f"{title}{f', {steps} steps' if steps else ''}", work,
                len(asked.bases), passes_of(asked, steps))  # fmt: skip


def phases_part(enc: Encoder, asked: Asked, steps: int) -> Part:
    """Explain by the same method over segmentation phases."""

    def work(progress: Any) -> Any:
        from ..analysis.attribution.phases import average_phases

        return average_phases(
            enc, asked.bases, asked.target, asked.method, progress=progress, **asked.settings(steps)
        )

    return Part(("phases", replace(asked, steps=steps)), "segmentation phases", work,
                len(asked.bases), 8 * passes_of(asked, steps))  # fmt: skip


def strands_part(enc: Encoder, asked: Asked, steps: int) -> Part:
    """Explain by the same method on both strands."""

    def work(progress: Any) -> Any:
        from ..analysis.attribution.strands import mirror_strands

        return mirror_strands(
            enc, asked.bases, asked.target, asked.method, progress=progress, **asked.settings(steps)
        )

    return Part(("strands", replace(asked, steps=steps)), "both strands", work,
                len(asked.bases), 2 * passes_of(asked, steps))  # fmt: skip


def scorecard_part(
    enc: Encoder, asked: Asked, steps: int, truth: tuple[tuple[int, int], ...]
) -> Part:
    """Put one attribution to all checks."""

    def work(progress: Any) -> Any:
        from ..analysis.attribution.scorecard import scorecard

        return scorecard(
            enc,
            asked.bases,
            asked.target,
            asked.method,
            truth=truth or None,
            progress=progress,
            **asked.settings(steps),
        )

    n = len(asked.bases)
    passes = _CARD * passes_of(asked, steps) + _POINTS + 3 * min(n, _MUTATED)
    return Part(("scorecard", replace(asked, steps=steps), truth), "scorecard", work, n, passes)


def map_part(enc: Encoder, asked: Asked, region: tuple[int, int]) -> Part:
    """Mutate every base of a stretch."""

    def work(progress: Any) -> Any:
        from ..analysis.attribution import saturation_mutagenesis

        return saturation_mutagenesis(
            enc,
            asked.bases,
            asked.target,
            output=asked.output,
            region=region,
            progress=progress,
        )

    return Part(("map", asked.bases, asked.target, asked.output, region), "mutants", work,
                len(asked.bases), 3.0 * (region[1] - region[0]))  # fmt: skip


def motifs_part(bases: str, wanted: str, threshold: float) -> Part:
    """Look for the motifs that are asked for."""

    def work(progress: Any) -> Any:
        from ..analysis.motifs import scan_motifs

        motifs, least = typed_motifs(wanted, threshold)
        return scan_motifs(bases, motifs, least, progress=progress)

    return Part(("motifs", bases, wanted, threshold), "looking for motifs", work)


def typed_motifs(wanted: str, threshold: float) -> tuple[list[Motif], float]:
    """Find the motifs that a person typed, and the threshold to look for them with.

    Parameters
    ----------
    wanted : str
        Empty for all of JASPAR's vertebrates that can have a p-value below the threshold; a word
        of A, C, G and T; or a name or accession.
    threshold : float
        On p-values. A word too short for it is looked for as it stands, and nothing like it.

    Raises
    ------
    InputError
        If JASPAR has no such profile, or the threshold is out of its reach.
    """
    from ..analysis.motifs.scan import out_of_reach
    from ..sequences.jaspar import jaspar, jaspar_motif

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
