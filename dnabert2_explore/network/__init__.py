"""The DNABERT-2 network: configuration, ALiBi, attention backends, models and checkpoints.

The transformers models load when one of their names is first used: their base class takes as long
to import as torch. `autoclasses` registers them with transformers' Auto classes once somebody
imports those, so that ``AutoModel.from_pretrained`` reads what ``save_pretrained`` wrote.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from .alibi import alibi_slopes
from .attention import BACKENDS
from .config import Dnabert2Config
from .forward import Network

if TYPE_CHECKING:
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
    "Network",
    "alibi_slopes",
]

_MODELS = frozenset(name for name in __all__ if name.startswith("Dnabert2")) - {"Dnabert2Config"}


def __getattr__(name: str) -> Any:
    if name not in _MODELS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(".modeling", __name__), name)
    globals()[name] = value
    return value
