"""Attention as arcs over a short stretch: from each token to those it looks at."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ...tokens import Tokens
from ..core.colours import Theme, theme_of
from ..core.parts import Figure, aside, base_figure, dots, line, span_bars
from ..core.style import MONO, touching, whole
from .attention import Rows, cell_text, rows_of

__all__ = ["ARCS", "ARC_TOKENS", "attention_arcs", "strongest_pairs"]

ARCS = 120  # more of them are a hatching
ARC_TOKENS = 1000  # more in sight are narrower than a line
_POINTS = 25  # of a curve
_BAND = 0.06  # half the height of the tokens' row, where the longest arc reaches 1
#: Share of the strongest weight from which an arc is drawn so: place on the colour scale, width.
_LEVELS = ((0.0, 3, 0.8), (0.25, 4, 1.4), (0.5, 5, 2.2), (0.75, 6, 3.4))


def strongest_pairs(
    weights: NDArray[np.float32], most: int = ARCS
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find the largest weights beside the diagonal: queries (rows) and keys (columns) of each.

    At most `most` of them; the weakest pair first, so that the strongest is drawn last; none of
    weight 0.

    Examples
    --------
    >>> strongest_pairs(np.array([[9.0, 1.0], [2.0, 9.0]]), most=1)
    (array([1]), array([0]))
    """
    beside = np.where(np.eye(len(weights), dtype=bool), 0.0, weights)
    order = np.argsort(beside, axis=None, kind="stable")[::-1][:most][::-1]
    queries, keys = np.unravel_index(order, beside.shape)
    there = beside[queries, keys] > 0
    return queries[there].astype(np.int64), keys[there].astype(np.int64)


def attention_arcs(
    matrix: Rows,
    tokens: Tokens,
    *,
    view: tuple[int, int] | None = None,
    selected: tuple[int, int] | None = None,
    quantity: str = "attention",
    most: int = ARCS,
    height: int = 480,
    theme: str = "light",
) -> Figure:
    """Draw the strongest pairs of an attention map as arcs over the bases.

    An arc above leads from a token to a later one that it looks at, an arc below to an earlier one.
    [CLS] and [SEP] have no bases and no arcs; nor has what a token gives itself. The `most`
    strongest pairs among the tokens in `view` are drawn; arcs from `selected` tokens stand out.
    `matrix` is as for `attention_map`; `quantity` says on hover what its numbers are. InputError
    if more than 1,000 tokens are in sight: their arcs could not be told apart.
    """
    colours = theme_of(theme)
    shown = whole(view, len(tokens.bases))
    spans = tokens.spans
    visible = np.flatnonzero(touching(spans, shown) & ~tokens.special)
    if len(visible) > ARC_TOKENS:
        raise InputError(
            f"Arcs are for short stretches: {len(visible):,} tokens are in sight, at most "
            f"{ARC_TOKENS:,} have arcs that can be told apart. Zoom in, or look at the map."
        )
    weights = rows_of(matrix)(visible)[:, visible]
    queries, keys = strongest_pairs(weights, most)
    values = weights[queries, keys]
    chosen = np.zeros(len(tokens), dtype=bool)
    if selected:
        chosen[slice(*tokens.covering(*selected))] = True
    middles = spans[visible].mean(axis=1) + 0.5
    curves = _curves(middles[queries], middles[keys])
    own = chosen[visible[queries]]
    return base_figure(
        [
            _row(tokens, visible, chosen, colours),
            *_lines(curves, values, own, colours),
            _apexes(curves, values, visible[queries], visible[keys], tokens, quantity),
        ],
        colours,
        height,
        shown,
        len(tokens.bases),
        selected,
        yaxis={"range": [-1.15, 1.15], "visible": False, "fixedrange": True},
        annotations=[
            aside(text, 0, y, colours.muted, yref="paper", yanchor=anchor)
            for text, y, anchor in (
                ("looks at later tokens", 1, "top"),
                ("looks at earlier tokens", 0, "bottom"),
            )
        ],
    )


def _curves(start: NDArray[np.float64], end: NDArray[np.float64]) -> NDArray[np.float64]:
    """Half ellipses, (arcs, points, x and y): as high as they are long, the longest 1."""
    turn = np.linspace(0.0, np.pi, _POINTS)
    reach = end - start
    longest = float(np.abs(reach).max(initial=1.0))
    x = (start + end)[:, None] / 2 - reach[:, None] / 2 * np.cos(turn)
    y = (reach / longest)[:, None] * np.sin(turn) * (1 - _BAND) + np.sign(reach)[:, None] * _BAND
    return np.stack([x, y], axis=-1)


def _row(
    tokens: Tokens, visible: NDArray[np.int64], chosen: NDArray[np.bool_], colours: Theme
) -> dict[str, Any]:
    """Lay out the tokens, in turns darker and lighter."""
    named = len(visible) <= 30
    return span_bars(
        tokens.spans[visible],
        np.full(len(visible), 2 * _BAND),
        [colours.select if chosen[index] else colours.tints[index % 2] for index in visible],
        base=np.full(len(visible), -_BAND),
        text=[tokens.tokens[index] for index in visible] if named else None,
        textposition="inside",
        insidetextanchor="middle",
        textangle=0,
        textfont={"family": MONO, "size": 10},
        customdata=[cell_text(tokens, int(index)) for index in visible],
        hover="%{customdata}",
    )


def _lines(
    curves: NDArray[np.float64], values: NDArray[np.float32], own: NDArray[np.bool_], colours: Theme
) -> list[dict[str, Any]]:
    """Draw the arcs, weak ones first; a trace for each strength, and for those of the selection."""
    share = values / values.max(initial=1e-12)
    level = np.searchsorted([least for least, _, _ in _LEVELS], share, side="right") - 1
    traces = []
    for selected in (False, True):
        for number, (_, step, width) in enumerate(_LEVELS):
            part = curves[(level == number) & (own == selected)]
            if not len(part):
                continue
            gaps = np.full((len(part), 1, 2), np.nan)
            x, y = np.concatenate([part, gaps], axis=1).reshape(-1, 2).T
            colour = colours.select if selected else colours.sequential[step][1]
            traces.append(
                line(x, y, colour, width, opacity=1.0 if selected or not own.any() else 0.45)
            )
    return traces


def _apexes(
    curves: NDArray[np.float64],
    values: NDArray[np.float32],
    queries: NDArray[np.int64],
    keys: NDArray[np.int64],
    tokens: Tokens,
    quantity: str,
) -> dict[str, Any]:
    """Put what an arc is where it is highest, to be pointed at."""
    top = curves[:, _POINTS // 2] if len(curves) else np.zeros((0, 2))
    words = [
        f"from {cell_text(tokens, int(query))}<br>to {cell_text(tokens, int(key))}"
        f"<br>{quantity}: {value:.4f}"
        for query, key, value in zip(queries, keys, values, strict=True)
    ]
    unseen = {"opacity": 0}
    return dots(
        top[:, 0], top[:, 1], 9, None, marker=unseen, customdata=words, hover="%{customdata}"
    )
