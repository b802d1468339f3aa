"""Tokens as columns on the base axis: their edges, values spread over them, and flat lines."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .colours import Theme
from .parts import font, line

__all__ = ["edges_of", "legend", "legend_beside", "shown_of", "spread", "steps"]


def edges_of(spans: NDArray[Any]) -> tuple[NDArray[np.float64], list[int]]:
    """Edges of columns in display coordinates, and the part in each; -1 in gaps between parts."""
    edges: list[float] = []
    columns: list[int] = []
    for part in np.argsort(spans[:, 0], kind="stable").tolist():
        start, end = (float(edge) + 0.5 for edge in spans[part])
        if not edges:
            edges.append(start)
        elif start > edges[-1]:
            edges.append(start)
            columns.append(-1)
        if end > edges[-1]:
            edges.append(end)
            columns.append(part)
    return np.array(edges), columns


def spread(values: NDArray[Any], columns: list[int]) -> NDArray[np.float64]:
    """Put values of parts, (rows, parts), into the columns that `edges_of` names; NaN in gaps."""
    at = np.array(columns, dtype=np.int64)
    return np.where(at[None, :] < 0, np.nan, values[:, at])


def steps(
    spans: NDArray[np.int64], values: NDArray[Any], colour: str, name: str, dash: str, hover: str
) -> dict[str, Any]:
    """Draw a line that is flat over each token, on the second value axis."""
    x, y = [], []
    for (start, end), value in zip(spans.tolist(), values.tolist(), strict=True):
        x += [start + 0.5, end + 0.5]
        y += [value, value]
    return line(x, y, colour, 1.6, dash=dash, yaxis="y2", name=name, hover=f"{hover}, {name}")


def legend(colours: Theme, y: float, **more: Any) -> dict[str, Any]:
    """Place the names of lines in a row at the right, above `y`."""
    return {
        "orientation": "h",
        "x": 1,
        "xanchor": "right",
        "y": y,
        "yanchor": "bottom",
        "font": font(11, colours.muted),
        "bgcolor": "rgba(0,0,0,0)",
        **more,
    }


def legend_beside(colours: Theme) -> dict[str, Any]:
    """Place the names of lines below each other, right of the panels."""
    return {"x": 1.02, "y": 1, "font": font(11, colours.muted), "bgcolor": "rgba(0,0,0,0)"}


def shown_of(found: Any, shown: str) -> Any:
    """Pick a result, or that of its untrained twin.

    Raises ValueError if `shown` is neither "trained" nor "untrained", or there is no twin.
    """
    if shown not in ("trained", "untrained") or (shown == "untrained" and found.twin is None):
        raise ValueError(
            f"shown {shown!r} is not to be had; expected 'trained', or 'untrained' of what was "
            "computed with twin=True"
        )
    return found.twin if shown == "untrained" else found
