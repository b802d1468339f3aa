"""Embeddings as points: near in the model's space, near on the page."""

from __future__ import annotations

from collections.abc import Sequence as Items
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .core.colours import SYMBOLS, Theme, class_colours, theme_of
from .core.parts import Figure, axis_title, dots, font, make_figure

__all__ = ["FAINT", "atlas_scatter", "point_size"]

#: Pixels of a point, by how many there are.
_SIZES = ((300, 8.0), (5_000, 6.5), (20_000, 5.0), (float("inf"), 3.5))
#: Opacity of what is not chosen: still there to see.
FAINT = {"light": 0.16, "dark": 0.3}
_WEBGL_FROM = 3000  # SVG points are crisper and animate; beyond this they are slow


def point_size(n: int) -> float:
    """Pixels of a point where there are `n`."""
    return next(px for most, px in _SIZES if n < most)


def atlas_scatter(
    positions: NDArray[np.float64],
    names: Items[str],
    values: Items[str] | Items[float],
    *,
    field: str = "class",
    axis: str = "UMAP",
    current: int | None = None,
    chosen: Items[int] = (),
    starred: Items[int] = (),
    starred_name: str = "",
    height: int = 560,
    legend: bool = True,
    theme: str = "light",
) -> Figure:
    """Draw sequences as points coloured by a field; their ``customdata`` is their index.

    Parameters
    ----------
    positions : (n, 2) or (n, 3) float
        From :func:`dnabert2_explore.project`.
    names : sequence of str
        Shown on hover.
    values : sequence of str or float
        Text gives one colour (and marker shape) per class, numbers a continuous scale.
    field : str
        What `values` are, with the unit, e.g. ``"GC content (%)"``.
    axis : str
        Name of the projection, for the axis titles.
    current : int, optional
        Point to ring.
    chosen : sequence of int
        Points to keep bright; the others fade. None fade when it is empty.
    starred : sequence of int
        Points drawn larger with an outline, e.g. the user's own sequences.
    starred_name : str
        What they are, for the legend.
    legend : bool
        Name the classes in the figure.
    """
    colours = theme_of(theme)
    faint = FAINT[theme]
    n, dimensions = len(names), positions.shape[1]
    faded = np.full(n, bool(len(chosen)))
    faded[list(chosen)] = False
    star = np.zeros(n, dtype=bool)
    star[list(starred)] = True
    size = np.where(star, 13.0, point_size(n))
    solid = dimensions == 3
    kind = "scatter3d" if solid else "scattergl" if n >= _WEBGL_FROM else "scatter"

    def points(at: Any, size: Any, colour: Any, marker: Any, **more: Any) -> dict[str, Any]:
        trace = dots(positions[at, 0], positions[at, 1], size, colour, marker=marker, **more)
        return trace | {"type": kind} | ({"z": positions[at, 2]} if solid else {})

    numeric = n > 0 and not isinstance(values[0], str)
    if numeric:
        groups = [_continuous(np.asarray(values, dtype=float), field, colours)]
    else:
        groups = _classes([str(v) for v in values])
    traces = [
        points(
            at,
            size[at],
            look.pop("color"),
            {
                "opacity": np.where(faded[at], faint, 0.86),
                "line": {
                    "width": np.where(star[at], 1.5, 0.5),
                    "color": [colours.ink if one else colours.paper for one in star[at]],
                },
                **look,
            },
            customdata=at,
            name=name,
            text=[f"<b>{names[i]}</b><br>{_formatted(values[i], field)}" for i in at],
            hover="%{text}",
            selected={"marker": {"opacity": 0.9}},
            unselected={"marker": {"opacity": faint}},
            showlegend=not numeric,
        )
        for name, at, look in groups
    ]
    if starred_name and len(starred):
        outline = {"line": {"width": 1.5, "color": colours.ink}}
        clear = "rgba(0,0,0,0)"
        traces.append(
            dots([None], [None], 13, clear, name=starred_name, showlegend=True, marker=outline)
        )
    ring = [current] if current is not None else []
    open_circle = {"symbol": "circle-open", "line": {"width": 2.5}}
    traces.append(points(ring, 17, colours.select, open_circle, showlegend=False))
    if solid:
        traces = [_in_space(trace) for trace in traces]
    elif not len(chosen):
        for trace in traces:
            trace["selectedpoints"] = None
    bare: dict[str, Any] = {
        "showgrid": False,
        "zeroline": False,
        "showticklabels": False,
        "showline": True,
        "mirror": True,
        "linecolor": colours.grid,
    }
    scene = {}
    if solid:
        frame = {"showbackground": False, "gridcolor": colours.grid, "showticklabels": False}
        scene["scene"] = {
            f"{letter}axis": {**frame, "title": {"text": f"{axis} {d + 1}"}}
            for d, letter in enumerate("xyz")
        } | {"aspectmode": "data"}
    return make_figure(
        traces,
        colours,
        height,
        **scene,
        margin={"l": 26, "r": 10, "t": 8, "b": 26},
        dragmode="lasso",
        hovermode="closest",
        showlegend=legend and not numeric,
        legend={
            "orientation": "h",
            "x": 0,
            "y": -0.075,
            "yanchor": "top",
            "font": font(11, colours.ink),
            "bgcolor": "rgba(0,0,0,0)",
            "itemsizing": "constant",
            "tracegroupgap": 0,
        },
        # One unit is as long on both axes: distances mean the same in every direction.
        xaxis={**bare, "title": axis_title(f"{axis} 1", colours, 11, 4)},
        yaxis={**bare, "title": axis_title(f"{axis} 2", colours, 11, 4)},
        # A zoom survives a redraw; the outline of a lasso does not, `chosen` tells of it.
        uirevision=axis,
        selectionrevision=hash((tuple(chosen), current, field)),
        selections=[],
    )


