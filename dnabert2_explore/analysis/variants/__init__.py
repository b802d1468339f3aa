"""Variants: scores by a model, of any change of bases, fair to how it is cut into tokens."""

from .score import SCORES, STRANDS, Scorer, score_variants
from .scores import Column, VariantScores

__all__ = ["SCORES", "STRANDS", "Column", "Scorer", "VariantScores", "score_variants"]
