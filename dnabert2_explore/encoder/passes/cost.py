"""What passes of a network take on this machine, before they are made."""

from __future__ import annotations

import time
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from ...network import Dnabert2Config
from ..encoder import Encoder

__all__ = ["BACKWARD", "clock", "measured_seconds", "operations", "surely_quick"]

#: A forward and a backward pass, in forward passes: 3 by its operations, 5.6 measured in bfloat16
#: (117M shape, 2,000 tokens).
BACKWARD = 5.0
#: Tokens of the pass that is timed.
_TRIED = 128
#: Operations that any machine does in a few seconds.
_LITTLE = 5e10

_speeds: WeakKeyDictionary[Encoder, float] = WeakKeyDictionary()


def operations(config: Dnabert2Config, tokens: int) -> float:
    """Count the multiplications and additions of one forward pass of one sequence.

    Per layer 2(4h² + 3hi) a token and 4nh in attention (h wide, i in the MLP, n tokens), as in
    docs/performance.md; heads are left out.

    Examples
    --------
    >>> f"{operations(Dnabert2Config(), 512):.2g}"
    '1.3e+11'
    """
    h, i = config.hidden_size, config.intermediate_size
    layer = 2 * (4 * h * h + 3 * h * i) * tokens + 4 * tokens * tokens * h
    return float(config.num_hidden_layers * layer)


def surely_quick(enc: Encoder, tokens: int, passes: float = 1.0) -> bool:
    """Tell whether so many forward passes are a matter of seconds wherever they are made."""
    return operations(enc.config, tokens) * passes < _LITTLE


def measured_seconds(enc: Encoder, tokens: int, passes: float = 1.0) -> float:
    """Say about how long forward passes of a sequence of so many tokens take, in seconds.

    The first call times a pass of 128 tokens, as `clock` does. A backward pass counts `BACKWARD`.
    """
    return operations(enc.config, tokens) * passes / _speed(enc)


def _speed(enc: Encoder) -> float:
    """Operations a second."""
    if enc not in _speeds:
        ids = np.random.default_rng(0).integers(5, enc.config.vocab_size, _TRIED)
        times = [_timed(enc, ids) for _ in range(3)]  # the first one warms up
        _speeds[enc] = operations(enc.config, _TRIED) / max(min(times[1:]), 1e-6)
    return _speeds[enc]


def clock(enc: Encoder) -> float:
    """Return seconds for timing a trial: on a CPU those that this thread works.

    So what other views and programs compute at once makes nothing look dear.
    """
    return time.thread_time() if enc.device.type == "cpu" else time.monotonic()


def _timed(enc: Encoder, ids: NDArray[np.int64]) -> float:
    begun = clock(enc)
    enc.embed_ids([ids], pooling="mean", layers=(enc.config.num_hidden_layers,))
    return clock(enc) - begun
