"""Public names of the network: editors and mypy read this, `__init__.py` resolves them."""

from .alibi import alibi_slopes as alibi_slopes
from .attention import BACKENDS as BACKENDS
from .config import Dnabert2Config as Dnabert2Config
from .forward import Network as Network
from .modeling import (
    Dnabert2ForMaskedLM as Dnabert2ForMaskedLM,
    Dnabert2ForSequenceClassification as Dnabert2ForSequenceClassification,
    Dnabert2Model as Dnabert2Model,
    Dnabert2PreTrainedModel as Dnabert2PreTrainedModel,
)
