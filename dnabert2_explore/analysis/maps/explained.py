"""How much of a map, or of vectors, follows from a few numbers of each sequence."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...common.names import check_name
from ...errors import InputError
from ...sequences import as_dna
from ...sequences.kmers import kmer_frequencies
from ..enrichment.strata import cpg_of, gc_of

__all__ = ["REMOVED", "composition_features", "remove_composition", "share_explained"]

#: What `remove_composition` takes out.
REMOVED = ("gc", "4-mers")
_FOLDS = 5


def composition_features(texts: list[str]) -> dict[str, NDArray[np.float64]]:
    """Return what composition tells of each sequence: arrays (n, 1), and (n, 256) of 4-mers."""
    each = [as_dna(text) for text in texts]
    return {
        "GC content": np.nan_to_num(gc_of(each), nan=0.5)[:, None],
        "CpG": cpg_of(each)[:, None],
        "length": np.array([[float(len(t))] for t in each]),
        "4-mers": kmer_frequencies(each, 4).astype(np.float64),
    }


def _predicted(
    features: NDArray[np.float64], target: NDArray[np.float64], seed: int
) -> NDArray[np.float64]:
    """Predict each row by ridge regression on the other folds; the strength fits itself."""
    from sklearn.linear_model import RidgeCV
    from sklearn.model_selection import KFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), RidgeCV(alphas=np.logspace(-2, 4, 7)))
    folds = KFold(min(_FOLDS, len(features)), shuffle=True, random_state=seed)
    return cross_val_predict(model, features, target, cv=folds).reshape(target.shape)


def share_explained(
    features: ArrayLike, target: ArrayLike, seed: int = 0
) -> tuple[NDArray[np.float64], float]:
    """Share of the variance of each column that features predict for sequences they never saw.

    From features (n, m) and a target (n, columns), such as the axes of a map: the cross-validated
    R² of ridge regression in five folds, 0 where it is below, (columns,); and the same of all
    columns together, weighted by their variance.
    """
    x, y = np.asarray(features, dtype=np.float64), np.asarray(target, dtype=np.float64)
    around = ((y - y.mean(axis=0)) ** 2).sum(axis=0)
    if not np.ptp(x, axis=0).any() or not around.any() or len(y) < 2 * _FOLDS:
        return np.zeros(y.shape[1]), 0.0
    left = ((y - _predicted(x, y, seed)) ** 2).sum(axis=0)
    each = np.where(around > 0, 1 - left / np.where(around > 0, around, 1), 0.0)
    return np.maximum(each, 0), float(max(1 - left.sum() / around.sum(), 0))


def remove_composition(
    vectors: ArrayLike, texts: list[str], what: str = "gc", seed: int = 0
) -> NDArray[np.float32]:
    """Return what is left of vectors (n, hidden) when composition has told what it can.

    Each vector less what ridge regression on the other sequences predicts from its composition, so
    that nothing of a sequence's own vector is used up by fitting it. Raises InputError for another
    `what` than those of `REMOVED`, or fewer than ten sequences.
    """
    check_name("Composition", what, REMOVED)
    array = np.asarray(vectors, dtype=np.float64)
    if len(array) < 2 * _FOLDS:
        raise InputError(
            f"Composition of {len(array)} sequences cannot be told from the rest of their vectors: "
            f"give {2 * _FOLDS} or more."
        )
    features = composition_features(texts)["GC content" if what == "gc" else "4-mers"]
    return (array - _predicted(features, array, seed)).astype(np.float32)
