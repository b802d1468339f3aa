"""Fine-tuning: labelled sequences in, a scored classifier or regression out."""

from __future__ import annotations

from .config import FinetuneConfig
from .files import find_splits
from .result import FinetuneResult
from .run import finetune
from .seeds import SeedsResult, finetune_seeds

__all__ = [
    "FinetuneConfig",
    "FinetuneResult",
    "SeedsResult",
    "find_splits",
    "finetune",
    "finetune_seeds",
]
