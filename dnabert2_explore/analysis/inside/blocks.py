"""Stretches that depend on each other more than chance: clusters of a dependency map, tested."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...common.progress import Progress, quiet
from ...errors import InputError
from ...results.rich_display import RichDisplay, counted
from ...sequences import in_place
from ...sequences.shuffle import shuffle_dinucleotides

if TYPE_CHECKING:
    import pandas as pd

    from .dependencies import DependencyMap

__all__ = ["Block", "Blocks", "find_blocks"]


#: Share of chance values at the same distance that a cell has to exceed to join a block.
_QUANTILE = 0.99


@dataclass(frozen=True, slots=True)
class Block:
    """A cluster of a dependency map.

    Attributes
    ----------
    source : tuple of int
        Bases [start, end) whose substitution changes the target.
    target : tuple of int
        Bases [start, end) that are predicted otherwise.
    peak : float
        Largest value in it, nats.
    mass : float
        Sum over its cells of log(value / threshold at that distance).
    p : float
        Share of the copies and the sequence itself whose heaviest cluster is at least as heavy.
    """

    source: tuple[int, int]
    target: tuple[int, int]
    peak: float
    mass: float
    p: float


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Blocks(RichDisplay):
    """All clusters of a map, heaviest first.

    A cell counts where it exceeds 99% of the values at the same distance (in powers of two of
    bases) of the map and its copies; neighbouring cells make a cluster. Its p is that of a
    cluster-mass test, which holds for all clusters of a map together (Maris and Oostenveld 2007,
    J. Neurosci. Methods 164:177). What a base does to its own token is left out.

    Attributes
    ----------
    blocks : tuple of Block
    copies : int
        Dinucleotide-shuffled copies of the sequence.
    chance : numpy.ndarray, shape (copies,), float64
        Mass of the heaviest cluster of each copy.
    """

    blocks: tuple[Block, ...]
    copies: int
    chance: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.blocks)

    def __iter__(self) -> Iterator[Block]:
        return iter(self.blocks)

    def _line(self) -> str:
        beyond = sum(block.p <= 0.05 for block in self.blocks)
        return (
            f"{counted(len(self), 'cluster')}, {beyond} with p <= 0.05 against "
            f"{counted(self.copies, 'shuffled copy', 'shuffled copies')}"
        )

    def table(self) -> pd.DataFrame:
        """Return a row a block, heaviest first.

        Returns
        -------
        pandas.DataFrame
            ``source_start``, ``source_end``, ``target_start``, ``target_end`` (0-based, half-open),
            ``peak`` (nats), ``mass`` and ``p``.
        """
        import pandas as pd

        spans = np.array([(*block.source, *block.target) for block in self.blocks], np.int64)
        ends = ("source_start", "source_end", "target_start", "target_end")
        table = pd.DataFrame(spans.reshape(-1, 4), columns=list(ends))
        for name in ("peak", "mass", "p"):
            table[name] = [getattr(block, name) for block in self.blocks]
        return table


def find_blocks(
    found: DependencyMap,
    again: Callable[[str], DependencyMap],
    copies: int,
    seed: int,
    progress: Progress | None,
) -> Blocks:
    """Cluster a map and weigh its clusters against those of shuffled copies.

    `again` computes the map of other bases.
    """
    if copies < 1:
        raise InputError(f"copies is {copies}: give at least 1 shuffled copy to compare with.")
    rng = np.random.default_rng(seed)
    maps = [found]
    for number in range(copies):
        maps.append(again(_shuffled(found.tokens.bases, rng)))
        (progress or quiet)(number + 1, copies)
    values = [one.elsewhere for one in maps]
    bins = [_bins(one) for one in maps]
    limits = _limits(values, bins)
    clusters = [_clusters(one, limits[where]) for one, where in zip(values, bins, strict=True)]
    chance = np.array([max((c[2] for c in each), default=0.0) for each in clusters[1:]])
    spans, start = found.spans, found.region[0]
    blocks = [
        Block(
            source=(start + int(rows.min()), start + int(rows.max()) + 1),
            target=(int(spans[columns, 0].min()), int(spans[columns, 1].max())),
            peak=float(values[0][rows, columns].max()),
            mass=mass,
            p=float((1 + (chance >= mass).sum()) / (1 + copies)),
        )
        for rows, columns, mass in clusters[0]
    ]
    return Blocks(tuple(sorted(blocks, key=lambda block: -block.mass)), copies, chance)


def _shuffled(bases: str, rng: np.random.Generator) -> str:
    """Shuffle the letters; white space stays where it is."""
    letters = list(in_place(bases))
    places = [place for place, letter in enumerate(letters) if letter != " "]
    shuffled = shuffle_dinucleotides("".join(letters[place] for place in places), rng)
    for place, letter in zip(places, shuffled, strict=True):
        letters[place] = letter
    return "".join(letters)


def _bins(one: DependencyMap) -> NDArray[np.int64]:
    """Distance of each cell, the base to the nearest base of the column, in powers of two."""
    base = np.arange(*one.region)[:, None]
    spans = one.spans
    gap = np.maximum(spans[None, :, 0] - base, base - (spans[None, :, 1] - 1))
    return np.log2(np.maximum(gap, 1)).astype(np.int64)


def _limits(
    values: list[NDArray[np.float32]], bins: list[NDArray[np.int64]]
) -> NDArray[np.float64]:
    """Return what a cell has to exceed, by distance; infinite where nothing is known."""
    every = np.concatenate([one.ravel() for one in values])
    where = np.concatenate([one.ravel() for one in bins])
    known = ~np.isnan(every)
    every, where = every[known], where[known]
    limits = np.full(int(max(one.max(initial=0) for one in bins)) + 1, np.inf)
    for number in np.unique(where):
        limits[number] = max(np.quantile(every[where == number], _QUANTILE), 1e-12)
    return limits


def _clusters(
    values: NDArray[np.float32], limits: NDArray[np.float64]
) -> list[tuple[NDArray[np.int64], NDArray[np.int64], float]]:
    """Rows, columns and mass of every cluster of cells beyond their limit."""
    from scipy import ndimage

    with np.errstate(divide="ignore"):  # no limit: so far apart nothing can stand out
        excess = np.log(np.maximum(np.nan_to_num(values), 1e-30) / limits)
    labels, count = ndimage.label(excess > 0)
    found = []
    for number in range(1, count + 1):
        rows, columns = np.nonzero(labels == number)
        found.append((rows, columns, float(excess[rows, columns].sum())))
    return found
