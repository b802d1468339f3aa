"""Other segmentations of a sequence than the tokenizer's own, drawn by a seed.

A network that sees every sequence cut in one way only learns tokens by heart; one that sees it cut
in many ways has to learn bases (subword regularisation: Kudo 2018, arXiv 1804.10959; BPE dropout:
Provilkov et al. 2020, arXiv 1910.13267). Both ways here give the same tokens in every process: the
dropout of the ``tokenizers`` library cannot be seeded.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from ..errors import InputError

__all__ = ["Segmentation", "resegment"]

#: Sequences that share one draw of left-out merges.
_SHARED = 64


@dataclass(frozen=True, slots=True)
class Segmentation:
    """How strongly segmentations vary.

    Parameters
    ----------
    cuts : float
        Chance of a border before each base: tokens end there whatever the vocabulary holds.
    dropout : float
        Chance of each merge of the vocabulary to be left out, drawn anew for every 64 sequences
        (BPE dropout draws by place; a token of eight bases needs about five merges, so that 0.1
        takes away 40% of them).

    Raises
    ------
    InputError
        If a chance is not in [0, 1).

    Examples
    --------
    >>> bool(Segmentation()), bool(Segmentation(cuts=0.05))
    (False, True)
    """

    cuts: float = 0.0
    dropout: float = 0.0

    def __post_init__(self) -> None:
        for name in ("cuts", "dropout"):
            value = getattr(self, name)
            if not 0.0 <= value < 1.0:
                raise InputError(
                    f"segmentation {name} is {value}; expected a chance of at least 0, below 1."
                )

    def __bool__(self) -> bool:
        return bool(self.cuts or self.dropout)


def resegment(
    tokenizer: Tokenizer,
    sequences: Sequence[str],
    how: Segmentation,
    rng: np.random.Generator,
) -> list[NDArray[np.int64]]:
    """Cut sequences into tokens, each time in another way.

    Parameters
    ----------
    tokenizer : tokenizers.Tokenizer
        Left as it is.
    sequences : sequence of str
        Clean: upper-case bases.
    how : Segmentation
    rng : numpy.random.Generator
        Consumed: the same state gives the same tokens.

    Returns
    -------
    list of numpy.ndarray, shape (n,), int64
        Ids without special tokens.

    Examples
    --------
    >>> from dnabert2_explore import load
    >>> tokenizer = load("pocket").tokenizer
    >>> bases = "TATAAAAGGCGCGCACTGACTGATCG"
    >>> (ids,) = resegment(
    ...     tokenizer.backend, [bases], Segmentation(cuts=0.5), np.random.default_rng(0)
    ... )
    >>> "".join(tokenizer.token(i) for i in ids) == bases
    True
    """
    found: list[NDArray[np.int64]] = []
    for start in range(0, len(sequences), _SHARED):
        group = sequences[start : start + _SHARED]
        cutter = _thinned(tokenizer, how.dropout, rng) if how.dropout else tokenizer
        found.extend(_encode(cutter, group, how.cuts, rng))
    return found


def _encode(
    tokenizer: Tokenizer, sequences: Sequence[str], cuts: float, rng: np.random.Generator
) -> list[NDArray[np.int64]]:
    """Encode the pieces between forced borders and join their ids."""
    pieces: list[str] = []
    ends: list[int] = []
    for bases in sequences:
        borders = np.flatnonzero(rng.random(max(len(bases) - 1, 0)) < cuts) + 1 if cuts else ()
        edges = [0, *(int(border) for border in borders), len(bases)]
        pieces.extend(bases[a:b] for a, b in pairwise(edges))
        ends.append(len(pieces))
    encoded = tokenizer.encode_batch_fast(pieces, add_special_tokens=False)
    ids = [one.ids for one in encoded]
    joined = []
    for start, end in pairwise([0, *ends]):
        joined.append(np.array([i for piece in ids[start:end] for i in piece], dtype=np.int64))
    return joined


def _thinned(tokenizer: Tokenizer, dropout: float, rng: np.random.Generator) -> Tokenizer:
    """Copy a tokenizer without some of its merges; ids stay what they are."""
    content = json.loads(tokenizer.to_str())
    merges = content["model"]["merges"]
    kept = rng.random(len(merges)) >= dropout
    content["model"]["merges"] = [merge for merge, keep in zip(merges, kept, strict=True) if keep]
    return Tokenizer.from_str(json.dumps(content))
