"""Vectors of several layers side by side, read as if they were one array."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError

if TYPE_CHECKING:
    from .store import EmbeddingStore

__all__ = ["SideBySide", "layers_of", "vectors_of"]


class SideBySide:
    """Rows of several arrays (n, width) of as many rows, one after the other in each row."""

    def __init__(self, arrays: list[Any]) -> None:
        self._arrays = arrays

    def __len__(self) -> int:
        return len(self._arrays[0])

    def __getitem__(self, rows: slice) -> NDArray[np.float32]:
        return np.concatenate([np.asarray(array[rows]) for array in self._arrays], axis=1)

    @property
    def oindex(self) -> _Rows:
        """Rows by their numbers."""
        return _Rows(self._arrays)


class _Rows:
    def __init__(self, arrays: list[Any]) -> None:
        self._arrays = arrays

    def __getitem__(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        return np.concatenate([array.oindex[rows] for array in self._arrays], axis=1)


def layers_of(store: EmbeddingStore, layers: int | Iterable[int] | None) -> tuple[int, ...]:
    """Resolve layers of a store, by default all it holds, from the first to the deepest.

    Raises InputError where none is named.
    """
    if layers is None:
        return tuple(sorted(store.layers))
    wanted = (layers,) if isinstance(layers, int) else tuple(layers)
    if not wanted:
        raise InputError(f"No layer is named: the store holds {sorted(store.layers)}.")
    return wanted


def vectors_of(store: EmbeddingStore, layers: tuple[int, ...]) -> Any:
    """Return their vectors; of one layer, the Zarr array itself."""
    arrays = [store.vectors(layer) for layer in layers]
    return arrays[0] if len(arrays) == 1 else SideBySide(arrays)
