"""A model as it learns: tokens' probabilities, one attention map and the atlas at one snapshot."""

from __future__ import annotations

from collections.abc import Sequence as Items
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..core.colours import NOT_GIVEN, Theme, class_colours, theme_of
from ..core.parts import Figure, aside, axis_title, font, level, plain_axis
from ..core.style import band, base_axis, layout, whole
from .timelapse_panels import NARROW, attention, levels, points, probabilities, purity

if TYPE_CHECKING:
    from ...analysis.timelapse import TimeLapse

__all__ = ["timelapse_figure", "timelapse_movie"]

_SIGNS = "●■◆▲✚⬟★✶"  # as SYMBOLS, for the legend


def timelapse_figure(
    lapse: TimeLapse,
    at: int = -1,
    *,
    view: tuple[int, int] | None = None,
    selected: tuple[int, int] | None = None,
    field: str = "class",
    width: int = 1100,
    theme: str = "light",
) -> Figure:
    """Draw one snapshot of a time-lapse; every axis and colour is the same for all snapshots.

    Snapshot `at` counts from 0, negative from the end; `field` is what the labels of the atlas are.
    Traces ``probability``, ``first snapshot``, ``attention``, one per class, ``purity``,
    ``shuffled`` and ``now``.
    """
    import plotly.graph_objects as go

    colours = theme_of(theme)
    shown = whole(view, len(lapse.tokens.bases))
    return go.Figure(
        data=_traces(lapse, at, shown, width, colours),
        layout=_layout(lapse, shown, selected, field, width, colours),
    )


def timelapse_movie(
    lapse: TimeLapse,
    *,
    view: tuple[int, int] | None = None,
    selected: tuple[int, int] | None = None,
    field: str = "class",
    width: int = 1100,
    theme: str = "light",
) -> Figure:
    """Draw all snapshots as one figure with a slider and a play button, for a page of its own.

    A frame per snapshot; the options are those of :func:`timelapse_figure`.
    """
    import plotly.graph_objects as go

    colours = theme_of(theme)
    shown = whole(view, len(lapse.tokens.bases))
    last = len(lapse.steps) - 1
    figure = timelapse_figure(
        lapse, last, view=view, selected=selected, field=field, width=width, theme=theme
    )
    figure.frames = [
        go.Frame(name=str(step), data=_traces(lapse, at, shown, width, colours))
        for at, step in enumerate(lapse.steps.tolist())
    ]
    how = {"frame": {"duration": 0, "redraw": True}, "transition": {"duration": 0}}
    below = figure.layout.height
    return figure.update_layout(
        height=below + 90,
        margin_b=figure.layout.margin.b + 90,
        sliders=[
            {
                "active": last,
                "x": 0.08,
                "len": 0.92,
                "y": 0,
                "yanchor": "top",
                "pad": {"t": 46},
                "currentvalue": {"prefix": "after step ", "font": {"color": colours.ink}},
                "font": font(10, colours.muted),
                "steps": [
                    {
                        "label": f"{step:,}",
                        "method": "animate",
                        "args": [[str(step)], {"mode": "immediate", **how}],
                    }
                    for step in lapse.steps.tolist()
                ],
            }
        ],
        updatemenus=[
            {
                "type": "buttons",
                "x": 0,
                "xanchor": "left",
                "y": 0,
                "yanchor": "top",
                "pad": {"t": 66},
                "showactive": False,
                "font": {"color": colours.ink},
                "buttons": [
                    {
                        "label": "▶ play",
                        "method": "animate",
                        "args": [
                            None,
                            {
                                "fromcurrent": False,
                                "frame": {"duration": 600, "redraw": True},
                                "transition": {"duration": 0},
                            },
                        ],
                    }
                ],
            }
        ],
    )


# Parts -------------------------------------------------------------------------------------------


def _boxes(width: int) -> dict[str, tuple[float, float]]:
    """Where each panel stands between the bottom, 0, and the top, 1."""
    if width >= NARROW:
        return {
            "probability": (0.72, 1.0),
            "attention": (0.0, 0.66),
            "atlas": (0.36, 1.0),
            "purity": (0.0, 0.17),
        }
    return {
        "probability": (0.86, 1.0),
        "attention": (0.50, 0.83),
        "atlas": (0.17, 0.40),
        "purity": (0.0, 0.07),
    }


def _traces(
    lapse: TimeLapse, at: int, shown: tuple[int, int], width: int, colours: Theme
) -> list[dict[str, Any]]:
    return [
        *probabilities(lapse, at, shown, width, colours),
        attention(lapse, at, shown, _boxes(width)["attention"], colours),
        *points(lapse, at, colours),
        *purity(lapse, at, colours),
    ]


