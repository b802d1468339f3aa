"""Hide tokens for masked-language-model training (Devlin et al. 2019)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError

__all__ = ["IGNORED", "STRATEGIES", "mask_tokens"]

#: Label of a position that is not predicted.
IGNORED = -100

STRATEGIES = ("bert", "mask")


def mask_tokens(
    ids: NDArray[np.int64],
    rng: np.random.Generator,
    *,
    vocabulary: int,
    mask_id: int = 4,
    n_special: int = 5,
    probability: float = 0.15,
    strategy: str = "bert",
    part: slice | None = None,
    total: int = 0,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Choose positions at random and hide them.

    Parameters
    ----------
    ids : (rows, tokens) int64
        Token ids. Ids below `n_special` ([UNK], [CLS], [SEP], [PAD], [MASK]) are never chosen.
    rng : numpy.random.Generator
        Consumed: the same state gives the same masks.
    vocabulary : int
        Number of entries; random replacements are drawn from ``n_special … vocabulary - 1``.
    mask_id : int
        Id of [MASK].
    n_special : int
        Number of special ids, which come first.
    probability : float
        Chance of each ordinary token to be chosen.
    strategy : {"bert", "mask"}
        "bert": 80% of the chosen become [MASK], 10% a random token, 10% stay as they are.
        "mask": all of the chosen become [MASK].
    part : slice, optional
        `ids` are these rows of a batch of `total`: they are hidden as they would be in the whole
        batch, so that processes which share it agree.
    total : int
        Rows of the whole batch, where `part` is given.

    Returns
    -------
    inputs : (rows, tokens) int64
        What the network sees; `ids` itself is left alone.
    labels : (rows, tokens) int64
        The hidden id at chosen positions, ``IGNORED`` elsewhere.

    Raises
    ------
    InputError
        For a probability outside (0, 1], an unknown strategy, or no ordinary tokens to draw from.
    """
    if not 0.0 < probability <= 1.0:
        raise InputError(f"mask probability is {probability}; expected more than 0, at most 1.")
    if strategy not in STRATEGIES:
        raise InputError(f"mask strategy is {strategy!r}; expected {' or '.join(STRATEGIES)}.")
    if vocabulary <= n_special:
        raise InputError(f"a vocabulary of {vocabulary} has no ordinary tokens to mask.")
    # Every array is drawn at full size, so the stream of `rng` does not depend on the content.
    shape = ids.shape if part is None else (total, *ids.shape[1:])
    rows = slice(None) if part is None else part
    chosen = (rng.random(shape)[rows] < probability) & (ids >= n_special)
    fate = rng.random(shape)[rows]
    replacements = rng.integers(n_special, vocabulary, size=shape)[rows]
    labels = np.where(chosen, ids, IGNORED)
    if strategy == "mask":
        return np.where(chosen, mask_id, ids), labels
    inputs = np.where(chosen & (fate < 0.8), mask_id, ids)
    inputs = np.where(chosen & (fate >= 0.8) & (fate < 0.9), replacements, inputs)
    return inputs, labels
