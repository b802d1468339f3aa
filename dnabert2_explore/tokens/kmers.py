"""The segmentations DNABERT-2 replaced or is measured against: k-mers."""

from __future__ import annotations

import re

import numpy as np

from ..errors import InputError
from ..results.rich_display import counted
from ..sequences import clean, warn_unknown
from .tokens import Tokens

__all__ = ["overlapping_kmers", "sixmers"]


def overlapping_kmers(bases: str, k: int = 6, *, warn: bool = True) -> Tokens:
    """Every window of `k` bases (1 to 12), as DNABERT reads DNA (Ji et al. 2021).

    A single base lies in up to `k` tokens, which is why masked k-mers leak their neighbours. There
    are ``len - k + 1`` tokens without special ones; their spans overlap. `ids` are alphabetical
    ranks among the 4^k k-mers, not those of a published vocabulary; -1 marks a k-mer with an
    unknown base. Raises InputError where `k` is out of range, or the sequence is shorter than `k`.

    Examples
    --------
    >>> overlapping_kmers("ACGTA", k=3).tokens
    ('ACG', 'CGT', 'GTA')
    """
    if not 1 <= k <= 12:
        raise InputError(f"k is {k}: choose a k-mer length from 1 to 12.")
    cleaned = clean(bases)
    n = len(cleaned.bases) - k + 1
    if n < 1:
        raise InputError(
            f"A sequence of {counted(len(cleaned.bases), 'base')} holds no {k}-mer: give a longer "
            "sequence or a smaller k."
        )
    spans = np.stack([np.arange(n), np.arange(n) + k], axis=1)
    return _kmer_tokens(bases, spans, warn)


def sixmers(bases: str, *, warn: bool = True) -> Tokens:
    """Non-overlapping 6-mers from the left, as the Nucleotide Transformer reads DNA.

    Where six clean bases are not to be had (before an unknown base, at the end), single bases take
    their place (Dalla-Torre et al. 2023). Spans tile the cleaned sequence; `ids` are as in
    `overlapping_kmers`, ranked within each token length.

    Examples
    --------
    >>> sixmers("ACGTACGTA").tokens
    ('ACGTAC', 'G', 'T', 'A')
    """
    found = re.finditer("[ACGT]{6}|[ACGTN]", clean(bases).bases)
    spans = np.array([match.span() for match in found], dtype=np.int64).reshape(-1, 2)
    return _kmer_tokens(bases, spans, warn)


def _kmer_tokens(bases: str, spans: np.ndarray, warn: bool) -> Tokens:
    cleaned = clean(bases)
    if warn:
        warn_unknown(cleaned.composition)
    tokens = tuple(cleaned.bases[a:b] for a, b in spans)
    digits = str.maketrans("ACGT", "0123")
    ids = np.array(
        [-1 if "N" in token else int(token.translate(digits), 4) for token in tokens],
        dtype=np.int64,
    )
    if cleaned.positions is not None and len(spans):
        # Last base of the token, plus one: white space after it is not part of a k-mer.
        spans = np.stack(
            [cleaned.positions[spans[:, 0]], cleaned.positions[spans[:, 1] - 1] + 1], axis=1
        )
    return Tokens(
        bases=bases,
        ids=ids,
        tokens=tokens,
        spans=np.asarray(spans, dtype=np.int64),
        special=np.zeros(len(tokens), dtype=bool),
        unknown=ids < 0,
        composition=cleaned.composition,
    )
