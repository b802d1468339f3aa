"""Matrices as cells, side by side on one scale or each on its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from .canvas import PAGE, Canvas, Panel, short

__all__ = ["CELLS", "grids", "matrix", "pooled"]

#: Cells on a side at most.
CELLS = 40


def grids(
    maps: Mapping[str, NDArray[np.floating]],
    down: str,
    across: str,
    *,
    half: float | None = None,
    side: float = 290.0,
    height: float = 130.0,
    rows_from: int = 0,
) -> str:
    """Draw matrices of one shape beside one another.

    Parameters
    ----------
    maps : mapping of str to numpy.ndarray, shape (rows, columns)
        By their titles.
    down, across : str
        What rows and columns are.
    half : float, optional
        Value of full colour; by default the largest of each map.
    side, height : float
        Of one map, in px.
    rows_from : int
        Number of the first row; columns count from 1.
    """
    left, top, gap = 50.0, 18.0, 26.0
    canvas = Canvas(left + (side + gap) * len(maps), top + height + 34, f"{down} by {across}")
    for place, (name, values) in enumerate(maps.items()):
        x = left + place * (side + gap)
        rows, columns = values.shape
        canvas.text(x, 12, name, fill=PAGE.muted)
        canvas.rect(x, top, side, height, "none", stroke=PAGE.grid)
        canvas.cells(pooled(np.nan_to_num(values.astype(float))), x, top, side, height, half=half)
        panel = Panel(canvas, (x, top, x + side, top + height), (-0.5, columns - 0.5), (0, 1))
        panel.x_axis(across, _whole(columns, 4 if side < 150 else 7), 1)
    tick = Panel(canvas, (left, top, left + side, top + height), (0, 1), (0, 1))
    tick.least, tick.most = rows - 0.5, -0.5
    for row in _whole(rows, 7):
        text = f"{row + rows_from:,}"
        canvas.text(left - 6, tick.y(row) + 4, text, anchor="end", fill=PAGE.muted)
    canvas.text(
        0, 0, down, anchor="middle", fill=PAGE.muted,
        transform=f"translate(11 {top + height / 2}) rotate(-90)",
    )  # fmt: skip
    return str(canvas)


def matrix(maps: Mapping[str, NDArray[np.floating]], names: Sequence[str]) -> str:
    """Draw square matrices of numbers from -1 to 1 beside one another, written where few are.

    Columns come in the order of rows, which have `names`; below 0 in the other colour.
    """
    n, side, gap = len(names), 220.0, 34.0
    left = 12 + 6.2 * min(max(map(len, names)), 22)
    canvas = Canvas(left + (side + gap) * len(maps), side + 24, " and ".join(maps))
    step = side / n
    for place, (title, values) in enumerate(maps.items()):
        x = left + place * (side + gap)
        canvas.text(x, 12, title, fill=PAGE.muted)
        canvas.cells(
            values.astype(float), x, 20, side, side, (PAGE.positive, PAGE.negative), half=1.0
        )
        for row, column in np.ndindex(values.shape) if n <= 7 else ():
            value = values[row, column]
            canvas.text(
                x + (column + 0.5) * step, 24 + (row + 0.5) * step,
                "–" if np.isnan(value) else f"{value:.2f}".replace("-", "−"), "middle",
                PAGE.paper if abs(value) > 0.6 else PAGE.ink,
            )  # fmt: skip
    for row, name in enumerate(names):
        canvas.text(left - 6, 24 + (row + 0.5) * step, short(name, 22), "end", PAGE.muted)
    return str(canvas)


def _whole(count: int, most: int) -> list[int]:
    """Take about so many of the numbers 0 to count - 1, evenly spaced."""
    return list(range(0, count, -(-count // most)))


def pooled(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Take the value of largest magnitude of each block, so that at most so many cells remain."""
    for axis in (0, 1):
        if values.shape[axis] > CELLS:
            edges = np.linspace(0, values.shape[axis], CELLS + 1).astype(np.int64)[:-1]
            high = np.maximum.reduceat(values, edges, axis=axis)
            low = np.minimum.reduceat(values, edges, axis=axis)
            values = np.where(high >= -low, high, low)
    return values
