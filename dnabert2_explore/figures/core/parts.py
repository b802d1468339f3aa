"""What figures are put together of: traces, marks, words, and the figure around them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from .colours import Theme
from .style import MONO, band, base_axis, layout

if TYPE_CHECKING:
    from plotly.graph_objects import Figure
else:
    Figure = Any  # plotly is imported when something is drawn

__all__ = [
    "Figure",
    "area",
    "aside",
    "axis_title",
    "bars",
    "base_figure",
    "box",
    "colour_bar",
    "dots",
    "font",
    "heading",
    "heat",
    "inscribed",
    "level",
    "line",
    "make_figure",
    "note",
    "numbered",
    "plain_axis",
    "quiet_axis",
    "signs",
    "span_bars",
    "upright",
    "whiskers",
    "words",
]


def make_figure(data: Any, colours: Theme, height: int, **more: Any) -> Figure:
    """Put traces into a figure that is laid out as all are; `more` is what its layout adds."""
    import plotly.graph_objects as go

    return go.Figure(data=data, layout=layout(colours, height, **more))


def base_figure(
    data: Any,
    colours: Theme,
    height: int,
    view: tuple[int, int],
    n_bases: int,
    selected: tuple[int, int] | None = None,
    *,
    anchor: str = "y",
    mark: str = "below",
    **more: Any,
) -> Figure:
    """Put traces on the base axis, which is dragged to zoom; `selected` is marked through all.

    `anchor` is the lowest y axis; the mark lies ``"below"`` or ``"above"`` the traces.
    """
    shapes = [band(colours, *selected, layer=mark)] if selected else []
    axis = base_axis(colours, view, n_bases, anchor=anchor)
    usual = {"barmode": "overlay", "bargap": 0, "hovermode": "closest", "dragmode": "zoom",
             "xaxis": axis, "shapes": shapes}  # fmt: skip
    return make_figure(data, colours, height, **{**usual, **more})


def _said(hover: str | list[str]) -> dict[str, Any]:
    """Say under the mouse what `hover` is, a template or one each; nothing where it is empty."""
    if isinstance(hover, list):
        return {"hovertemplate": [f"{one}<extra></extra>" for one in hover]}
    return {"hovertemplate": f"{hover}<extra></extra>"} if hover else {"hoverinfo": "skip"}


def _stroke(colour: Any, width: float, dash: str = "", shape: str = "") -> dict[str, Any]:
    more = {"dash": dash, "shape": shape}
    return {"color": colour, "width": width, **{k: v for k, v in more.items() if v}}


def font(size: float, colour: Any, **more: Any) -> dict[str, Any]:
    """Size and colour of letters."""
    return {"size": size, "color": colour, **more}


def line(
    x: Any,
    y: Any,
    colour: str,
    width: float,
    *,
    dash: str = "",
    shape: str = "",
    hover: str = "",
    **more: Any,
) -> dict[str, Any]:
    """Draw a line; `hover` is its template, and where it is empty the mouse is told nothing."""
    stroke = _stroke(colour, width, dash, shape)
    return {"type": "scatter", "mode": "lines", "x": x, "y": y, "line": stroke,
            **_said(hover), **more}  # fmt: skip


def area(x: Any, y: Any, colour: str, **more: Any) -> dict[str, Any]:
    """Fill an outline; the mouse is told nothing of it."""
    return line(x, y, colour, 0, **{"fill": "toself", "fillcolor": colour, **more})


def dots(
    x: Any, y: Any, size: Any, colour: Any, *, hover: str = "", marker: Any = None, **more: Any
) -> dict[str, Any]:
    """Draw marks; `marker` is what they have beside size and colour."""
    mark = {"size": size, "color": colour, **(marker or {})}
    return {"type": "scatter", "mode": "markers", "x": x, "y": y, "marker": mark,
            **_said(hover), **more}  # fmt: skip


def words(x: Any, y: Any, text: Any, textfont: Any, **more: Any) -> dict[str, Any]:
    """Write at places of the axes."""
    return {"type": "scatter", "mode": "text", "x": x, "y": y, "text": text, "textfont": textfont,
            "hoverinfo": "skip", **more}  # fmt: skip


def bars(
    x: Any,
    y: Any,
    width: Any,
    colour: Any = None,
    edge: tuple[Any, float] | None = None,
    *,
    hover: str | list[str] = "",
    **more: Any,
) -> dict[str, Any]:
    """Draw blocks; `edge` is the colour and width of their borders."""
    rim = {"width": 0} if edge is None else _stroke(*edge)
    mark = {} if colour is None else {"marker": {"color": colour, "line": rim}}
    return {"type": "bar", "x": x, "y": y, "width": width, **mark, **_said(hover), **more}


def span_bars(spans: Any, height: Any, colour: Any = None, edge: Any = None, **more: Any) -> Any:
    """Draw blocks over half-open spans of bases, shape (n, 2)."""
    middles, widths = spans.mean(axis=1) + 0.5, spans[:, 1] - spans[:, 0]
    return bars(middles, height, widths, colour, edge, **more)


def inscribed(
    text: Any, size: float, colours: Theme, anchor: Literal["middle", "end"] = "middle"
) -> dict[str, Any]:
    """Write into blocks, upright and never smaller than `size`."""
    return {
        "text": text,
        "textposition": "inside",
        "insidetextanchor": anchor,
        "textangle": 0,
        "constraintext": "none",
        "textfont": font(size, colours.ink, family=MONO),
    }


def signs(values: Any, colours: Theme) -> list[str]:
    """Colour what is above zero, or zero, and what is below."""
    return [colours.positive if v >= 0 else colours.negative for v in values]


def whiskers(
    values: Any, low: Any, high: Any, colour: Any, thickness: float = 1.6, width: float = 0
) -> dict[str, Any]:
    """Make error bars from `low` to `high`; of no length where an end is unknown or within."""
    up, down = np.subtract(high, values), np.subtract(values, low)
    array, below = (
        [max(0.0, v) if math.isfinite(v) else 0.0 for v in np.ravel(one).tolist()]
        for one in (up, down)
    )
    return {
        "type": "data",
        "symmetric": False,
        "array": array,
        "arrayminus": below,
        "color": colour,
        "thickness": thickness,
        "width": width,
    }


def heat(
    x: Any, y: Any, z: Any, scale: Any, low: Any, high: Any, *, hover: str, **more: Any
) -> dict[str, Any]:
    """Draw cells coloured from `low` to `high`."""
    colours = [list(step) for step in scale]
    return {"type": "heatmap", "x": x, "y": y, "z": z, "zmin": low, "zmax": high,
            "colorscale": colours, **_said(hover), **more}  # fmt: skip


def numbered(
    z: Any,
    x: Any,
    y: Any,
    text: Any,
    scale: Any,
    ends: tuple[float | None, float | None],
    bar: dict[str, Any],
    *,
    size: float = 10.5,
    hover: str,
    **more: Any,
) -> dict[str, Any]:
    """Draw a small matrix, coloured between `ends`, with words in its cells."""
    return heat(x, y, z, scale, *ends, hover=hover,
                **{"text": text, "texttemplate": "%{text}", "textfont": {"size": size},
                   "colorbar": {"thickness": 10, **bar}, "xgap": 2, "ygap": 2, **more})  # fmt: skip


def colour_bar(colours: Theme, title: str, y: float, length: float, **more: Any) -> dict[str, Any]:
    """Make the scale to the right of a panel; `y` is its middle."""
    return {
        "x": 1.012,
        "xanchor": "left",
        "y": y,
        "len": length,
        "thickness": 9,
        "outlinewidth": 0,
        "tickfont": font(10, colours.muted),
        "title": {"text": title, "side": "right", "font": font(11, colours.muted)},
        **more,
    }


def axis_title(
    text: str | None, colours: Theme, size: float = 11, standoff: float = 5
) -> dict[str, Any]:
    """Make the title of an axis."""
    return {"text": text, "font": font(size, colours.muted), "standoff": standoff}


def plain_axis(colours: Theme, title: str = "", standoff: float = 5, **more: Any) -> dict[str, Any]:
    """Make a plain axis that cannot be dragged."""
    named = {"title": axis_title(title, colours, 11, standoff)} if title else {}
    return {
        "tickfont": font(11, colours.muted),
        "gridcolor": colours.grid,
        "showline": True,
        "linecolor": colours.muted,
        "zeroline": False,
        "fixedrange": True,
        "automargin": False,
        "ticks": "outside",
        "ticklen": 3,
        "tickcolor": colours.muted,
        **named,
        **more,
    }


def quiet_axis(
    colours: Theme, title: str = "", size: float = 12, standoff: float = 6, **more: Any
) -> dict[str, Any]:
    """Make an axis of numbers alone: no lines across, and it cannot be dragged."""
    return {
        "tickfont": font(11, colours.muted),
        "showgrid": False,
        "zeroline": False,
        "fixedrange": True,
        **({"title": axis_title(title, colours, size, standoff)} if title else {}),
        **more,
    }


def heading(text: str, size: float = 12) -> dict[str, Any]:
    """Make the title of a figure, on the left above its panels."""
    return {"text": text, "font": {"size": size}, "x": 0, "xref": "paper"}


def note(text: str, x: Any, y: Any, colour: str, size: float = 11, **more: Any) -> dict[str, Any]:
    """Write words into a figure, without an arrow."""
    return {"text": text, "x": x, "y": y, "showarrow": False, "font": font(size, colour), **more}


def aside(text: str, x: Any, y: Any, colour: str, size: float = 11, **more: Any) -> dict[str, Any]:
    """Write from `x` on, a share of the panels' width."""
    return note(text, x, y, colour, size, **{"xref": "paper", "xanchor": "left", **more})


def box(
    x: tuple[Any, Any], y: tuple[Any, Any], colour: str, width: float, **more: Any
) -> dict[str, Any]:
    """Mark a rectangle."""
    return {"type": "rect", "x0": x[0], "x1": x[1], "y0": y[0], "y1": y[1],
            "line": _stroke(colour, width), **more}  # fmt: skip


def level(y: Any, colour: str, width: float, dash: str = "", **more: Any) -> dict[str, Any]:
    """Mark a height from the left to the right."""
    return {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": y, "y1": y,
            "line": _stroke(colour, width, dash), **more}  # fmt: skip


def upright(
    x: Any, colour: str, width: float, dash: str = "", span: tuple[Any, Any] = (0, 1), **more: Any
) -> dict[str, Any]:
    """Mark a place from the bottom to the top."""
    return {"type": "line", "yref": "paper", "x0": x, "x1": x, "y0": span[0], "y1": span[1],
            "line": _stroke(colour, width, dash), **more}  # fmt: skip