def _layout(
    lapse: TimeLapse,
    shown: tuple[int, int],
    selected: tuple[int, int] | None,
    field: str,
    width: int,
    colours: Theme,
) -> dict[str, Any]:
    beside = width >= NARROW
    n_bases = len(lapse.tokens.bases)
    tracks = (0.43, 1.0) if beside else (0.0, 1.0)
    cloud = (0.0, 0.34) if beside else (0.0, 1.0)
    boxes = _boxes(width)
    guess, low, high = levels(lapse)
    ticks = [k for k in range(-12, 1) if low <= k <= high]
    ranges = [_padded(lapse.planes[..., k]) for k in (0, 1)]
    x = base_axis(colours, shown, n_bases, anchor="y2") | {"domain": list(tracks)}
    bare = {"showticklabels": False, "ticks": "", "mirror": True, "showgrid": False}
    marks: list[dict[str, Any]] = [level(guess, colours.muted, 1, xref="x domain", yref="y")]
    if selected:
        clear = {"fillcolor": "rgba(0,0,0,0)", "layer": "above"}
        for name, more in (("probability", {}), ("attention", clear)):
            box = boxes[name]
            marks.append(band(colours, *selected) | {"y0": box[0], "y1": box[1]} | more)
    top = float(np.nanmax([1e-3, *lapse.purity.tolist(), *np.ravel(lapse.purity_null).tolist()]))
    return layout(
        colours,
        560 if beside else 1120,
        margin={"l": 46 if beside else 62, "r": 70, "t": 10, "b": 42, "autoexpand": False},
        hovermode="closest",
        barmode="overlay",
        bargap=0,
        xaxis=x,
        yaxis=plain_axis(
            colours,
            "probability<br>when masked",
            domain=list(boxes["probability"]),
            anchor="x",
            range=[low, high],
            tickvals=ticks,
            ticktext=[_percent(k) for k in ticks],
        ),
        yaxis2={
            **x,
            "domain": list(boxes["attention"]),
            "anchor": "x",
            "range": [shown[1] + 0.5, shown[0] + 0.5],
            "title": axis_title("from (query), bp", colours),
            "fixedrange": True,
            "nticks": 6,
        },
        xaxis2=plain_axis(
            colours,
            **bare,
            domain=list(cloud),
            anchor="y3",
            range=ranges[0],
            title="PC 1 of the last snapshot",
            standoff=2,
        ),
        yaxis3=plain_axis(
            colours,
            **bare,
            domain=list(boxes["atlas"]),
            anchor="x2",
            range=ranges[1],
            title="PC 2",
            standoff=2,
        ),
        xaxis3=plain_axis(
            colours,
            "training step",
            domain=list(cloud),
            anchor="y4",
            range=[-0.03 * float(lapse.steps[-1]), 1.03 * float(lapse.steps[-1])],
            tickformat=",d",
            nticks=5,
        ),
        yaxis4=plain_axis(
            colours,
            f"same {field}",
            domain=list(boxes["purity"]),
            anchor="x3",
            range=[0, min(1.02, 1.15 * top)],
            tickformat=".0%",
            nticks=3,
        ),
        shapes=marks,
        annotations=_words(lapse, guess, (cloud[0], boxes["atlas"][0]), width, colours),
    )


def _words(
    lapse: TimeLapse, guess: float, corner: tuple[float, float], width: int, colours: Theme
) -> Items[dict[str, Any]]:
    """Name the level of a blind guess, and the classes below the atlas, as many as fit a line."""
    palette = class_colours(one or NOT_GIVEN for one in lapse.labels)
    room = (0.34 if width >= NARROW else 1.0) * (width - 106)
    lines: list[list[str]] = [[]]
    used = 0.0
    for i, (name, colour) in enumerate(palette.items()):
        size = 26 + 6.6 * len(name)
        if lines[-1] and used + size > room:
            lines.append([])
            used = 0.0
        used += size
        sign = _SIGNS[i % len(_SIGNS)]
        lines[-1].append(f"<span style='color:{colour}'>{sign}</span>\u00a0{name}")
    blind = f"blind guess<br>1 of {lapse.vocabulary:,}"
    classes = "<br>".join("\u2002".join(line) for line in lines)
    return [
        aside(blind, 1.004, guess, colours.muted, 10, align="left", yref="y"),
        aside(classes, *corner, colours.ink, align="left", yref="paper", yanchor="top", yshift=-20),
    ]


def _percent(power: int) -> str:
    """Write ``10 ** power`` as a percentage."""
    return f"{100 * 10.0**power:g} %"


def _padded(values: NDArray[np.float64]) -> list[float]:
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    pad = 0.06 * (high - low) or 1.0
    return [low - pad, high + pad]
