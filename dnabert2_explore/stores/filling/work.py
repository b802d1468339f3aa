"""One chunk: read it, embed it. What a single machine and a cluster have in common."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...sequences.reading.genome import Genome
from ..embedder import Embedder
from ..errors import StoreError
from .plan import Chunk, WindowPlan

__all__ = ["Prepared", "compute", "prepare", "read", "unknown_bases"]

_KNOWN = b"ACGTUacgtu"


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A chunk that waits for the model.

    Parameters
    ----------
    index : int
        Which chunk.
    where : Chunk
        Its windows.
    unknown : (n,) int32 array
        Bases of each window that are not A, C, G, T or U.
    asked : (n,) bool array
        Which windows the model is asked about: those with a base it knows.
    inputs : object
        What :meth:`Embedder.prepare` made of them; None where there are none.
    """

    index: int
    where: Chunk
    unknown: NDArray[np.int32]
    asked: NDArray[np.bool_]
    inputs: Any

    @property
    def bases(self) -> int:
        """Bases in all its windows."""
        return int((self.where.end - self.where.start).sum())


def unknown_bases(bases: str) -> int:
    """Return how many bases are not A, C, G, T or U, in either case.

    Examples
    --------
    >>> unknown_bases("ACGuNNr")
    3
    """
    return len(bases.encode().translate(None, _KNOWN))


def read(genome: Genome, where: Chunk) -> list[str]:
    """Return the bases of a chunk's windows."""
    rows = zip(where.record.tolist(), where.start.tolist(), where.end.tolist(), strict=True)
    return [genome.fetch(*row) for row in rows]


def prepare(plan: WindowPlan, index: int, bases: list[str], embedder: Embedder) -> Prepared:
    """Do for a chunk what needs no model."""
    where = plan.chunk(index)
    unknown = np.array([unknown_bases(window) for window in bases], dtype=np.int32)
    asked = unknown < where.end - where.start
    wanted = [window for window, ask in zip(bases, asked, strict=True) if ask]
    return Prepared(index, where, unknown, asked, embedder.prepare(wanted) if wanted else None)


def compute(
    chunk: Prepared, embedder: Embedder, names: tuple[str, ...]
) -> tuple[NDArray[np.float32], float]:
    """Return the chunk's vectors, NaN where the model was not asked, and the model's seconds.

    Raises StoreError where it gives another shape than it promised, or a vector is not finite.
    """
    shape = (len(chunk.asked), len(embedder.layers), embedder.hidden)
    vectors = np.full(shape, np.nan, dtype=np.float32)
    if chunk.inputs is None:
        return vectors, 0.0
    before = time.perf_counter()
    found = embedder.compute(chunk.inputs)
    seconds = time.perf_counter() - before
    expected = (int(chunk.asked.sum()), *shape[1:])
    if found.shape != expected:
        raise StoreError(
            f"The model returned vectors of shape {found.shape} for chunk {chunk.index}; expected "
            f"{expected} (windows, layers, hidden): mend its embedder."
        )
    finite = np.isfinite(found).all(axis=2)
    if not finite.all():
        # NaN marks rows that were not computed, so a computed one must never hold it.
        window, layer = np.argwhere(~finite)[0]
        row = np.flatnonzero(chunk.asked)[window]
        record, start, end = (column[row] for column in chunk.where)
        raise StoreError(
            f"The model's vector of {names[record]}:{start}-{end} in layer "
            f"{embedder.layers[layer]} is not finite: {embedder.why_not_finite()}."
        )
    vectors[chunk.asked] = found
    return vectors, seconds
