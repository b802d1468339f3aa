"""How two alleles are cut into tokens, and where the cuts differ."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ...sequences import clean, common_ends
from ...sequences.codes import codes
from ...sequences.variants.variant import Windows
from ...tokens import DnaTokenizer

__all__ = ["Allele", "Pair", "Vocabulary", "cut_pairs"]


class Vocabulary:
    """What scores need to know of the entries of a tokenizer."""

    def __init__(self, tokenizer: DnaTokenizer) -> None:
        self.tokenizer = tokenizer
        entries = tokenizer.vocabulary
        #: Id of every entry that is made of A, C, G and T.
        self.ids = {text: index for text, index in entries.items() if not set(text) - set("ACGT")}
        #: Bases under every id: 1 for [UNK] (one character each), 0 for other special entries.
        self.lengths = np.zeros(max(entries.values()) + 1, dtype=np.int64)
        for text, index in self.ids.items():
            self.lengths[index] = len(text)
        self.lengths[tokenizer.unk_id] = 1

    @cached_property
    def longest(self) -> int:
        """Bases of the longest entry."""
        return max(map(len, self.ids), default=0)

    @cached_property
    def by_length(self) -> dict[int, tuple[NDArray[np.int64], NDArray[np.int8]]]:
        """For every length: the ids of the entries, and their bases as 0 to 3, (n, length)."""
        groups: dict[int, list[str]] = {}
        for text in self.ids:
            groups.setdefault(len(text), []).append(text)
        return {
            length: (
                np.array([self.ids[text] for text in texts], dtype=np.int64),
                codes("".join(texts)).reshape(len(texts), length),
            )
            for length, texts in groups.items()
        }


@dataclass(frozen=True, slots=True, eq=False)
class Allele:
    """One allele in its window, cut into tokens.

    Attributes
    ----------
    bases : str
        The window.
    ids : numpy.ndarray, shape (n,), int64
        With [CLS] and [SEP].
    starts : numpy.ndarray, shape (n + 1,), int64
        Base at which each token begins; the last is the end of the window.
    first, last : int
        The region: tokens [first, last) in which the two cuts differ.
    """

    bases: str
    ids: NDArray[np.int64]
    starts: NDArray[np.int64]
    first: int
    last: int

    @property
    def region(self) -> NDArray[np.int64]:
        """Ids of the region."""
        return self.ids[self.first : self.last]

    @property
    def span(self) -> tuple[int, int]:
        """Bases of the region, 0-based, half-open, in the window."""
        return int(self.starts[self.first]), int(self.starts[self.last])

    @property
    def text(self) -> str:
        """Bases of the region."""
        start, end = self.span
        return self.bases[start:end]


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """Both alleles of a variant on one strand.

    The tokens before the regions are the same in both, and so are those behind them.
    """

    ref: Allele
    alt: Allele


def cut_pairs(windows: list[Windows], vocabulary: Vocabulary) -> list[Pair]:
    """Tokenize both alleles of each, and find where the tokens differ.

    Tokens are compared from the left until they differ, and then from the right. Where an
    insertion or deletion of whole tokens leaves one allele without a token of its own, the
    regions are widened by the next token on each side, so that both have some.
    """
    texts = [text for one in windows for text in (one.ref, one.alt)]
    cleaned = [clean(text) for text in texts]
    ids = vocabulary.tokenizer.encode_ids_batch(cleaned)
    pairs = []
    for number in range(len(windows)):
        two = slice(2 * number, 2 * number + 2)
        pairs.append(_pair(texts[two], ids[two], vocabulary))
    return pairs


def _pair(texts: list[str], ids: list[NDArray[np.int64]], vocabulary: Vocabulary) -> Pair:
    ref, alt = ids
    head, tail = common_ends(ref.tolist(), alt.tolist())
    if head + tail >= min(len(ref), len(alt)):
        # [CLS] and [SEP] are no neighbours to widen by: they carry no bases.
        head, tail = max(1, head - 1), max(1, tail - 1)
    ends = (len(ref) - tail, len(alt) - tail)
    made = []
    for text, own, last in zip(texts, ids, ends, strict=True):
        starts = np.concatenate([[0], np.cumsum(vocabulary.lengths[own])])
        made.append(Allele(text, own, starts, head, last))
    return Pair(*made)
