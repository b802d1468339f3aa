"""Tokens with the bases they cover: DNABERT-2's BPE and the k-mers it is compared with."""

from __future__ import annotations

from .kmers import overlapping_kmers, sixmers
from .tokenizer import DnaTokenizer
from .tokens import Tokens

__all__ = ["DnaTokenizer", "Tokens", "overlapping_kmers", "sixmers"]
