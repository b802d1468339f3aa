"""What an attribution finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ...results.rich_display import RichDisplay, counted
from ...tokens import Tokens

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Attribution"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Attribution(RichDisplay):
    """Contributions of tokens and bases to one output of a model.

    Attributes
    ----------
    tokens : Tokens
        The tokens, special ones included.
    token_scores : numpy.ndarray, shape (n_tokens,), float32
        Contribution of each token, in `unit`. Tokens that the model does not read, because its
        training cut longer input, have 0.
    base_scores : numpy.ndarray, shape (n_bases,), float32
        Contribution of each base, in `unit`: a token's contribution spread over its bases as
        `spread` says. The sum over a token's bases is the token's score. Special tokens have no
        bases; their share is in `token_scores` only.
    delta : float or None
        Convergence: the sum of `token_scores` minus (score - baseline score), 0 if the method were
        exact. None where the method promises no such sum.
    method : str
    target : int or tuple of int
        Class index, or the base span [start, end) whose masked tokens were predicted.
    target_name : str
    score : float
        The output that was explained, in `unit`.
    baseline_score : float or None
        The same output at the baseline (their mean, of several); None where none is used.
    unit : str
        ``"logit"``, ``"probability"``, ``"nats"`` (log-likelihood) or ``"value"``.
    probabilities : numpy.ndarray, shape (classes,), or None
        What the model predicts, for a model with classes.
    classes : tuple of str
    model : str
        The model and how it ran.
    baseline : str
        What took the place of the tokens; empty where the method needs none.
    spread : str
        How tokens' scores were spread over bases; ``"bases"`` where the method scores bases.
    settings : tuple of (str, str)
        The method's settings, for captions and files.
    visible : numpy.ndarray, shape (n_bases,), bool, or None
        Bases that the model reads: not those that training cut off, nor those under a masked span.
        None for all.
    """

    tokens: Tokens
    token_scores: NDArray[np.float32]
    base_scores: NDArray[np.float32]
    delta: float | None
    method: str
    target: int | tuple[int, int]
    target_name: str
    score: float
    baseline_score: float | None
    unit: str
    probabilities: NDArray[np.float32] | None
    classes: tuple[str, ...]
    model: str
    baseline: str = ""
    spread: str = "even"
    settings: tuple[tuple[str, str], ...] = ()
    visible: NDArray[np.bool_] | None = None

    def _line(self) -> str:
        closes = "" if self.delta is None else f", delta {self.delta:+.3g}"
        return (
            f"{self.target_name}, {self.score:.3f} {self.unit}, by {self.method}"
            f"{closes}; {counted(len(self.base_scores), 'base')} in "
            f"{counted(int((~self.tokens.special).sum()), 'token')}"
        )

    @property
    def seen(self) -> NDArray[np.bool_]:
        """Bases that the model reads, shape (n_bases,)."""
        return np.ones(len(self.base_scores), bool) if self.visible is None else self.visible

    @property
    def change(self) -> float:
        """What a complete method explains: score minus baseline score; NaN without a baseline."""
        return float("nan") if self.baseline_score is None else self.score - self.baseline_score

    def table(self, per: Literal["token", "base"] = "token") -> pd.DataFrame:
        """Return the contributions as a table.

        Parameters
        ----------
        per : {"token", "base"}
            What a row is.

        Returns
        -------
        pandas.DataFrame
            ``token``, ``start``, ``end`` (bases, 0-based half-open) and ``score``; or ``position``
            (0-based), ``base`` and ``score``. Scores are in `unit`.

        Raises
        ------
        InputError
            If `per` is neither.
        """
        import pandas as pd

        if per == "token":
            table = self.tokens.table()[["token", "start", "end"]]
            return table.assign(score=self.token_scores)
        if per != "base":
            raise InputError(f"per is {per!r}: choose 'token' or 'base'.")
        bases = list(self.tokens.bases)
        return pd.DataFrame(
            {"position": range(len(bases)), "base": bases, "score": self.base_scores}
        )