#: Markers of a plane that plotly has not in space, and what stands for them there.
_SOLID = {
    "triangle-up": "diamond-open",
    "pentagon": "square-open",
    "star": "x",
    "hexagram": "circle",
}


def _in_space(trace: dict[str, Any]) -> dict[str, Any]:
    """Turn a trace of a plane into one of space, which has fewer settings."""
    marker = dict(trace["marker"])
    if not np.isscalar(marker.get("opacity", 1.0)):  # one for all points of a trace
        marker["opacity"] = float(np.max(marker["opacity"], initial=0.0)) or 0.86
    line = marker.get("line", {})
    if not np.isscalar(line.get("width", 0)):
        marker["line"] = {"width": 0}
    marker["symbol"] = _SOLID.get(marker.get("symbol", "circle"), marker.get("symbol", "circle"))
    kept = {k: v for k, v in trace.items() if k not in ("selected", "unselected", "selectedpoints")}
    if trace["type"] != "scatter3d":  # a name in the legend alone
        kept |= {"z": [None], "type": "scatter3d"}
    return {**kept, "marker": marker}


def _formatted(value: str | float, field: str) -> str:
    return f"{field}: {value}" if isinstance(value, str) else f"{field}: {value:,.4g}"


#: Name of points in the legend, which they are, and colour, symbol and scale of their markers.
_Group = tuple[str, NDArray[np.int64], dict[str, Any]]


def _continuous(values: NDArray[np.float64], field: str, colours: Theme) -> _Group:
    bar = {
        "orientation": "h",
        "y": -0.07,
        "yanchor": "top",
        "thickness": 9,
        "len": 0.8,
        "outlinewidth": 0,
        "tickfont": font(10, colours.muted),
        "title": {"text": field, "side": "bottom", "font": font(11, colours.muted)},
    }
    scale = [list(step) for step in colours.continuous]
    look = {"color": values, "colorscale": scale, "colorbar": bar, "showscale": True}
    return field, np.arange(len(values)), look


def _classes(values: list[str]) -> list[_Group]:
    array = np.array(values)
    return [
        (
            name,
            np.flatnonzero(array == name),
            {"color": colour, "symbol": SYMBOLS[i % len(SYMBOLS)]},
        )
        for i, (name, colour) in enumerate(class_colours(values).items())
    ]
