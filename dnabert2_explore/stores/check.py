"""Reading all of a store to see whether it is what was written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..common.costs import says_cost
from ..common.progress import Progress, quiet
from ..results.origins import recorded
from ..results.rich_display import RichDisplay, counted
from .layout import COORDINATES, done_chunks
from .store import EmbeddingStore

__all__ = ["Damage", "StoreCheck", "check_store"]


@dataclass(frozen=True, slots=True)
class Damage:
    """A file of a store that is not what was written.

    Attributes
    ----------
    chunk : int
        The chunk of windows it belongs to.
    file : pathlib.Path
    reason : str
        What is wrong with it.
    """

    chunk: int
    file: Path
    reason: str


@dataclass(frozen=True, slots=True, repr=False)
class StoreCheck(RichDisplay):
    """What `check_store` found; `str` says it in a line.

    Attributes
    ----------
    path : pathlib.Path
    chunks, marked : int
        Chunks of the store, and those that are marked as finished.
    damages : tuple of Damage
    summed : bool
        Whether the files have checksums, without which a flipped bit may go unseen.
    """

    path: Path
    chunks: int
    marked: int
    damages: tuple[Damage, ...]
    summed: bool

    @property
    def damaged(self) -> tuple[int, ...]:
        """Chunks with a damaged or lost file."""
        return tuple(sorted({one.chunk for one in self.damages}))

    def __str__(self) -> str:
        are = "is" if self.chunks == 1 else "are"
        line = f"{self.path}: {self.marked:,} of {counted(self.chunks, 'chunk')} {are} written"
        if self.damages:
            first = self.damages[0]
            line += (
                f", {len(self.damaged):,} of them damaged, such as {first.file} ({first.reason})"
            )
        else:
            line += ", and what is written is whole"
        if not self.summed:
            line += "; an earlier version wrote it without checksums, so flipped bits may go unseen"
        return line


@recorded
@says_cost
def check_store(
    store: EmbeddingStore,
    *,
    progress: Progress | None = None,
) -> StoreCheck:
    """Read every finished chunk of a store, and compare it with its checksums and the plan.

    Parameters
    ----------
    store : EmbeddingStore
    progress : callable, optional
        Called as ``progress(done, total)`` in chunks; may raise
        :class:`~dnabert2_explore.errors.Cancelled`.

    Returns
    -------
    StoreCheck
    """
    marked = sorted(done_chunks(store.path) & set(range(store.plan.n_chunks)))
    found: list[Damage] = []
    for number, index in enumerate(marked, start=1):
        found += _damages(store, index)
        (progress or quiet)(number, len(marked))
    summed = any(codec["name"] == "crc32c" for codec in _codecs(store))
    return StoreCheck(store.path, store.plan.n_chunks, len(marked), tuple(found), summed)


def _codecs(store: EmbeddingStore) -> Any:
    return store.vectors().metadata.to_dict()["codecs"]


def _damages(store: EmbeddingStore, index: int) -> Iterator[Damage]:
    """Find what is wrong with a chunk that is marked as finished."""
    from .arrays import chunk_file, why_unreadable

    def damage(array: Any, reason: str) -> Damage:
        file = chunk_file(array, index)
        return Damage(index, file, reason if file.is_file() else "it is lost")

    arrays = {name: store.array(name) for name in COORDINATES}
    vectors = {layer: store.vectors(layer) for layer in store.layers}
    whole = True
    for array in (*arrays.values(), *vectors.values(), store.marks):
        reason = why_unreadable(array, index)
        if reason:
            whole = False
            yield Damage(index, chunk_file(array, index), reason)
    if not whole:
        return
    rows = slice(*store.plan.rows(index))
    values = {name: array[rows] for name, array in arrays.items()}
    record, start, end = store.plan.chunk(index)
    length = end - start
    right = {
        "record": values["record"] == record,
        "start": values["start"] == start,
        "end": values["end"] == end,
        "strand": values["strand"] == 1,
        "unknown": (values["unknown"] >= 0) & (values["unknown"] <= length),
    }
    for name, fits in right.items():
        if not fits.all():
            yield damage(arrays[name], "its values are not those of the windows")
            whole = False
    if not whole:
        return
    asked = values["unknown"] < length
    for array in vectors.values():
        finite = np.isfinite(array[rows]).all(axis=1)
        if (finite != asked).any():
            yield damage(array, "vectors are missing in it")
