"""How well a linear classifier tells labels from vectors, for sequences it never saw."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...common.stats import interval

__all__ = ["Difference", "Probe", "difference", "probe"]

_FOLDS = 5
_DRAWS = 500


@dataclass(frozen=True, slots=True)
class Probe:
    """A cross-validated linear probe.

    Attributes
    ----------
    score : float
        Balanced accuracy: the share told right, averaged over classes; 1 / classes by chance.
    low, high : float
        95 % interval: bootstrap over groups, or over sequences where there are none.
    draws : numpy.ndarray, shape (500,), or None
        The score in each draw; the same groups are drawn for all probes of the same labels.
    """

    score: float
    low: float
    high: float
    draws: NDArray[np.float64] | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Difference:
    """By how much one probe tells more than another, of the same sequences.

    Attributes
    ----------
    score : float
        Difference of the balanced accuracies.
    low, high : float
        95 % interval of it: both are looked at in the same draws of the bootstrap, so that what is
        hard for both does not widen it.
    """

    score: float
    low: float
    high: float


def difference(first: Probe, second: Probe) -> Difference:
    """Compare two probes of the same labels, groups and seed.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> labels = np.arange(40) % 2
    >>> strong = probe(rng.normal(size=(40, 2)) + 5 * labels[:, None], labels)
    >>> difference(strong, strong)
    Difference(score=0.0, low=0.0, high=0.0)
    """
    if first.draws is None or second.draws is None:
        return Difference(math.nan, math.nan, math.nan)
    low, high = interval(first.draws - second.draws)
    return Difference(first.score - second.score, float(low), float(high))


def probe(
    vectors: ArrayLike,
    labels: NDArray[np.integer],
    groups: NDArray[np.integer] | None = None,
    seed: int = 0,
) -> Probe:
    """Tell labels by linear discriminant analysis with a shrunk covariance, in five folds.

    Each class is in two groups at least, or has two sequences; those of one group are never both
    learnt from and told. NaN where a fold has fewer than two classes to learn, or one sequence a
    class. The seed is that of the folds and of the bootstrap.
    """
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    x = np.asarray(vectors, dtype=np.float64)
    unit = np.arange(len(x)) if groups is None else groups
    sizes = [len(np.unique(unit[labels == c])) for c in np.unique(labels)]
    n_folds = max(2, min(_FOLDS, min(sizes)))
    kind = StratifiedKFold if groups is None else StratifiedGroupKFold
    folds = kind(n_folds, shuffle=True, random_state=seed)
    told = np.full(len(x), -1)
    for learn, ask in folds.split(x, labels, groups):
        learnt = len(np.unique(labels[learn]))
        if learnt < 2 or learnt >= len(learn):
            return Probe(math.nan, math.nan, math.nan)
        model = make_pipeline(
            StandardScaler(), LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")
        )
        told[ask] = model.fit(x[learn], labels[learn]).predict(x[ask])
    right = told == labels
    _, number = np.unique(unit, return_inverse=True)
    classes, place = np.unique(labels, return_inverse=True)
    # Per group: how many of each class it has, and how many of them were told right.
    counts = np.zeros((2, number.max() + 1, len(classes)))
    np.add.at(counts[0], (number, place), 1)
    np.add.at(counts[1], (number, place), right)
    total = counts.sum(axis=1)
    rng = np.random.default_rng(seed)
    weights = rng.multinomial(counts.shape[1], np.full(counts.shape[1], 1 / counts.shape[1]),
                              _DRAWS).astype(np.float64)  # fmt: skip
    drawn = weights @ counts[0], weights @ counts[1]
    with np.errstate(invalid="ignore"):
        scores = np.nanmean(np.where(drawn[0] > 0, drawn[1] / drawn[0], np.nan), axis=1)
    low, high = interval(scores)
    return Probe(float((total[1] / total[0]).mean()), float(low), float(high), scores)
