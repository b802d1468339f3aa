"""One computation of two networks: a model, and the same network before it had learnt anything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from ...common.progress import Progress
from ...encoder import Encoder
from ...encoder.loading.twin import random_twin

__all__ = ["Count", "beside_twin"]

Result = TypeVar("Result")

#: Called as count(steps done), or as a `Progress`: how many a network takes is known.
Count = Callable[..., None]


def beside_twin(
    enc: Encoder, twin: bool, steps: int, progress: Progress | None,
    compute: Callable[[Encoder, Count, Any], Result],
) -> Result:  # fmt: skip
    """Compute the result of a network of so many `steps`, with its untrained twin's (or None)."""
    total = (2 if twin else 1) * steps

    def of(model: Encoder, before: int, untrained: Result | None) -> Result:
        def count(done: int, _total: int = 0) -> None:
            if progress is not None:
                progress(before + done, total)

        return compute(model, count, untrained)

    return of(enc, total - steps, of(random_twin(enc), 0, None) if twin else None)
