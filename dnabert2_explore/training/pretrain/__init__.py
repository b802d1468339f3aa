"""Masked-language-model pre-training from genomes, resumable to the bit."""

from __future__ import annotations

from ..loop.checkpoints import latest_checkpoint
from ..loop.processes import is_main
from .batches import load_corpora
from .config import PretrainConfig, PretrainResult, learning_rates
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
