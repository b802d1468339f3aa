"""The checks of a scorecard, one by one: what each measures, and what it takes to pass."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence as Items
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from ....common.stats import pearson, spearman
from ....errors import InputError
from ....results.rich_display import counted
from ...methods import METHODS
from ..offsets import OffsetAverage
from ..result import Attribution
from ..strands import LEAST, StrandMirror
from .curves import TokenCurves

__all__ = ["CHECKS", "Check", "CheckInfo", "thresholds"]


@dataclass(frozen=True, slots=True)
class CheckInfo:
    """What a check is.

    Attributes
    ----------
    title : str
        As tables call it.
    most : bool
        Whether the threshold is the most that passes; else it is the least.
    meaning : str
        What failing says, as the verdict puts it.
    judges : bool
        Whether it judges the attribution. Others inform: randomised weights of the method, skill of
        the model.
    """

    title: str
    most: bool
    meaning: str
    judges: bool = True


#: All checks, in the order of a scorecard.
CHECKS: dict[str, CheckInfo] = {
    "convergence": CheckInfo(
        "convergence", True, "the scores do not add up to what they claim to explain"
    ),
    "deletion": CheckInfo(
        "deletion", False, "taking the best tokens away hardly changes more than any others would"
    ),
    "insertion": CheckInfo(
        "insertion", False, "giving the best tokens back hardly changes more than any others would"
    ),
    "mutations": CheckInfo(
        "mutation agreement", False, "mutating single bases tells another story"
    ),
    "randomised_weights": CheckInfo(
        "randomised weights", True, "the method hardly looks at the weights", judges=False
    ),
    "strands": CheckInfo("strand agreement", False, "the other strand tells another story"),
    "offsets": CheckInfo("offset agreement", False, "the scores move with the borders of tokens"),
    "planted": CheckInfo(
        "planted motif", False, "the bases that are known to matter do not have the highest scores"
    ),
    "skill": CheckInfo(
        "held-out skill", False, "the model knows no more than simple methods do", judges=False
    ),
}


@dataclass(frozen=True, slots=True)
class Check:
    """One check of one attribution.

    Attributes
    ----------
    name : str
        One of `CHECKS`.
    value : float or None
        None where the check does not apply.
    threshold : float
        The least, or the most, that passes; `CHECKS` says which. NaN where none was calibrated.
    passed : bool or None
        None where the check does not apply, or has nothing to pass.
    words : str
        What was found, or why the check does not apply.
    """

    name: str
    value: float | None
    threshold: float
    passed: bool | None
    words: str

    @property
    def title(self) -> str:
        """Name as tables have it."""
        return CHECKS[self.name].title

    @property
    def meaning(self) -> str:
        """What it says if the check is failed."""
        if self.value is not None and math.isnan(self.value):
            return "its scores are all the same"
        return CHECKS[self.name].meaning

    @property
    def result(self) -> str:
        """One of ``"passed"``, ``"failed"``, ``"not applicable"``.

        Or ``"information"``, of a value that passes nothing, and ``"not known"``, of a model whose
        skill is not stated.
        """
        if self.passed is not None:
            return "passed" if self.passed else "failed"
        if self.name == "skill":
            return "not known"
        return "not applicable" if self.value is None else "information"


#: Methods whose sum is promised under conditions that do not hold here. Calibration agrees: their
#: good attributions miss the sum by as much as their bad ones.
_NOT_HERE = {
    "gradient_shap": "its sum in the mean of many samples",
    "deep_lift": "its sum where every operation has a rule; Captum has one for few of this network",
}


@lru_cache(maxsize=1)
def thresholds() -> dict[str, float]:
    """Return what each check that judges takes, as calibrated on planted motifs.

    From ``calibration.json`` beside this module, which ``benchmarks/scorecard_rates.py`` writes
    from the cards of ``benchmarks/planted.py``; it also tells the data and the rates.
    """
    place = files(__package__) / "calibration.json"
    found: dict[str, float] = json.loads(place.read_text(encoding="utf-8"))["thresholds"]
    return found


def judge(name: str, value: float, words: str) -> Check:
    """Hold a value against its threshold; what is no number fails."""
    threshold = thresholds()[name]
    if CHECKS[name].most:
        passed, bound = value <= threshold, f"at most {threshold:.2f}"
    else:
        passed, bound = value >= threshold, f"at least {threshold:.2f}"
    return Check(name, value, threshold, bool(passed), f"{words} ({bound})")


def skip(name: str, reason: str) -> Check:
    """Say that a check does not apply."""
    return Check(name, None, thresholds().get(name, math.nan), None, f"not applicable: {reason}")


def check_convergence(found: Attribution) -> Check:
    """Share of the change that the sum of scores misses: |delta| / |change|."""
    title = METHODS[found.method].title
    if found.delta is None:
        return skip("convergence", f"{title} promises no sum")
    value = abs(found.delta) / abs(found.change) if found.change else math.inf
    if found.method in _NOT_HERE:
        return skip(
            "convergence", f"{title} promises {_NOT_HERE[found.method]}; these are {value:.1%} off"
        )
    total = found.change + found.delta
    return judge(
        "convergence",
        value,
        f"scores sum to {total:.3g} of {found.change:.3g} {found.unit}, {value:.1%} off",
    )


def check_curves(curves: TokenCurves | None, reason: str = "") -> list[Check]:
    """Areas of deletion and insertion beside random orders."""
    if curves is None:
        return [skip("deletion", reason), skip("insertion", reason)]
    return [
        judge(
            name,
            gain,
            f"the area beyond random order is {gain:.2f} of the output's range"
            if curves.reach
            else "the output never changes",
        )
        for name, gain in (
            ("deletion", curves.deletion_gain),
            ("insertion", curves.insertion_gain),
        )
    ]


def check_mutations(found: Attribution, importance: NDArray[np.float32] | None) -> Check:
    """Correlate with what the mutations of single bases do, each cut into tokens anew.

    `importance` (n_bases,) is that of saturation mutagenesis, NaN at bases that were not mutated;
    None where the scores are this themselves.
    """
    if importance is None:
        return skip("mutations", "the scores are of mutations themselves")
    mutated = ~np.isnan(importance)
    count = int(mutated.sum())
    if count < LEAST:
        return skip("mutations", f"{count} bases only can be mutated")
    own, expected = found.base_scores[mutated], importance[mutated]
    if not METHODS[found.method].signed:
        own, expected = abs(own), abs(expected)
    if np.ptp(expected) == 0:
        return skip("mutations", "no mutation of a single base changes the output")
    if np.ptp(own) == 0:
        return judge("mutations", math.nan, "the scores are all the same")
    value = pearson(own, expected)
    where = np.flatnonzero(mutated)
    return judge(
        "mutations",
        value,
        f"the scores correlate by {value:.2f} with what mutations do to the {count:,} bases "
        f"{where[0] + 1:,} to {where[-1] + 1:,}",
    )


def check_randomised(found: Attribution, of_twins: NDArray[np.float32]) -> Check:
    """Correlate magnitudes with those that networks with random weights get, (twins, n_bases).

    It says whether the method looks at the weights, and nothing of what the model has learnt: two
    networks of random weights do not correlate either (Adebayo et al. 2018 ask the same of
    methods). So nothing is passed or failed.
    """
    seen = found.seen
    own = abs(found.base_scores[seen])
    if len(own) < LEAST:
        return skip("randomised_weights", f"the model reads {len(own)} bases only")
    if np.ptp(own) == 0:
        return skip("randomised_weights", "the scores are all the same")
    each = np.array([spearman(own, abs(one[seen])) for one in of_twins])
    each = each[~np.isnan(each)]  # a twin that scores all bases alike has no order to compare
    if not len(each):
        return skip("randomised_weights", "networks with random weights score all bases alike")
    value = float(each.mean())
    return Check(
        "randomised_weights",
        value,
        math.nan,
        None,
        f"magnitudes correlate by {value:.2f} with those of {counted(len(each), 'network')} with "
        "random weights: near 1 the method does not look at the weights; what the model has "
        "learnt it does not say",
    )


def check_strands(mirror: StrandMirror) -> Check:
    """Correlate the two strands."""
    if not mirror.applicable:
        return skip("strands", mirror.reason)
    value = mirror.correlation
    return judge("strands", value, f"the strands' scores correlate by {value:.2f}")


def check_offsets(offsets: OffsetAverage | None, reason: str = "") -> Check:
    """Correlate the crops."""
    if offsets is None:
        return skip("offsets", reason)
    shared = int(offsets.shared.sum())
    if shared < LEAST:
        return skip("offsets", f"only {shared} bases are in all {offsets.crops} crops")
    value = offsets.correlation
    return judge("offsets", value, f"the scores of {offsets.words} correlate by {value:.2f}")


def check_planted(found: Attribution, truth: Items[tuple[int, int]] | None) -> Check:
    """How often a planted base scores above another: the area under the ROC curve."""
    if truth is None:
        return skip("planted", "nothing is known to be planted")
    value = recovery(found.base_scores, truth)
    return judge("planted", value, f"planted bases score above others in {value:.1%} of pairs")


def recovery(scores: NDArray[np.floating], truth: Items[tuple[int, int]]) -> float:
    """AUROC of base scores (n_bases,) for the bases of planted spans [start, end).

    Raises InputError where a span is no stretch of the sequence, or all bases are planted, or none.
    """
    from sklearn.metrics import roc_auc_score

    planted = np.zeros(len(scores), dtype=bool)
    for start, end in truth:
        if not 0 <= start < end <= len(scores):
            raise InputError(
                f"Planted bases [{start}, {end}) are no stretch of a sequence of {len(scores)} "
                "bases: give 0 <= start < end <= length."
            )
        planted[start:end] = True
    if planted.all() or not planted.any():
        raise InputError(
            f"{'All' if planted.any() else 'None of the'} {len(scores)} bases are planted, so that "
            "there is nothing to tell apart: give spans that leave others."
        )
    return float(roc_auc_score(planted, scores))
