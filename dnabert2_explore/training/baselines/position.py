"""The most frequent class, and a position weight matrix."""

from __future__ import annotations

from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ...sequences.codes import padded_codes
from .fitted import Fitted, log_prior, mcc_on, normalised
from .strands import averaged, both_strands, check_strands, titled

if TYPE_CHECKING:
    from ..labelled.tables import Labelled

__all__ = ["PositionWeights", "fit_majority", "fit_position_weights", "position_weights"]


@dataclass(frozen=True, slots=True, eq=False)
class PositionWeights:
    """One log-odds matrix a class, over a core around the middle of the windows.

    Attributes
    ----------
    weights : (classes, core, 4) float64
        Log of the class' base frequency at a position over the frequency in all training windows.
    prior : (classes,) float64
        Log frequency of each class.
    flank : int
        The core is the middle ``2 * flank`` bases.
    """

    weights: NDArray[np.float64]
    prior: NDArray[np.float64]
    flank: int

    def log_scores(self, bases: tuple[str, ...]) -> NDArray[np.float64]:
        """Log probability of each class up to a constant, (n, classes); N adds nothing."""
        codes = _core(bases, self.flank)
        known = np.concatenate([self.weights, np.zeros_like(self.weights[..., :1])], axis=2)
        total = np.tile(self.prior, (len(bases), 1))
        for position in range(codes.shape[1]):
            total += known[:, position, codes[:, position]].T
        return total

    def probabilities(self, data: Labelled) -> NDArray[np.float64]:
        """Probability of each class by Bayes' rule, shape (n, classes)."""
        return normalised(self.log_scores(data.bases))

    def predict(self, bases: tuple[str, ...]) -> NDArray[np.int64]:
        """Class of the highest score, shape (n,)."""
        return np.asarray(self.log_scores(bases).argmax(axis=1), dtype=np.int64)


def _core(bases: tuple[str, ...], flank: int) -> NDArray[np.int8]:
    lengths = {len(one) for one in bases}
    if len(lengths) != 1:
        raise InputError(
            f"a position weight matrix needs windows of one length; found {min(lengths)} to "
            f"{max(lengths)} bases: cut them to one length, or leave this baseline out."
        )
    length = lengths.pop()
    middle = length // 2
    if not 0 < flank <= min(middle, length - middle):
        raise InputError(f"flank is {flank}; expected 1 to {min(middle, length - middle)}.")
    return padded_codes(bases, length)[:, middle - flank : middle + flank]


def position_weights(training: Labelled, flank: int, pseudocount: float = 1.0) -> PositionWeights:
    """Count bases by position and class; `pseudocount` is added to every count.

    With several classes this is naive Bayes over positions; Staden 1984 and every splice-site
    scorer since starts there.
    """
    codes = _core(training.bases, flank)

    def frequencies(rows: NDArray[np.int8]) -> NDArray[np.float64]:
        counts = np.stack([(rows == base).sum(axis=0) for base in range(4)], axis=1) + pseudocount
        return np.asarray(counts / counts.sum(axis=1, keepdims=True), dtype=np.float64)

    background = frequencies(codes).mean(axis=0)
    weights = np.stack(
        [np.log(frequencies(codes[training.labels == k]) / background)
         for k in range(len(training.classes))]
    )  # fmt: skip
    return PositionWeights(weights, log_prior(training), flank)


def fit_majority(
    training: Labelled, dev: Labelled, seed: int = 42, strands: str = "given"
) -> Fitted:
    """Answer the class frequencies of training, whatever the sequence and its strand."""
    check_strands(strands)
    prior = np.exp(log_prior(training))
    return Fitted(
        name="majority",
        title="majority class",
        settings={"class": training.classes[int(prior.argmax())]},
        parameters=len(prior) - 1,
        probabilities=lambda data: np.tile(prior, (len(data.bases), 1)),
    )


def fit_position_weights(
    training: Labelled,
    dev: Labelled,
    flanks: tuple[int, ...] = (5, 10, 20, 35, 50, 75, 100, 150, 250),
    pseudocount: float = 1.0,
    seed: int = 42,
    strands: str = "given",
) -> Fitted:
    """Fit the position weight matrix whose core does best (MCC) on dev.

    The windows are of one length and aligned in the middle; `flanks` are candidates for half the
    width of the core, in bases, cut at the window's half, and `pseudocount` is added to every
    count. With `strands` "both" the matrix is counted on both strands, and answers are the mean
    over them. The `seed` is not used: counting has no chance in it. Windows of several lengths and
    pairs of sequences are an `InputError`.
    """
    if training.second is not None:
        raise InputError("a position weight matrix reads one sequence a row, not pairs.")
    seen = both_strands(training, strands)
    longest = len(training.bases[0]) // 2

    def fitted(flank: int) -> tuple[float, PositionWeights]:
        model = position_weights(seen, flank, pseudocount)
        return mcc_on(dev, averaged(model.probabilities, strands)(dev)), model

    widths = sorted({min(flank, longest) for flank in flanks})
    mcc, kept = max(map(fitted, widths), key=itemgetter(0))
    return Fitted(
        name="position_weights",
        title=titled("position weight matrix", strands),
        settings={
            "flank": kept.flank,
            "pseudocount": pseudocount,
            "dev_mcc": None if np.isnan(mcc) else mcc,
            "strands": strands,
        },
        parameters=3 * 2 * kept.flank * len(training.classes),
        probabilities=averaged(kept.probabilities, strands),
    )
