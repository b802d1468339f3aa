"""Attribution: how much each token and base speaks for one output of a model, and how surely."""

from ..methods import BY_COST, METHODS, MethodInfo, find_method
from ..settings import AttributionSettings
from .attribute import attribute, explain
from .explained_output import OUTPUTS, ExplainedOutput
from .methods.baselines import BASELINES
from .mutagenesis import Mutagenesis, saturation_mutagenesis
from .offsets import OffsetAverage, average_offsets
from .result import Attribution
from .spread import SPREADS
from .strands import StrandMirror, mirror_strands
from .trust.agreement import RankCorrelations, rank_correlations
from .trust.checks import CHECKS, Check
from .trust.scorecard import Scorecard, scorecard

__all__ = [
    "BASELINES",
    "BY_COST",
    "CHECKS",
    "METHODS",
    "OUTPUTS",
    "SPREADS",
    "Attribution",
    "AttributionSettings",
    "Check",
    "ExplainedOutput",
    "MethodInfo",
    "Mutagenesis",
    "OffsetAverage",
    "RankCorrelations",
    "Scorecard",
    "StrandMirror",
    "attribute",
    "average_offsets",
    "explain",
    "find_method",
    "mirror_strands",
    "rank_correlations",
    "saturation_mutagenesis",
    "scorecard",
]
