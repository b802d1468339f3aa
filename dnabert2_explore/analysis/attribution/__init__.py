"""Attribution: how much each token and base speaks for one output of a model, and how surely."""

from .agreement import RankCorrelations, rank_correlations
from .attribute import attribute, explain
from .baselines import BASELINES
from .checks import CHECKS, Check
from .methods import METHODS, MethodInfo, find_method
from .mutagenesis import Mutagenesis, saturation_mutagenesis
from .phases import PhaseAverage, average_phases
from .question import OUTPUTS, Question
from .result import Attribution
from .scorecard import Scorecard, scorecard
from .spread import SPREADS
from .strands import StrandMirror, mirror_strands

__all__ = [
    "BASELINES",
    "CHECKS",
    "METHODS",
    "OUTPUTS",
    "SPREADS",
    "Attribution",
    "Check",
    "MethodInfo",
    "Mutagenesis",
    "PhaseAverage",
    "Question",
    "RankCorrelations",
    "Scorecard",
    "StrandMirror",
    "attribute",
    "average_phases",
    "explain",
    "find_method",
    "mirror_strands",
    "rank_correlations",
    "saturation_mutagenesis",
    "scorecard",
]
