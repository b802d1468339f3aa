"""Logos of motifs: letters as high as their information, probability or contribution."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...errors import InputError
from ...sequences.motifs.motif import ALPHABET, Motif
from ..core.colours import Theme, theme_of
from ..core.glyphs import OUTLINES, logo_outline
from ..core.parts import Figure, area, bars, make_figure, quiet_axis
from ..core.style import SANS, value_axis

__all__ = ["KINDS", "letter_stacks", "logo_svg", "motif_logo"]

#: What heights mean, and their axis title.
KINDS = {"information": "bits", "contribution": "contribution", "probability": "probability"}

#: Points of a letter that are no farther apart are one.
_NEAR_PX = 0.35
_LEAST_PX = 0.8  # lower letters are no letters
_AXIS_PX = 34
_NUMBERS_PX = 16
_TOP_PX = 5


@dataclass(frozen=True, slots=True)
class _Letter:
    """One letter of a stack: between `low` and `high`, on `position` (0-based)."""

    base: str
    position: int
    low: float
    high: float


def logo_svg(
    matrix: Motif | ArrayLike,
    kind: str = "information",
    *,
    column: float = 20.0,
    height: float = 110.0,
    reach: tuple[float, float] | None = None,
    unit: str | None = None,
    lead: int = 0,
    columns: int | None = None,
    axis: bool = True,
    label: str = "",
    theme: str = "light",
) -> str:
    """Draw a logo as an SVG that needs nothing else: its letters are outlines.

    Parameters
    ----------
    matrix : Motif or array_like, shape (length, 4)
        Columns A, C, G, T. Probabilities or counts, or for ``"contribution"`` any numbers; letters
        below 0 hang from the zero line, the largest outermost.
    kind : {"information", "contribution", "probability"}
        ``"information"``: probabilities times the information of their position beside even bases,
        in bits (Schneider & Stephens 1990, Nucleic Acids Res. 18:6097).
    column, height : float
        Width of a position and height of the drawing, in px.
    reach : tuple of float, optional
        Lowest and highest value of the axis; 0 to 2 bits, 0 to 1, or what the contributions need.
    unit : str, optional
        Title of the axis.
    lead : int
        Empty columns before the first position, to align logos.
    columns : int, optional
        Columns in all; as many as are needed by default.
    axis : bool
        Draw the axis of values and number the positions, from 1.
    label : str
        What a screen reader says.
    theme : str
        ``"light"`` or ``"dark"``.

    Returns
    -------
    str
        An ``<svg>`` element without a background.

    Raises
    ------
    InputError
        If `kind` is unknown, or `matrix` is no matrix of finite numbers with four columns.

    Examples
    --------
    >>> svg = logo_svg(Motif.of_word("TATAAA"), label="TATA box")
    >>> svg.count("<path"), svg.startswith("<svg ")
    (6, True)
    """
    colours = theme_of(theme)
    heights = _heights(matrix, kind)
    low, high = reach or _reach(heights, kind)
    left, bottom = (_AXIS_PX, _NUMBERS_PX) if axis else (0, 0)
    drawn = height - _TOP_PX - bottom
    scale = drawn / (high - low)
    total = columns if columns is not None else lead + len(heights)
    width = left + total * column + 2

    def y_of(value: float) -> float:
        return _TOP_PX + (high - value) * scale

    parts = []
    if axis:
        parts.append(_axis(low, high, y_of, left, unit or KINDS[kind], colours))
        parts.append(_numbers(len(heights), left + lead * column, column, height, colours))
    start, end = left + lead * column, left + (lead + len(heights)) * column
    parts.append(
        f'<line x1="{start:.1f}" x2="{end:.1f}" y1="{y_of(0):.1f}" y2="{y_of(0):.1f}" '
        f'stroke="{colours.muted}" stroke-width="1"/>'
    )
    for letter in _stacks(heights):
        if (letter.high - letter.low) * scale < _LEAST_PX:
            continue
        shape = OUTLINES[letter.base]
        x = left + (lead + letter.position + 0.04 + 0.92 * shape[:, 0]) * column
        y = y_of(letter.low) - (letter.high - letter.low) * scale * shape[:, 1]
        parts.append(f'<path d="{_path(x, y)}" fill="{colours.bases[letter.base]}"/>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-label="{escape(label)}" '
        f'font-family="{SANS}">{"".join(parts)}</svg>'
    )


def motif_logo(
    matrix: Motif | ArrayLike,
    kind: str = "information",
    *,
    unit: str | None = None,
    theme: str = "light",
) -> Figure:
    """Draw a logo as a figure, with the numbers of each position on hovering.

    x counts positions from 1; `matrix`, `kind`, `unit` and what is raised are those of `logo_svg`.
    """
    colours = theme_of(theme)
    heights = _heights(matrix, kind)
    low, high = _reach(heights, kind)
    traces = letter_stacks(heights, colours)
    title = unit or KINDS[kind]
    hover = bars(
        np.arange(1, len(heights) + 1),
        np.full(len(heights), high - low),
        1.0,
        base=low,
        opacity=0.0,
        hovertext=[
            "<br>".join(
                f"<b>{base}</b> {value:+.3f}" for base, value in zip(ALPHABET, row, strict=True)
            )
            for row in heights
        ],
        hover=f"position %{{x}} ({title})<br>%{{hovertext}}",
    )
    return make_figure(
        [*traces, hover],
        colours,
        200,
        hovermode="closest",
        xaxis=quiet_axis(
            colours,
            "position (counted from 1)",
            range=[0.4, len(heights) + 0.6],
            dtick=1 if len(heights) <= 20 else 5,
        ),
        yaxis=value_axis(
            colours,
            title,
            (0.0, 1.0),
            range=[low, high],
            zeroline=True,
            zerolinecolor=colours.muted,
        ),
    )


def letter_stacks(
    heights: NDArray[np.float64], colours: Theme, first: int = 0
) -> list[dict[str, Any]]:
    """Draw stacks of letters, one trace a base.

    `heights`, (length, 4), have the columns A, C, G, T, NaN is no letter; `first` is the 0-based
    position of the first stack.
    """
    letters = list(_stacks(np.nan_to_num(heights)))
    traces = []
    for base in ALPHABET:
        mine = [(one.position, one.low, one.high) for one in letters if one.base == base]
        place, low, high = np.array(mine, dtype=np.float64).reshape(-1, 3).T
        x, y = logo_outline(base, first + place, low, high)
        traces.append(area(x, y, colours.bases[base], name=base))
    return traces


def _heights(matrix: Motif | ArrayLike, kind: str) -> NDArray[np.float64]:
    """Heights of the letters, shape (length, 4)."""
    if kind not in KINDS:
        raise InputError(f"Logo {kind!r} is unknown: choose one of {', '.join(KINDS)}.")
    if kind == "contribution" and not isinstance(matrix, Motif):
        values = np.asarray(matrix, dtype=np.float64)
        if values.ndim != 2 or values.shape[1] != 4 or not len(values):
            raise InputError(
                f"The logo's matrix has shape {values.shape}; expected (length, 4), with the "
                "columns A, C, G, T."
            )
        if not np.isfinite(values).all():
            raise InputError("The logo's matrix holds NaN or infinity: give finite numbers.")
        return values
    motif = matrix if isinstance(matrix, Motif) else Motif("", np.asarray(matrix))
    shares = motif.probabilities
    return shares * motif.information[:, None] if kind == "information" else shares


def _reach(heights: NDArray[np.float64], kind: str) -> tuple[float, float]:
    if kind != "contribution":
        return 0.0, 2.0 if kind == "information" else 1.0
    up = float(np.maximum(heights, 0).sum(axis=1).max())
    down = float(np.minimum(heights, 0).sum(axis=1).min())
    return (down, up) if up > down else (0.0, 1.0)


def _stacks(heights: NDArray[np.float64]) -> Iterator[_Letter]:
    """Letters from the zero line outwards, the smallest first."""
    for position, row in enumerate(heights):
        up = down = 0.0
        for index in np.argsort(np.abs(row), kind="stable"):
            value = float(row[index])
            if value > 0:
                yield _Letter(ALPHABET[index], position, up, up + value)
                up += value
            elif value < 0:
                yield _Letter(ALPHABET[index], position, down + value, down)
                down += value


def _path(x: NDArray[np.float64], y: NDArray[np.float64]) -> str:
    """Write closed polygons, parted by NaN, as SVG: each point by its way from the one before."""
    words: list[str] = []
    last: tuple[float, float] | None = None
    for a, b in zip(x.round(1).tolist(), y.round(1).tolist(), strict=True):
        if math.isnan(a):
            words.append("Z")
            last = None
        elif last is None:
            words.append(f"M{a:.1f} {b:.1f}l")
            last = a, b
        elif abs(a - last[0]) + abs(b - last[1]) > _NEAR_PX:  # of a small letter many are one
            words.append(f"{_short(a - last[0])}{_short(b - last[1])}")
            last = a, b
    return "".join(words)


def _short(step: float) -> str:
    """Write a step of tenths of a pixel; a sign or a space parts it from the number before."""
    text = f"{step:+.1f}".removesuffix(".0").replace("+", " ")
    return text.replace(" 0.", " .").replace("-0.", "-.")


def _axis(low: float, high: float, y_of: Any, left: float, title: str, colours: Theme) -> str:
    marks = sorted({low, 0.0, high} if low < 0 < high else {low, high})
    # Two marks closer than their type would run into each other: the zero line speaks for itself.
    marks = [m for m in marks if m in (low, high) or min(y_of(low) - y_of(m), y_of(m)) > 12]
    text = "".join(
        f'<text x="{left - 8}" y="{y_of(m) + (8 if m == high else 0 if m == low else 4):.1f}" '
        f'text-anchor="end" font-size="10" fill="{colours.muted}">{_number(m)}</text>'
        f'<line x1="{left - 5}" x2="{left - 2}" y1="{y_of(m):.1f}" y2="{y_of(m):.1f}" '
        f'stroke="{colours.muted}"/>'
        for m in marks
    )
    middle = (y_of(low) + y_of(high)) / 2
    return (
        f'<line x1="{left - 2}" x2="{left - 2}" y1="{y_of(high):.1f}" y2="{y_of(low):.1f}" '
        f'stroke="{colours.muted}"/>{text}'
        f'<text transform="translate(9 {middle:.1f}) rotate(-90)" text-anchor="middle" '
        f'font-size="10" fill="{colours.muted}">{escape(title)}</text>'
    )


def _number(value: float) -> str:
    return f"{value:.2g}".replace("-", "−")


def _numbers(length: int, left: float, column: float, height: float, colours: Theme) -> str:
    step = 1 if column >= 14 and length <= 99 else 5
    return "".join(
        f'<text x="{left + (i + 0.5) * column:.1f}" y="{height - 4:.1f}" text-anchor="middle" '
        f'font-size="9.5" fill="{colours.muted}">{i + 1}</text>'
        for i in range(length)
        if (i + 1) % step == 0 or i == 0
    )
