"""Telling transformers' Auto classes of DNABERT-2, and whose they are where two packages claim it.

There is one entry for a ``model_type``, and whoever registers last has it, in silence. With another
package's class in it, ``AutoModel.from_pretrained`` fills that package's network with random
weights, because none of the names fit.
"""

from __future__ import annotations

import sys

from ..autoclasses import REGISTRY
from ..errors import warn
from .config import Dnabert2Config

__all__ = ["register", "warn_of_rival"]


def _rival() -> str:
    """Name the package whose configuration stands for our model type; empty if it is ours."""
    if REGISTRY not in sys.modules:  # nobody can have registered anything
        return ""
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    kind = Dnabert2Config.model_type
    # Its get() knows nothing of what was registered.
    holder = CONFIG_MAPPING[kind] if kind in CONFIG_MAPPING else Dnabert2Config  # noqa: SIM401
    return "" if holder is Dnabert2Config else str(holder.__module__).partition(".")[0]


def register() -> None:
    """Register our classes for ``model_type: dnabert2``.

    An `ExploreWarning` says if they take the place of another package's.
    """
    from transformers import (
        AutoConfig,
        AutoModel,
        AutoModelForMaskedLM,
        AutoModelForSequenceClassification,
        AutoTokenizer,
        PreTrainedTokenizerFast,
    )

    from .modeling import Dnabert2ForMaskedLM, Dnabert2ForSequenceClassification, Dnabert2Model

    if rival := _rival():
        warn(
            "Two packages claim model_type 'dnabert2' of transformers' Auto classes: from now on "
            f"they open such folders with dnabert2_explore; open {rival}'s models by the classes "
            f"of {rival}.",
        )
    AutoConfig.register(Dnabert2Config.model_type, Dnabert2Config, exist_ok=True)
    AutoModel.register(Dnabert2Config, Dnabert2Model, exist_ok=True)
    AutoModelForMaskedLM.register(Dnabert2Config, Dnabert2ForMaskedLM, exist_ok=True)
    AutoModelForSequenceClassification.register(
        Dnabert2Config, Dnabert2ForSequenceClassification, exist_ok=True
    )
    AutoTokenizer.register(
        Dnabert2Config, fast_tokenizer_class=PreTrainedTokenizerFast, exist_ok=True
    )


def warn_of_rival() -> None:
    """Warn where another package has the Auto classes."""
    if rival := _rival():
        warn(
            f"Two packages claim model_type 'dnabert2' of transformers' Auto classes, and {rival} "
            "has them: AutoModel…from_pretrained would give its networks with random weights; open "
            "our models by dnabert2_explore.load, or by "
            "dnabert2_explore.network.Dnabert2Model.from_pretrained.",
        )
