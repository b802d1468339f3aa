"""Points of an atlas as the numbers that a page draws: places, colours, and which class each is."""

from __future__ import annotations

from collections.abc import Sequence as Items
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .atlas import FAINT, point_size
from .core.colours import SYMBOLS, class_colours, theme_of

__all__ = ["SHAPES", "Cloud", "point_cloud"]

#: Outlines of the markers in a square of 12 by 12, as SVG has them.
SHAPES = {
    "circle": "M1 6a5 5 0 1 0 10 0a5 5 0 1 0 -10 0Z",
    "square": "M1.5 1.5H10.5V10.5H1.5Z",
    "diamond": "M6 0L12 6L6 12L0 6Z",
    "triangle-up": "M6 1L11.5 11H.5Z",
    "cross": "M4 0H8V4H12V8H8V12H4V8H0V4H4Z",
    "pentagon": "M6 .5L11.7 4.7L9.5 11.3H2.5L.3 4.7Z",
    "star": "M6 0L7.5 4.2H12L8.4 6.9L9.7 11.4L6 8.7L2.3 11.4L3.6 6.9L0 4.2H4.5Z",
    "hexagram": "M6 0L8 3H12L10 6L12 9H8L6 12L4 9H0L2 6L0 3H4Z",
}
_STEPS = 256  # of a continuous scale; one more colour is that of what has no number


@dataclass(frozen=True, slots=True, eq=False)
class Cloud:
    """What a page draws: points, how each looks, and the colours.

    `positions`, (frames, n, dimensions), are a map or several of the same points. `codes` are the
    class of each point, or its step of the scale; `classes` their names, empty for numbers;
    `palette` their colours. `span` has the numbers at both ends of a scale; `size` is in pixels.
    """

    positions: NDArray[np.float32]
    codes: NDArray[np.uint16]
    classes: tuple[str, ...]
    palette: tuple[str, ...]
    span: tuple[float, float] | None
    size: float

    def spec(
        self, key: str, *, height: int, axis: str, frames: Items[str] = ("",), frame: int = 0,
        theme: str = "light",
    ) -> dict[str, Any]:  # fmt: skip
        """Return what ``cloud.js`` takes.

        Another `key` is another map, which is seen whole at first; `axis` names the projection,
        `frames` each map, and `frame` is the one to begin with.
        """
        colours = theme_of(theme)
        return {
            "key": key,
            "n": len(self.codes),
            "dims": self.positions.shape[2],
            "frames": list(frames),
            "frame": frame,
            "positions": np.ascontiguousarray(self.positions).tobytes(),
            "codes": self.codes.tobytes(),
            "palette": list(self.palette),
            "symbols": list(SYMBOLS if self.classes else SYMBOLS[:1]),
            "shapes": SHAPES,
            "size": self.size,
            "height": height,
            "axis": axis,
            "faint": FAINT[theme],
            "select": colours.select,
            "selectFill": colours.select_fill,
            "text": colours.ink,
            "muted": colours.muted,
        }


def point_cloud(
    positions: ArrayLike, values: Items[str] | Items[float], theme: str = "light"
) -> Cloud:
    """Colour points by a field, as `atlas_scatter` does.

    `positions` are (n, dimensions) or (frames, n, dimensions). Text in `values` gives one colour
    and marker per class, numbers a continuous scale.

    Examples
    --------
    >>> made = point_cloud([[0, 0], [1, 1], [2, 0]], ["b", "a", "b"])
    >>> made.classes, made.codes.tolist()
    (('a', 'b'), [1, 0, 1])
    """
    places = np.asarray(positions, dtype=np.float32)
    places = places[None] if places.ndim == 2 else places
    colours = theme_of(theme)
    size = point_size(len(values))
    if len(values) and not isinstance(values[0], str):
        numbers = np.asarray(values, dtype=float)
        finite = numbers[np.isfinite(numbers)]
        low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 0.0)
        share = (numbers - low) / (high - low) if high > low else np.full(len(numbers), 0.5)
        share = np.where(np.isfinite(numbers), share, 0.0)
        codes = np.minimum(share * _STEPS, _STEPS - 1).astype(np.uint16)
        codes[~np.isfinite(numbers)] = _STEPS
        palette = (*_steps(colours.continuous), colours.muted)
        return Cloud(places, codes, (), palette, (low, high), size)
    palette_of = class_colours(str(v) for v in values)
    place = {name: code for code, name in enumerate(palette_of)}
    codes = np.fromiter((place[str(v)] for v in values), dtype=np.uint16, count=len(values))
    return Cloud(places, codes, tuple(palette_of), tuple(palette_of.values()), None, size)


def _steps(scale: tuple[tuple[float, str], ...]) -> list[str]:
    """Colours of a scale at equal steps, straight lines between its own."""
    at = np.array([place for place, _ in scale])
    own = np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for _, c in scale])
    wanted = np.linspace(0, 1, _STEPS)
    mixed = np.stack([np.interp(wanted, at, own[:, i]) for i in range(3)], axis=1).round()
    return ["#{:02x}{:02x}{:02x}".format(*map(int, row)) for row in mixed]
