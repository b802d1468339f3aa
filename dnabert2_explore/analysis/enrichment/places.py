"""Where a set of sequences lies among others, in the space of their embeddings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...errors import InputError
from ...stores.nearest import unit

__all__ = ["Place", "place_of"]

_ASKED = 500  # selected sequences whose neighbours are looked up, drawn by a seed


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """Where selected vectors lie among the rest, by cosine similarity in the full space.

    Attributes
    ----------
    medoids : numpy.ndarray, shape (m,), int64
        Rows of `selected` that are most like all of it, the most typical first.
    nearest : numpy.ndarray, shape (m,), int64
        Rows of `rest` that are most like the selection, the nearest first.
    similarity : numpy.ndarray, shape (m,), float64
        Mean cosine similarity of each of `nearest` to the selection.
    within : float
        Share of the `n_neighbors` nearest neighbours of a selected vector that are selected too.
    by_chance : float
        That share, were the selection drawn at random.
    n_neighbors : int
    """

    medoids: NDArray[np.int64]
    nearest: NDArray[np.int64]
    similarity: NDArray[np.float64]
    within: float
    by_chance: float
    n_neighbors: int


def place_of(
    selected: ArrayLike, rest: ArrayLike, n_neighbors: int = 15, most: int = 10, seed: int = 0
) -> Place:
    """Find what is typical of a selection, what is next to it, and whether it is a group.

    A lasso is drawn in a plane: whether what it holds is together in the full space, `Place.within`
    tells. It looks at 500 selected vectors, drawn by `seed`, where there are more. `most` medoids
    and nearest rows are kept. Rows with NaN are passed over, and are no neighbours; raises
    InputError where a set has no other, or the two differ in width.

    Examples
    --------
    >>> near = [[1.0, 0.1], [1.0, 0.0], [1.0, -0.1]]
    >>> place = place_of(near, [[0.0, 1.0], [0.5, 1.0]], n_neighbors=2)
    >>> int(place.medoids[0]), int(place.nearest[0]), place.within, place.by_chance
    (1, 1, 1.0, 0.5)
    """
    ours, mine = _unit(selected, "selected")
    theirs, yours = _unit(rest, "other")
    if ours.shape[1] != theirs.shape[1]:
        raise InputError(
            f"Selected vectors have {ours.shape[1]} numbers and the others {theirs.shape[1]}: give "
            "embeddings of one model, layer and pooling."
        )
    centre = ours.mean(axis=0)
    typical = np.argsort(-(ours @ centre), kind="stable")[:most]
    likeness = theirs @ centre
    near = np.argsort(-likeness, kind="stable")[:most]
    rng = np.random.default_rng(seed)
    n = len(ours)
    asked = np.sort(rng.permutation(n)[:_ASKED])
    every = np.concatenate([ours, theirs])
    k = min(n_neighbors, len(every) - 1)
    scores = ours[asked] @ every.T
    scores[np.arange(len(asked)), asked] = -np.inf
    neighbours = np.argpartition(-scores, k - 1, axis=1)[:, :k]
    return Place(
        medoids=mine[typical],
        nearest=yours[near],
        similarity=likeness[near].astype(np.float64),
        within=float((neighbours < n).mean()),
        by_chance=(n - 1) / (len(every) - 1),
        n_neighbors=k,
    )


def _unit(vectors: ArrayLike, which: str) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Rows of length 1, and where they stood; rows with NaN are left out."""
    array = np.asarray(vectors, dtype=np.float32)
    if array.ndim != 2:
        raise InputError(f"The {which} vectors have {array.ndim} dimensions; expected (n, hidden).")
    kept = np.flatnonzero(np.isfinite(array).all(axis=1))
    if not kept.size:
        raise InputError(f"No {which} vector is free of NaN and infinity; expected one or more.")
    return unit(array[kept]), kept
