"""How well each attention head agrees with what depends on what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...common.stats import Ranks, pearson
from ...encoder import Encoder
from ...errors import InputError
from ...results.rich_display import RichDisplay, counted
from ...tokens import Tokens
from ..attend import Attention, attend

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["HeadAgreement", "compare_heads"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class HeadAgreement(RichDisplay):
    """Rank correlation of each head's attention with a dependency map, over pairs of tokens.

    Attributes
    ----------
    correlation : numpy.ndarray, shape (layers, heads), float32
        Spearman's, of all pairs of two tokens. Both fall with distance, which alone makes it high.
    beyond_distance : numpy.ndarray, shape (layers, heads), float32
        The same of ranks among the pairs at the same distance (in tokens).
    chance : numpy.ndarray, shape (layers, heads), float32
        What 95% of `beyond_distance` stay below in absolute value when the attention map is moved
        along its diagonal, which keeps distances and parts the tokens.
    pairs : int
        Pairs of tokens compared.
    """

    correlation: NDArray[np.float32]
    beyond_distance: NDArray[np.float32]
    chance: NDArray[np.float32]
    pairs: int

    def _line(self) -> str:
        layer, head = np.unravel_index(np.nanargmax(self.beyond_distance), self.chance.shape)
        return (
            f"{counted(self.pairs, 'pair')}; best layer {layer + 1}, head {head + 1} (from 1): "
            f"{self.beyond_distance[layer, head]:.2f} at equal distance (chance up to "
            f"{self.chance[layer, head]:.2f})"
        )

    def table(self) -> pd.DataFrame:
        """List the heads, best first: ``layer``, ``head`` (from 0) and the three numbers."""
        import pandas as pd

        layers, heads = np.indices(self.chance.shape).reshape(2, -1)
        data = pd.DataFrame({"layer": layers, "head": heads})
        for name in ("correlation", "beyond_distance", "chance"):
            data[name] = getattr(self, name).ravel()
        return data.sort_values("beyond_distance", ascending=False, ignore_index=True)


def compare_heads(
    pairs: NDArray[np.float32], tokens: Tokens, enc: Encoder, attention: Attention | None
) -> HeadAgreement:
    """Correlate a (n_tokens, n_tokens) map with every head.

    Raises InputError where the attention is of other tokens, or fewer than three pairs compare.
    """
    attention = attend(enc, tokens.bases) if attention is None else attention
    if not np.array_equal(attention.tokens.ids, tokens.ids):
        raise InputError(
            "The attention is of another sequence than the map: compute both from the same bases."
        )
    inner = np.flatnonzero(~tokens.special)
    target = pairs[np.ix_(inner, inner)]
    known = ~np.isnan(target)
    np.fill_diagonal(known, False)
    if known.sum() < 3:
        raise InputError("Fewer than three pairs of tokens are in the map: take a longer region.")
    distance = np.abs(inner[:, None] - inner[None, :])
    goal = Ranks(target[known]).of()
    near = _within(target, distance, known)
    shape = (attention.n_layers, attention.n_heads)
    every, beyond, chance = (np.zeros(shape, np.float32) for _ in range(3))
    shifts = np.unique(np.linspace(1, len(inner) - 1, 100).astype(int))
    for layer in range(shape[0]):
        for head in range(shape[1]):
            weights = attention.rows(layer, head, inner)[:, inner]
            every[layer, head] = _correlation(Ranks(weights[known]).of(), goal)
            ranks = _within(weights, distance, np.ones_like(known))
            beyond[layer, head] = _correlation(ranks[known], near[known])
            moved = [
                abs(_correlation(np.roll(ranks, shift, axis=(0, 1))[known], near[known]))
                for shift in shifts
            ]
            chance[layer, head] = np.quantile(moved, 0.95) if moved else np.nan
    return HeadAgreement(every, beyond, chance, int(known.sum()))


def _within(
    values: NDArray[np.float32], distance: NDArray[np.int64], known: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Ranks among the cells at the same distance, from -0.5 to 0.5; 0 elsewhere."""
    ranks = np.zeros(values.shape)
    for number in np.unique(distance):
        at = (distance == number) & known
        count = int(at.sum())
        if count > 1:
            ranks[at] = (Ranks(values[at]).of() - (count + 1) / 2) / count
    return ranks


def _correlation(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    found = pearson(one, other)
    return 0.0 if np.isnan(found) else found
