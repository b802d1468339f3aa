"""What every figure shares: fonts, margins, the base axis and the marks of a selection."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...results.rich_display import span_text
from .colours import Theme

__all__ = [
    "LETTER_PX",
    "MARGIN",
    "MONO",
    "SANS",
    "band",
    "base_axis",
    "compacted",
    "layout",
    "pixels_per_base",
    "round_below",
    "short",
    "signed_axis",
    "span_text",
    "touching",
    "value_axis",
    "whole",
    "window",
]

SANS = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
MONO = "ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace"

# Left and right margins are the same in every view on the base axis: their columns line up.
MARGIN = {"l": 62, "r": 74, "t": 8, "b": 38, "autoexpand": False}
LETTER_PX = 7.5  # narrower than this a base is a mark, not a letter


def pixels_per_base(view: tuple[int, int], width: int) -> float:
    """Pixels one base takes when the bases of `view` fill a figure `width` pixels wide."""
    return (width - MARGIN["l"] - MARGIN["r"]) / max(view[1] - view[0], 1)


def short(name: str, most: int = 22) -> str:
    """Cut a name that is too long for its place to so many letters, the last an ellipsis."""
    return name if len(name) <= most else f"{name[: most - 1]}…"


def touching(spans: NDArray[Any], view: tuple[int, int]) -> NDArray[np.bool_]:
    """Tell which half-open spans, shape (n, 2), hold a base of `view`; empty ones within do."""
    inside: NDArray[np.bool_] = (spans[:, 0] < view[1]) & (spans[:, 1] > view[0])
    return inside


def layout(theme: Theme, height: int, **more: Any) -> dict[str, Any]:
    """Return the layout all figures start from: transparent paper, small sober type."""
    return {
        "height": height,
        "margin": dict(MARGIN),
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": SANS, "size": 12, "color": theme.ink},
        "hoverlabel": {
            "bgcolor": theme.paper,
            "bordercolor": theme.muted,
            "font": {"family": SANS, "size": 12, "color": theme.ink},
            "align": "left",
        },
        "modebar": {
            "bgcolor": "rgba(0,0,0,0)",
            "color": theme.muted,
            "activecolor": theme.select,
            "orientation": "h",
        },
        "showlegend": False,
        "newselection": {"line": {"color": theme.select, "width": 1, "dash": "solid"}},
        "activeselection": {"fillcolor": theme.select, "opacity": 0.1},
        # An empty template: plotly's default one would add its own colours.
        "template": {"layout": {}},
        **more,
    }


def base_axis(
    theme: Theme, view: tuple[int, int], n_bases: int, *, title: bool = True, anchor: str = "y"
) -> dict[str, Any]:
    """Make the shared x axis. Base ``i`` (0-based) is drawn from ``i + 0.5`` to ``i + 1.5``."""
    return {
        "range": [view[0] + 0.5, view[1] + 0.5],
        "minallowed": 0.5,
        "maxallowed": n_bases + 0.5,
        "anchor": anchor,
        "title": {
            "text": "position (bp, counted from 1)" if title else None,
            "font": {"size": 12, "color": theme.muted},
            "standoff": 6,
        },
        "tickformat": ",d",
        "tickfont": {"size": 11, "color": theme.muted},
        "ticks": "outside",
        "ticklen": 4,
        "tickcolor": theme.muted,
        "showgrid": False,
        "zeroline": False,
        "showline": True,
        "linecolor": theme.muted,
        "linewidth": 1,
        # Of few bases plotly would number halves, all of them as the base they are rounded to.
        **({"nticks": 9} if view[1] - view[0] > 8 else {"tick0": 1, "dtick": 1}),
        "showspikes": False,
    }


def compacted(figure: Any, share: float, *, ticks: bool = True, title: bool = False) -> Any:
    """Lower a figure that stands above others on the same base axis, in place, and return it.

    Its panels keep `share` of their height, and the base axis its numbers (`ticks`) and `title`.
    """
    bottom = MARGIN["b"] if title else 20 if ticks else 6
    inner = (figure.layout.height - figure.layout.margin.t - figure.layout.margin.b) * share
    figure.update_layout(
        height=round(inner + figure.layout.margin.t + bottom), margin={"b": bottom}
    )
    if not title:
        figure.update_xaxes(title_text=None)
    if not ticks:
        figure.update_xaxes(showticklabels=False, ticks="")
    return figure


def value_axis(
    theme: Theme, title: str, domain: tuple[float, float], **more: Any
) -> dict[str, Any]:
    """Make a y axis that cannot be dragged or zoomed: only the base axis moves."""
    return {
        "domain": list(domain),
        "anchor": "x",
        "title": {"text": title, "font": {"size": 11, "color": theme.muted}, "standoff": 4},
        "tickfont": {"size": 11, "color": theme.muted},
        "gridcolor": theme.grid,
        "zeroline": False,
        "fixedrange": True,
        "automargin": False,
        "exponentformat": "none",
        "nticks": 4,
        **more,
    }


def signed_axis(
    theme: Theme,
    title: str,
    domain: tuple[float, float],
    reach: float,
    *,
    signed: bool = True,
    **more: Any,
) -> dict[str, Any]:
    """Make a y axis about a visible zero that reaches `reach` up and, for `signed`, down.

    plotly.js takes the nearest round step, which may leave 0 alone on the scale; this one has a
    tick or two on either side.
    """
    half = reach if reach > 0 else 1.0
    return value_axis(
        theme,
        title,
        domain,
        range=[-half * (1.08 if signed else 0.04), half * 1.08],
        zeroline=True,
        zerolinecolor=theme.muted,
        tick0=0,
        dtick=round_below(half),
        **more,
    )


def round_below(value: float) -> float:
    """Return the largest of 1, 2 and 5 times a power of ten that is no more than `value`.

    Examples
    --------
    >>> [round_below(v) for v in (4.87, 1.0, 0.97, 0.02, 730)]
    [2.0, 1.0, 0.5, 0.02, 500.0]
    """
    power = 10.0 ** np.floor(np.log10(value))
    digit = max(d for d in (1.0, 2.0, 5.0) if d == 1.0 or d * power <= value * (1 + 1e-9))
    return float(f"{digit * power:.6g}")


def band(theme: Theme, start: int, end: int, **more: Any) -> dict[str, Any]:
    """Mark the selected bases ``[start, end)``: a tinted column through all panels."""
    return {
        "type": "rect",
        "xref": "x",
        "yref": "paper",
        "x0": start + 0.5,
        "x1": end + 0.5,
        "y0": 0,
        "y1": 1,
        "fillcolor": theme.select_fill,
        "line": {"color": theme.select, "width": 1},
        "layer": "below",
        **more,
    }


def window(view: tuple[int, int], n_bases: int) -> tuple[int, int]:
    """Find what to send for `view`: half a screen more on either side, so that panning shows."""
    margin = (view[1] - view[0]) // 2 + 1
    return max(0, view[0] - margin), min(n_bases, view[1] + margin)


def whole(view: tuple[int, int] | None, n_bases: int) -> tuple[int, int]:
    """Return `view` clipped to the sequence; all of it for None."""
    if view is None:
        return 0, max(n_bases, 1)
    start = int(np.clip(view[0], 0, max(n_bases - 1, 0)))
    return start, int(np.clip(view[1], start + 1, max(n_bases, 1)))
