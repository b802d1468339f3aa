"""The panels of a time-lapse at one snapshot: probabilities, attention, atlas and purity."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.colours import NOT_GIVEN, SYMBOLS, Theme, class_colours
from ..inside.attention import pool

if TYPE_CHECKING:
    from ...analysis.timelapse import TimeLapse

__all__ = ["NARROW", "attention", "levels", "points", "probabilities", "purity"]

#: Pixels below which panels stand above each other.
NARROW = 760
_STROKE_PX = 5  # narrower than this on average, tokens are bars only
_CELLS = 72  # cells a side of the attention map: small enough to be redrawn while it plays


def levels(lapse: TimeLapse) -> tuple[float, float, float]:
    """Log10 of a blind guess, and the ends of the probability axis over all snapshots."""
    guess = -math.log10(lapse.vocabulary)
    known = lapse.probability[:, ~lapse.tokens.special]
    logs = np.log10(np.clip(known, 1e-12, 1.0))
    logs = logs[np.isfinite(logs)]
    low, high = (float(logs.min()), float(logs.max())) if logs.size else (guess, guess + 1)
    low = max(min(low, guess), guess - 3.0)  # one token in ten thousand must not flatten the rest
    return guess, low - 0.1, max(high, guess + 0.3) + 0.1


def probabilities(
    lapse: TimeLapse, at: int, shown: tuple[int, int], width: int, colours: Theme
) -> list[dict[str, Any]]:
    """Draw the probability of each token when masked, as bars from a blind guess."""
    tokens = lapse.tokens
    inside = np.flatnonzero(
        ~tokens.special
        & np.isfinite(lapse.probability[at])
        & (tokens.spans[:, 0] < shown[1])
        & (tokens.spans[:, 1] > shown[0])
    )
    guess, _, _ = levels(lapse)
    logs = np.log10(np.clip(lapse.probability[at, inside], 1e-12, 1.0))
    first = np.log10(np.clip(lapse.probability[0, inside], 1e-12, 1.0))
    centre = tokens.spans[inside].mean(axis=1) + 0.5
    bars = {
        "type": "bar",
        "name": "probability",
        "x": centre,
        "y": logs - guess,
        "base": guess,
        "width": tokens.lengths[inside] * 1.0,
        "marker": {
            "color": [colours.positive if v >= guess else colours.negative for v in logs],
            "line": {"color": colours.paper, "width": 0.6},
        },
        "hovertext": [
            f"<b style='font-family:monospace'>{tokens.tokens[i]}</b> when masked: "
            f"{lapse.probability[at, i]:.3%} ({lapse.probability[0, i]:.3%} at first)<br>"
            f"bases {tokens.spans[i, 0] + 1:,}–{tokens.spans[i, 1]:,} · "
            f"entropy {lapse.entropy[at, i]:.2f} nats"
            for i in inside
        ],
        "hovertemplate": "%{hovertext}<extra></extra>",
    }
    # A stroke across each token: where it began. Far out strokes would be a haze.
    if len(inside) * _STROKE_PX > (0.52 if width >= NARROW else 0.8) * width:
        inside, first = inside[:0], first[:0]
    x = np.column_stack(
        [tokens.spans[inside, 0] + 0.5, tokens.spans[inside, 1] + 0.5, np.full(len(inside), np.nan)]
    ).ravel()
    strokes = {
        "type": "scatter",
        "name": "first snapshot",
        "mode": "lines",
        "x": x,
        "y": np.column_stack([first, first, np.full(len(inside), np.nan)]).ravel(),
        "line": {"color": colours.ink, "width": 1.2},
        "hoverinfo": "skip",
    }
    return [bars, strokes]


def attention(
    lapse: TimeLapse,
    at: int,
    shown: tuple[int, int],
    box: tuple[float, float],
    colours: Theme,
) -> dict[str, Any]:
    """Draw the attention map, pooled to few cells."""
    pooled = pool(lapse.attention[at], lapse.tokens, view=shown, pooling="max", cells=_CELLS)
    edges = pooled.edges + 0.5
    return {
        "type": "heatmap",
        "name": "attention",
        "x": edges,
        "y": edges,
        "yaxis": "y2",
        "z": pooled.values,
        "zmin": 0.0,
        "zmax": float(np.quantile(lapse.attention, 0.995)) or 1.0,
        "colorscale": [list(step) for step in colours.sequential],
        "showscale": True,
        "colorbar": {
            "x": 1.005,
            "xanchor": "left",
            "y": sum(box) / 2,
            "len": box[1] - box[0],
            "title": {
                "text": "attention",
                "side": "right",
                "font": {"size": 11, "color": colours.muted},
            },
            "thickness": 8,
            "outlinewidth": 0,
            "nticks": 4,
            "tickfont": {"size": 10, "color": colours.muted},
        },
        "hovertemplate": "from base %{y:,.0f}<br>to base %{x:,.0f}<br><b>%{z:.4f}</b> attention"
        "<extra></extra>",
    }


def points(lapse: TimeLapse, at: int, colours: Theme) -> list[dict[str, Any]]:
    """Draw the atlas at this snapshot."""
    labels = np.array([one or NOT_GIVEN for one in lapse.labels])
    palette = class_colours(labels.tolist())
    plane = lapse.planes[at]
    traces = []
    for i, (name, colour) in enumerate(palette.items()):
        chosen = np.flatnonzero(labels == name)
        traces.append(
            {
                "type": "scatter",
                "name": name,
                "mode": "markers",
                "x": plane[chosen, 0],
                "y": plane[chosen, 1],
                "xaxis": "x2",
                "yaxis": "y3",
                "marker": {
                    "color": colour,
                    "symbol": SYMBOLS[i % len(SYMBOLS)],
                    "size": 7,
                    "opacity": 0.86,
                    "line": {"width": 0.5, "color": colours.paper},
                },
                "text": [lapse.names[k] for k in chosen],
                "hovertemplate": f"%{{text}}<br>{name}<extra></extra>",
            }
        )
    return traces


def purity(lapse: TimeLapse, at: int, colours: Theme) -> list[dict[str, Any]]:
    """Draw how pure neighbourhoods are along the training."""
    steps = lapse.steps
    common = {"type": "scatter", "xaxis": "x3", "yaxis": "y4"}
    return [
        {
            **common,
            "name": "purity",
            "mode": "lines+markers",
            "x": steps,
            "y": lapse.purity,
            "line": {"color": colours.negative, "width": 1.8},
            "marker": {"size": 4, "color": colours.negative},
            "hovertemplate": "step %{x:,}: <b>%{y:.0%}</b> of neighbours share the class"
            "<extra></extra>",
        },
        {
            **common,
            "name": "shuffled",
            "mode": "lines",
            "x": steps,
            "y": lapse.purity_null,
            "line": {"color": colours.muted, "width": 1.2, "dash": "dot"},
            "hovertemplate": "labels shuffled: %{y:.0%}<extra></extra>",
        },
        {
            **common,
            "name": "now",
            "mode": "markers",
            "x": [steps[at]],
            "y": [lapse.purity[at]],
            "marker": {
                "size": 12,
                "color": colours.select,
                "line": {"width": 1, "color": colours.paper},
            },
            "hoverinfo": "skip",
        },
    ]
