"""A classifier's body from one checkpoint, its head from elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...network import Dnabert2Config
from ...network.forward import EncoderForward

if TYPE_CHECKING:
    from ...network import Dnabert2ForSequenceClassification, Dnabert2PreTrainedModel

__all__ = ["under_fresh_head"]


def under_fresh_head(
    source: Dnabert2PreTrainedModel, config: Dnabert2Config
) -> Dnabert2ForSequenceClassification:
    """Put a pre-trained encoder under a fresh pooler and classifier.

    The source is from `network.checkpoint.load_network`, with any head or none, which is left out;
    the configuration is the classifier's, with the source's shape.
    """
    from ...network import Dnabert2ForSequenceClassification

    network = Dnabert2ForSequenceClassification(config)
    body = source if isinstance(source, EncoderForward) else source.bert
    # strict=False for the pooler alone: load_network has checked every other key already.
    missing, _ = network.bert.load_state_dict(
        {k: v for k, v in body.state_dict().items() if not k.startswith("pooler.")},
        strict=False,
    )
    assert all(key.startswith("pooler.") for key in missing)
    return network
