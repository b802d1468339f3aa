"""Lessons that grade themselves: what checks an answer, and the notebooks they stand in.

The notebooks are `notebooks/lessons/`; ``dnabert2-explore lessons DIR`` copies them. No answer is
kept here: a check computes it from what the question is about, which the notebook hands it.
"""

from __future__ import annotations

from .answers import Right, Wrong
from .grade import check, exercises

__all__ = ["Right", "Wrong", "check", "exercises"]
