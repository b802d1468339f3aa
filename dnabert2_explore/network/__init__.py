"""The DNABERT-2 network: configuration, ALiBi, attention backends, models and checkpoints.

Importing this package registers the models with transformers' Auto classes, so that
``AutoModel.from_pretrained`` reads what ``save_pretrained`` wrote.
"""

from __future__ import annotations

from .alibi import alibi_slopes
from .attention import BACKENDS
from .config import Dnabert2Config
from .modeling import (
    Dnabert2ForMaskedLM,
    Dnabert2ForSequenceClassification,
    Dnabert2Model,
    Dnabert2PreTrainedModel,
)
from .registry import register

__all__ = [
    "BACKENDS",
    "Dnabert2Config",
    "Dnabert2ForMaskedLM",
    "Dnabert2ForSequenceClassification",
    "Dnabert2Model",
    "Dnabert2PreTrainedModel",
    "alibi_slopes",
]

register()
