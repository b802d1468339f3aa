"""Logistic regression on how often each k-mer occurs: composition, without any order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ..codes import UNKNOWN, padded_codes
from .strands import check_strands, titled

if TYPE_CHECKING:
    from ..tables import Labelled
    from .fitted import Fitted

__all__ = ["fit_kmers", "kmer_counts", "kmer_frequencies"]

_LONGEST = 6  # 4,096 features; counts of more are sparser than a linear model can use
_CELLS = 1 << 22  # bases coded at a time


def kmer_counts(bases: Sequence[str], k: int = 4) -> NDArray[np.float32]:
    """Count each k-mer of a sequence, overlapping ones too.

    Parameters
    ----------
    bases : sequence of str
        Upper-case; a k-mer with a letter other than A, C, G, T is left out.
    k : int
        1 to 6.

    Returns
    -------
    (n, 4**k) float32
        In alphabetical order of the k-mers.

    Raises
    ------
    InputError
        For another k.

    Examples
    --------
    >>> kmer_counts(["ACCA"], k=1).tolist()
    [[2.0, 2.0, 0.0, 0.0]]
    """
    if not 1 <= k <= _LONGEST:
        raise InputError(f"k is {k}; expected 1 to {_LONGEST}.")
    out = np.zeros((len(bases), 4**k), dtype=np.float32)
    longest = max((len(one) for one in bases), default=0)
    rows = max(1, _CELLS // max(longest, 1))
    for start in range(0, len(bases), rows):
        part = padded_codes(bases[start : start + rows], longest)
        count = part.shape[1] - k + 1
        if count < 1:
            continue
        words = np.zeros((len(part), count), dtype=np.int64)
        known = np.ones((len(part), count), dtype=bool)
        for offset in range(k):
            column = part[:, offset : offset + count]
            words = words * 4 + column
            known &= column != UNKNOWN
        row, place = np.nonzero(known)
        flat = np.bincount(row * 4**k + words[row, place], minlength=len(part) * 4**k)
        out[start : start + rows] = flat.reshape(len(part), 4**k)
    return out


def kmer_frequencies(bases: Sequence[str], k: int = 4) -> NDArray[np.float32]:
    """Share of each k-mer among a sequence's k-mers (see `kmer_counts`).

    Returns
    -------
    (n, 4**k) float32
        Rows sum to 1, or to 0 where there is no k-mer.

    Examples
    --------
    >>> kmer_frequencies(["ACCA"], k=1).tolist()
    [[0.5, 0.5, 0.0, 0.0]]
    """
    counts = kmer_counts(bases, k)
    return counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)


def _one_strand(k: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Index of each k-mer's reverse complement, and the k-mers that are the first of the two."""
    words = np.arange(4**k)
    turned = np.zeros_like(words)
    rest = words.copy()
    for _ in range(k):
        turned = turned * 4 + 3 - rest % 4
        rest //= 4
    return turned, np.flatnonzero(words <= turned)


def _features(data: Labelled, k: int, strands: str) -> NDArray[np.float32]:
    """Frequencies; of both strands together, a k-mer and its reverse complement are one."""
    every = [data.bases] if data.second is None else [data.bases, data.second]
    found = [kmer_frequencies(bases, k) for bases in every]
    if strands == "both":
        turned, kept = _one_strand(k)
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
