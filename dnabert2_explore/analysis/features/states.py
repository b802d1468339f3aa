"""Hidden states of one layer at all tokens of many sequences."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from ...encoder import Bases, Encoder
from ...encoder.passes.finite import check_finite
from ...errors import InputError
from ...network.packing import Packing
from ...sequences import Sequence
from ...sequences.given import listed
from ...tokens import Tokens

__all__ = ["named", "states_of"]


def named(sequences: Bases | Iterable[Bases]) -> list[Sequence]:
    """Give every sequence a name; raise where there are none.

    Raises
    ------
    InputError
    """
    batch = listed(sequences)
    if not batch:
        raise InputError("There are no sequences: give at least one.")
    return [
        one if isinstance(one, Sequence) else Sequence(f"sequence {number}", str(one))
        for number, one in enumerate(batch, start=1)
    ]


def states_of(
    enc: Encoder,
    sequences: list[Sequence],
    layer: int,
    progress: Callable[[int], None],
) -> Iterator[tuple[Tokens, NDArray[np.int64], NDArray[np.float32]]]:
    """Yield the tokens of each sequence, which of them are no special ones, and their states.

    Yields
    ------
    tokens : Tokens
    inner : numpy.ndarray, shape (n,), int64
    states : numpy.ndarray, shape (n, hidden), float32
    """
    (number,) = enc.find_layers(layer)
    for done, one in enumerate(sequences, start=1):
        tokens = enc.tokenize(one)
        inner = np.flatnonzero(~tokens.special)
        ids = torch.from_numpy(tokens.ids).to(enc.device)
        packing = Packing.from_lengths([len(tokens)], enc.device)
        with enc.lock, torch.inference_mode():
            states = enc.body.packed_states(ids, packing, (number,))[number]
        values = states.float().cpu().numpy()[inner]
        check_finite(values, enc.module, "values of the hidden states")
        yield tokens, inner, values
        progress(done)
