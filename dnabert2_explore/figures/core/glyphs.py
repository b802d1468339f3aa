"""Letters as polygons, for logos: filled shapes scale with a score where type cannot."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["OUTLINES", "glyph", "logo_outline"]


def _arc(a0: float, a1: float, rx: float, ry: float, n: int = 22) -> list[tuple[float, float]]:
    angles = np.radians(np.linspace(a0, a1, n))
    return [(0.5 + rx * float(np.cos(a)), 0.5 + ry * float(np.sin(a))) for a in angles]


_T = [[(0, 1), (1, 1), (1, 0.84), (0.6, 0.84), (0.6, 0), (0.4, 0), (0.4, 0.84), (0, 0.84)]]
# The legs and the bar of the A overlap; wound the same way they fill as one shape.
_A = [
    [(0, 0), (0.39, 1), (0.61, 1), (1, 0), (0.79, 0), (0.5, 0.78), (0.21, 0)],
    [(0.2, 0.2), (0.2, 0.36), (0.8, 0.36), (0.8, 0.2)],
]
_C = [_arc(42, 318, 0.5, 0.5) + _arc(318, 42, 0.29, 0.34)]
_G = [
    _arc(42, 330, 0.5, 0.5) + _arc(330, 42, 0.29, 0.34),
    [(0.52, 0.36), (0.52, 0.52), (0.97, 0.52), (0.97, 0.06), (0.78, 0.06), (0.78, 0.36)],
]
_N = [
    [(0, 0), (0, 1), (0.22, 1), (0.8, 0.34), (0.8, 1), (1, 1), (1, 0), (0.78, 0), (0.2, 0.66),
     (0.2, 0)],
]  # fmt: skip
_SHAPES = {"A": _A, "C": _C, "G": _G, "T": _T, "N": _N}


def _clockwise(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    x, y = np.array(points).T
    area = float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y))
    return points if area < 0 else points[::-1]


def glyph(letter: str) -> NDArray[np.float64]:
    """Outline of a letter in the unit square, (n, 2): closed polygons, each with NaN behind it.

    A letter that is none of A, C, G and T is drawn as N.
    """
    rows: list[tuple[float, float]] = []
    for polygon in _SHAPES.get(letter, _N):
        closed = _clockwise(polygon)
        rows += [*closed, closed[0], (float("nan"), float("nan"))]
    shape = np.array(rows, dtype=np.float64)
    # Exactly from 0 to 1: the height of a letter is its score.
    shape -= np.nanmin(shape, axis=0)
    return shape / np.nanmax(shape, axis=0)


#: Outlines of the letters, as `glyph` makes them.
OUTLINES = {letter: glyph(letter) for letter in _SHAPES}


def logo_outline(
    letter: str, positions: NDArray[Any], low: NDArray[Any], high: NDArray[Any]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Outlines of one letter at many positions, each from `low` to `high`: a filled line's x and y.

    `positions` are 0-based bases; x is in display coordinates, polygons are parted by NaN.
    """
    shape = OUTLINES[letter]
    x = positions[:, None] + 0.54 + 0.92 * shape[None, :, 0]
    y = low[:, None] + (high - low)[:, None] * shape[None, :, 1]
    return x.ravel(), y.ravel()
