"""Lanes of values on the bases of a sequence, its tokens below, and a close-up in letters."""

from __future__ import annotations

from collections.abc import Sequence as Items
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ....sequences import as_dna
from ....sequences.motifs.motif import ALPHABET
from ....tokens import Tokens
from ...motifs.logo import logo_svg
from .canvas import PAGE, WIDTH, Canvas, Panel, thinned

__all__ = ["CLOSE", "Track", "close_up", "tracks"]

_LEFT, _RIGHT = 62, WIDTH - 8
_LETTERS = 90  # longest sequence that is drawn in letters
_TOKENS = 500  # most tokens whose borders can be told apart
#: Bases of a close-up.
CLOSE = 60


@dataclass(frozen=True, slots=True)
class Track:
    """One lane: values of bases, with a band where there is one."""

    name: str
    values: NDArray[np.float32]
    low: NDArray[np.float32] | None = None
    high: NDArray[np.float32] | None = None
    letters: bool = True


def close_up(values: NDArray[np.float32]) -> tuple[int, int] | None:
    """Find the stretch with the largest magnitudes; None where the whole is drawn in letters."""
    if len(values) <= _LETTERS:
        return None
    sums = np.concatenate([[0.0], np.cumsum(np.nan_to_num(np.abs(values)), dtype=np.float64)])
    start = int((sums[CLOSE:] - sums[:-CLOSE]).argmax())
    return start, start + CLOSE


def tracks(lanes: Items[Track], tokens: Tokens, unit: str, height: float = 92) -> str:
    """Draw lanes, `height` px each, under one another on one base axis.

    Of the first one, a stretch is drawn once more in letters where the whole has no room for them.
    """
    n = len(tokens.bases)
    close = close_up(lanes[0].values) if lanes[0].letters else None
    each = height + 22
    total = len(lanes) * each + 52 + (height + 40 if close else 0)
    canvas = Canvas(WIDTH, total, f"{unit} of {n} bases: {', '.join(one.name for one in lanes)}")
    reach = _reach(lanes)
    top = 0.0
    for lane in lanes:
        canvas.text(_LEFT, top + 12, lane.name, fill=PAGE.muted)
        box = (_LEFT, top + 18, _RIGHT, top + 18 + height)
        _lane(canvas, lane, tokens.bases, (0, n), box, unit, reach)
        top += each
    bottom = _strip(canvas, tokens, (0, n), top + 1)
    axis = Panel(canvas, (_LEFT, 0, _RIGHT, bottom), (0.5, n + 0.5), (0, 1))
    if close:
        a, b = axis.x(close[0] + 0.5), axis.x(close[1] + 0.5)
        canvas.rect(a, 18, b - a, bottom - 18, PAGE.select, **{"fill-opacity": "0.10"})
    axis.x_axis("position (bp, counted from 1)")
    if close:
        top = bottom + 40
        box = (_LEFT, top, _RIGHT, top + height)
        _lane(canvas, lanes[0], tokens.bases, close, box, unit, reach)
        panel = Panel(canvas, box, (close[0] + 0.5, close[1] + 0.5), (0, 1))
        ticks = [p for p in range(close[0] + 1, close[1] + 1) if p % 10 == 0]
        for tick in ticks:
            canvas.text(
                panel.x(tick), top + height + 13, f"{tick:,}", anchor="middle", fill=PAGE.muted
            )
    return str(canvas)


def _reach(lanes: Items[Track]) -> tuple[float, float]:
    every = [v for one in lanes for v in (one.values, one.low, one.high) if v is not None]
    low = min(0.0, *(float(np.nanmin(v, initial=0.0)) for v in every))
    high = max(0.0, *(float(np.nanmax(v, initial=0.0)) for v in every))
    return (low, high) if high > low else (0.0, 1.0)


def _lane(
    canvas: Canvas,
    lane: Track,
    bases: str,
    span: tuple[int, int],
    box: tuple[float, float, float, float],
    unit: str,
    reach: tuple[float, float],
) -> None:
    first, last = span
    panel = Panel(canvas, box, (first + 0.5, last + 0.5), reach)
    panel.y_axis(unit)
    values = np.nan_to_num(lane.values[first:last])
    places = np.arange(first, last) + 1
    if lane.low is not None and lane.high is not None:
        panel.band(places, lane.low[first:last], lane.high[first:last], PAGE.tints[0])
    if lane.letters and last - first <= _LETTERS:
        column = (box[2] - box[0]) / (last - first)
        picture = logo_svg(
            _one_hot(bases[first:last]) * values[:, None], "contribution", column=column,
            height=box[3] - box[1] + 5, reach=reach, axis=False, theme="page",
        )  # fmt: skip
        canvas.place(picture, box[0], box[1] - 5)
    else:
        kept, strongest = thinned(values, int(box[2] - box[0]))
        panel.bars(places[kept], strongest, max((box[2] - box[0]) / len(kept), 0.8))
        panel.zero()


def _one_hot(bases: str) -> NDArray[np.float64]:
    """Columns A, C, G, T; what is none of them has a 1 nowhere."""
    text = as_dna(bases)
    return np.array([[float(letter == base) for base in ALPHABET] for letter in text])


def _strip(canvas: Canvas, tokens: Tokens, span: tuple[int, int], top: float) -> float:
    """Draw tokens as blocks of two tints; return where they end."""
    inside = np.flatnonzero(~tokens.special)
    if len(inside) > _TOKENS:
        return top
    scale = (_RIGHT - _LEFT) / (span[1] - span[0])
    for parity in (0, 1):
        d = "".join(
            f"M{_LEFT + a * scale:.1f} {top:.1f}h{(b - a) * scale:.1f}v9h-{(b - a) * scale:.1f}z"
            for a, b in tokens.spans[inside[parity::2]]
        )
        canvas.path(d, fill=PAGE.tints[parity])
    canvas.text(_LEFT - 6, top + 9, "tokens", anchor="end", fill=PAGE.muted)
    return top + 10
