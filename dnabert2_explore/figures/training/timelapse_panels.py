"""The panels of a time-lapse at one snapshot: probabilities, attention, atlas and purity."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.colours import NOT_GIVEN, SYMBOLS, Theme, class_colours
from ..core.parts import bars, colour_bar, dots, heat, line, signs
from ..core.style import touching
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
        ~tokens.special & np.isfinite(lapse.probability[at]) & touching(tokens.spans, shown)
    )
    guess, _, _ = levels(lapse)
    logs = np.log10(np.clip(lapse.probability[at, inside], 1e-12, 1.0))
    first = np.log10(np.clip(lapse.probability[0, inside], 1e-12, 1.0))
    centre = tokens.spans[inside].mean(axis=1) + 0.5
    blocks = bars(
        centre,
        logs - guess,
        tokens.lengths[inside] * 1.0,
        signs(logs - guess, colours),
        (colours.paper, 0.6),
        name="probability",
        base=guess,
        hovertext=[
            f"<b style='font-family:monospace'>{tokens.tokens[i]}</b> when masked: "
            f"{lapse.probability[at, i]:.3%} ({lapse.probability[0, i]:.3%} at first)<br>"
            f"bases {tokens.spans[i, 0] + 1:,}–{tokens.spans[i, 1]:,} · "
            f"entropy {lapse.entropy[at, i]:.2f} nats"
            for i in inside
        ],
        hover="%{hovertext}",
    )
    # A stroke across each token: where it began. Far out strokes would be a haze.
    if len(inside) * _STROKE_PX > (0.52 if width >= NARROW else 0.8) * width:
        inside, first = inside[:0], first[:0]
    gaps = np.full(len(inside), np.nan)
    x = np.column_stack([tokens.spans[inside] + 0.5, gaps]).ravel()
    y = np.column_stack([first, first, gaps]).ravel()
    strokes = line(x, y, colours.ink, 1.2, name="first snapshot")
    return [blocks, strokes]


def attention(
    lapse: TimeLapse, at: int, shown: tuple[int, int], box: tuple[float, float], colours: Theme
) -> dict[str, Any]:
    """Draw the attention map, pooled to few cells."""
    pooled = pool(lapse.attention[at], lapse.tokens, view=shown, pooling="max", cells=_CELLS)
    edges = pooled.edges + 0.5
    return heat(
        edges,
        edges,
        pooled.values,
        colours.sequential,
        0.0,
        float(np.quantile(lapse.attention, 0.995)) or 1.0,
        name="attention",
        yaxis="y2",
        showscale=True,
        colorbar=colour_bar(
            colours, "attention", sum(box) / 2, box[1] - box[0], x=1.005, thickness=8, nticks=4
        ),
        hover="from base %{y:,.0f}<br>to base %{x:,.0f}<br><b>%{z:.4f}</b> attention",
    )


def points(lapse: TimeLapse, at: int, colours: Theme) -> list[dict[str, Any]]:
    """Draw the atlas at this snapshot."""
    labels = np.array([one or NOT_GIVEN for one in lapse.labels])
    palette = class_colours(labels.tolist())
    plane = lapse.planes[at]
    traces = []
    for i, (name, colour) in enumerate(palette.items()):
        chosen = np.flatnonzero(labels == name)
        traces.append(
            dots(
                plane[chosen, 0],
                plane[chosen, 1],
                7,
                colour,
                name=name,
                xaxis="x2",
                yaxis="y3",
                text=[lapse.names[k] for k in chosen],
                hover=f"%{{text}}<br>{name}",
                marker={
                    "symbol": SYMBOLS[i % len(SYMBOLS)],
                    "opacity": 0.86,
                    "line": {"width": 0.5, "color": colours.paper},
                },
            )
        )
    return traces


def purity(lapse: TimeLapse, at: int, colours: Theme) -> list[dict[str, Any]]:
    """Draw how pure neighbourhoods are along the training."""
    steps = lapse.steps
    axes = {"xaxis": "x3", "yaxis": "y4"}
    return [
        line(
            steps,
            lapse.purity,
            colours.negative,
            1.8,
            **axes,
            name="purity",
            mode="lines+markers",
            marker={"size": 4, "color": colours.negative},
            hover="step %{x:,}: <b>%{y:.0%}</b> of neighbours share the class",
        ),
        line(
            steps,
            lapse.purity_null,
            colours.muted,
            1.2,
            dash="dot",
            **axes,
            name="shuffled",
            hover="labels shuffled: %{y:.0%}",
        ),
        dots(
            [steps[at]],
            [lapse.purity[at]],
            12,
            colours.select,
            **axes,
            name="now",
            marker={"line": {"width": 1, "color": colours.paper}},
        ),
    ]
