"""One computation of two networks: a model, and the same network before it had learnt anything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from ...common.progress import Progress, within
from ...encoder import Encoder
from ...encoder.loading.twin import random_twin

__all__ = ["beside_twin"]

Result = TypeVar("Result")


def beside_twin(
    enc: Encoder, twin: bool, steps: int, progress: Progress | None,
    compute: Callable[[Encoder, Progress, Any], Result],
) -> Result:  # fmt: skip
    """Compute the result of a network of so many `steps`, with its untrained twin's (or None)."""
    total = (2 if twin else 1) * steps

    def of(model: Encoder, before: int, untrained: Result | None) -> Result:
        return compute(model, within(progress, before, steps, total), untrained)

    return of(enc, total - steps, of(random_twin(enc), 0, None) if twin else None)
