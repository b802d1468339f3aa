"""Variants: scores by a model, of any change of bases, fair to how it is cut into tokens."""

from .calibration import Calibration, Comparison, calibrate, calibrate_table
from .files import VcfSummary, score_vcf
from .labels import VariantLabels, read_labels
from .score import score_variants
from .scorer import SCORES, STRANDS, VariantScorer
from .scores import Column, VariantScores

__all__ = [
    "SCORES",
    "STRANDS",
    "Calibration",
    "Column",
    "Comparison",
    "VariantLabels",
    "VariantScorer",
    "VariantScores",
    "VcfSummary",
    "calibrate",
    "calibrate_table",
    "read_labels",
    "score_variants",
    "score_vcf",
]
