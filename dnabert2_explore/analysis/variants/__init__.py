"""Variants: scores by a model, of any change of bases, fair to how it is cut into tokens."""

from .files import VcfSummary, score_vcf
from .score import SCORES, STRANDS, Scorer, score_variants
from .scores import Column, VariantScores

__all__ = [
    "SCORES",
    "STRANDS",
    "Column",
    "Scorer",
    "VariantScores",
    "VcfSummary",
    "score_variants",
    "score_vcf",
]
