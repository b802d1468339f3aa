"""Attribution: how much each token and base speaks for one output of a model."""

from .attribute import attribute, explain
from .baselines import BASELINES
from .methods import METHODS, MethodInfo, find_method
from .mutagenesis import Mutagenesis, saturation_mutagenesis
from .question import OUTPUTS, Question
from .result import Attribution
from .spread import SPREADS

__all__ = [
    "BASELINES",
    "METHODS",
    "OUTPUTS",
    "SPREADS",
    "Attribution",
    "MethodInfo",
    "Mutagenesis",
    "Question",
    "attribute",
    "explain",
    "find_method",
    "saturation_mutagenesis",
]
