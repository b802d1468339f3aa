"""The DNABERT-2 network: configuration, ALiBi, attention backends, models and checkpoints.

Importing this package registers the models with transformers' Auto classes, so that
``AutoModel.from_pretrained`` reads what ``save_pretrained`` wrote.
"""

from __future__ import annotations

from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForMaskedLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PreTrainedTokenizerFast,
)

from .alibi import alibi_slopes
from .attention import BACKENDS
from .config import Dnabert2Config
from .modeling import (
    Dnabert2ForMaskedLM,
    Dnabert2ForSequenceClassification,
    Dnabert2Model,
    Dnabert2PreTrainedModel,
)

__all__ = [
    "BACKENDS",
    "Dnabert2Config",
    "Dnabert2ForMaskedLM",
    "Dnabert2ForSequenceClassification",
    "Dnabert2Model",
    "Dnabert2PreTrainedModel",
    "alibi_slopes",
]

AutoConfig.register("dnabert2", Dnabert2Config, exist_ok=True)
AutoModel.register(Dnabert2Config, Dnabert2Model, exist_ok=True)
AutoModelForMaskedLM.register(Dnabert2Config, Dnabert2ForMaskedLM, exist_ok=True)
AutoModelForSequenceClassification.register(
    Dnabert2Config, Dnabert2ForSequenceClassification, exist_ok=True
)
AutoTokenizer.register(Dnabert2Config, fast_tokenizer_class=PreTrainedTokenizerFast, exist_ok=True)
