"""Windows -> full rows of token ids, the same ones for the same seed and step."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import CheckpointError, InputError
from ..tokens import DnaTokenizer
from .corpus import Corpus

if TYPE_CHECKING:
    from tokenizers import Tokenizer

__all__ = ["RowSampler", "load_backend", "special_id"]

_TRIES = 200


def load_backend(folder: str | Path) -> Tokenizer:
    """Read ``tokenizer.json`` of a folder (or a path to the file itself)."""
    path = Path(folder)
    path = path / "tokenizer.json" if path.is_dir() else path
    if not path.is_file():
        raise CheckpointError(f"no tokenizer at {path}; run `dnabert2-explore train-tokenizer`.")
    return DnaTokenizer.from_file(path).backend


def special_id(tokenizer: Tokenizer, name: str) -> int:
    """Id of a special token such as "[MASK]"; an :class:`InputError` if there is none."""
    index: int | None = tokenizer.token_to_id(name)
    if index is None:
        raise InputError(f"the tokenizer has no {name}; expected DNABERT-2's special tokens.")
    return index


class RowSampler:
    """Draws rows [CLS] t1 … tn [SEP] with no padding.

    A row is the beginning of one window. A window too compressible to fill the row (or cut short
    by the end of its stretch) is drawn again from the same species, so the balance stays exact.

    Parameters
    ----------
    corpus : Corpus
        Where windows come from.
    tokenizer : tokenizers.Tokenizer
        With [CLS] and [SEP].
    row_tokens : int
        Tokens a row, the two special ones included.
    longest : int
        Bases a window; about 8 for each token fill nearly every row at 5 bases a token.
    seed : int
        With the step, determines the batch.
    """

    def __init__(
        self, corpus: Corpus, tokenizer: Tokenizer, row_tokens: int, longest: int, seed: int
    ) -> None:
        if row_tokens < 3:
            raise InputError(f"rows of {row_tokens} tokens; expected at least 3.")
        self.corpus, self.tokenizer = corpus, tokenizer
        self.row_tokens, self.longest, self.seed = row_tokens, longest, seed
        self._cls, self._sep = special_id(tokenizer, "[CLS]"), special_id(tokenizer, "[SEP]")

    def generator(self, step: int, purpose: int = 0) -> np.random.Generator:
        """Fresh generator of one step; `purpose` separates streams (0 windows, 1 masks)."""
        return np.random.default_rng([self.seed, step, purpose])

    def rows(self, step: int, count: int, index: int | None = None) -> NDArray[np.int64]:
        """Batch of one step.

        Parameters
        ----------
        step : int
            Batches of different steps are independent; the same step gives the same batch.
        count : int
            Rows.
        index : int, optional
            Draw every row from this species of the corpus.

        Returns
        -------
        (count, row_tokens) int64

        Raises
        ------
        InputError
            If a species has no window that fills a row.
        """
        rng = self.generator(step)
        out = np.empty((count, self.row_tokens), dtype=np.int64)
        out[:, 0], out[:, -1] = self._cls, self._sep
        wanted = self.row_tokens - 2
        species = [self.corpus.choose(rng) if index is None else index for _ in range(count)]
        open_rows = list(range(count))
        for _ in range(_TRIES):
            texts = [self.corpus.window(rng, self.longest, species[r]).bases for r in open_rows]
            short = []
            encoded = self.tokenizer.encode_batch(texts, add_special_tokens=False)
            for row, encoding in zip(open_rows, encoded, strict=True):
                ids = encoding.ids
                if len(ids) < wanted:
                    short.append(row)
                else:
                    out[row, 1:-1] = ids[:wanted]
            if not short:
                return out
            open_rows = short
        name = self.corpus.species[species[open_rows[0]]].species
        raise InputError(
            f"{name}: {_TRIES} windows of up to {self.longest} bases gave fewer than {wanted} "
            "tokens; use shorter rows or longer windows."
        )
