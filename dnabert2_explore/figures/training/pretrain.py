"""Pre-training as curves: loss, held-out loss beside simple predictors, learning rate."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence as Items
from typing import Any

from ..core.colours import SYMBOLS, class_colours, theme_of
from ..core.parts import Figure, aside, make_figure, plain_axis
from .curves import Row, finite, level_line, padded_range, spread, trace_of

__all__ = ["pretrain_curves"]


def pretrain_curves(
    log: Items[Row],
    evaluation: Items[Row] = (),
    *,
    held_out: str = "loss",
    reference: Mapping[str, float] | None = None,
    steps: int = 0,
    words: tuple[str, str] = ("loss (nats a masked token)", "masked tokens found (share)"),
    width: int = 1000,
    theme: str = "light",
) -> Figure:
    """Draw a pre-training run: loss, held-out loss by species, tokens a second, learning rate.

    Trace ``training`` first, then one per species, ``speed``, ``learning rate``. `log` has the rows
    of the run's ``log.csv`` (``step``, ``loss``, ``tokens_per_second``, ``learning_rate``),
    `evaluation` those of ``evaluation.csv`` (``step``, ``species``, ``loss``, ``accuracy``).
    `held_out` is what is drawn for the held-out species, ``"loss"`` or ``"accuracy"``, which gets a
    panel of its own scale; `words` say what the two are, with their units. `reference` has losses
    to mark, by name, e.g. that of the tokens' frequencies alone; `steps` are planned.
    """
    colours = theme_of(theme)
    last = max([float(steps), *(float(p["step"]) for p in (*log, *evaluation)), 1])
    # Beside the curves stand their names: of species, or of the training alone.
    right = min(0.94, 1 - (150 if evaluation else 70) / max(width, 400))
    top_box, speed_box, rate_box = (0.47, 1.0), (0.235, 0.40), (0.0, 0.165)
    species = sorted({str(p["species"]) for p in evaluation})
    palette = class_colours(species)
    by_loss = held_out == "loss"
    trained_on = "loss" if by_loss else "accuracy"
    traces = [trace_of(log, trained_on, "training", colours.muted, "y", width=1.1)]
    labels: list[tuple[str, float, str]] = []
    for i, name in enumerate(species):
        rows = [p for p in evaluation if p["species"] == name]
        trace = trace_of(rows, held_out, name, palette[name], "y", marks=True)
        trace["marker"] |= {"symbol": SYMBOLS[i % len(SYMBOLS)], "size": 6}
        traces.append(trace)
        final = [float(p[held_out]) for p in rows if finite(p.get(held_out)) is not None]
        if final:
            labels.append((name, final[-1], palette[name]))
    tint = colours.tints[0]
    traces.append(trace_of(log, "tokens_per_second", "speed", tint, "y2", width=1.4))
    traces.append(trace_of(log, "learning_rate", "learning rate", tint, "y3", width=1.4))
    own = [v for p in log if (v := finite(p.get(trained_on))) is not None]
    others = [v for p in evaluation if (v := finite(p.get(held_out))) is not None]
    marks = {k: v for k, v in (reference or {}).items() if by_loss and math.isfinite(v)}
    low, high = padded_range([*own, *others, *marks.values()])
    if own:
        labels.append(("training", own[-1], colours.muted))
    px = 430 * (top_box[1] - top_box[0])
    places = spread([y for _, y, _ in labels], 14 * (high - low) / px, low, high)
    notes = [
        aside(name.replace("_", " "), right + 0.008, place, colour, yref="y")
        for (name, _, colour), place in zip(labels, places, strict=True)
    ]
    shapes = []
    for name, level in marks.items():
        shapes.append(level_line(level, right, colours, "y"))
        above = {"xanchor": "right", "yref": "y", "yanchor": "bottom"}
        notes.append(aside(name, right, level, colours.muted, 10, **above))
    small: dict[str, Any] = {"anchor": "x", "rangemode": "tozero", "nticks": 3}
    return make_figure(
        traces,
        colours,
        500,
        margin={"l": 66, "r": 10, "t": 10, "b": 42, "autoexpand": False},
        hovermode="closest",
        xaxis=plain_axis(
            colours,
            "training step (one batch each)",
            domain=[0, right],
            anchor="y3",
            range=[0, last * 1.01],
            tickformat=",d",
        ),
        yaxis=plain_axis(
            colours,
            words[0] if by_loss else words[1],
            domain=list(top_box),
            anchor="x",
            range=[low, high],
            nticks=6,
        ),
        yaxis2=plain_axis(colours, "tokens / s", domain=list(speed_box), tickformat="~s", **small),
        yaxis3=plain_axis(
            colours, "learning rate", domain=list(rate_box), exponentformat="e", **small
        ),
        shapes=shapes,
        annotations=notes,
    )
