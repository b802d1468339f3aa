"""Attribution: how much each token and base speaks for one output of a model, and how surely."""

from ..methods import BY_COST, METHODS, MethodInfo, find_method
from ..settings import AttributionSettings
from .agreement import RankCorrelations, rank_correlations
from .attribute import attribute, explain
from .baselines import BASELINES
from .checks import CHECKS, Check
from .explained_output import OUTPUTS, ExplainedOutput
from .mutagenesis import Mutagenesis, saturation_mutagenesis
from .offsets import OffsetAverage, average_offsets
from .result import Attribution
from .scorecard import Scorecard, scorecard
from .spread import SPREADS
from .strands import StrandMirror, mirror_strands

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
