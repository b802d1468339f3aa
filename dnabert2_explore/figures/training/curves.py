"""What curves of a training are made of: names of scores, axes, traces, lines and labels."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence as Items
from dataclasses import dataclass
from typing import Any

from ..core.colours import Theme
from ..core.parts import level, line, note, upright

__all__ = [
    "METRICS",
    "Interval",
    "Row",
    "end_labels",
    "finite",
    "level_line",
    "metric_name",
    "padded_range",
    "spread",
    "trace_of",
    "upright_line",
]

Row = Mapping[str, Any]
#: What a score is called on an axis; a class's F1 is ``f1_<class>``.
METRICS = {
    "mcc": "MCC",
    "accuracy": "accuracy",
    "f1_macro": "F1, mean of classes",
    "f1_micro": "F1 of all decisions",
    "auroc": "AUROC",
    "auprc": "AUPRC",
    "r2": "R²",
    "spearman": "Spearman's rank correlation",
    "pearson": "Pearson's r",
    "rmse": "RMSE (units of the label)",
    "mae": "mean error (units of the label)",
    "loss": "loss (nats)",
}


@dataclass(frozen=True, slots=True)
class Interval:
    """A score of `name` as a row of a comparison: `value`, and the ends of its 95 % interval.

    NaN where undefined; `own` is the model in question, as against what stands beside it.
    """

    name: str
    value: float
    low: float
    high: float
    own: bool = False


def metric_name(key: str) -> str:
    """Write a score's key as words.

    Examples
    --------
    >>> metric_name("mcc"), metric_name("f1_donor")
    ('MCC', 'F1 of donor')
    """
    if key in METRICS:
        return METRICS[key]
    return f"F1 of {key[3:]}" if key.startswith("f1_") else key.replace("_", " ")


def spread(values: Items[float], gap: float, low: float, high: float) -> list[float]:
    """Move labels apart along one axis, each as near its value as the others allow, in their order.

    Two are at least `gap` apart, between `low` and `high`; less where the room does not suffice.

    Examples
    --------
    >>> spread([1.0, 1.0, 5.0], gap=1.0, low=0.0, high=10.0)
    [0.5, 1.5, 5.0]
    """
    if not values:
        return []
    gap = min(gap, (high - low) / max(len(values) - 1, 1))
    order = sorted(range(len(values)), key=lambda i: values[i])
    groups: list[list[float]] = []  # [first place, how many, sum of the places wished for]
    for rank in order:
        groups.append([min(max(values[rank], low), high), 1, min(max(values[rank], low), high)])
        while len(groups) > 1 and groups[-2][0] + groups[-2][1] * gap > groups[-1][0] + 1e-12:
            _, count, wish = groups.pop()
            groups[-1][1] += count
            groups[-1][2] += wish
            first = groups[-1][2] / groups[-1][1] - (groups[-1][1] - 1) * gap / 2
            groups[-1][0] = min(max(first, low), high - (groups[-1][1] - 1) * gap)
    places = [first + k * gap for first, count, _ in groups for k in range(int(count))]
    # A group pushed down from the top may touch the one below it.
    for i in range(len(places) - 2, -1, -1):
        places[i] = min(places[i], places[i + 1] - gap)
    out = [0.0] * len(values)
    for place, rank in zip(places, order, strict=True):
        out[rank] = place
    return out


def finite(value: Any) -> float | None:
    """Read a finite number; None for what is missing."""
    if value is None or value == "":
        return None
    number = float(value)
    return number if math.isfinite(number) else None


def padded_range(values: Items[float]) -> tuple[float, float]:
    """Return the least and the largest value with some room around them."""
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    pad = 0.06 * (high - low) or 0.1
    return low - pad, high + pad


def trace_of(
    points: Items[Row],
    key: str,
    name: str,
    colour: str,
    axis: str,
    *,
    dash: str = "solid",
    width: float = 1.8,
    marks: bool = False,
    what: str = "",
) -> dict[str, Any]:
    """Make the trace of one column of a log."""
    known = [(float(p["step"]), v) for p in points if (v := finite(p.get(key))) is not None]
    shape = ",.0f" if key == "tokens_per_second" else ".2e" if key == "learning_rate" else ".4f"
    return line(
        [step for step, _ in known],
        [value for _, value in known],
        colour,
        width,
        dash=dash,
        mode="lines+markers" if marks or len(known) == 1 else "lines",
        name=name,
        yaxis=axis,
        marker={"size": 5, "color": colour},
        hover=f"step %{{x:,}}<br>{what or name}: <b>%{{y:{shape}}}</b>",
    )


def upright_line(at: float, span: tuple[float, float], colour: str) -> dict[str, Any]:
    """Make a dotted upright line, as at the step that was kept."""
    return upright(at, colour, 1, "dash", span=span, xref="x", layer="below")


def level_line(at: float, right: float, colours: Theme, axis: str = "y2") -> dict[str, Any]:
    """Make a level line, such as a simple predictor has."""
    return level(at, colours.muted, 1, "dot", xref="x domain", yref=axis, layer="below")


def end_labels(
    points: Items[Row], last: float, loss_box: tuple[float, float], dev: str, colours: Theme
) -> list[dict[str, Any]]:
    """Name the curves where they end: no legend to look up."""
    found, values = [], []
    for key, name, colour in (("train_loss", "train", colours.muted), ("dev_loss", "dev", dev)):
        rows = [(float(p["step"]), v) for p in points if (v := finite(p.get(key))) is not None]
        values += [value for _, value in rows]
        if rows:
            found.append((name, *rows[-1], colour))
    low, high = padded_range(values)
    gap = 13 * (high - low) / (334 * (loss_box[1] - loss_box[0]))
    places = spread([y for _, _, y, _ in found], gap, low, high)
    where: dict[str, Any] = {"xref": "x", "yref": "y", "xanchor": "left"}
    return [
        note(name, min(x + 0.012 * last, last * 1.02), place, colour, **where)
        for (name, x, _, colour), place in zip(found, places, strict=True)
    ]
