"""What a classifier has to beat: the most frequent class, and a position weight matrix."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .tables import LabelledSequences, scores

__all__ = ["PositionWeights", "fit_position_weights", "majority_scores", "position_weight_scores"]

_CODE = np.full(256, 4, dtype=np.int8)
_CODE[np.frombuffer(b"ACGT", dtype=np.uint8)] = np.arange(4)


@dataclass(frozen=True, slots=True, eq=False)
class PositionWeights:
    """One log-odds matrix a class, over a core around the middle of the windows.

    Parameters
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

    def predict(self, bases: tuple[str, ...]) -> NDArray[np.int64]:
        """Class of the highest score; an unknown base adds nothing. Shape (n,)."""
        codes = _codes(bases, self.flank)
        known = np.concatenate([self.weights, np.zeros_like(self.weights[..., :1])], axis=2)
        total = np.tile(self.prior, (len(bases), 1))
        for position in range(codes.shape[1]):
            total += known[:, position, codes[:, position]].T
        return np.asarray(total.argmax(axis=1), dtype=np.int64)


def _codes(bases: tuple[str, ...], flank: int) -> NDArray[np.int8]:
    lengths = {len(one) for one in bases}
    if len(lengths) != 1:
        raise InputError(
            f"a position weight matrix needs windows of one length; found {min(lengths)} to "
            f"{max(lengths)} bases."
        )
    length = lengths.pop()
    middle = length // 2
    if not 0 < flank <= min(middle, length - middle):
        raise InputError(f"flank is {flank}; expected 1 to {min(middle, length - middle)}.")
    text = "".join(bases).encode("ascii", "replace")
    codes = _CODE[np.frombuffer(text, dtype=np.uint8)].reshape(len(bases), length)
    return codes[:, middle - flank : middle + flank]


def fit_position_weights(
    training: LabelledSequences, flank: int, pseudocount: float = 1.0
) -> PositionWeights:
    """Count bases by position and class; `pseudocount` is added to every count.

    With several classes this is naive Bayes over positions; Staden 1984 and every splice-site
    scorer since starts there.
    """
    codes = _codes(training.bases, flank)
    positions = np.arange(codes.shape[1])

    def frequencies(rows: NDArray[np.int8]) -> NDArray[np.float64]:
        counts = np.stack([(rows == base).sum(axis=0) for base in range(4)], axis=1) + pseudocount
        return np.asarray(counts / counts.sum(axis=1, keepdims=True), dtype=np.float64)

    background = frequencies(codes).mean(axis=0)
    weights = np.stack(
        [np.log(frequencies(codes[training.labels == k]) / background)[positions]
         for k in range(len(training.classes))]
    )  # fmt: skip
    counts = np.bincount(training.labels, minlength=len(training.classes))
    return PositionWeights(weights, np.log(counts / counts.sum()), flank)


def majority_scores(training: LabelledSequences, test: LabelledSequences) -> dict[str, float]:
    """Scores of always answering the most frequent training class."""
    most = int(np.bincount(training.labels).argmax())
    return scores(test.labels, np.full(len(test), most, dtype=np.int64), test.classes)


def position_weight_scores(
    training: LabelledSequences,
    dev: LabelledSequences,
    test: LabelledSequences,
    flanks: tuple[int, ...] = (5, 10, 20, 35, 50, 75, 100),
    pseudocount: float = 1.0,
) -> dict[str, float]:
    """Test scores of the position weight matrix whose core does best (MCC) on dev.

    Returns
    -------
    dict
        :func:`~dnabert2_explore.training.tables.scores` of test, with ``flank`` and ``dev_mcc``.
    """
    longest = len(training.bases[0]) // 2
    best: tuple[float, PositionWeights] | None = None
    for flank in sorted({min(flank, longest) for flank in flanks}):
        model = fit_position_weights(training, flank, pseudocount)
        mcc = scores(dev.labels, model.predict(dev.bases), dev.classes)["mcc"]
        if best is None or mcc > best[0]:
            best = (mcc, model)
    assert best is not None  # flanks is never empty
    found = scores(test.labels, best[1].predict(test.bases), test.classes)
    return found | {"flank": float(best[1].flank), "dev_mcc": best[0]}
