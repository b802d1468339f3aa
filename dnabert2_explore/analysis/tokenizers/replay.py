"""How byte-pair encoding makes its tokens: merge by merge, in the order of the vocabulary."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...encoder import Bases, Encoder
from ...encoder.inputs import bases_of
from ...errors import InputError
from ...results.origins import recorded
from ...results.rich_display import RichDisplay, counted
from ...tokens import DnaTokenizer, Tokens

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["MergeReplay", "replay_merges"]

#: Bases at most: each merge looks at every border.
MOST = 20_000


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class MergeReplay(RichDisplay):
    """Merges that made the tokens of a sequence, in the order in which they were made.

    Attributes
    ----------
    tokens : Tokens
        What comes out, without special tokens.
    ranks : numpy.ndarray, shape (n_merges,), int64
        Place of each merge in the vocabulary, from 0: low ones join what stands together most often
        in the genomes it was learnt from. Never falling.
    spans : numpy.ndarray, shape (n_merges, 3), int64
        Bases that each joins: start, border that goes, end.
    size : int
        Merges of the vocabulary.
    smallest : int
        Entries of the vocabulary before its first merge: special tokens and single bases.
    """

    tokens: Tokens
    ranks: NDArray[np.int64]
    spans: NDArray[np.int64]
    size: int
    smallest: int

    def _line(self) -> str:
        n = len(self.tokens.bases)
        return (
            f"{counted(n, 'base')}, {counted(len(self.ranks), 'merge')}, "
            f"{counted(len(self.tokens), 'token')}"
            + (
                f"; the rarest merge is number {int(self.ranks.max()) + 1:,} of {self.size:,}"
                if len(self.ranks)
                else ""
            )
        )

    def borders(self, vocabulary: int) -> NDArray[np.int64]:
        """Where a smaller vocabulary of the same encoding cuts the sequence.

        A byte-pair encoding of fewer entries is the first part of a larger one, since each merge is
        learnt on what the ones before have made (Sennrich et al. 2016).

        Parameters
        ----------
        vocabulary : int
            Entries, special tokens and single bases among them.

        Returns
        -------
        numpy.ndarray, shape (n_tokens + 1,), int64
            Starts of the tokens, and the end of the last one.

        Raises
        ------
        InputError
            If it is smaller than single bases, or larger than the vocabulary is.
        """
        most = self.smallest + self.size
        if not self.smallest <= vocabulary <= most:
            raise InputError(
                f"vocabulary is {vocabulary:,}; this encoding can have {self.smallest:,} (single "
                f"bases) to {most:,} entries."
            )
        gone = self.spans[self.ranks < vocabulary - self.smallest, 1]
        starts = np.union1d(self.tokens.spans[:, 0], self.spans[:, 1])
        last = self.tokens.spans[-1:, 1]
        return np.concatenate([np.setdiff1d(starts, gone), last]).astype(np.int64)

    def table(self) -> pd.DataFrame:
        """Return a row a merge.

        Returns
        -------
        pandas.DataFrame
            ``step``, ``rank`` (both from 1), ``left``, ``right`` (bases), ``start``, ``border``,
            ``end`` (0-based, half-open).
        """
        import pandas as pd

        bases = self.tokens.bases
        rows = [
            (step + 1, int(rank) + 1, bases[a:b], bases[b:c], a, b, c)
            for step, (rank, (a, b, c)) in enumerate(
                zip(self.ranks, self.spans.tolist(), strict=True)
            )
        ]
        return pd.DataFrame(
            rows, columns=["step", "rank", "left", "right", "start", "border", "end"]
        )


@recorded
def replay_merges(enc: Encoder | DnaTokenizer, bases: Bases) -> MergeReplay:
    """Make a sequence's tokens once more, merge by merge.

    Byte-pair encoding starts from single bases and joins, again and again, the neighbours whose
    merge was learnt first, from left to right where several are the same.

    Parameters
    ----------
    enc : Encoder or DnaTokenizer
        An anchor is left aside: the sequence is read as a whole.
    bases : str or Sequence
        At most 20,000 bases.

    Returns
    -------
    MergeReplay

    Raises
    ------
    InputError
        If the sequence is longer, or has no bases.

    Warns
    -----
    UnknownBasesWarning
        If there are characters that the vocabulary does not have; nothing is joined across them.

    References
    ----------
    Sennrich, Haddow & Birch 2016, Neural machine translation of rare words with subword units.

    Examples
    --------
    >>> import dnabert2_explore as dx
    >>> found = dx.replay_merges(dx.load("pocket"), "TATAAAAG")
    >>> found.table()[["left", "right", "rank"]].values.tolist()[0]
    ['A', 'A', 1]
    >>> found.borders(9).tolist()
    [0, 1, 2, 3, 4, 5, 6, 7, 8]
    """
    text = bases_of(bases)
    if len(text) > MOST:
        raise InputError(f"{len(text):,} bases are too many to replay: give up to {MOST:,}.")
    tokenizer = enc if isinstance(enc, DnaTokenizer) else enc.tokenizer
    if tokenizer.anchor is not None:
        tokenizer = DnaTokenizer(tokenizer.backend)
    tokens = tokenizer.encode(text, special=False)
    if not len(tokens):
        raise InputError("There are no bases to replay: give a sequence.")
    order = {pair: rank for rank, pair in enumerate(tokenizer.merges)}
    steps = [
        step
        for i in range(len(tokens))
        if not tokens.unknown[i]
        for step in _steps(tokens.tokens[i], tuple(tokens.spans[i].tolist()), order, text)
    ]
    steps.sort()  # tokens do not meet: their merges are independent, and made by rank from the left
    found = np.array(steps, dtype=np.int64).reshape(-1, 4)
    return MergeReplay(
        tokens,
        found[:, 0],
        found[:, [1, 2, 3]],
        len(order),
        len(tokenizer) - len(order),
    )


def _steps(
    token: str, span: tuple[int, int], order: dict[tuple[str, str], int], text: str
) -> list[tuple[int, int, int, int]]:
    """Make one token of its bases: rank, start, border, end in the sequence of each merge."""
    start, stop = span  # white space belongs to the base before it
    borders = [at for at in range(start, stop) if not text[at].isspace()] + [stop]
    pieces = list(token)
    found = []
    while len(pieces) > 1:
        rank, at = min(
            (order.get(pair, len(order)), at) for at, pair in enumerate(pairwise(pieces))
        )
        if rank == len(order):
            break  # a token that the vocabulary holds without merges that lead to it
        found.append((rank, borders[at], borders[at + 1], borders[at + 2]))
        pieces[at : at + 2] = [pieces[at] + pieces[at + 1]]
        del borders[at + 1]
    return found
