"""One Markov chain a class: which base follows which, and nothing of where."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ...sequences.kmers import kmer_counts
from .fitted import Fitted, log_prior, mcc_on, normalised
from .strands import averaged, both_strands, titled

if TYPE_CHECKING:
    from ..labelled.tables import Labelled
    from .fitted import Probabilities

__all__ = ["chain_log_probabilities", "fit_markov"]


def chain_log_probabilities(counts: NDArray[np.float64], smoothing: float) -> NDArray[np.float64]:
    """Log probability of each word's last base after its other bases, shape (4**(order + 1),).

    `counts` are of the words in alphabetical order; `smoothing` is added to every one.

    Examples
    --------
    After A comes C three times of four; nothing is known of what comes after the others.

    >>> counts = np.zeros(16)
    >>> counts[:2] = 1, 3
    >>> np.exp(chain_log_probabilities(counts, 1.0))[:5].round(3).tolist()
    [0.25, 0.5, 0.125, 0.125, 0.25]
    """
    table = counts.reshape(-1, 4) + smoothing
    return np.asarray(np.log(table / table.sum(axis=1, keepdims=True)).ravel(), dtype=np.float64)


def fit_markov(
    training: Labelled,
    dev: Labelled,
    order: int = 3,
    smoothings: tuple[float, ...] = (0.1, 1.0, 10.0, 100.0, 1000.0),
    seed: int = 42,
    strands: str = "given",
) -> Fitted:
    """Fit a chain to the sequences of each class; the likeliest class is answered.

    With two classes this is the log-likelihood ratio of two chains, as for CpG islands (Durbin et
    al. 1998, Biological Sequence Analysis, section 3.1). The first `order` bases of a sequence (0
    to 5) are given, not scored; a word with an unknown base adds nothing. The frequencies of the
    classes in training are the prior. The two sequences of a pair have chains of their own.

    Of the `smoothings`, what is added to every count, the one that does best (MCC) on dev is kept,
    the first of equals. With `strands` "both" chains are counted on both strands, and answers are
    the mean over them. The `seed` is not used: counting has no chance in it. Another order is an
    `InputError`.
    """
    if not 0 <= order <= 5:
        raise InputError(f"order is {order}; expected 0 to 5.")
    seen = both_strands(training, strands)
    classes = len(training.classes)
    words = [
        np.stack([counts[seen.labels == k].sum(axis=0, dtype=np.float64) for k in range(classes)])
        for counts in (kmer_counts(bases, order + 1) for bases in seen.parts)
    ]  # one (classes, words) for each sequence of a row
    prior = log_prior(training)

    def fitted(smoothing: float) -> tuple[float, float, Probabilities]:
        chains = [
            np.stack([chain_log_probabilities(one, smoothing) for one in each]).T for each in words
        ]
        answer = averaged(_likeliest(chains, prior, order), strands)
        return mcc_on(dev, answer(dev)), smoothing, answer

    mcc, smoothing, answer = max(map(fitted, smoothings), key=itemgetter(0))
    return Fitted(
        name="markov",
        title=titled(f"order-{order} Markov chain", strands),
        settings={
            "order": order,
            "smoothing": smoothing,
            "dev_mcc": None if np.isnan(mcc) else mcc,
            "strands": strands,
        },
        parameters=3 * 4**order * classes * len(words),
        probabilities=answer,
    )


def _likeliest(
    chains: list[NDArray[np.float64]], prior: NDArray[np.float64], order: int
) -> Probabilities:
    """Bayes' rule for chains (words, classes) of each sequence and a log prior."""

    def probabilities(data: Labelled) -> NDArray[np.float64]:
        logs = np.tile(prior, (len(data), 1))
        for bases, chain in zip(data.parts, chains, strict=True):
            logs += kmer_counts(bases, order + 1) @ chain
        return normalised(logs)

    return probabilities
