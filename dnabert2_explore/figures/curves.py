"""Training as curves: loss and scores along the steps, and test scores beside baselines."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping
from collections.abc import Sequence as Items
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .colours import SYMBOLS, Theme, class_colours, theme_of
from .style import layout

if TYPE_CHECKING:
    import plotly.graph_objects as go

__all__ = [
    "METRICS",
    "Interval",
    "axis_style",
    "axis_title",
    "finetune_curves",
    "metric_name",
    "pretrain_curves",
    "spread",
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

_NARROW = 720  # pixels: below, what stands side by side stands one above the other


@dataclass(frozen=True, slots=True)
class Interval:
    """A score with its interval, as one row of the comparison.

    Parameters
    ----------
    name : str
        Of whom.
    value, low, high : float
        The score and the ends of its 95 % interval; NaN where undefined.
    own : bool
        The model in question, as against what stands beside it.
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
    """Move labels apart along one axis, each as near its value as the others allow.

    Parameters
    ----------
    values : sequence of float
        Where the labels would like to stand.
    gap : float
        Least distance between two.
    low, high : float
        The room there is; the gap shrinks where it does not suffice.

    Returns
    -------
    list of float
        In the order given.

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
) -> go.Figure:
    """Draw a fine-tuning run: loss, a score on dev, and at the end the scores on test.

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
    loss_unit : str
        Of the loss axis.
    waiting : str
        What stands in place of the comparison while there is none.
    running : bool
        The run goes on: what is best so far may not be what is kept.
    width : int
        Pixels the figure will have.
    theme : str
        ``"light"`` or ``"dark"``.

    Returns
    -------
    plotly.graph_objects.Figure
        Traces by name: ``train``, ``dev``, ``dev score``, ``kept``, ``kept score``, ``interval``,
        ``test``.
    """
    import plotly.graph_objects as go

    colours = theme_of(theme)
    beside = width >= _NARROW
    split = 0.60 if beside else 1.0
    loss_box = (0.55, 1.0) if beside else (0.70, 1.0)
    score_box = (0.0, 0.47) if beside else (0.36, 0.62)
    kept = _kept(points)
    last = max([float(steps), *(float(p["step"]) for p in points), 1.0])
    dev = colours.negative
    label = metric_name(metric)
    marks = points if len(points) <= 60 else []
    traces = [
        _line(points, "train_loss", "train", colours.muted, "y", dash="dot", marks=bool(marks)),
        _line(points, "dev_loss", "dev", dev, "y", marks=bool(marks)),
        _line(points, metric, "dev score", dev, "y2", marks=bool(marks), what=f"dev {label}"),
        _star(kept, "dev_loss", "kept", colours, "y"),
        _star(kept, metric, "kept score", colours, "y2"),
        *_forest(compared, colours, label),
    ]
    notes = _ends(points, metric, last, loss_box, score_box, dev, colours)
    shapes: list[dict[str, Any]] = []
    if kept is not None:
        shapes.append(_upright(float(kept["step"]), (score_box[0], 1.0), colours.select))
        notes.append(
            {
                "text": f"{'best so far' if running else 'kept'}: step {int(kept['step']):,}",
                "x": float(kept["step"]),
                "xref": "x",
                "y": 1.0,
                "yref": "paper",
                "yanchor": "bottom",
                "xanchor": "right" if float(kept["step"]) > 0.7 * last else "left",
                "showarrow": False,
                "font": {"size": 11, "color": colours.select},
            }
        )
    for name, level in (reference or {}).items():
        if math.isfinite(level):
            shapes.append(_level(level, split, colours))
            notes.append(
                {
                    "text": name,
                    "x": 0.004,
                    "xref": "paper",
                    "y": level,
                    "yref": "y2",
                    "yanchor": "bottom",
                    "xanchor": "left",
                    "showarrow": False,
                    "font": {"size": 10, "color": colours.muted},
                }
            )
    box = (0.0, 1.0) if beside else (0.0, 0.24)
    if not compared and waiting:
        notes.append(
            {
                "text": waiting,
                "x": (split + 0.1 + 1) / 2 if beside else 0.5,
                "xref": "paper",
                "y": sum(box) / 2,
                "yref": "paper",
                "showarrow": False,
                "font": {"size": 12, "color": colours.muted},
            }
        )
    names = [("<br>".join(textwrap.wrap(one.name, 18)), one.own) for one in compared]
    low = min([0.0, *(one.low for one in compared if math.isfinite(one.low))]) - 0.03
    above = [one.high for one in compared if math.isfinite(one.high)]
    top = 1.0 if all(value <= 1.0 for value in above) else 1.08 * max(above)
    shown = bool(compared)
    axis = axis_style(colours)
    return go.Figure(
        data=traces,
        layout=layout(
            colours,
            400 if beside else 640,
            margin={"l": 58, "r": 24, "t": 24, "b": 42, "autoexpand": False},
            hovermode="closest",
            xaxis={
                **axis,
                "domain": [0, split - 0.05 if beside else 0.93],
                "anchor": "y2",
                "range": [0, last * 1.02],
                "rangemode": "tozero",
                "title": axis_title("training step (one batch each)", colours),
                "tickformat": ",d",
            },
            yaxis={
                **axis,
                "domain": list(loss_box),
                "anchor": "x",
                "title": axis_title(f"loss ({loss_unit})", colours),
                "rangemode": "tozero" if loss_unit != "nats" else "normal",
                "nticks": 7,
            },
            yaxis2={
                **axis,
                "domain": list(score_box),
                "anchor": "x",
                "title": axis_title(f"{label} on dev", colours),
                "nticks": 5,
                "range": _score_range(points, metric, reference),
            },
            xaxis2={
                **axis,
                "domain": [split + 0.13, 1.0] if beside else [0.2, 0.93],
                "anchor": "y3",
                "range": [low, top],
                "visible": shown,
                "title": axis_title(f"{label} on test, with 95 % interval", colours),
                "nticks": 6,
                "zeroline": True,
                "zerolinecolor": colours.grid,
                "zerolinewidth": 1,
            },
            yaxis3={
                **axis,
                "domain": [box[1] - (box[1] - box[0]) * min(1.0, 0.2 * len(names) + 0.1), box[1]]
                if names
                else list(box),
                "anchor": "x2",
                "visible": shown,
                "range": [len(names) - 0.4, -0.6],
                "tickvals": list(range(len(names))),
                "ticktext": [f"<b>{n}</b>" if own else n for n, own in names],
                "showgrid": False,
            },
            shapes=shapes,
            annotations=notes,
        ),
    )


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
) -> go.Figure:
    """Draw a pre-training run: loss, held-out loss by species, tokens a second, learning rate.

    Parameters
    ----------
    log : sequence of mapping
        Rows of the run's ``log.csv``: ``step``, ``loss``, ``tokens_per_second``,
        ``learning_rate``.
    evaluation : sequence of mapping
        Rows of ``evaluation.csv``: ``step``, ``species``, ``loss``, ``accuracy``.
    held_out : {"loss", "accuracy"}
        What to draw for the held-out species; accuracy gets a panel of its own scale.
    reference : mapping of str to float, optional
        Losses to mark, by name, e.g. that of the tokens' frequencies alone.
    steps : int
        Steps planned.
    words : tuple of str
        What loss and accuracy are, with their units.
    width : int
        Pixels the figure will have.
    theme : str
        ``"light"`` or ``"dark"``.

    Returns
    -------
    plotly.graph_objects.Figure
        Trace ``training`` first, then one per species, ``speed``, ``learning rate``.
    """
    import plotly.graph_objects as go

    colours = theme_of(theme)
    last = max(
        [float(steps), *(float(p["step"]) for p in log), *(float(p["step"]) for p in evaluation), 1]
    )
    right = min(0.94, 1 - 150 / max(width, 400)) if evaluation else 0.97
    top_box, speed_box, rate_box = (0.47, 1.0), (0.235, 0.40), (0.0, 0.165)
    species = sorted({str(p["species"]) for p in evaluation})
    palette = class_colours(species)
    by_loss = held_out == "loss"
    traces = [
        _line(log, "loss" if by_loss else "accuracy", "training", colours.muted, "y", width=1.1)
    ]
    labels: list[tuple[str, float, str]] = []
    for i, name in enumerate(species):
        rows = [p for p in evaluation if p["species"] == name]
        trace = _line(rows, held_out, name, palette[name], "y", marks=True)
        trace["marker"] |= {"symbol": SYMBOLS[i % len(SYMBOLS)], "size": 6}
        traces.append(trace)
        final = [float(p[held_out]) for p in rows if _number(p.get(held_out)) is not None]
        if final:
            labels.append((name, final[-1], palette[name]))
    traces.append(_line(log, "tokens_per_second", "speed", colours.tints[0], "y2", width=1.4))
    traces.append(_line(log, "learning_rate", "learning rate", colours.tints[0], "y3", width=1.4))
    own = [v for p in log if (v := _number(p.get("loss" if by_loss else "accuracy"))) is not None]
    others = [v for p in evaluation if (v := _number(p.get(held_out))) is not None]
    marks = {k: v for k, v in (reference or {}).items() if by_loss and math.isfinite(v)}
    low, high = _range([*own, *others, *marks.values()])
    if own:
        labels.append(("training", own[-1], colours.muted))
    px = 430 * (top_box[1] - top_box[0])
    places = spread([y for _, y, _ in labels], 14 * (high - low) / px, low, high)
    notes: list[dict[str, Any]] = [
        {
            "text": name.replace("_", " "),
            "x": right + 0.008,
            "xref": "paper",
            "xanchor": "left",
            "y": place,
            "yref": "y",
            "showarrow": False,
            "font": {"size": 11, "color": colour},
        }
        for (name, _, colour), place in zip(labels, places, strict=True)
    ]
    shapes = []
    for name, level in marks.items():
        shapes.append(_level(level, right, colours, "y"))
        notes.append(
            {
                "text": name,
                "x": right,
                "xref": "paper",
                "xanchor": "right",
                "y": level,
                "yref": "y",
                "yanchor": "bottom",
                "showarrow": False,
                "font": {"size": 10, "color": colours.muted},
            }
        )
    axis = axis_style(colours)
    what = words[0] if by_loss else words[1]
    return go.Figure(
        data=traces,
        layout=layout(
            colours,
            500,
            margin={"l": 66, "r": 10, "t": 10, "b": 42, "autoexpand": False},
            hovermode="closest",
            xaxis={
                **axis,
                "domain": [0, right],
                "anchor": "y3",
                "range": [0, last * 1.01],
                "tickformat": ",d",
                "title": axis_title("training step (one batch each)", colours),
            },
            yaxis={
                **axis,
                "domain": list(top_box),
                "anchor": "x",
                "title": axis_title(what, colours),
                "range": [low, high],
                "nticks": 6,
            },
            yaxis2={
                **axis,
                "domain": list(speed_box),
                "anchor": "x",
                "title": axis_title("tokens / s", colours),
                "rangemode": "tozero",
                "nticks": 3,
                "tickformat": "~s",
            },
            yaxis3={
                **axis,
                "domain": list(rate_box),
                "anchor": "x",
                "title": axis_title("learning rate", colours),
                "rangemode": "tozero",
                "nticks": 3,
                "exponentformat": "e",
            },
            shapes=shapes,
            annotations=notes,
        ),
    )


# Parts -------------------------------------------------------------------------------------------


def _number(value: Any) -> float | None:
    """Read a finite number; None for what is missing."""
    if value is None or value == "":
        return None
    number = float(value)
    return number if math.isfinite(number) else None


def _kept(points: Items[Row]) -> Row | None:
    """Find the row whose weights are kept: the last that was the best when it came."""
    best = [p for p in points if p.get("best")]
    return best[-1] if best else None


def _range(values: Items[float]) -> tuple[float, float]:
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    pad = 0.06 * (high - low) or 0.1
    return low - pad, high + pad


def _score_range(
    points: Items[Row], metric: str, reference: Mapping[str, float] | None
) -> list[float] | None:
    """From zero (or below) to one where the score lives there, so that curves compare."""
    values = [v for p in points if (v := _number(p.get(metric))) is not None]
    values += [v for v in (reference or {}).values() if math.isfinite(v)]
    if values and max(values) > 1.0:
        return None
    floor = min([0.0, *values])
    return [max(floor, -1.0) - (0.04 if floor < 0 else 0.0), 1.02]


def axis_title(text: str, colours: Theme) -> dict[str, Any]:
    """Make the title of an axis."""
    return {"text": text, "font": {"size": 11, "color": colours.muted}, "standoff": 5}


def axis_style(colours: Theme) -> dict[str, Any]:
    """Make a plain axis that cannot be dragged."""
    return {
        "tickfont": {"size": 11, "color": colours.muted},
        "gridcolor": colours.grid,
        "showline": True,
        "linecolor": colours.muted,
        "zeroline": False,
        "fixedrange": True,
        "automargin": False,
        "ticks": "outside",
        "ticklen": 3,
        "tickcolor": colours.muted,
    }


def _line(
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
    known = [(p, v) for p in points if (v := _number(p.get(key))) is not None]
    shape = ",.0f" if key == "tokens_per_second" else ".2e" if key == "learning_rate" else ".4f"
    return {
        "type": "scatter",
        "name": name,
        "mode": "lines+markers" if marks or len(known) == 1 else "lines",
        "x": [float(p["step"]) for p, _ in known],
        "y": [v for _, v in known],
        "yaxis": axis,
        "line": {"color": colour, "width": width, "dash": dash},
        "marker": {"color": colour, "size": 5},
        "hovertemplate": f"step %{{x:,}}<br>{what or name}: <b>%{{y:{shape}}}</b><extra></extra>",
    }


def _star(kept: Row | None, key: str, name: str, colours: Theme, axis: str) -> dict[str, Any]:
    value = _number(kept.get(key)) if kept is not None else None
    at = [] if kept is None or value is None else [float(kept["step"])]
    return {
        "type": "scatter",
        "name": name,
        "mode": "markers",
        "x": at,
        "y": [] if not at else [value],
        "yaxis": axis,
        "marker": {
            "symbol": "star",
            "size": 14,
            "color": colours.select,
            "line": {"width": 1, "color": colours.paper},
        },
        "hovertemplate": "best so far, kept<br>step %{x:,}: <b>%{y:.4f}</b><extra></extra>",
    }


def _forest(compared: Items[Interval], colours: Theme, label: str) -> list[dict[str, Any]]:
    """Draw intervals, and the scores on top of them."""
    known = [(i, one) for i, one in enumerate(compared) if math.isfinite(one.value)]
    paint = [colours.select if one.own else colours.muted for _, one in known]
    place = {
        "type": "scatter",
        "x": [one.value for _, one in known],
        "y": [i for i, _ in known],
        "xaxis": "x2",
        "yaxis": "y3",
    }
    return [
        {
            **place,
            "name": "interval",
            "mode": "markers",
            "marker": {"size": 1, "color": colours.muted},
            "error_x": {
                "type": "data",
                "symmetric": False,
                "array": [max(0.0, one.high - one.value) for _, one in known],
                "arrayminus": [max(0.0, one.value - one.low) for _, one in known],
                "color": colours.muted,
                "thickness": 1.6,
                "width": 4,
            },
            "hoverinfo": "skip",
        },
        {
            **place,
            "name": "test",
            "mode": "markers+text",
            "text": [f"{round(one.value, 2) + 0.0:.2f}" for _, one in known],  # no minus zero
            # Beside the axis, a number would stand on the line of zero.
            "textposition": ["top right" if one.value < 0.06 else "top center" for _, one in known],
            "textfont": {"size": 11, "color": paint},
            "cliponaxis": False,
            "marker": {
                "size": [13 if one.own else 9 for _, one in known],
                "symbol": ["star" if one.own else "circle" for _, one in known],
                "color": paint,
                "opacity": 1,
                "line": {"width": 1, "color": colours.paper},
            },
            "customdata": [[one.name, one.low, one.high] for _, one in known],
            "hovertemplate": f"%{{customdata[0]}}<br>{label} <b>%{{x:.3f}}</b> "
            "(%{customdata[1]:.3f} to %{customdata[2]:.3f})<extra></extra>",
        },
    ]


def _upright(at: float, span: tuple[float, float], colour: str) -> dict[str, Any]:
    return {
        "type": "line",
        "xref": "x",
        "yref": "paper",
        "x0": at,
        "x1": at,
        "y0": span[0],
        "y1": span[1],
        "line": {"color": colour, "width": 1, "dash": "dash"},
        "layer": "below",
    }


def _level(at: float, right: float, colours: Theme, axis: str = "y2") -> dict[str, Any]:
    return {
        "type": "line",
        "xref": "x domain",
        "yref": axis,
        "x0": 0,
        "x1": 1,
        "y0": at,
        "y1": at,
        "line": {"color": colours.muted, "width": 1, "dash": "dot"},
        "layer": "below",
    }


def _ends(
    points: Items[Row],
    metric: str,
    last: float,
    loss_box: tuple[float, float],
    score_box: tuple[float, float],
    dev: str,
    colours: Theme,
) -> list[dict[str, Any]]:
    """Name the curves where they end: no legend to look up."""
    found = []
    for key, name, colour in (("train_loss", "train", colours.muted), ("dev_loss", "dev", dev)):
        rows = [(float(p["step"]), v) for p in points if (v := _number(p.get(key))) is not None]
        if rows:
            found.append((name, *rows[-1], colour))
    if not found:
        return []
    values = [
        v
        for p in points
        for k in ("train_loss", "dev_loss")
        if (v := _number(p.get(k))) is not None
    ]
    low, high = _range(values)
    gap = 13 * (high - low) / (334 * (loss_box[1] - loss_box[0]))
    places = spread([y for _, _, y, _ in found], gap, low, high)
    return [
        {
            "text": name,
            "x": min(x + 0.012 * last, last * 1.02),
            "xref": "x",
            "xanchor": "left",
            "y": place,
            "yref": "y",
            "showarrow": False,
            "font": {"size": 11, "color": colour},
        }
        for (name, x, _, colour), place in zip(found, places, strict=True)
    ]
