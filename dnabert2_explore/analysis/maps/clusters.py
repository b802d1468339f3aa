"""Clusters of embeddings, and whether they come back when sequences are left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...common.arrays import check_rows
from ...common.costs import says_cost
from ...common.progress import Progress, quiet
from ...errors import InputError
from ...results.origins import recorded
from ...results.rich_display import RichDisplay, counted
from .neighbours import centred_unit

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Clusters", "find_clusters"]


_DIMENSIONS = 30  # of a PCA before distances mean too little
_SHARE = 0.8


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Clusters(RichDisplay):
    """Clusters by density.

    Attributes
    ----------
    labels : numpy.ndarray, shape (n,), int64
        0 for the largest cluster, and so on; -1 for what belongs to none.
    strength : numpy.ndarray, shape (n,), float64
        How surely each row belongs, 0 to 1.
    sizes : numpy.ndarray, shape (clusters,), int64
    stability : numpy.ndarray, shape (clusters,), float64
        Mean overlap (Jaccard) of each cluster with the best one found in four fifths of the rows,
        drawn `draws` times; above 0.75 a cluster is there, below 0.6 it is not to be trusted
        (Hennig 2007).
    null : float
        The same for clusters of rows whose columns were shuffled apart: what chance gives; NaN
        where those have no cluster.
    draws, min_cluster_size : int
    """

    labels: NDArray[np.int64]
    strength: NDArray[np.float64]
    sizes: NDArray[np.int64]
    stability: NDArray[np.float64]
    null: float
    draws: int
    min_cluster_size: int

    def __len__(self) -> int:
        return len(self.sizes)

    def _line(self) -> str:
        sure = int((self.stability > 0.75).sum())
        return (
            f"{counted(len(self), 'cluster')} of {counted(len(self.labels), 'row')} "
            f"(HDBSCAN, {self.min_cluster_size} "
            f"or more), {sure} of them stable; "
            f"{counted(int((self.labels < 0).sum()), 'row')} in none"
        )

    def table(self) -> pd.DataFrame:
        """Return ``cluster``, ``size`` and ``stability``, a row each."""
        import pandas as pd

        table = pd.DataFrame(
            {"cluster": np.arange(len(self)), "size": self.sizes, "stability": self.stability}
        )
        table.attrs["about"] = self._line()
        return table


@recorded
@says_cost
def find_clusters(
    vectors: ArrayLike,
    *,
    min_cluster_size: int = 15,
    draws: int = 10,
    seed: int = 0,
    progress: Progress | None = None,
) -> Clusters:
    """Find clusters by HDBSCAN (scikit-learn), and how stable each is.

    Distances are those of directions about the mean, after a PCA to 30 dimensions; nothing is
    clustered on the page, where UMAP tears and joins. Each of `draws` times, four fifths of the
    rows are clustered anew.

    Parameters
    ----------
    vectors : array_like, shape (n, hidden)
    min_cluster_size : int
        Rows that make a cluster.
    draws : int
    seed : int
    progress : callable, optional
        Called as progress(draws done, draws in all); may raise `Cancelled`.

    Returns
    -------
    Clusters

    Raises
    ------
    InputError
        If there are fewer rows than two clusters take, or a number is not finite.

    References
    ----------
    Campello, Moulavi and Sander 2013 (HDBSCAN). Hennig 2007, Cluster-wise assessment of cluster
    stability.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> two = np.concatenate([rng.normal(c, 0.1, (40, 5)) for c in (-1, 1)])
    >>> found = find_clusters(two)
    >>> found.sizes.tolist(), bool((found.stability > 0.9).all())
    ([40, 40], True)
    """
    points = np.asarray(vectors, dtype=np.float32)
    if points.ndim != 2 or len(points) < 2 * min_cluster_size or min_cluster_size < 2:
        raise InputError(
            f"Vectors have shape {points.shape}; expected (n, hidden) with n at least "
            f"{2 * max(min_cluster_size, 2)}, twice min_cluster_size: give more rows."
        )
    check_rows(points, "vectors")
    report = progress or quiet
    rng = np.random.default_rng(seed)
    flat = _flat(points, seed)
    labels, strength = _clustered(flat, min_cluster_size)
    stability = _stability(flat, labels, min_cluster_size, draws, rng, report)
    shuffled = rng.permuted(flat, axis=0)
    chance, _ = _clustered(shuffled, min_cluster_size)
    null = _stability(shuffled, chance, min_cluster_size, max(draws // 3, 1), rng,
                      quiet)  # fmt: skip
    return Clusters(
        labels=labels,
        strength=strength,
        sizes=np.bincount(labels[labels >= 0], minlength=len(stability)),
        stability=stability,
        null=float(null.mean()) if len(null) else float("nan"),
        draws=draws,
        min_cluster_size=min_cluster_size,
    )


def _flat(points: NDArray[np.float32], seed: int) -> NDArray[np.float64]:
    from sklearn.decomposition import PCA

    unit = centred_unit(points)
    n = min(_DIMENSIONS, *unit.shape)
    return np.asarray(PCA(n, random_state=seed).fit_transform(unit), dtype=np.float64)


def _clustered(
    flat: NDArray[np.float64], least: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Labels, the largest cluster first, and strengths."""
    from sklearn.cluster import HDBSCAN

    found = HDBSCAN(min_cluster_size=least, copy=True).fit(flat)
    labels = found.labels_.astype(np.int64)
    sizes = np.bincount(labels[labels >= 0])
    order = np.argsort(np.argsort(-sizes, kind="stable"), kind="stable")
    renamed = np.where(labels >= 0, order[np.maximum(labels, 0)] if len(sizes) else -1, -1)
    return renamed.astype(np.int64), np.asarray(found.probabilities_, dtype=np.float64)


def _stability(
    flat: NDArray[np.float64],
    labels: NDArray[np.int64],
    least: int,
    draws: int,
    rng: np.random.Generator,
    report: Progress,
) -> NDArray[np.float64]:
    n, clusters = len(flat), int(labels.max(initial=-1)) + 1
    total = np.zeros(clusters)
    for draw in range(draws):
        report(draw, draws)
        kept = np.sort(rng.permutation(n)[: max(int(_SHARE * n), 2 * least)])
        again, _ = _clustered(flat[kept], max(2, round(_SHARE * least)))
        for cluster in range(clusters):
            own = labels[kept] == cluster
            overlaps = [
                (own & (again == other)).sum() / (own | (again == other)).sum()
                for other in range(int(again.max(initial=-1)) + 1)
            ]
            total[cluster] += max(overlaps, default=0.0)
    report(draws, draws)
    return total / draws
