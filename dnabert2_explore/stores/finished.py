"""Which chunks of a store are finished."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from . import layout
from .errors import StoreError
from .filling.plan import WindowPlan

__all__ = ["Finished"]


class Finished:
    """The chunks that are marked as finished and have all their files, as the disk says now."""

    def __init__(self, path: Path, plan: WindowPlan, layers: tuple[int, ...], unknown: Any) -> None:
        self._path, self._plan, self._layers, self._unknown = path, plan, layers, unknown
        self._blank: dict[int, bool] = {}

    def chunks(self) -> set[int]:
        """Return all of them."""
        done = layout.done_chunks(self._path) & set(range(self._plan.n_chunks))
        for name in layout.COORDINATES:
            done &= layout.written(self._path / name)
        for layer in self._layers:
            lost = done - layout.written(self._path / layout.layer_name(layer))
            done -= {index for index in lost if not self._is_blank(index)}
        return done

    def __contains__(self, index: int) -> bool:
        """Look at the files of one chunk only."""
        files = layout.chunk_files(self._path, index, self._layers)
        layers, rest = files[: len(self._layers)], files[len(self._layers) :]
        if not all(map(_holds_something, (layout.mark(self._path, index), *rest))):
            return False
        return all(map(_holds_something, layers)) or self._is_blank(index)

    def forget(self, chunks: Iterable[int]) -> None:
        """Take the marks off chunks."""
        for index in chunks:
            layout.mark(self._path, index).unlink(missing_ok=True)
            self._blank.pop(index, None)

    def _is_blank(self, index: int) -> bool:
        """Whether a chunk holds no window with a known base: Zarr writes no file for its NaN."""
        if index not in self._blank:
            _, start, end = self._plan.chunk(index)
            try:
                unknown = self._unknown[slice(*self._plan.rows(index))]
            except StoreError:
                return False
            self._blank[index] = bool((unknown >= end - start).all())
        return self._blank[index]


def _holds_something(file: Path) -> bool:
    try:
        return file.stat().st_size > 0
    except FileNotFoundError:
        return False
