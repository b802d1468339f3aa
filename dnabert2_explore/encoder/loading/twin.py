"""A network of the same shape that has learnt nothing, to compare with."""

from __future__ import annotations

import copy
from typing import Any

from ...common.randomness import seeded
from ...network.forward import EncoderForward
from ...results.origins import recorded
from ..encoder import Encoder
from .foreign import ForeignEncoder

__all__ = ["random_twin"]


@recorded
def random_twin(
    enc: Encoder,
    *,
    seed: int = 0,
) -> Encoder:
    """Make an encoder of the same shape, with weights as they are before any training.

    The original is not touched. Both share the tokenizer; the twin has its own network, on the
    same device, of the same type and with the same attention backend.

    Parameters
    ----------
    enc : Encoder
    seed : int
        Of the weights; the caller's random numbers stay as they were.

    Returns
    -------
    Encoder
        Without a checkpoint and without a cache.

    Examples
    --------
    >>> from dnabert2_explore import load
    >>> random_twin(load("pocket-splice")).classes
    ('acceptor', 'donor', 'neither')
    """
    if isinstance(enc, ForeignEncoder):
        return enc.twin(seed)
    config = copy.deepcopy(enc.config)
    kind: Any = type(enc.network)
    bare = {"add_pooling_layer": False} if issubclass(kind, EncoderForward) else {}
    with seeded(seed):
        network = kind(config, **bare)
    network.set_attn_implementation(enc.attention)
    return Encoder(
        network.to(device=enc.device, dtype=enc.dtype),
        enc.tokenizer,
        f"{enc.name} with random weights",
    )
