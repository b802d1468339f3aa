"""Windows -> full rows of token ids, the same ones for the same seed and step."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...errors import CheckpointError, InputError
from ...tokens import DnaTokenizer
from .windows import Corpus

if TYPE_CHECKING:
    from tokenizers import Tokenizer

__all__ = ["DRAWS", "RowSampler", "attention_mask", "load_backend", "special_id", "tokenizer_file"]

DRAWS = ("batch", "row")

_TRIES = 200
_ALL = slice(None)


def tokenizer_file(folder: str | Path) -> Path:
    """Path of ``tokenizer.json`` in a folder, or of the file that is named itself."""
    path = Path(folder)
    return path / "tokenizer.json" if path.is_dir() else path


def load_backend(folder: str | Path) -> Tokenizer:
    """Read ``tokenizer.json`` of a folder (or a path to the file itself)."""
    path = tokenizer_file(folder)
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
    """Draws rows [CLS] t1 … tn [SEP] of at most `row_tokens` tokens, the two special ones included.

    From random windows, a row is the beginning of one window. A window too compressible to fill the
    row (or cut short by the end of its stretch) is drawn again from the same species, so the
    balance stays exact and no row has padding. Windows have `longest` bases: about 8 for each token
    fill nearly every row at 5 bases a token.

    From segments and records, a row is the whole of one, or, where that has more tokens, a random
    run of them; it may be shorter than `row_tokens`. Then the rest of the array is [PAD], which
    :func:`attention_mask` tells the network to leave out.

    The `seed` and the step determine a batch. With `draw` "batch" there is one stream of random
    numbers a batch, which every process draws whole; with "row" one a row, so that each of many
    processes draws its own rows only.
    """

    def __init__(
        self,
        corpus: Corpus,
        tokenizer: Tokenizer,
        row_tokens: int,
        longest: int,
        seed: int,
        draw: str = "batch",
    ) -> None:
        if row_tokens < 3:
            raise InputError(f"rows of {row_tokens} tokens; expected at least 3.")
        if draw not in DRAWS:
            raise InputError(f"draw is {draw!r}; expected {' or '.join(DRAWS)}.")
        self.corpus, self.tokenizer = corpus, tokenizer
        self.row_tokens, self.longest, self.seed = row_tokens, longest, seed
        self.draw = draw
        self._cls, self._sep = special_id(tokenizer, "[CLS]"), special_id(tokenizer, "[SEP]")
        self.pad_id = special_id(tokenizer, "[PAD]")

    def generator(self, step: int, purpose: int = 0, row: int = 0) -> np.random.Generator:
        """Fresh generator of one step.

        `purpose` separates streams: 0 windows, 1 masks, 2 dropout, 3 windows of one row,
        4 segmentations, 5 held-out windows.
        """
        # numpy takes a seed and the same one with zeros behind it for equal.
        key = [self.seed, step, purpose]
        return np.random.default_rng([*key, row] if row else key)

    def rows(
        self, step: int, count: int, index: int | None = None, part: slice = _ALL
    ) -> NDArray[np.int64]:
        """Batch of one step, (count, row_tokens) int64; the same step gives the same batch.

        All rows are of the species `index` of the corpus where it is given; only those of `part`
        are drawn and returned. A species without a window that fills a row is an `InputError`.
        """
        numbers = range(count)[part]
        if self.draw == "row":
            streams = {row: self.generator(step, 3, row) for row in numbers}
        else:
            streams = dict.fromkeys(range(count), self.generator(step))
        species = {
            row: self.corpus.choose(rng) if index is None else index for row, rng in streams.items()
        }
        found: dict[int, NDArray[np.int64]] = {}
        open_rows = list(streams)
        for _ in range(_TRIES):
            texts = [
                self.corpus.window(streams[row], self.longest, species[row]).bases
                for row in open_rows
            ]
            encoded = self.tokenizer.encode_batch(texts, add_special_tokens=False)
            for row, encoding in zip(open_rows, encoded, strict=True):
                cut = self._cut(encoding.ids, species[row], streams[row])
                if cut is not None:
                    found[row] = cut
            open_rows = [row for row in open_rows if row not in found]
            if not open_rows:
                return np.stack([found[row] for row in numbers])
        name = self.corpus.species[species[open_rows[0]]].species
        raise InputError(
            f"{name}: {_TRIES} windows of up to {self.longest} bases gave fewer than "
            f"{self.row_tokens - 2} tokens; use shorter rows or longer windows."
        )

    def padded(self, cut: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
        """Rows [CLS] t1 … tn [SEP] of ids without special tokens, then [PAD]: (rows, tokens) int64.

        They are as wide as the longest; what does not fit into `row_tokens` is left out.
        """
        cut = [ids[: self.row_tokens - 2] for ids in cut]
        rows = np.full((len(cut), 2 + max(map(len, cut), default=0)), self.pad_id, dtype=np.int64)
        rows[:, 0] = self._cls
        for row, ids in zip(rows, cut, strict=True):
            row[1 : len(ids) + 1], row[len(ids) + 1] = ids, self._sep
        return rows

    def _cut(
        self, ids: list[int], species: int, rng: np.random.Generator
    ) -> NDArray[np.int64] | None:
        """One row of a window's tokens; None if they are too few for a row that must be full."""
        wanted = self.row_tokens - 2
        start = 0
        if self.corpus.species[species].cut == "random":
            if len(ids) < wanted:
                return None
        elif len(ids) > wanted:
            start = int(rng.integers(len(ids) - wanted + 1))
        ids = ids[start : start + wanted]
        row = np.full(self.row_tokens, self.pad_id, dtype=np.int64)
        row[0], row[1 : len(ids) + 1], row[len(ids) + 1] = self._cls, ids, self._sep
        return row


def attention_mask(ids: NDArray[np.int64], pad_id: int) -> NDArray[np.int64] | None:
    """Return 1 for tokens and 0 for padding, shape of `ids`; None where there is no padding."""
    present = ids != pad_id
    return None if present.all() else present.astype(np.int64)
