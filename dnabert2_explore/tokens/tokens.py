"""A sequence cut into tokens, with the bases each token covers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..results.rich_display import RichDisplay, counted
from ..sequences import Composition

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Tokens"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Tokens(RichDisplay):
    """A segmentation of one sequence.

    Attributes
    ----------
    bases : str
        The sequence exactly as the caller passed it; `spans` index into it.
    ids : numpy.ndarray, shape (n,), int64
        Vocabulary ids.
    tokens : tuple of str
        Vocabulary entries, special ones as ``"[CLS]"``.
    spans : numpy.ndarray, shape (n, 2), int64
        Half-open base ranges, 0-based. Special tokens have empty spans. The spans of a BPE
        segmentation tile ``[0, len(bases))`` exactly; white space belongs to the token before it,
        leading white space to the first.
    special : numpy.ndarray, shape (n,), bool
        True for [CLS], [SEP], [PAD] and [MASK].
    unknown : numpy.ndarray, shape (n,), bool
        True for [UNK]: a character the vocabulary does not have.
    composition : Composition
        How many bases of which kind `bases` holds.
    """

    bases: str
    ids: NDArray[np.int64]
    tokens: tuple[str, ...]
    spans: NDArray[np.int64]
    special: NDArray[np.bool_]
    unknown: NDArray[np.bool_]
    composition: Composition = field(repr=False)

    def _line(self) -> str:
        n = int((~self.special).sum())
        return (
            f"{counted(len(self.bases), 'base')} in {counted(n, 'token')}{self._mean_length}: "
            + " ".join(self.tokens[:24])
        )

    @property
    def _mean_length(self) -> str:
        return f", {self.bases_per_token:.2f} bases a token" if not self.special.all() else ""

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Bases under each token, shape (n,); 0 for special tokens."""
        return self.spans[:, 1] - self.spans[:, 0]

    @property
    def bases_per_token(self) -> float:
        """Mean number of bases of a token that is not special; NaN without any."""
        sizes = [
            1 if token == "[UNK]" else len(token)
            for token, special in zip(self.tokens, self.special, strict=True)
            if not special
        ]
        return sum(sizes) / len(sizes) if sizes else float("nan")

    def at(self, position: int) -> int:
        """Index of the token that covers base `position` (0-based).

        Raises
        ------
        InputError
            If the position lies outside the sequence.
        """
        return self.covering(position, position + 1)[0]

    def covering(self, start: int, end: int) -> tuple[int, int]:
        """Half-open range of tokens that overlap the bases [start, end).

        Parameters
        ----------
        start, end : int
            0-based, half-open; at least one base.

        Returns
        -------
        tuple of int
            First token and one past the last.

        Raises
        ------
        InputError
            If the range is empty, leaves the sequence, or holds no base.
        """
        if not 0 <= start < end <= len(self.bases):
            raise InputError(
                f"Bases [{start}, {end}) are not a stretch of a sequence of {len(self.bases)} "
                "bases: give 0 <= start < end <= length."
            )
        hit = np.flatnonzero((self.spans[:, 0] < end) & (self.spans[:, 1] > start))
        if not hit.size:
            raise InputError(
                f"Bases [{start}, {end}) are white space only, which no token covers: choose bases."
            )
        return int(hit[0]), int(hit[-1]) + 1

    def table(self) -> pd.DataFrame:
        """Return the tokens as a table, one row each.

        Returns
        -------
        pandas.DataFrame
            ``token``, ``id``, ``start`` and ``end`` (bases, 0-based half-open), ``special``,
            ``unknown``.
        """
        import pandas as pd

        return pd.DataFrame(
            {
                "token": list(self.tokens),
                "id": self.ids,
                "start": self.spans[:, 0],
                "end": self.spans[:, 1],
                "special": self.special,
                "unknown": self.unknown,
            }
        )
