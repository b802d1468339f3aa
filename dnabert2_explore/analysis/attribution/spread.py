"""From tokens to bases: how a token's score is shared among the bases it covers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...common.names import check_name
from ...common.progress import Progress
from ...tokens import Tokens
from .explained_output import ExplainedOutput

__all__ = ["SPREADS", "spread"]


#: Name -> in words, as captions put it.
SPREADS = {
    "even": "evenly",
    "occlusion": "by what each base's replacement by N changes",
    "mutagenesis": "by what mutations of each base change",
}


def spread(
    explained: ExplainedOutput,
    scores: NDArray[np.float32],
    how: str = "even",
    progress: Progress | None = None,
) -> NDArray[np.float32]:
    """Share each token's score among its bases; sums are conserved.

    A token is the least that the model sees, so any choice is one of the reader's, not of the
    model's. ``"even"`` claims nothing inside a token. ``"occlusion"`` weighs bases by how much the
    output changes when one base becomes N; ``"mutagenesis"``, by the mean change over its three
    mutations. Both cut the changed sequence into tokens anew, so that the weights also hold what
    re-tokenisation does. From (n_tokens,) to (n_bases,); another `how` raises InputError.
    """
    check_name("Spread", how, SPREADS)
    tokens = explained.tokens
    if how == "even":
        return share(tokens, scores, np.array([not one.isspace() for one in tokens.bases]))
    if how == "occlusion":
        return share(tokens, scores, np.abs(base_occlusion(explained, progress)))
    from .mutagenesis import mutate_all  # which imports what is above

    effects = mutate_all(explained, progress=progress)
    return share(tokens, scores, np.nan_to_num(np.abs(effects)).sum(axis=1) / 3)


def share(
    tokens: Tokens, scores: NDArray[np.float32], weights: NDArray[Any]
) -> NDArray[np.float32]:
    """Share scores (n_tokens,) by weights (n_bases,) that are not negative, shape (n_bases,).

    Evenly in a token where all weights are 0.
    """
    inner = tokens.lengths > 0
    lengths = tokens.lengths[inner]
    starts = tokens.spans[inner, 0]
    weights = np.asarray(weights, dtype=np.float64)
    totals = np.add.reduceat(weights, starts)
    empty = np.repeat(totals <= 0, lengths)
    weights = np.where(empty, 1.0, weights)
    totals = np.where(totals <= 0, lengths, totals)
    shares = np.repeat(scores[inner].astype(np.float64) / totals, lengths)
    return (shares * weights).astype(np.float32)


def base_occlusion(
    explained: ExplainedOutput, progress: Progress | None = None
) -> NDArray[np.float32]:
    """Loss when one base becomes N, cut into tokens anew; shape (n_bases,), 0 where it cannot."""
    bases = explained.tokens.bases
    start, end = explained.stretch
    places = [
        i for i, letter in enumerate(bases) if letter.upper() in "ACGTU" and not start <= i < end
    ]
    changed = explained.of_bases((f"{bases[:i]}N{bases[i + 1 :]}" for i in places), progress)
    lost = np.zeros(len(bases), dtype=np.float32)
    lost[places] = explained.score - changed
    return lost
