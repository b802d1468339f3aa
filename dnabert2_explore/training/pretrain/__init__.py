"""Masked-language-model pre-training from genomes, resumable to the bit."""

from __future__ import annotations

from .batches import load_corpora
from .checkpoints import latest_checkpoint
from .config import PretrainConfig, PretrainResult, learning_rates
from .processes import is_main
from .run import pretrain

__all__ = [
    "PretrainConfig",
    "PretrainResult",
    "is_main",
    "latest_checkpoint",
    "learning_rates",
    "load_corpora",
    "pretrain",
]
