"""Sweeps of the motif gym: a heat map of the effect, and lines with their spread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .core.colours import OKABE_ITO, Theme, signed_scale, theme_of
from .core.columns import legend as legend_row
from .core.parts import (
    Figure,
    area,
    axis_title,
    box,
    colour_bar,
    font,
    heat,
    line,
    make_figure,
    upright,
)
from .core.style import MARGIN, base_axis, value_axis

if TYPE_CHECKING:
    from ..analysis.gym import Sweep

__all__ = [
    "MAP_BELOW",
    "column_values",
    "row_labels",
    "sweep_figure",
    "sweep_heatmap",
    "sweep_lines",
]

# Pixels: a row of the map, the lines, between them, above without and with a legend, below.
_ROW_PX, _LINES_PX, _GAP_PX, _TOP, _LEGEND, _FOOT = 30, 190, 14, 8, 26, 42
# Green, brown, pink, sky: apart from each other, and from the map's orange and blue.
_LINE_COLOURS = (OKABE_ITO[2], OKABE_ITO[6], OKABE_ITO[3], OKABE_ITO[5])
_DASHES = ("solid", "dash", "dashdot", "dot")
_WORDS = {
    "effect": "effect of the motif",
    "control": "effect of the control",
    "interaction": "interaction of the pair",
}
# Names of rows that the screen writes otherwise.
_SHORT = {
    "complement": "compl.",
    "before": "before the site",
    "inside": "inside the site",
    "behind": "behind the site",
}
#: Sweeps with few rows and many columns: lines stand above their map.
MAP_BELOW = ("position", "orientation", "spacing", "indel")


def row_labels(result: Sweep) -> list[str]:
    """Write the rows of a sweep as the screen shows them."""
    if result.sweep == "copies":
        return [f"{n} {'copy' if n == 1 else 'copies'}" for n in result.rows.values]
    names = [str(value) for value in result.rows.values]
    return [_SHORT.get(name, name.replace("-", "−").replace("−−", "− −")) for name in names]


def _full_name(result: Sweep, label: str) -> str:
    """Write a row where there is room, as a legend has it."""
    if label in ("+", "−"):
        return f"strand {label}"
    return {"spacing": f"strands {label}"}.get(result.sweep, label.replace("compl.", "complement"))


def column_values(result: Sweep) -> NDArray[np.int64]:
    """Columns of a sweep as the screen shows them: positions count from 1."""
    values = np.array(result.columns.values, dtype=np.int64)
    return values + 1 if result.columns.name == "position" else values


def sweep_heatmap(
    result: Sweep,
    *,
    shown: str = "effect",
    picked: tuple[int, int] | None = None,
    view: tuple[float, float] | None = None,
    theme: str = "light",
) -> Figure:
    """Draw what every cell changes, in the mean over backgrounds.

    x counts positions from 1 and has the range `view`; colours are symmetric about 0, in the unit
    of `result`, on one scale for effect and control. What there is no score for is left empty.
    `shown` is ``"effect"``, ``"control"`` or ``"interaction"``, as in `Sweep.of`; `picked` are row
    and column of a cell to mark.
    """
    colours = theme_of(theme)
    trace, axis, marks = _map(result, shown, picked, colours)
    return _laid_out([trace], result, colours, _map_height(result), view, yaxis=axis, shapes=marks)


def sweep_lines(
    result: Sweep,
    *,
    shown: str = "effect",
    picked: tuple[int, int] | None = None,
    view: tuple[float, float] | None = None,
    theme: str = "light",
) -> Figure:
    """Draw a line for each row: the mean over backgrounds, with a band of one deviation.

    x and options are those of `sweep_heatmap`; y is in the unit of `result`. Behind the effect, the
    control's range over the rows, where the sweep has one.
    """
    colours = theme_of(theme)
    traces, axis, marks = _lines(result, shown, picked, colours, "y")
    return _laid_out(
        traces, result, colours, _LINES_PX, view, legend=True, yaxis=axis, shapes=marks
    )


def sweep_figure(
    result: Sweep,
    *,
    shown: str = "effect",
    picked: tuple[int, int] | None = None,
    view: tuple[float, float] | None = None,
    theme: str = "light",
) -> Figure:
    """Draw lines above the map, on one axis; the map alone where rows are many.

    Options are those of `sweep_heatmap`; ``y`` is the axis of the map, ``y2`` that of the lines.
    """
    if result.sweep not in MAP_BELOW:
        return sweep_heatmap(result, shown=shown, picked=picked, view=view, theme=theme)
    colours = theme_of(theme)
    below, above = _map_height(result), _LINES_PX
    drawn = below + _GAP_PX + above
    trace, axis, marks = _map(result, shown, picked, colours)
    lines, axis2, more = _lines(result, shown, picked, colours, "y2")
    axis["domain"] = [0.0, below / drawn]
    axis2["domain"] = [(below + _GAP_PX) / drawn, 1.0]
    trace["colorbar"] |= {"y": 0.5, "yanchor": "middle", "len": 1.0}
    more_axes = {"yaxis": axis, "yaxis2": axis2, "shapes": [*marks, *more]}
    return _laid_out([trace, *lines], result, colours, drawn, view, legend=True, **more_axes)


def _laid_out(
    data: Any,
    result: Sweep,
    colours: Theme,
    drawn: int,
    view: tuple[float, float] | None,
    *,
    legend: bool = False,
    **more: Any,
) -> Figure:
    """Lay out panels that are `drawn` pixels high; positions lie on an axis of all bases."""
    edges = _edges(result)
    low, high = float(edges[0]), float(edges[-1])
    if result.columns.name == "position":
        low, high = 0.5, len(result.backgrounds[0]) + 0.5
    top = _LEGEND if legend else _TOP
    xaxis = base_axis(colours, (0, 1), 1) | {
        "range": list(view or (low, high)),
        "minallowed": low,
        "maxallowed": high,
        "title": axis_title(result.columns.title, colours, 12, 6),
        "showline": False,
        "nticks": 11,
    }
    if result.sweep == "indel":
        every = -(-len(result.columns) // 21)
        at = [v for v in result.columns.values if int(v) % (every + 1) == 0]
        signed = [f"{v:+d}".replace("-", "−") if v else "0" for v in at]
        xaxis |= {"tickvals": at, "ticktext": signed}
    return make_figure(
        data,
        colours,
        drawn + top + _FOOT,
        hovermode="closest",
        dragmode="zoom",
        margin={**MARGIN, "l": _left(result), "t": top, "b": _FOOT},
        showlegend=legend,
        legend=legend_row(
            colours,
            1,
            x=0,
            xanchor="left",
            font=font(11.5, colours.ink),
            itemclick=False,
            itemdoubleclick=False,
        ),
        xaxis=xaxis,
        **more,
    )


def _left(result: Sweep) -> int:
    """Left margin: that of the base axis, but where rows have long names."""
    longest = max(map(len, row_labels(result)))
    return MARGIN["l"] if longest <= 8 else 26 + 7 * longest


def _map_height(result: Sweep) -> int:
    return _ROW_PX * len(result.rows)


def _edges(result: Sweep) -> NDArray[np.float64]:
    """Borders of the columns: half way to the next."""
    values = column_values(result).astype(np.float64)
    if len(values) == 1:
        return np.array([values[0] - 0.5, values[0] + 0.5])
    middle = (values[:-1] + values[1:]) / 2
    return np.concatenate([[2 * values[0] - middle[0]], middle, [2 * values[-1] - middle[-1]]])


def _reach(result: Sweep, shown: str) -> float:
    """Half range of the scale; effect and control share one, so that they can be compared."""
    both = [shown] if shown == "interaction" else ["effect", "control"]
    values = [np.abs(result.mean(one)) for one in both if result.has(one)]
    largest = float(np.nanmax(np.stack(values)))
    return largest if largest > 0 else 1.0


def _map(
    result: Sweep, shown: str, picked: tuple[int, int] | None, colours: Theme
) -> tuple[dict[str, Any], dict[str, Any], list[dict[str, Any]]]:
    """Make the map, its y axis, and the marks on it."""
    labels, reach = row_labels(result), _reach(result, shown)
    rows, edges = np.arange(len(labels)), _edges(result)
    trace = heat(
        edges,
        np.arange(len(labels) + 1) - 0.5,
        result.mean(shown),
        signed_scale(colours),
        -reach,
        reach,
        xgap=1 if len(edges) < 60 else 0,
        ygap=2,
        hoverongaps=False,
        text=_hover(result, shown),
        colorbar=colour_bar(colours, f"Δ {result.unit}", 0.5, 1.0, tickformat=".2~g", nticks=5),
        hover="%{text}",
    )
    axis = value_axis(
        colours,
        "",
        (0.0, 1.0),
        # Rows are read from above, but for numbers, which rise.
        range=[-0.5, len(rows) - 0.5] if result.sweep == "copies" else [len(rows) - 0.5, -0.5],
        tickvals=rows,
        ticktext=labels,
        showgrid=False,
        tickfont=font(12, colours.ink),
    )
    on: dict[str, Any] = {"xref": "x", "yref": "y"}
    behind = {"fillcolor": colours.grid, "layer": "below"}
    height = (-0.5, len(rows) - 0.5)
    marks = [box((edges[0], edges[-1]), height, colours.grid, 1, **on, **behind)]
    if picked is not None:
        row, column = picked
        across, down = (edges[column], edges[column + 1]), (row - 0.5, row + 0.5)
        marks.append(box(across, down, colours.select, 2, **on, layer="above"))
    return trace, axis, marks


def _lines(
    result: Sweep, shown: str, picked: tuple[int, int] | None, colours: Theme, name: str
) -> tuple[list[dict[str, Any]], dict[str, Any], list[dict[str, Any]]]:
    """Make lines with bands, their y axis, and the mark of a cell."""
    x, labels = column_values(result), row_labels(result)
    means, deviations = result.mean(shown), result.deviation(shown)
    texts = _hover(result, shown)
    traces: list[dict[str, Any]] = []
    low, high = 0.0, 0.0

    def band(there: Any, top: Any, bottom: Any, colour: str, **more: Any) -> None:
        around = np.concatenate([x[there], x[there][::-1]])
        edge = np.concatenate([top, bottom[::-1]])
        traces.append(area(around, edge, colour, yaxis=name, **more))

    for row in range(len(labels)):
        colour = _LINE_COLOURS[row % len(_LINE_COLOURS)]
        mean, deviation = means[row], np.nan_to_num(deviations[row])
        there = ~np.isnan(mean)
        top, bottom = (mean + deviation)[there], (mean - deviation)[there]
        low, high = min(low, *bottom), max(high, *top)
        if np.isfinite(deviations[row]).any():
            band(there, top, bottom, colour, opacity=0.16, showlegend=False)
    if shown == "effect" and result.has("control"):
        controls = result.mean("control")
        there = ~np.isnan(controls).all(axis=0)
        bottom = np.nanmin(controls[:, there], axis=0)
        top = np.nanmax(controls[:, there], axis=0)
        low, high = min(low, *bottom), max(high, *top)
        words = "control: motif shuffled (range over rows)"
        band(there, top, bottom, colours.muted, opacity=0.4, name=words, showlegend=True)
    # Above all bands, in the order of the rows.
    traces += [
        line(
            x,
            means[row],
            _LINE_COLOURS[row % len(_LINE_COLOURS)],
            2,
            dash=_DASHES[row % 4],
            mode="lines+markers" if len(x) <= 60 else "lines",
            yaxis=name,
            marker={"size": 5},
            name=_full_name(result, label),
            text=texts[row],
            hover="%{text}",
        )
        for row, label in enumerate(labels)
    ]
    axis = value_axis(
        colours,
        f"{_WORDS[shown]}<br>(Δ {result.unit})",
        (0.0, 1.0),
        range=[low - 0.06 * (high - low), high + 0.06 * (high - low)] if high > low else [-1, 1],
        zeroline=True,
        zerolinecolor=colours.muted,
        nticks=6,
    )
    marks = []
    if picked is not None:
        on: dict[str, Any] = {"xref": "x", "yref": f"{name} domain", "layer": "below"}
        marks.append(upright(x[picked[1]], colours.select, 1.2, "dot", **on))
    return traces, axis, marks


def _hover(result: Sweep, shown: str) -> list[list[str]]:
    """Say what a cell is and what it changes."""
    labels, x = row_labels(result), column_values(result)
    means, deviations = result.mean(shown), result.deviation(shown)
    where = {
        "position": "strand {row}, from base {column:,}",
        "orientation": "{row}, from base {column:,}",
        "copies": "{row}, {column} bp between them",
        "spacing": "strands {row}, {column} bp between them",
        "indel": "{column:+d} bp {row}",
    }[result.sweep]
    return [
        [
            f"<b>{where.format(row=label, column=column)}</b><br>"
            f"{_WORDS[shown]}: {means[r, c]:+.3f} {result.unit}"
            + (f" ± {deviations[r, c]:.3f}" if np.isfinite(deviations[r, c]) else "")
            for c, column in enumerate(x.tolist())
        ]
        for r, label in enumerate(labels)
    ]
