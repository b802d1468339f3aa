"""Attention as a map, pooled to what a screen can show, with the weights of a selection above."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..tokens import Tokens
from .colours import Theme, theme_of
from .style import MONO, band, base_axis, layout, span_text, value_axis, whole

if TYPE_CHECKING:
    import plotly.graph_objects as go

__all__ = [
    "CELLS",
    "POOLINGS",
    "Pooled",
    "attention_map",
    "cell_text",
    "head_gallery",
    "pool",
    "special_share",
]

CELLS = 160  # cells per side: a plotly heat map of this size draws in about a third of a second
POOLINGS = ("max", "mean")


@dataclass(frozen=True, slots=True, eq=False)
class Pooled:
    """A square part of an attention map, summed up to at most `cells` cells a side.

    Attributes
    ----------
    values : numpy.ndarray, shape (m, m), float32
        Rows are queries, columns keys.
    first : numpy.ndarray, shape (m + 1,), int64
        First token of each cell, and one past the last.
    edges : numpy.ndarray, shape (m + 1,), int64
        First base of each cell, and one past the last; 0-based.
    size : int
        Tokens in a cell (the last may hold fewer).
    """

    values: NDArray[np.float32]
    first: NDArray[np.int64]
    edges: NDArray[np.int64]
    size: int


def pool(
    matrix: NDArray[np.float32],
    tokens: Tokens,
    *,
    view: tuple[int, int] | None = None,
    pooling: str = "max",
    special: bool = False,
    cells: int = CELLS,
) -> Pooled:
    """Cut an attention map to the tokens of `view` and pool it to at most `cells` cells a side.

    Parameters
    ----------
    matrix : (n, n) float32
        Rows are queries, columns keys.
    tokens : Tokens
    view : tuple of int, optional
        Bases, 0-based half-open; all by default.
    pooling : str
        ``"max"`` or ``"mean"`` of the tokens in a cell.
    special : bool
        Keep [CLS] and [SEP].
    cells : int
        Largest number of cells a side.

    Returns
    -------
    Pooled

    Raises
    ------
    ValueError
        `pooling` is neither ``"max"`` nor ``"mean"``.
    """
    if pooling not in POOLINGS:
        raise ValueError(f"pooling {pooling!r} is unknown; expected one of {', '.join(POOLINGS)}")
    shown = whole(view, len(tokens.bases))
    at = np.flatnonzero(
        (tokens.spans[:, 0] < shown[1]) & (tokens.spans[:, 1] > shown[0]) & ~tokens.special
    )
    if not len(at):
        return Pooled(np.zeros((0, 0), np.float32), at, at, 1)
    low, high = int(at[0]), int(at[-1]) + 1
    if special:  # only those next to what is in sight: the cells stay one run of tokens
        while low > 0 and tokens.special[low - 1]:
            low -= 1
        while high < len(tokens) and tokens.special[high]:
            high += 1
    at = np.arange(low, high)
    cut = matrix[low:high, low:high]
    size = -(-len(at) // cells)
    starts = np.arange(0, len(at), size)
    if size > 1:
        reduce = np.maximum if pooling == "max" else np.add
        cut = reduce.reduceat(reduce.reduceat(cut, starts, axis=0), starts, axis=1)
        if pooling == "mean":
            counts = np.diff(np.append(starts, len(at)))
            cut = cut / np.outer(counts, counts)
    return Pooled(
        values=np.ascontiguousarray(cut, dtype=np.float32),
        first=np.append(at[starts], at[-1] + 1),
        edges=np.append(tokens.spans[at[starts], 0], tokens.spans[at[-1], 1]),
        size=int(size),
    )


def attention_map(
    matrix: NDArray[np.float32],
    tokens: Tokens,
    *,
    axes: str = "bases",
    view: tuple[int, int] | None = None,
    selected: tuple[int, int] | None = None,
    pooling: str = "max",
    quantity: str = "attention",
    width: int = 900,
    height: int = 480,
    theme: str = "light",
) -> go.Figure:
    """Draw an attention map, and above it what a selection gives (or every position receives).

    Parameters
    ----------
    matrix : (n, n) float32
        Rows are queries (from), columns keys (to).
    tokens : Tokens
        The n tokens.
    axes : str
        ``"bases"``: cells are as wide as the bases they cover, [CLS] and [SEP] left out.
        ``"tokens"``: one step per token, special ones included.
    view : tuple of int, optional
        Visible bases, 0-based half-open, on both axes.
    selected : tuple of int, optional
        Bases to mark; the strip shows the attention their tokens pay, averaged over them.
    pooling : str
        How tokens that share a cell are summed up: ``"max"`` or ``"mean"``.
    quantity : str
        What the numbers are, for the hover and the colour bar.
    width, height : int
        Pixels.
    theme : str
        ``"light"`` or ``"dark"``.

    Returns
    -------
    plotly.graph_objects.Figure

    Raises
    ------
    ValueError
        `axes` or `pooling` is unknown.
    """
    import plotly.graph_objects as go

    if axes not in ("bases", "tokens"):
        raise ValueError(f"axes {axes!r} are unknown; expected 'bases' or 'tokens'")
    colours = theme_of(theme)
    shown = whole(view, len(tokens.bases))
    by_base = axes == "bases"
    pooled = pool(matrix, tokens, view=shown, pooling=pooling, special=not by_base)
    edges = pooled.edges + 0.5 if by_base else _steps(pooled)
    chosen = tokens.covering(*selected) if selected else None
    strip, strip_title = _strip(matrix, pooled, chosen)
    top = float(np.quantile(pooled.values, 0.995)) if pooled.values.size else 1.0
    x_axis = (
        base_axis(colours, shown, len(tokens.bases), anchor="y")
        if by_base
        else _token_axis(tokens, pooled, colours, width)
    )
    y_axis = {
        **x_axis,
        "domain": [0.0, 0.80 if height >= 320 else 0.74],
        "anchor": "x",
        "range": [*x_axis["range"]][::-1],
        "fixedrange": True,
        "showline": True,
        "nticks": 8,
        "title": {
            "text": "from (query)",
            "font": {"size": 11, "color": colours.muted},
            "standoff": 4,
        },
        "tickangle": 0,
    }
    if not by_base and y_axis.get("tickvals") is not None:
        y_axis["tickfont"] = {**y_axis["tickfont"], "size": 9}
    marks = _marks(chosen, selected, pooled, by_base, colours)
    return go.Figure(
        data=[
            {
                "type": "bar",
                "x": (edges[:-1] + edges[1:]) / 2,
                "width": np.diff(edges),
                "y": strip,
                "yaxis": "y2",
                "marker": {
                    "color": colours.select if chosen else colours.tints[0],
                    "line": {"width": 0},
                },
                "hovertemplate": f"{strip_title}: %{{y:.4f}}<extra></extra>",
            },
            {
                "type": "heatmap",
                "x": edges,
                "y": edges,
                "z": pooled.values,
                "zmin": 0.0,
                "zmax": top if top > 0 else 1.0,
                "colorscale": [list(step) for step in colours.sequential],
                "hovertemplate": _hover(by_base, quantity, pooled.size, pooling),
                "colorbar": {
                    "x": 1.012,
                    "xanchor": "left",
                    "y": 0.4,
                    "len": 0.82,
                    "thickness": 9,
                    "outlinewidth": 0,
                    "tickfont": {"size": 10, "color": colours.muted},
                    "nticks": 5,
                    "title": {
                        "text": quantity,
                        "side": "right",
                        "font": {"size": 11, "color": colours.muted},
                    },
                },
            },
        ],
        layout=layout(
            colours,
            height,
            barmode="overlay",
            bargap=0,
            hovermode="closest",
            dragmode="zoom",
            xaxis={
                **x_axis,
                "title": {
                    **x_axis["title"],
                    "text": f"to (key) · {'position (bp, counted from 1)' if by_base else 'token'}",
                },
            },
            yaxis=y_axis,
            yaxis2=value_axis(
                colours,
                "paid" if chosen else "received",
                (0.84 if height >= 320 else 0.8, 1.0),
                nticks=3 if height >= 320 else 2,
                rangemode="tozero",
                range=[0, float(np.max(strip, initial=0.0)) * 1.1 or 1.0],
            ),
            shapes=marks,
        ),
    )


def _steps(pooled: Pooled) -> NDArray[np.float64]:
    """Edges on the token axis: token ``i`` (counted from 1) is the column around ``i + 1``."""
    return pooled.first.astype(np.float64) + 0.5


def _strip(
    matrix: NDArray[np.float32], pooled: Pooled, chosen: tuple[int, int] | None
) -> tuple[NDArray[np.float32], str]:
    """Mean attention per cell: paid by the chosen tokens, or received from all tokens."""
    rows = matrix[chosen[0] : chosen[1]] if chosen else matrix
    weights = rows.mean(axis=0)
    if not len(pooled.values):
        return np.zeros(0, np.float32), ""
    inside = weights[pooled.first[0] : pooled.first[-1]]
    starts = pooled.first[:-1] - pooled.first[0]
    sums = np.add.reduceat(inside, starts) / np.diff(pooled.first)
    return sums.astype(np.float32), (
        "attention paid by the selection" if chosen else "attention received, mean over all tokens"
    )


def _marks(
    chosen: tuple[int, int] | None,
    selected: tuple[int, int] | None,
    pooled: Pooled,
    by_base: bool,
    colours: Theme,
) -> list[dict[str, Any]]:
    if chosen is None or selected is None or not len(pooled.values):
        return []
    start, end = selected if by_base else chosen
    line = {"color": colours.select, "width": 1}
    column = band(colours, start, end, line=line, fillcolor="rgba(0,0,0,0)", layer="above")
    row = {
        **column,
        "xref": "paper",
        "yref": "y",
        "x0": 0,
        "x1": 1,
        "y0": start + 0.5,
        "y1": end + 0.5,
    }
    return [column, row]


def _hover(by_base: bool, quantity: str, size: int, pooling: str) -> str:
    what = "base" if by_base else "token"
    how = f" ({pooling} of {size} × {size} tokens)" if size > 1 else ""
    return (
        f"from {what} %{{y:,.0f}}<br>to {what} %{{x:,.0f}}<br><b>%{{z:.4f}}</b> "
        f"{quantity}{how}<extra></extra>"
    )


def _token_axis(tokens: Tokens, pooled: Pooled, colours: Theme, width: int) -> dict[str, Any]:
    steps = _steps(pooled)
    limits = [float(steps[0]), float(steps[-1])] if len(steps) else [0.5, 1.5]
    axis: dict[str, Any] = {
        **base_axis(colours, (0, 1), len(tokens), anchor="y"),
        "range": limits,
        "minallowed": limits[0],
        "maxallowed": limits[1],
    }
    n = len(pooled.values)
    if pooled.size == 1 and n * 14 <= width - 140:
        axis["tickvals"] = list(range(int(pooled.first[0]) + 1, int(pooled.first[-1]) + 1))
        axis["ticktext"] = [
            tokens.tokens[i][:7] for i in range(int(pooled.first[0]), int(pooled.first[-1]))
        ]
        axis["tickangle"] = -90
        axis["tickfont"] = {"size": 10, "family": MONO, "color": colours.muted}
    return axis


def special_share(matrix: NDArray[np.float32], tokens: Tokens) -> float:
    """Mean share of attention that goes to [CLS] and [SEP], which base axes cannot show."""
    if not tokens.special.any() or tokens.special.all():
        return 0.0
    return float(matrix[~tokens.special][:, tokens.special].sum(axis=1).mean())


def cell_text(tokens: Tokens, index: int) -> str:
    """Name a token and where it stands, for a read-out: ``"TATAAA (bases 31–36)"``."""
    if tokens.special[index]:
        return tokens.tokens[index]
    start, end = (int(v) for v in tokens.spans[index])
    return f"{tokens.tokens[index]} (bases {span_text(start, end)})"


_GAP = 0.08  # of a thumbnail's width, between thumbnails


def head_gallery(
    thumbnails: NDArray[np.float32],
    *,
    selected: tuple[int, int] | None = None,
    width: int = 360,
    theme: str = "light",
) -> go.Figure:
    """Draw all heads of all layers side by side, each on its own scale.

    Parameters
    ----------
    thumbnails : (layers, heads, m, m) float32
        From :func:`dnabert2_explore.analysis.overview`.
    selected : tuple of int, optional
        Layer and head to outline, counted from 0.
    width : int
        Pixels the figure will have: decides its height.
    theme : str
        ``"light"`` or ``"dark"``.

    Returns
    -------
    plotly.graph_objects.Figure
        Thumbnail of layer ``i``, head ``j`` stands around x = j + 1, y = i + 1.
    """
    import plotly.graph_objects as go

    colours = theme_of(theme)
    n_layers, n_heads, m, _ = thumbnails.shape
    tops = np.quantile(thumbnails.reshape(n_layers, n_heads, -1), 0.99, axis=-1)
    scaled = np.clip(thumbnails / np.maximum(tops, 1e-12)[..., None, None], 0, 1)
    # One heat map of all: thumbnails with an empty cell around each, on uneven edges.
    pad = np.pad(scaled, ((0, 0), (0, 0), (0, 1), (0, 1)), constant_values=np.nan)
    z = pad.transpose(0, 2, 1, 3).reshape(n_layers * (m + 1), n_heads * (m + 1))
    cell = (1 - _GAP) / m

    def edges(count: int) -> NDArray[np.float64]:
        each = [k + 0.5 + _GAP / 2 + np.arange(m + 1) * cell for k in range(count)]
        return np.append(np.concatenate(each), count + 0.5 + _GAP / 2)

    side = (width - 40) / n_heads
    axis = {
        "showgrid": False,
        "zeroline": False,
        "fixedrange": True,
        "tickfont": {"size": 10, "color": colours.muted},
        "ticks": "",
    }
    title = {"font": {"size": 11, "color": colours.muted}, "standoff": 2}
    chosen = []
    if selected is not None:
        layer, head = selected
        half = 0.5 - _GAP / 8
        chosen = [
            {
                "type": "rect",
                "x0": head + 1 - half,
                "x1": head + 1 + half,
                "y0": layer + 1 - half,
                "y1": layer + 1 + half,
                "line": {"color": colours.select, "width": 2},
            }
        ]
    return go.Figure(
        data=[
            {
                "type": "heatmap",
                "x": edges(n_heads),
                "y": edges(n_layers),
                "z": z,
                "zmin": 0,
                "zmax": 1,
                "hoverongaps": False,
                "showscale": False,
                "colorscale": [list(step) for step in colours.sequential],
                "hovertemplate": "layer %{y:.0f}, head %{x:.0f}<extra></extra>",
            }
        ],
        layout=layout(
            colours,
            int(np.clip(side * n_layers, 60, 640)) + 46,
            margin={"l": 34, "r": 6, "t": 4, "b": 40, "autoexpand": False},
            dragmode=False,
            xaxis={
                **axis,
                "range": [0.5, n_heads + 0.5],
                "title": {**title, "text": "head"},
                "dtick": 1 if n_heads <= 16 else 4,
            },
            yaxis={
                **axis,
                "range": [n_layers + 0.5, 0.5],
                "title": {**title, "text": "layer"},
                "dtick": 1 if n_layers <= 16 else 4,
            },
            shapes=chosen,
        ),
    )
