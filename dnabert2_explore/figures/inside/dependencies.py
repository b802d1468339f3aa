"""A dependency map on the axes of an attention map: what is predicted, against what was changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ...sequences import in_place
from ..core.colours import Theme, signed_scale, theme_of
from ..core.parts import (
    Figure,
    bars,
    base_figure,
    box,
    colour_bar,
    dots,
    font,
    heat,
    line,
    make_figure,
)
from ..core.style import base_axis, span_text, touching, value_axis, whole
from .attention import CELLS, cross, strip_above

if TYPE_CHECKING:
    from ...analysis.inside.blocks import Blocks
    from ...analysis.inside.dependencies import DependencyMap

__all__ = ["SHOWN", "block_figure", "dependency_figure"]

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
) -> Figure:
    """Draw what each token's prediction depends on.

    As in an attention map, a row is the token (or base) concerned and a column what it depends on:
    here the base that was substituted. Above it, each base's mean effect on the tokens it is no
    part of. `shown` is ``"trained"``, ``"untrained"`` (the twin, on the same colours), or
    ``"difference"``. InputError if the twin is asked for and was not computed; ValueError if
    `shown` is unknown, or the map is of a class.
    """
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
    shift = np.arange(*found.region) + 1
    x_axis = base_axis(colours, visible, n)
    what = "token" if found.of == "tokens" else "base"
    letters = np.array(list(in_place(found.tokens.bases)))
    return base_figure(
        [
            bars(
                shift,
                strip,
                np.ones(len(shift)),
                colours.tints[0],
                yaxis="y2",
                customdata=letters[found.region[0] : found.region[1]],
                hover=f"base %{{x:,.0f}} %{{customdata}}: %{{y:.4g}} nats, mean over other {what}s",
            ),
            heat(
                x_edges,
                y_edges,
                cells,
                signed_scale(colours) if signed else colours.sequential,
                -top if signed else 0.0,
                top,
                hoverongaps=False,
                colorbar=colour_bar(
                    colours,
                    "trained − untrained (nats)" if signed else "change (nats)",
                    0.4,
                    0.82,
                    nticks=5,
                ),
                hover=f"substituting base %{{x:,.0f}}<br>changes the {what} at %{{y:,.0f}}<br>by "
                f"<b>%{{z:.4f}}</b> nats{' more than untrained' if signed else ''}",
            ),
        ],
        colours,
        height,
        visible,
        n,
        **strip_above(
            colours,
            x_axis,
            height,
            across="substituted base · position (bp, counted from 1)",
            down=f"{what} predicted",
            strip="others",
            range=_reach(strip),
            zeroline=signed,
            zerolinecolor=colours.muted,
        ),
        shapes=_marks(found, selected, colours),
    )


def _cells(
    found: DependencyMap, values: NDArray[np.float32], visible: tuple[int, int]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float32]]:
    """Edges in bases and values (rows: predicted, columns: substituted), as a screen can show."""
    start, end = max(found.region[0], visible[0]), min(found.region[1], visible[1])
    spans = found.spans
    at = np.flatnonzero(touching(spans, visible))
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


def _marks(
    found: DependencyMap, selected: tuple[int, int] | None, colours: Theme
) -> list[dict[str, Any]]:
    if selected is None:
        return []
    first, last = found.tokens.covering(*selected)
    down = found.tokens.spans[first, 0], found.tokens.spans[last - 1, 1]
    return cross(colours, selected, down if found.of == "tokens" else selected)


def block_figure(found: Blocks, *, height: int = 420, theme: str = "light") -> Figure:
    """Draw the clusters of a dependency map where they lie, outlined those beyond chance.

    Axes are as those of the map: substituted bases, and bases predicted otherwise. Full: p of 0.05
    or less against the shuffled copies. InputError if there is none.
    """
    if not found.blocks:
        raise InputError("There is no block to draw: nothing stands out of this map.")
    colours = theme_of(theme)
    shapes, places, said = [], [], []
    for one in found.blocks:
        sure = one.p <= 0.05
        shapes.append(
            box(
                (one.source[0] + 0.5, one.source[1] + 0.5),
                (one.target[0] + 0.5, one.target[1] + 0.5),
                colours.select if sure else colours.muted,
                1.5,
                fillcolor=colours.select_fill if sure else "rgba(0,0,0,0)",
            )
        )
        places.append((sum(one.source) / 2 + 0.5, sum(one.target) / 2 + 0.5))
        said.append(
            f"bases {span_text(*one.source)} on {span_text(*one.target)}<br>"
            f"peak {one.peak:.3g} nats, mass {one.mass:.3g}, p {one.p:.2g}"
        )
    every = [edge for one in found.blocks for edge in (*one.source, *one.target)]
    low, high = min(every), max(every)
    room = max(2.0, 0.03 * (high - low))
    axis = {"range": [low + 0.5 - room, high + 0.5 + room], "showgrid": True, "nticks": 8}
    x, y = zip(*places, strict=True)
    title = {"text": "substituted base (bp, counted from 1)", "font": font(12, colours.muted)}
    mark = {"opacity": 0.6}
    return make_figure(
        [
            dots(x, y, 8, colours.muted, text=said, hover="%{text}", marker=mark),
            line(axis["range"], axis["range"], colours.muted, 1, dash="dot"),
        ],
        colours,
        height,
        hovermode="closest",
        shapes=shapes,
        xaxis=value_axis(colours, "", (0, 1), **axis) | {"anchor": "y", "title": title},
        yaxis=value_axis(colours, "base predicted otherwise (bp)", (0, 1), **axis),
    )
