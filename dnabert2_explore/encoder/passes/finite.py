"""Results that are no numbers: refused, with the cause, before anybody reads a picture off them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ...errors import InputError
from ...network import Network

__all__ = ["check_finite", "why_not_finite"]


def check_finite(values: NDArray[Any], network: Network, what: str) -> None:
    """Raise InputError unless all values that a network made (`what` they are) are numbers.

    The message tells why one is NaN or infinite, as far as it can be seen.
    """
    bad = values.size - int(np.isfinite(values).sum())
    if bad:
        raise InputError(
            f"{bad:,} of {values.size:,} {what} are NaN or infinite: {why_not_finite(network)}."
        )


def why_not_finite(network: Network) -> str:
    """Look for what makes a network compute NaN or infinity, and say it with the mend.

    Weights are looked at first: a damaged file, or a training run that diverged, is no matter of
    the number type.
    """
    dtype = network.dtype
    counts = {
        name: int((~torch.isfinite(weight)).sum())
        for name, weight in network.state_dict().items()
        if weight.is_floating_point()
    }
    total = sum(counts.values())
    if total:
        first = next(name for name, count in counts.items() if count)
        where = f"{total:,} weights are NaN or infinite, the first in {first}"
        if dtype == torch.float16:
            return f"{where}; load with dtype='float32', and if they stay, load another checkpoint"
        return f"{where}; the file is damaged or its training diverged: load another checkpoint"
    if dtype == torch.float16:
        return "float16 overflows in this model: use dtype='bfloat16' or 'float32'"
    return (
        f"the computation overflows in {str(dtype).removeprefix('torch.')} although all weights "
        "are numbers; weights or config.json (layer_norm_eps is "
        f"{network.config.layer_norm_eps}) are not those of a trained model: load another "
        "checkpoint"
    )
