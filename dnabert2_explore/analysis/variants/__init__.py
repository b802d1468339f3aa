"""Variants: scores by a model, of any change of bases, fair to how it is cut into tokens."""

from .calibration import Calibration, Comparison, calibrate, calibrate_table, read_labels
from .files import VcfSummary, score_vcf
from .score import SCORES, STRANDS, Scorer, score_variants
from .scores import Column, VariantScores

__all__ = [
    "SCORES",
    "STRANDS",
    "Calibration",
    "Column",
    "Comparison",
    "Scorer",
    "VariantScores",
    "VcfSummary",
    "calibrate",
    "calibrate_table",
    "read_labels",
    "score_variants",
    "score_vcf",
]
