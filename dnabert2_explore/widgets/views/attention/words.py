"""What the attention view says of the map on show."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from ....analysis.attend import Attention
from ....figures.inside.arcs import ARCS
from ....figures.inside.attention import Rows, special_share

__all__ = ["ALL", "HEAD", "MEAN", "ROLLOUT", "Shown", "attention_words"]

#: Which attention.
HEAD, MEAN, ALL, ROLLOUT = "head", "mean of heads", "mean of all layers", "rollout"


@dataclass(frozen=True, slots=True)
class Shown:
    """How the attention view is set; layer and head count from 0."""

    what: str
    layer: int
    head: int
    part: str
    axes: str
    pooling: str
    untrained: bool


def attention_words(
    name: str, result: Attention, matrix: Rows, how: Shown, size: int, queries: int | None
) -> str:
    """Write the caption of a map, as HTML.

    A cell holds `size` tokens, and `queries` of them stand for all, where that is not None.
    """
    layer, head = how.layer + 1, how.head + 1
    what = {
        HEAD: f"Attention of head {head} in layer {layer}",
        MEAN: f"Attention in layer {layer}, mean of {result.n_heads} heads",
        ALL: f"Attention, mean of {result.n_layers} layers × {result.n_heads} heads",
        ROLLOUT: f"Attention rollout through {result.n_layers} layers",
    }[how.what]
    parts = [f"{what}, for <b>{escape(name)}</b>."]
    if how.untrained:
        parts[0] = f"<b>Untrained</b>: {what[0].lower()}{what[1:]}, for {escape(name)}."
    arcs = how.axes == "arcs"
    if arcs:
        parts.append(
            f"The {ARCS} strongest pairs in sight: above, a token looks at a later one, below "
            "at an earlier one."
        )
    elif size > 1:
        parts.append(
            f"A cell is the {how.pooling} of {size} × {size} tokens: zoom in for single tokens."
        )
    if queries and not arcs:
        parts.append(f"Of many, {queries} queries stand for each cell; all keys count.")
    if how.part == "content" and how.what != ROLLOUT:
        parts.append("Without ALiBi's bias, which the network never computes.")
    elif how.part == "distance" and how.what != ROLLOUT:
        parts.append("ALiBi's bias alone: what any sequence of as many tokens gets.")
    if how.what == HEAD:
        far = result.reach()[how.head]
        parts.append(f"ALiBi alone keeps 95% of this head's attention within {far:,.0f} bp.")
    if how.axes != "tokens":
        share = special_share(matrix, result.tokens)
        parts.append(f"{share:.0%} goes to [CLS] and [SEP], which have no bases to show.")
    if not arcs:
        parts.append("Colours end at the 99.5th percentile.")
    parts.append(f"<span class='dx-model'>{escape(result.model)}</span>")
    return " ".join(parts)
