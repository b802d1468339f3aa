"""What a store asks of the model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Embedder"]


class Embedder(Protocol):
    """Turns windows into vectors.

    Attributes
    ----------
    layers : tuple of int
        Layers returned, as absolute indices (0 the embeddings), in the order of the output.
    hidden : int
        Width of a vector.
    identity : mapping
        What must be equal for two runs to give the same vectors (weights, tokenizer, dtype,
        pooling, layers); values that JSON can hold.
    about : mapping
        What is recorded and not compared (the model's name, attention, device, versions); values
        that JSON can hold.
    recipe : callable
        Takes nothing and makes the same embedder in another process; can be pickled.
    """

    @property
    def layers(self) -> tuple[int, ...]:  # noqa: D102
        ...

    @property
    def hidden(self) -> int:  # noqa: D102
        ...

    @property
    def identity(self) -> Mapping[str, Any]:  # noqa: D102
        ...

    @property
    def about(self) -> Mapping[str, Any]:  # noqa: D102
        ...

    @property
    def recipe(self) -> Callable[[], Embedder]:  # noqa: D102
        ...

    def prepare(self, bases: list[str]) -> Any:
        """Do what needs no model (clean, tokenize); called in a thread beside `compute`."""
        ...

    def compute(self, prepared: Any) -> NDArray[np.float32]:
        """Return the vectors of the prepared windows, (n, len(layers), hidden) in float32."""
        ...

    def why_not_finite(self) -> str:
        """Say, without a full stop, what makes a vector hold NaN or infinity, and the mend."""
        ...
