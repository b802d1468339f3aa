"""Other segmentations of a sequence than the tokenizer's own, drawn by a seed.

A network that sees every sequence cut in one way only learns tokens by heart; one that sees it cut
in many ways has to learn bases (subword regularisation: Kudo 2018, arXiv 1804.10959; BPE dropout:
Provilkov et al. 2020, arXiv 1910.13267). Both ways here give the same tokens in every process: the
dropout of the ``tokenizers`` library cannot be seeded.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer
from tokenizers.models import BPE

from ..errors import InputError
from .tokenizer import DnaTokenizer

__all__ = ["Segmentation", "random_cuts", "resegment"]

_known: WeakKeyDictionary[DnaTokenizer, _Merges] = WeakKeyDictionary()

#: What a BPE model has beside its vocabulary and merges.
_SETTINGS = (
    "unk_token",
    "continuing_subword_prefix",
    "end_of_word_suffix",
    "fuse_unk",
    "byte_fallback",
    "ignore_merges",
)

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
    tokenizer: DnaTokenizer,
    sequences: Sequence[str],
    how: Segmentation,
    rng: np.random.Generator,
) -> list[NDArray[np.int64]]:
    """Cut clean sequences (upper-case bases, at least one each) into tokens in another way.

    The tokenizer is left as it is; where it has an anchor, a [SEP] stands there. The generator is
    consumed: the same state gives the same tokens. Ids have [CLS] and [SEP].

    Examples
    --------
    >>> from dnabert2_explore import load
    >>> tokenizer = load("pocket").tokenizer
    >>> bases = "TATAAAAGGCGCGCACTGACTGATCG"
    >>> (ids,) = resegment(tokenizer, [bases], Segmentation(cuts=0.5), np.random.default_rng(0))
    >>> "".join(tokenizer.token(i) for i in ids[1:-1]) == bases
    True
    """
    found: list[NDArray[np.int64]] = []
    for start in range(0, len(sequences), _SHARED):
        group = sequences[start : start + _SHARED]
        cutter = (
            _merges_of(tokenizer).thinned(how.dropout, rng) if how.dropout else tokenizer.backend
        )
        borders = [_borders(len(bases), how.cuts, rng) for bases in group]
        found.extend(_encode(tokenizer, cutter, group, borders))
    return found


def random_cuts(
    tokenizer: DnaTokenizer, sequences: Sequence[str], cuts: float, number: int
) -> list[NDArray[np.int64]]:
    """Segment clean sequences by random borders that depend on each sequence alone: ids of each.

    The answer for a sequence is the same in every process, whatever it is computed with. `cuts` is
    the chance of a border before each base, `number` says which of a sequence's segmentations. Ids
    have [CLS] and [SEP].
    """
    borders = [
        _borders(len(bases), cuts, np.random.default_rng([number, zlib.crc32(bases.encode())]))
        for bases in sequences
    ]
    return _encode(tokenizer, tokenizer.backend, sequences, borders)


def _borders(length: int, cuts: float, rng: np.random.Generator) -> list[int]:
    """Draw forced borders inside a sequence."""
    return (np.flatnonzero(rng.random(length - 1) < cuts) + 1).tolist() if cuts else []


def _encode(
    tokenizer: DnaTokenizer, cutter: Tokenizer, sequences: Sequence[str], borders: list[list[int]]
) -> list[NDArray[np.int64]]:
    """Encode the pieces between borders and join their ids."""
    pieces: list[str] = []
    shapes: list[tuple[int, int]] = []  # pieces of each sequence: before its anchor, in all
    for bases, inside in zip(sequences, borders, strict=True):
        at = tokenizer.place(len(bases))
        edges = sorted({0, len(bases), *inside, *([] if at is None else [at])})
        pieces.extend(bases[a:b] for a, b in pairwise(edges))
        shapes.append((0 if at is None else edges.index(at), len(edges) - 1))
    encoded = cutter.encode_batch_fast(pieces, add_special_tokens=False)
    rows: list[NDArray[np.int64]] = []
    start = 0
    for before, count in shapes:
        ids = [tokenizer.cls_id]
        for number, piece in enumerate(encoded[start : start + count]):
            if before and number == before:
                ids.append(tokenizer.sep_id)
            ids.extend(piece.ids)
        rows.append(np.array([*ids, tokenizer.sep_id], dtype=np.int64))
        start += count
    return rows


class _Merges:
    """A copy of a tokenizer, some of whose merges are left out; ids stay what they are."""

    def __init__(self, tokenizer: DnaTokenizer) -> None:
        text = tokenizer.backend.to_str()
        self._copy = Tokenizer.from_str(text)
        model = json.loads(text)["model"]
        self._merges = tokenizer.merges
        self._vocabulary = model["vocab"]
        self._settings = {name: model[name] for name in _SETTINGS if model.get(name) is not None}

    def thinned(self, dropout: float, rng: np.random.Generator) -> Tokenizer:
        """Draw what is left out; the tokenizer returned is good until the next drawing."""
        kept = rng.random(len(self._merges)) >= dropout
        self._copy.model = BPE(
            vocab=self._vocabulary,
            merges=[merge for merge, keep in zip(self._merges, kept, strict=True) if keep],
            # The library keeps what a model has cached for good: half a megabyte a drawing.
            cache_capacity=0,
            **self._settings,
        )
        return self._copy


def _merges_of(tokenizer: DnaTokenizer) -> _Merges:
    if tokenizer not in _known:
        _known[tokenizer] = _Merges(tokenizer)
    return _known[tokenizer]
