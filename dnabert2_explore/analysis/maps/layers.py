"""How alike the spaces of layers, or of models, are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...errors import InputError
from ...results.origins import recorded
from ...results.rich_display import RichDisplay
from .neighbours import centred_unit, nearest

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SpaceComparison", "compare_spaces", "linear_cka"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class SpaceComparison(RichDisplay):
    """Vectors of the same sequences in several spaces, each beside each.

    Attributes
    ----------
    names : tuple of str
    cka : numpy.ndarray, shape (spaces, spaces), float64
        Linear centred kernel alignment, 0 to 1; 1 where one is a rotation of the other.
    kept : numpy.ndarray, shape (spaces, spaces), float64
        Share of the nearest neighbours in both.
    by_chance : float
        `kept` of spaces that have nothing in common.
    cka_null : numpy.ndarray, shape (spaces, spaces), float64
        `cka` with the sequences of one space shuffled: above 0 in many dimensions.
    n_neighbors : int
    """

    names: tuple[str, ...]
    cka: NDArray[np.float64]
    kept: NDArray[np.float64]
    by_chance: float
    cka_null: NDArray[np.float64]
    n_neighbors: int

    def _line(self) -> str:
        return (
            f"{len(self.names)} spaces ({', '.join(self.names)}): linear CKA, and the "
            f"{self.n_neighbors} nearest neighbours kept"
        )

    def table(self) -> pd.DataFrame:
        """Return ``first``, ``second``, ``cka``, ``cka_null`` and ``kept``, a row a pair."""
        import pandas as pd

        pair = np.triu_indices(len(self.names), 1)
        first, second = ([self.names[i] for i in side] for side in pair)
        table = pd.DataFrame({"first": first, "second": second})
        for name in ("cka", "cka_null", "kept"):
            table[name] = getattr(self, name)[pair]
        table.attrs["about"] = self._line()
        return table


def linear_cka(first: ArrayLike, second: ArrayLike) -> float:
    """Linear centred kernel alignment of two spaces (Kornblith et al. 2019), 0 to 1.

    Of the same sequences in the same order, (n, d) and (n, e); NaN where a space has no variance.

    Examples
    --------
    >>> points = np.random.default_rng(0).normal(size=(50, 3))
    >>> turned = 2 * points[:, ::-1] + 1
    >>> round(linear_cka(points, turned), 6)
    1.0
    """
    x, y = (np.asarray(v, dtype=np.float64) for v in (first, second))
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    both = ((x.T @ y) ** 2).sum()
    each = np.sqrt(((x.T @ x) ** 2).sum() * ((y.T @ y) ** 2).sum())
    return float(both / each) if each > 0 else float("nan")


@recorded
def compare_spaces(
    spaces: Mapping[str, ArrayLike],
    *,
    n_neighbors: int = 15,
    seed: int = 0,
) -> SpaceComparison:
    """Compare layers of a model, or models, by the same sequences.

    Parameters
    ----------
    spaces : mapping of str to array_like, shape (n, hidden)
        Such as ``{f"layer {i}": enc.embed(sequences, layer=i) for i in range(5)}``, or a model
        beside its untrained twin.
    n_neighbors : int
    seed : int
        Of the shuffle behind `SpaceComparison.cka_null`.

    Returns
    -------
    SpaceComparison

    Raises
    ------
    InputError
        If there are fewer than two spaces, or they hold different numbers of sequences.
    """
    arrays = {name: np.asarray(v, dtype=np.float64) for name, v in spaces.items()}
    sizes = {len(v) for v in arrays.values()}
    if len(arrays) < 2 or len(sizes) != 1 or min(sizes) < 3:
        raise InputError(
            f"{len(arrays)} spaces of {sorted(sizes)} sequences cannot be compared: give two or "
            "more of the same three or more sequences."
        )
    n = sizes.pop()
    k = min(n_neighbors, n - 1)
    order = np.random.default_rng(seed).permutation(n)
    marks = [np.zeros((n, n), dtype=bool) for _ in arrays]
    for mark, values in zip(marks, arrays.values(), strict=True):
        np.put_along_axis(mark, nearest(centred_unit(values), k), True, axis=1)
    size = len(arrays)
    cka, null, kept = np.eye(size), np.eye(size), np.eye(size)
    each = list(arrays.values())
    for i in range(size):
        for j in range(i + 1, size):
            cka[i, j] = cka[j, i] = linear_cka(each[i], each[j])
            null[i, j] = null[j, i] = linear_cka(each[i], each[j][order])
            kept[i, j] = kept[j, i] = (marks[i] & marks[j]).sum() / (n * k)
    return SpaceComparison(
        names=tuple(arrays),
        cka=cka,
        kept=kept,
        by_chance=k / (n - 1),
        cka_null=null,
        n_neighbors=k,
    )
