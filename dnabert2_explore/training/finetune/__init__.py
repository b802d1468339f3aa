"""Fine-tuning: labelled sequences in, a scored classifier or regression out."""

from __future__ import annotations

from .config import FinetuneConfig
from .result import FinetuneResult
from .run import finetune

__all__ = ["FinetuneConfig", "FinetuneResult", "finetune"]
