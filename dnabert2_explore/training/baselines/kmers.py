"""Logistic regression on how often each k-mer occurs: composition, without any order."""

from __future__ import annotations

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
    every = [data.bases] if data.second is None else [data.bases, data.second]
    found = [kmer_frequencies(bases, k) for bases in every]
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
    """Fit a multinomial logistic regression (scikit-learn, L2) on standardised frequencies.

    Parameters
    ----------
    training, dev : Labelled
        Of one label each; the regularisation that does best on dev (log loss) is kept.
    k : int
        Letters of a word. The two sequences of a pair are counted apart.
    strengths : tuple of float
        Candidates for scikit-learn's C.
    seed : int
        Not used by the solver; kept for the record.
    strands : {"given", "both"}
        Both: a k-mer and its reverse complement are counted as one (136 features for 4-mers), so
        that both strands of a sequence get the same answer.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline, make_pipeline
    from sklearn.preprocessing import StandardScaler

    from .fitted import Fitted, spread

    check_strands(strands)
    features, held_out = _features(training, k, strands), _features(dev, k, strands)
    every = list(range(len(training.classes)))
    best: tuple[float, float, Pipeline] | None = None
    for strength in strengths:
        model = make_pipeline(
            StandardScaler(), LogisticRegression(C=strength, max_iter=300, random_state=seed)
        )
        model.fit(features, training.labels)
        found = spread(model.predict_proba(held_out), model.classes_, len(every))
        right = found[np.arange(len(found)), dev.labels]
        loss = -float(np.log(np.maximum(right, 1e-15)).mean())
        if best is None or loss < best[0]:
            best = (loss, strength, model)
    assert best is not None  # strengths is never empty
    kept = best[2]
    return Fitted(
        name="kmer",
        title=titled(f"{k}-mer logistic regression", strands),
        settings={"k": k, "C": best[1], "dev_loss": best[0], "strands": strands},
        parameters=(features.shape[1] + 1) * (1 if len(every) == 2 else len(every)),
        probabilities=lambda data: spread(
            kept.predict_proba(_features(data, k, strands)), kept.classes_, len(every)
        ),
    )
