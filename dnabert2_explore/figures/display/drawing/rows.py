"""Rows of values: each with its interval, or two beside each other; and how values are spread."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence as Items

import numpy as np
from numpy.typing import NDArray

from .canvas import PAGE, WIDTH, Canvas, Panel, number, short, signed

__all__ = ["Row", "beside", "dots", "histogram"]

#: Name, value, the ends of its interval (NaN for none), and colour.
Row = tuple[str, float, float, float, str]

_STEP = 24.0  # px from row to row


def dots(rows: Iterable[Row], title: str, width: float = 350, top: float = 1.0) -> str:
    """Draw values with their intervals, one a line, right of their names; to 0 and `top`."""
    kept = [one for one in rows if math.isfinite(one[1])]
    left = 14 + 6.2 * max((min(len(one[0]), 34) for one in kept), default=0)
    width += left
    canvas = Canvas(width, 24 * len(kept) + 46, title)
    every = [v for one in kept for v in one[1:4] if math.isfinite(v)]
    low, high = min([0.0, *every]), max([0.0, *every])
    panel = Panel(canvas, (left, 4, width - 60, 24 * len(kept) + 8), (low, max(high, top)), (0, 1))
    canvas.line(panel.x(0), 4, panel.x(0), panel.bottom, stroke=PAGE.grid)
    for place, (name, value, least, most, colour) in enumerate(kept):
        y = 16 + 24.0 * place
        canvas.text(left - 8, y + 4, short(name, 34), anchor="end")
        panel.interval(y, value, least, most, colour)
        text = signed(value or 0.0).lstrip("+") if value == 0 or 1e-3 <= abs(value) < 1e3 else ""
        canvas.text(width - 4, y + 4, text or number(value), anchor="end")
    panel.x_axis(title)
    return str(canvas)


def beside(rows: Items[tuple[str, float, float]], title: str, *, name_width: float = 164) -> str:
    """Draw two values a row, right of its name: a full dot, and a ring where it is compared with.

    From 0, or from the lowest value where that is below.
    """
    canvas = Canvas(WIDTH, _STEP * len(rows) + 44, title)
    every = [0.0, *(value for row in rows for value in row[1:] if math.isfinite(value))]
    high = max(every) or (0.0 if min(every) < 0 else 1.0)
    box = (name_width + 6, 4, WIDTH - 20, _STEP * len(rows) + 8)
    panel = Panel(canvas, box, (min(every), high), (0, 1))
    for place, (name, full, ring) in enumerate(rows):
        y = 16 + _STEP * place
        canvas.text(name_width, y + 4, short(name, int(name_width / 6.6)), anchor="end")
        if math.isfinite(full) and math.isfinite(ring):
            canvas.line(panel.x(full), y, panel.x(ring), y)
        if math.isfinite(full):
            canvas.dot(panel.x(full), y, 5, PAGE.positive)
        if math.isfinite(ring):
            canvas.dot(panel.x(ring), y, 4.2, "none", stroke=PAGE.negative, **{"stroke-width": "2"})
    panel.x_axis(title)
    return str(canvas)


def histogram(kinds: Items[tuple[str, NDArray[np.floating], str]], title: str, unit: str) -> str:
    """Draw how values are spread, one outline a kind: its name, values and colour.

    Shares of each kind, of what is called `unit`; the first is filled.
    """
    kinds = [(name, one[np.isfinite(one)], colour) for name, one, colour in kinds]
    values = np.concatenate([one for _, one, _ in kinds])
    if not len(values):
        return ""
    low, high = float(values.min()), float(values.max())
    bins = min(max(min(len(one) for _, one, _ in kinds) // 4, 8), 30)
    edges = np.linspace(low, high if high > low else low + 1, bins + 1)
    shares = [np.histogram(one, edges)[0] / max(len(one), 1) for _, one, _ in kinds]
    canvas = Canvas(460, 212, title)
    panel = Panel(
        canvas, (62, 24, 452, 164), (edges[0], edges[-1]), (0, max(float(s.max()) for s in shares))
    )
    panel.y_axis(f"share of {unit}")
    at = 62.0
    for place, ((name, _, colour), share) in enumerate(zip(kinds, shares, strict=True)):
        words = [f"M{panel.x(edges[0]):.1f} {panel.bottom:.1f}"]
        for right, value in zip(edges[1:], share, strict=True):
            words.append(f"V{panel.y(value):.1f}H{panel.x(right):.1f}")
        d = "".join([*words, f"V{panel.bottom:.1f}"])
        if place == 0:
            canvas.path(d, fill=colour, **{"fill-opacity": "0.22"})
        canvas.path(d, stroke=colour, **{"stroke-width": "1.8"})
        canvas.line(at, 12, at + 16, 12, stroke=colour, **{"stroke-width": "2.4"})
        canvas.text(at + 21, 16, name, fill=PAGE.muted)
        at += 34 + 6.3 * len(name)
    panel.x_axis(title)
    return str(canvas)
