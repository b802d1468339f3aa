"""The tokens of DNABERT and of the Nucleotide Transformer, by the vocabularies of their files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import CheckpointError, InputError
from ..sequences import Cleaned, Composition, clean as cleaned_of, warn_unknown
from .kmers import overlapping_kmers, sixmers
from .tokens import Tokens

__all__ = ["KmerTokenizer"]

_BERT = {"unk": "[UNK]", "cls": "[CLS]", "sep": "[SEP]", "pad": "[PAD]", "mask": "[MASK]"}
_ESM = {"unk": "<unk>", "cls": "<cls>", "sep": "<eos>", "pad": "<pad>", "mask": "<mask>"}
_LONGEST_K = 8


class KmerTokenizer:
    """k-mers with the ids of a published vocabulary; called as `DnaTokenizer` is.

    `entries` are the vocabulary, by id. k is the bases of an overlapping k-mer (DNABERT, Ji et al.
    2021), or 0 for 6-mers side by side with single bases where there are no six clean ones
    (Nucleotide Transformer, Dalla-Torre et al. 2023). `end` says whether a sequence ends in
    ``[SEP]`` or ``<eos>``. Raises CheckpointError where a special token or a k-mer is not in the
    vocabulary.

    Examples
    --------
    >>> entries = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + [a + b for a in "ACGT"
    ...                                                             for b in "ACGT"]
    >>> KmerTokenizer(entries, 2).encode("ACGT").tokens
    ('[CLS]', 'AC', 'CG', 'GT', '[SEP]')
    """

    anchor = None

    def __init__(self, entries: list[str], k: int, end: bool = True) -> None:
        self.entries = entries
        self.k = k
        self.ends = end
        self.vocabulary = {entry: i for i, entry in enumerate(entries)}
        names = _BERT if k else _ESM
        missing = [n for n in names.values() if n not in self.vocabulary]
        if not end and names["sep"] in missing:
            missing.remove(names["sep"])
        sample = ("A" * k, "T" * k) if k else ("AAAAAA", "TTTTTT", "A", "C", "G", "T")
        missing += [one for one in sample if one not in self.vocabulary]
        if missing:
            raise CheckpointError(
                f"The vocabulary of {len(entries):,} entries lacks {', '.join(missing[:4])}: pass "
                "the vocab.txt that was published with these weights."
            )
        self.unk_id, self.cls_id, self.sep_id, self.pad_id, self.mask_id = (
            self.vocabulary.get(names[n], -1) for n in ("unk", "cls", "sep", "pad", "mask")
        )

    @classmethod
    def from_file(cls, path: str | Path, end: bool = True) -> KmerTokenizer:
        """Read a ``vocab.txt``: DNABERT's where it holds ``[CLS]``, else the other's.

        Raises CheckpointError where it is neither.
        """
        entries = Path(path).read_text(encoding="utf-8").split()
        if "[CLS]" not in entries:
            return cls(entries, 0, end)
        words = [entry for entry in entries if not entry.startswith("[")]
        sizes = {len(word) for word in words if set(word) <= set("ACGT")}
        k = max(sizes, default=0)
        if not 1 <= k <= _LONGEST_K or len(sizes) > 1:
            raise CheckpointError(
                f"{path} is no vocabulary of k-mers of one length: this BERT reads something else "
                "than DNA."
            )
        return cls(entries, k, end)

    @cached_property
    def sha256(self) -> str:
        """Digest of everything that says how this tokenizer cuts."""
        said = "\n".join([*self.entries, str(self.k), str(self.ends)])
        return hashlib.sha256(said.encode()).hexdigest()

    def __len__(self) -> int:
        return len(self.entries)

    def token(self, index: int) -> str:
        """Vocabulary entry of an id."""
        return self.entries[index]

    def encode(self, bases: str, special: bool = True) -> Tokens:
        """Cut a sequence into tokens; see `DnaTokenizer.encode`."""
        return self.encode_batch([bases], special)[0]

    def encode_batch(
        self, sequences: Iterable[str], special: bool = True, warn: bool = True
    ) -> list[Tokens]:
        """Cut many sequences into tokens; warns once for all of them."""
        texts = list(sequences)
        if warn:
            warn_unknown(Composition.total(cleaned_of(text).composition for text in texts))
        return [self._tokens(text, special) for text in texts]

    def encode_ids_batch(self, cleaned: Iterable[Cleaned]) -> list[NDArray[np.int64]]:
        """Ids of many cleaned sequences with their special tokens."""
        return [self._tokens(one.bases, True).ids for one in cleaned]

    def _tokens(self, text: str, special: bool) -> Tokens:
        self._long_enough(text)
        cut = overlapping_kmers(text, self.k, warn=False) if self.k else sixmers(text, warn=False)
        ids = np.array([self.vocabulary.get(token, self.unk_id) for token in cut.tokens], np.int64)
        names = tuple(self.entries[i] for i in ids)
        cut = replace(cut, ids=ids, unknown=ids == self.unk_id, tokens=names)
        if not special:
            return cut
        front, back = [self.cls_id], [self.sep_id] if self.ends else []
        edge = [(0, 0)], [(len(text), len(text))] * len(back)
        inner = len(ids)
        return replace(
            cut,
            ids=np.array([*front, *ids, *back], dtype=np.int64),
            tokens=(
                self.entries[self.cls_id], *cut.tokens, *(self.entries[i] for i in back)
            ),
            spans=np.concatenate([edge[0], cut.spans.reshape(-1, 2), *(edge[1:] if back else ())]),
            special=np.array([True] + [False] * inner + [True] * len(back)),
            unknown=np.array([False, *cut.unknown, *[False] * len(back)]),
        )  # fmt: skip

    def _long_enough(self, text: str) -> None:
        if self.k and (n := len(cleaned_of(text).bases)) < self.k:
            raise InputError(
                f"A sequence of {n} bases holds no {self.k}-mer, which this model reads: leave out "
                f"what is shorter than {self.k}."
            )
