"""Attention as a map, pooled to what a screen can show, with the weights of a selection above."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...tokens import Tokens
from ..core.colours import Theme, theme_of
from ..core.parts import Figure, axis_title, bars, base_figure, colour_bar, font, heat
from ..core.style import MONO, band, base_axis, span_text, touching, value_axis, whole

__all__ = [
    "CELLS",
    "POOLINGS",
    "Pooled",
    "Rows",
    "attention_map",
    "cell_text",
    "pool",
    "rows_of",
    "special_share",
]

CELLS = 160  # cells per side: a plotly heat map of this size draws in about a third of a second
POOLINGS = ("max", "mean")

#: A map, or what gives the rows (m, n) of some of its queries (m,).
Rows = NDArray[np.float32] | Callable[[NDArray[np.int64]], NDArray[np.float32]]

_BLOCK = 256  # rows that are computed at once
_SAMPLE = 256  # queries that a mean is taken over where rows are computed for it


@dataclass(frozen=True, slots=True, eq=False)
class Pooled:
    """A square part of an attention map, summed up to at most `cells` cells a side.

    `values` (m, m): rows are queries, columns keys. `first` (m + 1,) is the first token of each
    cell, `edges` (m + 1,) its first base, 0-based, both with one past the last. A cell holds
    `size` tokens, the last one perhaps fewer.
    """

    values: NDArray[np.float32]
    first: NDArray[np.int64]
    edges: NDArray[np.int64]
    size: int


def pool(
    matrix: Rows,
    tokens: Tokens,
    *,
    view: tuple[int, int] | None = None,
    pooling: str = "max",
    special: bool = False,
    cells: int = CELLS,
    queries: int | None = None,
) -> Pooled:
    """Cut an attention map to the tokens of `view` and pool it to at most `cells` cells a side.

    Rows of `matrix` are queries, columns keys. A callable gives the rows of some queries, (m,)
    int64, as `Attention.rows` does: a map is then pooled as it is computed, and never held as a
    whole. A cell is the ``"max"`` or ``"mean"`` of its tokens (`pooling`; ValueError for another).
    `special` keeps [CLS] and [SEP]. With `queries`, at most so many a cell, evenly spaced, stand
    for all of them: time is then linear in length. All keys count in any case.
    """
    if pooling not in POOLINGS:
        raise ValueError(f"pooling {pooling!r} is unknown; expected one of {', '.join(POOLINGS)}")
    shown = whole(view, len(tokens.bases))
    at = np.flatnonzero(touching(tokens.spans, shown) & ~tokens.special)
    if not len(at):
        return Pooled(np.zeros((0, 0), np.float32), at, at, 1)
    low, high = int(at[0]), int(at[-1]) + 1
    if special:  # only those next to what is in sight: the cells stay one run of tokens
        while low > 0 and tokens.special[low - 1]:
            low -= 1
        while high < len(tokens) and tokens.special[high]:
            high += 1
    at = np.arange(low, high)
    size = -(-len(at) // cells)
    starts = np.arange(0, len(at), size)
    reduce = np.maximum if pooling == "max" else np.add
    cut = np.empty((len(starts), len(starts)), dtype=np.float32)
    rows = rows_of(matrix)
    keys = np.diff(np.append(starts, len(at)))
    each = np.minimum(keys, queries or size)
    step = max(_BLOCK // int(each[0]), 1)  # cells of whose queries the rows are taken at once
    for first in range(0, len(starts), step):
        last = min(first + step, len(starts))
        some = [at[starts[i] + np.arange(each[i]) * keys[i] // each[i]] for i in range(first, last)]
        part = reduce.reduceat(rows(np.concatenate(some))[:, low:high], starts, axis=1)
        inside = np.cumsum([0, *each[first : last - 1]])
        cut[first:last] = reduce.reduceat(part, inside, axis=0)
    if pooling == "mean":
        cut /= np.outer(each, keys)
    return Pooled(
        values=np.ascontiguousarray(cut, dtype=np.float32),
        first=np.append(at[starts], at[-1] + 1),
        edges=np.append(tokens.spans[at[starts], 0], tokens.spans[at[-1], 1]),
        size=int(size),
    )


def rows_of(matrix: Rows) -> Callable[[NDArray[np.int64]], NDArray[np.float32]]:
    """Return what gives rows of a map: itself, or the rows of the matrix."""
    return matrix if callable(matrix) else lambda queries: matrix[queries]


def _mean_row(matrix: Rows, queries: NDArray[np.int64]) -> NDArray[np.float32]:
    """Mean over queries; over some, evenly spaced, where there are many and rows cost time."""
    if callable(matrix) and len(queries) > _SAMPLE:
        queries = queries[np.linspace(0, len(queries) - 1, _SAMPLE).astype(np.int64)]
    total = np.zeros(0)
    rows = rows_of(matrix)
    for start in range(0, len(queries), _BLOCK):
        part = rows(queries[start : start + _BLOCK]).sum(axis=0, dtype=np.float64)
        total = part if not start else total + part
    return (total / max(len(queries), 1)).astype(np.float32)


def attention_map(
    matrix: Rows,
    tokens: Tokens,
    *,
    axes: str = "bases",
    view: tuple[int, int] | None = None,
    selected: tuple[int, int] | None = None,
    pooling: str = "max",
    quantity: str = "attention",
    queries: int | None = None,
    width: int = 900,
    height: int = 480,
    theme: str = "light",
) -> Figure:
    """Draw an attention map, and above it what a selection gives (or every position receives).

    `matrix` and `queries` are as for `pool`; with a callable and more than 256 tokens, what all
    positions receive is the mean over 256 of them. With `axes` of ``"bases"`` cells are as wide as
    the bases they cover, [CLS] and [SEP] left out; ``"tokens"`` has one step a token, special ones
    included. The strip shows the attention that the tokens of `selected` pay, averaged over them.
    Tokens that share a cell are summed up by `pooling`, ``"max"`` or ``"mean"``; `quantity` says
    what the numbers are. ValueError if `axes` or `pooling` is unknown.
    """
    if axes not in ("bases", "tokens"):
        raise ValueError(f"axes {axes!r} are unknown; expected 'bases' or 'tokens'")
    colours = theme_of(theme)
    shown = whole(view, len(tokens.bases))
    by_base = axes == "bases"
    pooled = pool(matrix, tokens, view=shown, pooling=pooling, special=not by_base, queries=queries)
    edges = pooled.edges + 0.5 if by_base else _steps(pooled)
    chosen = tokens.covering(*selected) if selected else None
    strip, strip_title = _strip(matrix, pooled, chosen, len(tokens))
    top = float(np.quantile(pooled.values, 0.995)) if pooled.values.size else 1.0
    x_axis = (
        base_axis(colours, shown, len(tokens.bases))
        if by_base
        else _token_axis(tokens, pooled, colours, width)
    )
    both = strip_above(
        colours,
        x_axis,
        height,
        across=f"to (key) · {'position (bp, counted from 1)' if by_base else 'token'}",
        down="from (query)",
        strip="paid" if chosen else "received",
        rangemode="tozero",
        range=[0, float(np.max(strip, initial=0.0)) * 1.1 or 1.0],
    )
    if not by_base and x_axis.get("tickvals") is not None:
        both["yaxis"]["tickfont"] = {**x_axis["tickfont"], "size": 9}
    marks = []
    if chosen and selected and len(pooled.values):
        span = selected if by_base else chosen
        marks = cross(colours, span, span)
    return base_figure(
        [
            bars(
                (edges[:-1] + edges[1:]) / 2,
                strip,
                np.diff(edges),
                colours.select if chosen else colours.tints[0],
                yaxis="y2",
                hover=f"{strip_title}: %{{y:.4f}}",
            ),
            heat(
                edges,
                edges,
                pooled.values,
                colours.sequential,
                0.0,
                top if top > 0 else 1.0,
                hover=_hover(by_base, quantity, pooled.size, pooling),
                colorbar=colour_bar(colours, quantity, 0.4, 0.82, nticks=5),
            ),
        ],
        colours,
        height,
        shown,
        len(tokens.bases),
        shapes=marks,
        **both,
    )


def _steps(pooled: Pooled) -> NDArray[np.float64]:
    """Edges on the token axis: token ``i`` (counted from 1) is the column around ``i + 1``."""
    return pooled.first.astype(np.float64) + 0.5


def _strip(
    matrix: Rows, pooled: Pooled, chosen: tuple[int, int] | None, n: int
) -> tuple[NDArray[np.float32], str]:
    """Mean attention per cell: paid by the chosen tokens, or received from all tokens."""
    if not len(pooled.values):
        return np.zeros(0, np.float32), ""
    weights = _mean_row(matrix, np.arange(*(chosen or (0, n))))
    inside = weights[pooled.first[0] : pooled.first[-1]]
    starts = pooled.first[:-1] - pooled.first[0]
    sums = np.add.reduceat(inside, starts) / np.diff(pooled.first)
    if chosen:
        return sums.astype(np.float32), "attention paid by the selection"
    over = f"{_SAMPLE}" if callable(matrix) and n > _SAMPLE else "all"
    return sums.astype(np.float32), f"attention received, mean over {over} tokens"


def cross(colours: Theme, across: tuple[int, int], down: tuple[Any, Any]) -> list[dict[str, Any]]:
    """Mark columns and rows of a map."""
    line = {"color": colours.select, "width": 1}
    column = band(colours, *across, line=line, fillcolor="rgba(0,0,0,0)", layer="above")
    y = {"y0": float(down[0]) + 0.5, "y1": float(down[1]) + 0.5}
    return [column, {**column, "xref": "paper", "yref": "y", "x0": 0, "x1": 1, **y}]


def strip_above(
    colours: Theme,
    x_axis: dict[str, Any],
    height: int,
    *,
    across: str,
    down: str,
    strip: str,
    **more: Any,
) -> dict[str, Any]:
    """Make the axes of a map whose rows lie as its columns do, with a strip of bars above.

    `across`, `down` and `strip` are the titles of columns, rows and strip; `more` is of the
    strip's axis.
    """
    high = height >= 320
    y_axis = {
        **x_axis,
        "domain": [0.0, 0.80 if high else 0.74],
        "anchor": "x",
        "range": [*x_axis["range"]][::-1],
        "fixedrange": True,
        "showline": True,
        "nticks": 8,
        "title": axis_title(down, colours, 11, 4),
        "tickangle": 0,
    }
    top = (0.84 if high else 0.8, 1.0)
    return {
        "xaxis": {**x_axis, "title": {**x_axis["title"], "text": across}},
        "yaxis": y_axis,
        "yaxis2": value_axis(colours, strip, top, nticks=3 if high else 2, **more),
    }


def _hover(by_base: bool, quantity: str, size: int, pooling: str) -> str:
    what = "base" if by_base else "token"
    how = f" ({pooling} of {size} × {size} tokens)" if size > 1 else ""
    return f"from {what} %{{y:,.0f}}<br>to {what} %{{x:,.0f}}<br><b>%{{z:.4f}}</b> {quantity}{how}"


def _token_axis(tokens: Tokens, pooled: Pooled, colours: Theme, width: int) -> dict[str, Any]:
    steps = _steps(pooled)
    limits = [float(steps[0]), float(steps[-1])] if len(steps) else [0.5, 1.5]
    axis = base_axis(colours, (0, 1), len(tokens))
    axis |= {"range": limits, "minallowed": limits[0], "maxallowed": limits[1]}
    if pooled.size == 1 and len(pooled.values) * 14 <= width - 140:
        shown = range(int(pooled.first[0]), int(pooled.first[-1]))
        axis["tickvals"] = [i + 1 for i in shown]
        axis["ticktext"] = [tokens.tokens[i][:7] for i in shown]
        axis["tickangle"] = -90
        axis["tickfont"] = font(10, colours.muted, family=MONO)
    return axis


def special_share(matrix: Rows, tokens: Tokens) -> float:
    """Mean share of attention that goes to [CLS] and [SEP], which base axes cannot show."""
    if not tokens.special.any() or tokens.special.all():
        return 0.0
    return float(_mean_row(matrix, np.flatnonzero(~tokens.special))[tokens.special].sum())


def cell_text(tokens: Tokens, index: int) -> str:
    """Name a token and where it stands, for a read-out: ``"TATAAA (bases 31–36)"``."""
    if tokens.special[index]:
        return tokens.tokens[index]
    return f"{tokens.tokens[index]} (bases {span_text(*tokens.spans[index])})"
