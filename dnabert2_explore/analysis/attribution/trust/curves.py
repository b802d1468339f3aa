"""Deletion and insertion: whether the output follows the order that scores claim."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ....common.names import check_name
from ....common.progress import Progress
from ....encoder.passes.batches import Budget, run_passes
from ....errors import InputError
from ..explained_output import ExplainedOutput
from ..methods.baselines import BASELINES, baseline_embeddings
from ..methods.inputs import tokens_of_pass

__all__ = ["TokenCurves", "token_curves"]


@dataclass(frozen=True, slots=True, eq=False)
class TokenCurves:
    """What one output becomes when tokens are taken away, or given back, one after the other.

    Attributes
    ----------
    shares : numpy.ndarray, shape (points,), float64
        Share of the tokens that were taken away, or given back: 0 to 1.
    deletion : numpy.ndarray, shape (points,), float32
        From the sequence, the highest scores first.
    insertion : numpy.ndarray, shape (points,), float32
        From the baseline, the highest scores first.
    random_deletion, random_insertion : numpy.ndarray, shape (orders, points), float32
        In random orders.
    signed : bool
        Whether the highest scores speak for the output. If not, they are those that matter most,
        for or against.
    unit : str
        Of the output.
    baseline : str
        What took the tokens' place.
    """

    shares: NDArray[np.float64]
    deletion: NDArray[np.float32]
    insertion: NDArray[np.float32]
    random_deletion: NDArray[np.float32]
    random_insertion: NDArray[np.float32]
    signed: bool
    unit: str
    baseline: str

    @property
    def reach(self) -> float:
        """Range of the output over all curves, in `unit`: what areas are divided by."""
        every = (self.deletion, self.insertion, self.random_deletion, self.random_insertion)
        return float(max(one.max() for one in every) - min(one.min() for one in every))

    @property
    def deletion_gain(self) -> float:
        """Area between the mean curve in random orders and the one in the scores' order.

        In shares of `reach`: 0 for an order that is no better than random ones, below 0 for one
        that is worse. Signed scores should make the output fall faster; others, leave its value
        faster, up or down. NaN where the output never changes.
        """
        return self._gain(self.deletion, self.random_deletion, -1)

    @property
    def insertion_gain(self) -> float:
        """The same of insertion: signed scores should make the output rise faster."""
        return self._gain(self.insertion, self.random_insertion, 1)

    def _gain(self, own: NDArray[np.float32], random: NDArray[np.float32], direction: int) -> float:
        if not self.reach:
            return float("nan")
        start = own[0]
        if self.signed:
            own, random = direction * own, direction * random
        else:
            own, random = abs(own - start), abs(random - start)
        gained = np.trapezoid(own - random.mean(axis=0), self.shares)
        return float(gained) / self.reach


def token_curves(
    explained: ExplainedOutput,
    scores: NDArray[np.float32],
    signed: bool = True,
    baseline: str = "mask",
    orders: int = 20,
    points: int = 33,
    seed: int = 0,
    progress: Progress | None = None,
) -> TokenCurves:
    """Take a sequence's tokens away in the order of their scores, and in random ones.

    Every token that is taken away becomes the baseline's, so that the segmentation stays. Special
    tokens, a masked span and tokens beyond what the model reads stay as they are. Scores are
    (n_tokens,), equal ones ordered at random; without `signed`, their magnitude is taken for
    importance. A curve has `points` points at most: one for each token and one before, if there are
    as few. Of the baseline ``"shuffled"``, one copy. Raises InputError where the baseline is
    unknown, or fewer than 2 tokens can be taken away.

    Petsiuk et al. 2018, RISE, arXiv 1806.07421 (deletion and insertion).
    """
    check_name("Baseline", baseline, BASELINES)
    free = np.flatnonzero(~explained.fixed)
    n = len(free)
    if n < 2:
        raise InputError(
            f"{n} token can be taken away, which has no order: give a longer sequence."
        )
    rng = np.random.default_rng(seed)
    ranked = np.asarray(scores, dtype=np.float64)[explained.places[free]]
    ranked = ranked if signed else abs(ranked)
    shuffled = rng.permutation(n)
    best_first = shuffled[np.argsort(-ranked[shuffled], kind="stable")]
    counts = np.round(np.linspace(0, n, min(points, n + 1))).astype(np.int64)
    counts = np.unique(np.concatenate([counts, n - counts]))
    # A deletion read backwards is an insertion in the opposite order: `counts` is symmetric.
    every = [best_first, best_first[::-1], *(rng.permutation(n) for _ in range(orders))]
    taken = np.zeros((len(every), len(counts), explained.n_read), dtype=bool)
    for row, order in zip(taken, every, strict=True):
        for one, count in zip(row, counts, strict=True):
            one[free[order[:count]]] = True
    values = _without(explained, taken.reshape(-1, explained.n_read), baseline, seed, progress)
    curves = values.reshape(len(every), len(counts))
    return TokenCurves(
        shares=counts / n,
        deletion=curves[0],
        insertion=curves[1, ::-1],
        random_deletion=curves[2:],
        random_insertion=curves[2:, ::-1],
        signed=signed,
        unit=explained.unit,
        baseline=baseline,
    )


def _without(
    explained: ExplainedOutput,
    taken: NDArray[np.bool_],
    baseline: str,
    seed: int,
    progress: Progress | None,
) -> NDArray[np.float32]:
    """Compute the output where `taken` (rows, n_read) is the baseline's, shape (rows,)."""
    tokenizer = explained.enc.tokenizer
    special = {"mask": tokenizer.mask_id, "pad": tokenizer.pad_id}.get(baseline)
    if special is not None:
        ids = explained.ids[0].cpu().numpy()
        return explained.of_ids(np.where(taken, special, ids), progress)
    # The others are no tokens, only embeddings.
    enc = explained.enc
    with torch.no_grad():
        words = enc.module.get_input_embeddings()(explained.ids)
        other = baseline_embeddings(explained, baseline, 1, seed)
    values = np.empty(len(taken), dtype=np.float32)

    def compute(rows: NDArray[np.int64]) -> None:
        away = torch.from_numpy(taken[rows]).to(words.device)[..., None]
        found = explained.of_embeddings(torch.where(away, other, words))
        values[rows] = found.cpu().numpy()

    lengths = np.full(len(taken), explained.n_read)
    budget = Budget(tokens_of_pass(enc.device, gradients=False))
    run_passes(lengths, compute, enc.device, enc.lock, budget, progress)
    return values
