"""A dependency map on the axes of an attention map: what is predicted, against what was changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ...sequences import in_place
from ..core.colours import Theme, theme_of
from ..core.style import band, base_axis, layout, span_text, value_axis, whole
from .attention import CELLS

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from ...analysis.inside.blocks import Blocks
    from ...analysis.inside.dependencies import DependencyMap

__all__ = ["SHOWN", "block_figure", "dependency_figure", "signed_scale"]

#: What of a map can be looked at: its values, those of the untrained twin, the difference.
SHOWN = ("trained", "untrained", "difference")

_COLUMNS = 600  # bases on the x axis at most; more are summed up to the largest of each few


def dependency_figure(
    found: DependencyMap,
    *,
    shown: str = "trained",
    view: tuple[int, int] | None = None,
    selected: tuple[int, int] | None = None,
    width: int = 900,
    height: int = 420,
    theme: str = "light",
) -> go.Figure:
    """Draw what each token's prediction depends on.

    As in an attention map, a row is the token concerned and a column what it depends on: here the
    base that was substituted. Above it, each base's mean effect on the tokens it is no part of.

    Parameters
    ----------
    found : DependencyMap
        Of tokens or of bases.
    shown : str
        ``"trained"``, ``"untrained"`` (the twin, on the same colours), or ``"difference"``.
    view : tuple of int, optional
        Visible bases, 0-based half-open, on both axes.
    selected : tuple of int, optional
        Bases to mark.
    width, height : int
        Pixels.
    theme : str
        ``"light"`` or ``"dark"``.

    Returns
    -------
    plotly.graph_objects.Figure

    Raises
    ------
    InputError
        If the twin is asked for and was not computed.
    ValueError
        `shown` is unknown, or the map is of a class.
    """
    import plotly.graph_objects as go

    del width  # the axes are in bases: nothing depends on it yet
    if shown not in SHOWN:
        raise ValueError(f"shown {shown!r} is unknown; expected one of {', '.join(SHOWN)}")
    if found.unit != "nats":
        raise ValueError(f"A map of class {found.of!r} has one column: draw it as a track.")
    colours = theme_of(theme)
    n = len(found.tokens.bases)
    visible = whole(view, n)
    values = found.values if shown == "trained" else found.minus_twin
    if shown == "untrained" and found.twin is not None:
        values = found.twin.values
    elsewhere = np.where(np.isnan(found.elsewhere), np.nan, values)
    x_edges, y_edges, cells = _cells(found, values, visible)
    top = _top(found.elsewhere)
    signed = shown == "difference"
    strip = _means(elsewhere)
    shift = np.arange(found.region[0], found.region[1]) + 1
    strip_colour = colours.tints[0]
    x_axis = base_axis(colours, visible, n, anchor="y")
    what = "token" if found.of == "tokens" else "base"
    title = {"size": 11, "color": colours.muted}
    letters = np.array(list(in_place(found.tokens.bases)))
    return go.Figure(
        data=[
            {
                "type": "bar",
                "x": shift,
                "width": np.ones(len(shift)),
                "y": strip,
                "yaxis": "y2",
                "customdata": letters[found.region[0] : found.region[1]],
                "marker": {"color": strip_colour, "line": {"width": 0}},
                "hovertemplate": (
                    f"base %{{x:,.0f}} %{{customdata}}: %{{y:.4g}} nats, mean over other {what}s"
                    "<extra></extra>"
                ),
            },
            {
                "type": "heatmap",
                "x": x_edges,
                "y": y_edges,
                "z": cells,
                "zmin": -top if signed else 0.0,
                "zmax": top,
                "hoverongaps": False,
                "colorscale": (
                    signed_scale(colours) if signed else [list(step) for step in colours.sequential]
                ),
                "hovertemplate": (
                    f"substituting base %{{x:,.0f}}<br>changes the {what} at %{{y:,.0f}}<br>by "
                    f"<b>%{{z:.4f}}</b> nats{' more than untrained' if signed else ''}"
                    "<extra></extra>"
                ),
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
                        "text": "trained − untrained (nats)" if signed else "change (nats)",
                        "side": "right",
                        "font": title,
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
                    "text": "substituted base · position (bp, counted from 1)",
                },
            },
            yaxis={
                **x_axis,
                "domain": [0.0, 0.80 if height >= 320 else 0.74],
                "anchor": "x",
                "range": [*x_axis["range"]][::-1],
                "fixedrange": True,
                "nticks": 8,
                "title": {"text": f"{what} predicted", "font": title, "standoff": 4},
                "tickangle": 0,
            },
            yaxis2=value_axis(
                colours,
                "others",
                (0.84 if height >= 320 else 0.8, 1.0),
                nticks=3 if height >= 320 else 2,
                range=_reach(strip),
                zeroline=signed,
                zerolinecolor=colours.muted,
            ),
            shapes=_marks(found, selected, colours),
        ),
    )


def _cells(
    found: DependencyMap, values: NDArray[np.float32], visible: tuple[int, int]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float32]]:
    """Edges in bases and values (rows: predicted, columns: substituted), as a screen can show."""
    start, end = max(found.region[0], visible[0]), min(found.region[1], visible[1])
    spans = found.spans
    at = np.flatnonzero((spans[:, 0] < visible[1]) & (spans[:, 1] > visible[0]))
    at = at[spans[at, 1] > spans[at, 0]]  # special tokens have no bases
    if start >= end or not len(at):
        return np.array([0.5]), np.array([0.5]), np.zeros((0, 0), np.float32)
    cut = values[start - found.region[0] : end - found.region[0], at].T
    # An anchored model's [SEP] stands between two tokens, and takes no room between their bases.
    across, down = -(-(end - start) // _COLUMNS), -(-len(at) // CELLS)
    columns, rows = np.arange(0, end - start, across), np.arange(0, len(at), down)
    if across > 1 or down > 1:
        cut = np.fmax.reduceat(np.fmax.reduceat(cut, columns, axis=1), rows, axis=0)
    x_edges = np.append(columns + start, end) + 0.5
    y_edges = np.append(spans[at[rows], 0], spans[at[-1], 1]) + 0.5
    return x_edges, y_edges, np.ascontiguousarray(cut, dtype=np.float32)


def _means(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Mean of each row over what is known; 0 where nothing is."""
    known = ~np.isnan(values)
    sums: NDArray[np.float64] = np.nansum(values, axis=1, dtype=np.float64)
    return sums / np.maximum(known.sum(axis=1), 1)


