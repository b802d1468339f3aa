"""Fine-tuning as curves: loss and scores along the steps, and test scores beside baselines."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence as Items
from typing import Any

from ..core.colours import Theme, theme_of
from ..core.parts import Figure, aside, dots, font, make_figure, note, plain_axis, whiskers
from .curves import (
    Interval,
    Row,
    end_labels,
    finite,
    level_line,
    metric_name,
    trace_of,
    upright_line,
)

__all__ = ["finetune_curves"]

_NARROW = 720  # pixels: below, what stands side by side stands one above the other


def finetune_curves(
    points: Items[Row],
    *,
    metric: str = "mcc",
    compared: Items[Interval] = (),
    reference: Mapping[str, float] | None = None,
    steps: int = 0,
    loss_unit: str = "nats",
    waiting: str = "",
    running: bool = False,
    width: int = 1000,
    theme: str = "light",
) -> Figure:
    """Draw a fine-tuning run: loss, a score on dev, and at the end the scores on test.

    Traces by name: ``train``, ``dev``, ``dev score``, ``kept``, ``kept score``, ``interval``,
    ``test``.

    Parameters
    ----------
    points : sequence of mapping
        Rows of the run's log: ``step``, ``train_loss``, ``dev_loss``, the scores by their keys,
        ``epoch`` and ``best`` (whether this step's weights are the ones to keep so far). Missing
        or NaN values leave a gap.
    metric : str
        Key of the score in the lower panel and in `compared`.
    compared : sequence of Interval
        Test scores of the model and of the baselines, the best on top as given.
    reference : mapping of str to float, optional
        Levels of `metric` to mark in the lower panel, by name.
    steps : int
        Steps planned: the axis then does not grow while the run goes on.
    loss_unit, waiting : str
        Unit of the loss axis, and what stands in place of the comparison while there is none.
    running : bool
        The run goes on: what is best so far may not be what is kept.
    """
    colours = theme_of(theme)
    beside = width >= _NARROW
    split = 0.60 if beside else 1.0
    loss_box = (0.55, 1.0) if beside else (0.70, 1.0)
    score_box = (0.0, 0.47) if beside else (0.36, 0.62)
    # The last that was the best when it came.
    kept = next((p for p in reversed(points) if p.get("best")), None)
    last = max([float(steps), *(float(p["step"]) for p in points), 1.0])
    dev = colours.negative
    label = metric_name(metric)
    few = 0 < len(points) <= 60
    traces = [
        trace_of(points, "train_loss", "train", colours.muted, "y", dash="dot", marks=few),
        trace_of(points, "dev_loss", "dev", dev, "y", marks=few),
        trace_of(points, metric, "dev score", dev, "y2", marks=few, what=f"dev {label}"),
        _star(kept, "dev_loss", "kept", colours, "y"),
        _star(kept, metric, "kept score", colours, "y2"),
        *_forest(compared, colours, label),
    ]
    notes = end_labels(points, last, loss_box, dev, colours)
    shapes: list[dict[str, Any]] = []
    if kept is not None:
        shapes.append(upright_line(float(kept["step"]), (score_box[0], 1.0), colours.select))
        notes.append(
            note(
                f"{'best so far' if running else 'kept'}: step {int(kept['step']):,}",
                float(kept["step"]),
                1.0,
                colours.select,
                xref="x",
                yref="paper",
                yanchor="bottom",
                xanchor="right" if float(kept["step"]) > 0.7 * last else "left",
            )
        )
    for name, level in (reference or {}).items():
        if math.isfinite(level):
            shapes.append(level_line(level, split, colours))
            on = {"yref": "y2", "yanchor": "bottom"}
            notes.append(aside(name, 0.004, level, colours.muted, 10, **on))
    box = (0.0, 1.0) if beside else (0.0, 0.24)
    if not compared and waiting:
        x = (split + 0.1 + 1) / 2 if beside else 0.5
        paper = {"xref": "paper", "yref": "paper"}
        notes.append(note(waiting, x, sum(box) / 2, colours.muted, 12, **paper))
    names = [("<br>".join(textwrap.wrap(one.name, 18)), one.own) for one in compared]
    low = min([0.0, *(one.low for one in compared if math.isfinite(one.low))]) - 0.03
    above = [one.high for one in compared if math.isfinite(one.high)]
    top = 1.0 if all(value <= 1.0 for value in above) else 1.08 * max(above)
    shown = bool(compared)
    return make_figure(
        traces,
        colours,
        400 if beside else 640,
        margin={"l": 58, "r": 24, "t": 24, "b": 42, "autoexpand": False},
        hovermode="closest",
        xaxis=plain_axis(
            colours,
            "training step (one batch each)",
            domain=[0, split - 0.05 if beside else 0.93],
            anchor="y2",
            range=[0, last * 1.02],
            rangemode="tozero",
            tickformat=",d",
        ),
        yaxis=plain_axis(
            colours,
            f"loss ({loss_unit})",
            domain=list(loss_box),
            anchor="x",
            rangemode="tozero" if loss_unit != "nats" else "normal",
            nticks=7,
        ),
        yaxis2=plain_axis(
            colours,
            f"{label} on dev",
            domain=list(score_box),
            anchor="x",
            nticks=5,
            range=_score_range(points, metric, reference),
        ),
        xaxis2=plain_axis(
            colours,
            f"{label} on test, with 95 % interval",
            domain=[split + 0.13, 1.0] if beside else [0.2, 0.93],
            anchor="y3",
            range=[low, top],
            visible=shown,
            nticks=6,
            zeroline=True,
            zerolinecolor=colours.grid,
            zerolinewidth=1,
        ),
        yaxis3=plain_axis(
            colours,
            domain=[box[1] - (box[1] - box[0]) * min(1.0, 0.2 * len(names) + 0.1), box[1]]
            if names
            else list(box),
            anchor="x2",
            visible=shown,
            range=[len(names) - 0.4, -0.6],
            tickvals=list(range(len(names))),
            ticktext=[f"<b>{n}</b>" if own else n for n, own in names],
            showgrid=False,
        ),
        shapes=shapes,
        annotations=notes,
    )


def _score_range(
    points: Items[Row], metric: str, reference: Mapping[str, float] | None
) -> list[float] | None:
    """From zero (or below) to one where the score lives there, so that curves compare."""
    values = [v for p in points if (v := finite(p.get(metric))) is not None]
    values += [v for v in (reference or {}).values() if math.isfinite(v)]
    if values and max(values) > 1.0:
        return None
    floor = min([0.0, *values])
    return [max(floor, -1.0) - (0.04 if floor < 0 else 0.0), 1.02]


def _star(kept: Row | None, key: str, name: str, colours: Theme, axis: str) -> dict[str, Any]:
    value = None if kept is None else finite(kept.get(key))
    at = [] if kept is None or value is None else [(float(kept["step"]), value)]
    return dots(
        [step for step, _ in at],
        [score for _, score in at],
        14,
        colours.select,
        name=name,
        yaxis=axis,
        hover="best so far, kept<br>step %{x:,}: <b>%{y:.4f}</b>",
        marker={"symbol": "star", "line": {"width": 1, "color": colours.paper}},
    )


def _forest(compared: Items[Interval], colours: Theme, label: str) -> list[dict[str, Any]]:
    """Draw intervals, and the scores on top of them."""
    known = [(i, one) for i, one in enumerate(compared) if math.isfinite(one.value)]
    every = [one for _, one in known]
    paint = [colours.select if one.own else colours.muted for one in every]
    x, y = [one.value for one in every], [i for i, _ in known]
    axes = {"xaxis": "x2", "yaxis": "y3"}
    low, high = [one.low for one in every], [one.high for one in every]
    muted = colours.muted
    return [
        dots(x, y, 1, muted, name="interval", error_x=whiskers(x, low, high, muted, width=4),
             **axes),
        dots(
            x,
            y,
            [13 if one.own else 9 for one in every],
            paint,
            **axes,
            name="test",
            mode="markers+text",
            text=[f"{round(one.value, 2) + 0.0:.2f}" for one in every],  # no minus zero
            # Beside the axis, a number would stand on the line of zero.
            textposition=["top right" if one.value < 0.06 else "top center" for one in every],
            textfont=font(11, paint),
            cliponaxis=False,
            marker={
                "symbol": ["star" if one.own else "circle" for one in every],
                "opacity": 1,
                "line": {"width": 1, "color": colours.paper},
            },
            customdata=[[one.name, one.low, one.high] for one in every],
            hover=f"%{{customdata[0]}}<br>{label} <b>%{{x:.3f}}</b> "
            "(%{customdata[1]:.3f} to %{customdata[2]:.3f})",
        ),
    ]  # fmt: skip
