"""All heads of all layers side by side: a gallery of their maps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .colours import theme_of
from .style import layout

if TYPE_CHECKING:
    import plotly.graph_objects as go

__all__ = ["head_gallery"]

_GAP = 0.08  # of a thumbnail's width, between thumbnails


def head_gallery(
    thumbnails: NDArray[np.float32],
    *,
    selected: tuple[int, int] | None = None,
    width: int = 360,
    theme: str = "light",
) -> go.Figure:
    """Draw all heads of all layers side by side, each on its own scale.

    Parameters
    ----------
    thumbnails : (layers, heads, m, m) float32
        From :func:`dnabert2_explore.analysis.overview`.
    selected : tuple of int, optional
        Layer and head to outline, counted from 0.
    width : int
        Pixels the figure will have: decides its height.
    theme : str
        ``"light"`` or ``"dark"``.

    Returns
    -------
    plotly.graph_objects.Figure
        Thumbnail of layer ``i``, head ``j`` stands around x = j + 1, y = i + 1.
    """
    import plotly.graph_objects as go

    colours = theme_of(theme)
    n_layers, n_heads, m, _ = thumbnails.shape
    tops = np.quantile(thumbnails.reshape(n_layers, n_heads, -1), 0.99, axis=-1)
    scaled = np.clip(thumbnails / np.maximum(tops, 1e-12)[..., None, None], 0, 1)
    # One heat map of all: thumbnails with an empty cell around each, on uneven edges.
    pad = np.pad(scaled, ((0, 0), (0, 0), (0, 1), (0, 1)), constant_values=np.nan)
    z = pad.transpose(0, 2, 1, 3).reshape(n_layers * (m + 1), n_heads * (m + 1))
    cell = (1 - _GAP) / m

    def edges(count: int) -> NDArray[np.float64]:
        each = [k + 0.5 + _GAP / 2 + np.arange(m + 1) * cell for k in range(count)]
        return np.append(np.concatenate(each), count + 0.5 + _GAP / 2)

    side = (width - 40) / n_heads
    axis = {
        "showgrid": False,
        "zeroline": False,
        "fixedrange": True,
        "tickfont": {"size": 10, "color": colours.muted},
        "ticks": "",
    }
    title = {"font": {"size": 11, "color": colours.muted}, "standoff": 2}
    chosen = []
    if selected is not None:
        layer, head = selected
        half = 0.5 - _GAP / 8
        chosen = [
            {
                "type": "rect",
                "x0": head + 1 - half,
                "x1": head + 1 + half,
                "y0": layer + 1 - half,
                "y1": layer + 1 + half,
                "line": {"color": colours.select, "width": 2},
            }
        ]
    return go.Figure(
        data=[
            {
                "type": "heatmap",
                "x": edges(n_heads),
                "y": edges(n_layers),
                "z": z,
                "zmin": 0,
                "zmax": 1,
                "hoverongaps": False,
                "showscale": False,
                "colorscale": [list(step) for step in colours.sequential],
                "hovertemplate": "layer %{y:.0f}, head %{x:.0f}<extra></extra>",
            }
        ],
        layout=layout(
            colours,
            int(np.clip(side * n_layers, 60, 640)) + 46,
            margin={"l": 34, "r": 6, "t": 4, "b": 40, "autoexpand": False},
            dragmode=False,
            xaxis={
                **axis,
                "range": [0.5, n_heads + 0.5],
                "title": {**title, "text": "head"},
                "dtick": 1 if n_heads <= 16 else 4,
            },
            yaxis={
                **axis,
                "range": [n_layers + 0.5, 0.5],
                "title": {**title, "text": "layer"},
                "dtick": 1 if n_layers <= 16 else 4,
            },
            shapes=chosen,
        ),
    )
