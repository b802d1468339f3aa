"""How far several attributions of one sequence agree on which bases matter."""

from __future__ import annotations

from collections.abc import Sequence as Items
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ....common.stats import spearman
from ....errors import InputError
from ....results.origins import recorded
from ....results.rich_display import RichDisplay, counted
from ...methods import METHODS
from ..result import Attribution

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["RankCorrelations", "rank_correlations"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RankCorrelations(RichDisplay):
    """Spearman's rank correlation of the base scores of each two attributions.

    Attributes
    ----------
    methods : tuple of str
        Names in `METHODS`.
    rho : numpy.ndarray, shape (n, n), float64
        NaN where all scores of one of the two are equal.
    magnitudes : numpy.ndarray, shape (n, n), bool
        Where one of the two has no sign, and the magnitudes of both were compared.
    n_bases, n_tokens : int
        What it is computed over: all bases, which share the scores of so many tokens. Bases of one
        token are no independent observations.
    """

    methods: tuple[str, ...]
    rho: NDArray[np.float64]
    magnitudes: NDArray[np.bool_]
    n_bases: int
    n_tokens: int

    def __str__(self) -> str:
        return (
            f"Spearman's rank correlation of base scores over {counted(self.n_bases, 'base')} "
            f"({counted(self.n_tokens, 'token')})"
        )

    def table(self) -> pd.DataFrame:
        """Return the correlations as a table, a row and a column for each method.

        Returns
        -------
        pandas.DataFrame
            Index and columns are the methods' names.
        """
        import pandas as pd

        return pd.DataFrame(self.rho, index=list(self.methods), columns=list(self.methods))


@recorded
def rank_correlations(results: Items[Attribution]) -> RankCorrelations:
    """Compare attributions of one sequence pair by pair.

    A method without a sign (saliency) can only be compared by magnitude: for its pairs, the
    magnitudes of both methods are ranked.

    Parameters
    ----------
    results : sequence of Attribution
        At least two, of the same sequence.

    Returns
    -------
    RankCorrelations

    Raises
    ------
    InputError
        If there are fewer than two, or they are not of the same sequence.

    References
    ----------
    Spearman 1904, The proof and measurement of association between two things.
    """
    if len(results) < 2:
        raise InputError(
            f"{counted(len(results), 'attribution')} cannot be compared: give at least two."
        )
    first = results[0].tokens
    if any(result.tokens.bases != first.bases for result in results):
        raise InputError(
            "These attributions are of different sequences, whose bases do not pair up: compare "
            "methods on one sequence."
        )
    n = len(results)
    rho, magnitudes = np.eye(n), np.zeros((n, n), dtype=bool)
    for i in range(n):
        for j in range(i):
            both = [results[i], results[j]]
            unsigned = not all(METHODS[one.method].signed for one in both)
            a, b = (abs(one.base_scores) if unsigned else one.base_scores for one in both)
            rho[i, j] = rho[j, i] = spearman(a, b)
            magnitudes[i, j] = magnitudes[j, i] = unsigned
    return RankCorrelations(
        methods=tuple(result.method for result in results),
        rho=rho,
        magnitudes=magnitudes,
        n_bases=len(first.bases),
        n_tokens=int((~first.special).sum()),
    )
