"""Logistic regression on how often each k-mer occurs: composition, without any order."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...sequences.kmers import kmer_frequencies, turned_kmers
from .strands import check_strands, titled

if TYPE_CHECKING:
    from ..labelled.tables import Labelled
    from .fitted import Fitted

__all__ = ["fit_kmers"]


def _features(data: Labelled, k: int, strands: str) -> NDArray[np.float32]:
    """Frequencies; of both strands together, a k-mer and its reverse complement are one."""
    found = [kmer_frequencies(bases, k) for bases in data.parts]
    if strands == "both":
        turned = turned_kmers(k)
        kept = np.flatnonzero(np.arange(len(turned)) <= turned)  # the first of the two
        found = [(one + one[:, turned])[:, kept] / np.float32(2) for one in found]
    return np.hstack(found)


def fit_kmers(
    training: Labelled,
    dev: Labelled,
    k: int = 4,
    strengths: tuple[float, ...] = (1e-4, 1e-3, 0.01, 0.1, 1.0),
    seed: int = 42,
    strands: str = "given",
) -> Fitted:
    """Fit a multinomial logistic regression (scikit-learn, L2) on standardised k-mer frequencies.

    Of the `strengths`, scikit-learn's C, the one with the lowest log loss on dev is kept. The two
    sequences of a pair are counted apart. With `strands` "both" a k-mer and its reverse complement
    are counted as one (136 features for 4-mers), so that both strands of a sequence get the same
    answer. The solver does not use the `seed`; it is kept for the record.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline, make_pipeline
    from sklearn.preprocessing import StandardScaler

    from .fitted import Fitted, log_loss, spread

    check_strands(strands)
    features, held_out = _features(training, k, strands), _features(dev, k, strands)
    classes = len(training.classes)

    def fitted(strength: float) -> tuple[float, float, Pipeline]:
        model = make_pipeline(
            StandardScaler(), LogisticRegression(C=strength, max_iter=300, random_state=seed)
        )
        model.fit(features, training.labels)
        found = spread(model.predict_proba(held_out), model.classes_, classes)
        return log_loss(dev, found), strength, model

    loss, strength, kept = min(map(fitted, strengths), key=itemgetter(0))
    return Fitted(
        name="kmer",
        title=titled(f"{k}-mer logistic regression", strands),
        settings={"k": k, "C": strength, "dev_loss": loss, "strands": strands},
        parameters=(features.shape[1] + 1) * (1 if classes == 2 else classes),
        probabilities=lambda data: spread(
            kept.predict_proba(_features(data, k, strands)), kept.classes_, classes
        ),
    )
