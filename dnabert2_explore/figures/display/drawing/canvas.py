"""A small SVG writer for static pictures: axes, bars, curves, cells, letters.

Everything is drawn in the colours of the page (theme ``"page"``): the same picture is readable on
a light and on a dark one. There is no script in it and nothing to fetch.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...core.colours import theme_of
from ...core.style import MONO, SANS, round_below, short

__all__ = ["PAGE", "WIDTH", "Canvas", "Panel", "inline", "number", "short", "signed", "thinned"]

#: Width of a picture, in px.
WIDTH = 680
#: Colours of the page the picture stands in.
PAGE = theme_of("page")

_LEVELS = 12  # shades of a heat map: cells of one shade are one path


def number(value: float, digits: int = 3) -> str:
    """Write a number for people.

    Examples
    --------
    >>> number(-0.01234), number(1234567), number(float("nan"))
    ('−0.0123', '1,234,567', '–')
    """
    if not np.isfinite(value):
        return "–" if np.isnan(value) else ("∞" if value > 0 else "−∞")
    if value == int(value) and abs(value) >= 1000:
        text = f"{int(value):,}"
    else:
        text = f"{value or 0.0:.{digits}g}"
        if "e" in text and abs(value) >= 1e-4:
            text = f"{value:,.0f}"
    return text.replace("-", "−")


def signed(value: float) -> str:
    """Write a change with its sign.

    Examples
    --------
    >>> signed(0.25), signed(-1.5)
    ('+0.250', '−1.500')
    """
    return f"{value:+.3f}".replace("-", "−")


def inline(svg: str) -> str:
    """Take the namespace off an SVG, which it does not need inside HTML."""
    return svg.replace(' xmlns="http://www.w3.org/2000/svg"', "")


def thinned(values: ArrayLike, most: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Keep of each bin the value of largest magnitude; return its place and the value.

    Examples
    --------
    >>> places, kept = thinned([0, -3, 1, 1], 2)
    >>> places.tolist(), kept.tolist()
    ([1, 2], [-3.0, 1.0])
    """
    array = np.asarray(values, np.float64)
    if len(array) <= most:
        return np.arange(len(array)), array
    edges = np.linspace(0, len(array), most + 1).astype(np.int64)
    sizes = np.nan_to_num(np.abs(array), nan=-1.0)
    places = np.array([low + int(sizes[low:high].argmax()) for low, high in pairwise(edges)])
    return places, array[places]


class Canvas:
    """What is drawn, in px from the top left; a screen reader says its `label`."""

    def __init__(self, width: float, height: float, label: str) -> None:
        self.width, self.height, self.label = width, height, label
        self.parts: list[str] = []

    def __str__(self) -> str:
        return (
            f'<svg width="{self.width:.0f}" height="{self.height:.0f}" '
            f'viewBox="0 0 {self.width:.0f} {self.height:.0f}" role="img" '
            f'aria-label="{escape(self.label)}" font-family="{SANS}" font-size="11" '
            f'fill="{PAGE.ink}">{"".join(self.parts)}</svg>'
        )

    def line(
        self, x1: float, y1: float, x2: float, y2: float, stroke: str = PAGE.muted, **more: str
    ) -> None:
        """Draw a straight line."""
        self.parts.append(
            f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{stroke}"'
            f"{_attributes(more)}/>"
        )

    def rect(self, x: float, y: float, width: float, height: float, fill: str, **more: str) -> None:
        """Fill a rectangle."""
        self.parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 0):.1f}" '
            f'height="{max(height, 0):.1f}" fill="{fill}"{_attributes(more)}/>'
        )

    def text(
        self,
        x: float,
        y: float,
        text: str,
        anchor: str = "start",
        fill: str = PAGE.ink,
        mono: bool = False,
        **more: str,
    ) -> None:
        """Write a line of text."""
        family = f' font-family="{MONO}"' if mono else ""
        self.parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{fill}"{family}'
            f"{_attributes(more)}>{escape(text)}</text>"
        )

    def dot(self, x: float, y: float, radius: float, fill: str, **more: str) -> None:
        """Draw a disc."""
        self.parts.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{fill}"{_attributes(more)}/>'
        )

    def path(self, d: str, fill: str = "none", stroke: str = "none", **more: str) -> None:
        """Draw a path."""
        if d:
            self.parts.append(f'<path d="{d}" fill="{fill}" stroke="{stroke}"{_attributes(more)}/>')

    def place(self, svg: str, x: float, y: float) -> None:
        """Put another drawing into this one."""
        self.parts.append(inline(svg).replace("<svg ", f'<svg x="{x:.1f}" y="{y:.1f}" ', 1))

    def cells(
        self,
        values: NDArray[np.float64],
        x: float,
        y: float,
        width: float,
        height: float,
        colours: tuple[str, str] = (PAGE.negative, PAGE.positive),
        half: float | None = None,
    ) -> None:
        """Draw a matrix as cells, the more opaque the larger; below 0 in the first colour."""
        rows, columns = values.shape
        across, down = width / columns, height / rows
        reach = half or float(np.nanmax(np.abs(values), initial=0.0)) or 1.0
        shade = np.nan_to_num(np.abs(values) / reach * _LEVELS).round().clip(0, _LEVELS)
        level = (shade * np.sign(np.nan_to_num(values))).astype(int)
        # A hair wider than its column: no seams between cells.
        wide, high = across + (0.15 if across < 6 else -0.6), down + (0.15 if down < 6 else -0.6)
        for one in np.unique(level[level != 0]):
            places = np.argwhere(level == one)
            d = "".join(
                f"M{x + j * across:.1f} {y + i * down:.1f}h{wide:.1f}v{high:.1f}h-{wide:.1f}z"
                for i, j in places
            )
            opacity = f"{abs(int(one)) / _LEVELS:.2f}"
            self.path(d, fill=colours[int(one > 0)], **{"fill-opacity": opacity})