def _top(values: NDArray[np.float32]) -> float:
    """Where colours end: the 99th percentile of what bases do outside their own token."""
    known = values[~np.isnan(values)]
    return (float(np.quantile(known, 0.99)) if known.size else 0.0) or 1.0


def _reach(strip: NDArray[np.float64]) -> list[float]:
    low, high = min(float(strip.min(initial=0)), 0), float(strip.max(initial=0))
    room = (high - low) * 0.1 or 1.0
    return [low - room if low else 0.0, high + room]


def signed_scale(colours: Theme) -> list[list[Any]]:
    """Colours of a map about zero, which is the paper."""
    return [[0.0, colours.negative], [0.5, colours.paper], [1.0, colours.positive]]


def _marks(
    found: DependencyMap, selected: tuple[int, int] | None, colours: Theme
) -> list[dict[str, Any]]:
    if selected is None:
        return []
    line = {"color": colours.select, "width": 1}
    column = band(colours, *selected, line=line, fillcolor="rgba(0,0,0,0)", layer="above")
    first, last = found.tokens.covering(*selected)
    start, end = found.tokens.spans[first, 0], found.tokens.spans[last - 1, 1]
    if found.of != "tokens":
        start, end = selected
    row = {
        **column,
        "xref": "paper",
        "yref": "y",
        "x0": 0,
        "x1": 1,
        "y0": float(start) + 0.5,
        "y1": float(end) + 0.5,
    }
    return [column, row]


def block_figure(found: Blocks, *, height: int = 420, theme: str = "light") -> go.Figure:
    """Draw the clusters of a dependency map where they lie, outlined those beyond chance.

    Parameters
    ----------
    found : Blocks
    height : int
        Pixels.
    theme : str
        ``"light"`` or ``"dark"``.

    Returns
    -------
    plotly.graph_objects.Figure
        Axes as those of the map: substituted bases, and bases predicted otherwise. Full: p of 0.05
        or less against the shuffled copies.

    Raises
    ------
    InputError
        If there is none.
    """
    import plotly.graph_objects as go

    if not found.blocks:
        raise InputError("There is no block to draw: nothing stands out of this map.")
    colours = theme_of(theme)
    shapes, centres, words = [], [], []
    for one in found.blocks:
        sure = one.p <= 0.05
        shapes.append(
            {
                "type": "rect",
                "x0": one.source[0] + 0.5,
                "x1": one.source[1] + 0.5,
                "y0": one.target[0] + 0.5,
                "y1": one.target[1] + 0.5,
                "line": {"color": colours.select if sure else colours.muted, "width": 1.5},
                "fillcolor": colours.select_fill if sure else "rgba(0,0,0,0)",
            }
        )
        centres.append((sum(one.source) / 2 + 0.5, sum(one.target) / 2 + 0.5))
        words.append(
            f"bases {span_text(*one.source)} on {span_text(*one.target)}<br>"
            f"peak {one.peak:.3g} nats, mass {one.mass:.3g}, p {one.p:.2g}"
        )
    every = [edge for one in found.blocks for edge in (*one.source, *one.target)]
    low, high = min(every), max(every)
    room = max(2.0, 0.03 * (high - low))
    axis = {"range": [low + 0.5 - room, high + 0.5 + room], "showgrid": True}
    return go.Figure(
        data=[
            {
                "type": "scatter",
                "mode": "markers",
                "x": [x for x, _ in centres],
                "y": [y for _, y in centres],
                "text": words,
                "marker": {"size": 8, "color": colours.muted, "opacity": 0.6},
                "hovertemplate": "%{text}<extra></extra>",
            },
            {
                "type": "scatter",
                "mode": "lines",
                "x": axis["range"],
                "y": axis["range"],
                "line": {"color": colours.muted, "width": 1, "dash": "dot"},
                "hoverinfo": "skip",
            },
        ],
        layout=layout(
            colours,
            height,
            hovermode="closest",
            shapes=shapes,
            xaxis=value_axis(colours, "", (0, 1), **axis, nticks=8)
            | {"anchor": "y", "title": {"text": "substituted base (bp, counted from 1)",
                                        "font": {"size": 12, "color": colours.muted}}},
            yaxis=value_axis(colours, "base predicted otherwise (bp)", (0, 1), nticks=8, **axis),
        ),
    )  # fmt: skip
