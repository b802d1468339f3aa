"""Hidden states of one layer at all tokens of many sequences."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from ...common.progress import Progress
from ...encoder import Encoder
from ...encoder.passes.batches import pack
from ...encoder.passes.finite import check_finite
from ...sequences import Sequence
from ...tokens import Tokens

__all__ = ["states_of"]


def states_of(
    enc: Encoder, sequences: list[Sequence], layer: int, progress: Progress
) -> Iterator[tuple[Tokens, NDArray[np.int64], NDArray[np.float32]]]:
    """Yield the tokens of each sequence, which n of them are no special ones, their states.

    Of shapes (n,) and (n, hidden).
    """
    (number,) = enc.find_layers(layer)
    for done, one in enumerate(sequences, start=1):
        tokens = enc.tokenize(one)
        inner = np.flatnonzero(~tokens.special)
        with enc.lock, torch.inference_mode():
            states = enc.body.packed_states(*pack([tokens.ids], enc.device), (number,))[number]
        values = states.float().cpu().numpy()[inner]
        check_finite(values, enc.module, "values of the hidden states")
        yield tokens, inner, values
        progress(done, len(sequences))
