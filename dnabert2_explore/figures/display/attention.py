"""Displays of attention maps, and of what a model knew along its training."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .card import Card, table
from .drawing.canvas import PAGE, WIDTH, Canvas, Panel, number
from .drawing.grids import CELLS, pooled

if TYPE_CHECKING:
    from ...analysis.attend import Attention
    from ...analysis.inside import DependencyMap
    from ...analysis.timelapse import TimeLapse


def attention(result: Attention) -> Card:
    """Show the mean map over all layers and heads, and how far each layer looks."""
    from ...analysis.overview import overview

    maps = overview(result, CELLS)
    n, cells = len(result.tokens), maps.shape[-1]
    canvas = Canvas(388, 356, "attention, mean over layers and heads")
    left, top, side = 58.0, 6.0, 310.0
    mean = np.sqrt(maps.mean(axis=(0, 1)).astype(float))
    canvas.cells(mean, left, top, side, side, (PAGE.bases["C"], PAGE.bases["C"]))
    panel = Panel(canvas, (left, top, left + side, top + side), (0.5, n + 0.5), (0, 1))
    panel.x_axis("attended to (token, [CLS] is 1)")
    panel.downwards(1, n, "attends (token)")
    heads = ("layer (from 1)", "mean distance (tokens)", "on [CLS] and [SEP]")
    return Card(
        result._line(),
        "Attention of each token (rows) to each other (columns), mean over all layers and heads"
        + (f"; {cells} stretches a side, the largest weight of each" if cells < n else "")
        + "; stronger is more (square root). result.head(layer, head), both from 0, gives one.",
        result.model,
        (str(canvas),),
        (table(heads, _layers(result), (1, 2)),),
    )


def _layers(result: Attention) -> list[tuple[str, str, str]]:
    """How far each layer looks on average, and how much of it goes to special tokens."""
    n = len(result.tokens)
    rows = np.unique(np.linspace(0, n - 1, min(n, CELLS)).astype(np.int64))
    distance = np.abs(rows[:, None] - np.arange(n)[None, :])
    found = []
    for layer in range(result.n_layers):
        weights = np.mean(
            [result.rows(layer, head, rows) for head in range(result.n_heads)], axis=0
        )
        far = float((weights * distance).sum(axis=1).mean())
        special = float(weights[:, result.tokens.special].sum(axis=1).mean())
        found.append((str(layer + 1), number(far), f"{special:.0%}"))
    return found


def dependency_map(result: DependencyMap) -> Card:
    """Show which columns each substituted base changes, and beside it the untrained twin."""
    if result.values.shape[1] == 1:
        return _of_one(result)
    maps = [("the model", result)]
    if result.twin is not None:
        maps.append(("untrained twin", result.twin))
    start, end = result.region
    left, top, side, gap = 54.0, 20.0, 300.0, 40.0
    canvas = Canvas(left + (side + gap) * len(maps), 374, "what substitutions change")
    half = float(np.nanmax(np.abs(result.elsewhere), initial=0.0))
    scale = f"the strongest colour is {number(half)}, on one scale for all" if half else "nothing"
    for place, (name, one) in enumerate(maps):
        x = left + place * (side + gap)
        values = pooled(np.nan_to_num(one.elsewhere.astype(float)))
        canvas.text(x, 12, name, fill=PAGE.muted)
        canvas.cells(values, x, top, side, side, half=half or 1.0)
        columns = one.values.shape[1]
        panel = Panel(canvas, (x, top, x + side, top + side), (0.5, columns + 0.5), (0, 1))
        tokens = result.of == "tokens"
        panel.x_axis("token ([CLS] is 1)" if tokens else f"{result.of} (from 1)")
    panel = Panel(canvas, (left, top, left + side, top + side), (0, 1), (0, 1))
    panel.downwards(start + 1, end, "base that is substituted", x=9)
    return Card(
        result._line(),
        f"Largest change over the three substitutions of each base (rows), in {result.unit}; "
        f"without what it does to its own token: {scale}. {result.kept:.0%} of the tokens kept "
        "their span.",
        result.model,
        (str(canvas),),
    )


def _of_one(result: DependencyMap) -> Card:
    """Show what substitutions change in one output."""
    start, end = result.region
    values = np.nan_to_num(result.values[:, 0].astype(float))
    canvas = Canvas(WIDTH, 180, "what substitutions change")
    every = values if result.twin is None else np.append(values, result.twin.values[:, 0])
    reach = min(0.0, float(np.nanmin(every))), max(0.0, float(np.nanmax(every)))
    panel = Panel(canvas, (62, 10, WIDTH - 10, 130), (start + 0.5, end + 0.5), reach)
    panel.y_axis(result.unit)
    panel.bars(np.arange(start, end) + 1, values, (WIDTH - 72) / (end - start))
    beside = ""
    if result.twin is not None:
        other = result.twin.values[:, 0]
        panel.curve(np.arange(start, end) + 1, other, PAGE.muted, **{"stroke-dasharray": "4 3"})
        beside = " Dashed: an untrained network."
    panel.zero()
    panel.x_axis("base that is substituted (bp, counted from 1)")
    return Card(
        result._line(),
        f"Largest change of {result.of} over the three substitutions of each base, in "
        f"{result.unit}.{beside}",
        result.model,
        (str(canvas),),
    )


def time_lapse(result: TimeLapse) -> Card:
    """Show what was predicted and how species part, along the steps."""
    canvas = Canvas(WIDTH, 210, "along the training")
    steps = result.steps.astype(float)
    reach = (float(steps.min()), float(steps.max()))
    known = ~np.isnan(result.probability).all(axis=0)
    half = WIDTH / 2
    probability = np.nanmean(result.probability[:, known], axis=1)
    one = Panel(canvas, (58, 12, half - 14, 160), reach, (0, max(float(probability.max()), 1e-6)))
    one.y_axis("probability of the true token")
    one.curve(steps, probability, PAGE.positive)
    one.x_axis("step", _few(steps))
    two = Panel(canvas, (half + 58, 12, WIDTH - 14, 160), reach, (0, 1))
    two.y_axis("neighbours of one label")
    two.curve(steps, result.purity, PAGE.positive)
    two.curve(steps, result.purity_null, PAGE.muted, **{"stroke-dasharray": "4 3"})
    two.x_axis("step", _few(steps))
    rows = [
        (f"{result.steps[i]:,}", f"{probability[i]:.3f}", number(float(result.purity[i])),
         number(float(result.purity_null[i])))
        for i in sorted({0, len(steps) - 1})
    ]  # fmt: skip
    return Card(
        result._line(),
        "Left: probability of the true token where it alone is masked, mean over the sequence. "
        f"Right: share of the {result.n_neighbors} nearest sequences of the atlas with the same "
        "label; dashed, with labels shuffled.",
        result.model,
        (str(canvas),),
        (table(("step", "probability", "same label", "shuffled"), rows, (0, 1, 2, 3)),),
    )


def _few(steps: np.ndarray) -> list[float]:
    return [float(v) for v in np.unique([steps[0], steps[len(steps) // 2], steps[-1]])]