def _attributes(more: dict[str, str]) -> str:
    return "".join(f' {name.rstrip("_")}="{escape(value)}"' for name, value in more.items())


class Panel:
    """Axes on a canvas: values to px, ticks, and marks.

    `box` is left, top, right and bottom of the axes, in px; `x` and `y` are the ends of each axis.
    """

    def __init__(
        self,
        canvas: Canvas,
        box: tuple[float, float, float, float],
        x: tuple[float, float],
        y: tuple[float, float],
    ) -> None:
        self.canvas = canvas
        self.left, self.top, self.right, self.bottom = box
        self.low, self.high = x
        self.least, self.most = y if y[1] > y[0] else (y[0] - 0.5, y[0] + 0.5)
        if self.high <= self.low:
            self.low, self.high = self.low - 0.5, self.low + 0.5

    def x(self, value: float) -> float:
        """Return the px of a value on the x axis."""
        return self.left + (value - self.low) / (self.high - self.low) * (self.right - self.left)

    def y(self, value: float) -> float:
        """Return the px of a value on the y axis."""
        share = (value - self.least) / (self.most - self.least)
        return self.bottom - share * (self.bottom - self.top)

    def x_axis(
        self, title: str, ticks: Sequence[float] | None = None, start: int = 0, count: int = 7
    ) -> None:
        """Draw the x axis below, with about `count` ticks; `start` is added to their numbers."""
        canvas = self.canvas
        canvas.line(self.left, self.bottom, self.right, self.bottom)
        if ticks is None:
            ticks = [one - start for one in _ticks(self.low + start, self.high + start, count)]
            if self.low % 1 == self.high % 1 == 0.5:  # of things that are counted
                ticks = [one for one in ticks if one % 1 == 0]
        for tick in ticks:
            at = self.x(tick)
            canvas.line(at, self.bottom, at, self.bottom + 4)
            canvas.text(
                at, self.bottom + 15, number(tick + start, 4), anchor="middle", fill=PAGE.muted
            )
        middle = (self.left + self.right) / 2
        canvas.text(middle, self.bottom + 30, title, anchor="middle", fill=PAGE.muted)

    def y_axis(self, title: str, count: int = 3) -> None:
        """Draw the y axis on the left, with faint lines across."""
        canvas = self.canvas
        for tick in _ticks(self.least, self.most, count):
            at = self.y(tick)
            canvas.line(self.left, at, self.right, at, stroke=PAGE.grid)
            canvas.text(self.left - 6, at + 3.5, number(tick), anchor="end", fill=PAGE.muted)
        # Left of this panel's numbers, not of the first panel's.
        self.y_title(title, f"{(self.top + self.bottom) / 2:.1f}", max(self.left - 47, 11))

    def y_title(self, title: str, middle: object, x: float = 11) -> None:
        """Write upwards at the left, about the height `middle`."""
        turn = f"translate({x:g} {middle}) rotate(-90)"
        self.canvas.text(0, 0, title, anchor="middle", fill=PAGE.muted, transform=turn)

    def downwards(self, first: int, last: int, title: str, x: int = 11) -> None:
        """Let the y axis count whole numbers from the top, with five ticks and a title."""
        self.least, self.most = last + 0.5, first - 0.5
        for tick in np.unique(np.linspace(first, last, 5).astype(int)):
            at = self.y(tick) + 4
            self.canvas.text(self.left - 6, at, f"{tick:,}", anchor="end", fill=PAGE.muted)
        self.y_title(title, (self.top + self.bottom) / 2, x)

    def zero(self) -> None:
        """Draw the line of zero."""
        self.canvas.line(self.left, self.y(0), self.right, self.y(0))

    def bars(self, places: ArrayLike, values: ArrayLike, width: float) -> None:
        """Draw bars from zero, `width` px wide, below 0 in another colour."""
        width *= 0.9 if width > 6 else 1.03  # narrow bars without seams
        where, what = np.asarray(places, float), np.asarray(values, float)
        for mask, colour in ((what < 0, PAGE.negative), (what > 0, PAGE.positive)):
            d = "".join(
                f"M{self.x(a):.1f} {self.y(0):.1f}V{self.y(b):.1f}"
                for a, b in zip(where[mask], what[mask], strict=True)
            )
            self.canvas.path(d, stroke=colour, **{"stroke-width": f"{width:.2f}"})

    def curve(self, places: ArrayLike, values: ArrayLike, stroke: str, **more: str) -> None:
        """Draw a curve; it breaks where a value is NaN."""
        words, fresh = [], True
        where, what = np.asarray(places, float), np.asarray(values, float)
        known = np.concatenate([[False], ~np.isnan(what), [False]])
        for a, b in zip(where, what, strict=True):
            if np.isnan(b):
                fresh = True
                continue
            words.append(f"{'M' if fresh else 'L'}{self.x(a):.1f} {self.y(b):.1f}")
            fresh = False
        # A point that stands alone is no stroke.
        for i in np.flatnonzero(known[1:-1] & ~known[:-2] & ~known[2:]):
            self.canvas.dot(self.x(where[i]), self.y(what[i]), 3, stroke)
        self.canvas.path("".join(words), stroke=stroke, **{"stroke-width": "1.6", **more})

    def band(self, places: ArrayLike, low: ArrayLike, high: ArrayLike, fill: str) -> None:
        """Fill between two curves."""
        where = np.asarray(places, float)
        pairs = [*zip(where, np.asarray(high, float), strict=True)]
        pairs += list(zip(where, np.asarray(low, float), strict=True))[::-1]
        d = "L".join(f"{self.x(a):.1f} {self.y(b):.1f}" for a, b in pairs if not np.isnan(b))
        self.canvas.path(f"M{d}z" if d else "", fill=fill, **{"fill-opacity": "0.28"})

    def interval(self, row: float, value: float, low: float, high: float, colour: str) -> None:
        """Draw a value as a dot at height `row` (px), with a line from `low` to `high`."""
        if np.isfinite([low, high]).all():
            self.canvas.line(
                self.x(low), row, self.x(high), row, stroke=colour, **{"stroke-width": "2"}
            )
        if np.isfinite(value):
            self.canvas.dot(self.x(value), row, 4, colour)


def _ticks(low: float, high: float, count: int) -> Iterable[float]:
    """Round values between two, about `count` of them."""
    step = round_below((high - low) / max(count - 1, 1))
    first = int(np.ceil(low / step - 1e-9))
    last = int(np.floor(high / step + 1e-9))
    while last - first + 1 > count + 2:
        step *= 2
        first, last = int(np.ceil(low / step - 1e-9)), int(np.floor(high / step + 1e-9))
    return [float(f"{k * step:.10g}") for k in range(first, last + 1)]
