"""Several spaces of the same sequences: how alike they are, and their maps beside each other."""

from __future__ import annotations

from collections.abc import Sequence as Items
from typing import TYPE_CHECKING, Any

import numpy as np

from .core.colours import class_colours, theme_of
from .core.parts import Figure, dots, font, numbered
from .core.style import layout

if TYPE_CHECKING:
    from ..analysis.maps import AlignedMaps, SpaceComparison

__all__ = ["aligned_planes", "space_likeness"]

_ACROSS = 4  # maps in a row


def space_likeness(found: SpaceComparison, *, theme: str = "light") -> Figure:
    """Draw how alike spaces are, two by two: linear CKA, and neighbours kept.

    Each number stands above what chance gives: sequences of one space shuffled, and neighbours of
    spaces that have nothing in common.
    """
    from plotly.subplots import make_subplots

    colours = theme_of(theme)
    n = len(found.names)
    chance = np.full((n, n), found.by_chance)
    panels = (
        ("linear CKA", found.cka, found.cka_null),
        (f"{found.n_neighbors} nearest neighbours kept", found.kept, chance),
    )
    figure = make_subplots(1, 2, subplot_titles=[one[0] for one in panels], horizontal_spacing=0.16)
    for column, (_, values, null) in enumerate(panels, start=1):
        # Of a space with itself there is nothing to say.
        shown = np.where(np.eye(n, dtype=bool), np.nan, values)
        text = [
            ["" if i == j else f"{values[i, j]:.2f}<br>({null[i, j]:.2f})" for j in range(n)]
            for i in range(n)
        ]
        cells = numbered(
            shown,
            found.names,
            found.names,
            text,
            colours.sequential,
            (0, 1),
            {"outlinewidth": 0, "tickfont": font(10, colours.muted)},
            texttemplate="%{text}" if n <= 8 else None,
            showscale=column == 2,
            hoverongaps=False,
            hover="%{y}, %{x}: %{text} by chance",
        )
        figure.add_trace(cells, 1, column)
    figure.update_layout(**layout(colours, 110 + 42 * max(n, 4)))
    figure.update_layout(margin={"l": 80, "r": 74, "t": 34, "b": 60, "autoexpand": False})
    figure.update_xaxes(showgrid=False, zeroline=False, color=colours.ink, tickangle=-30)
    figure.update_yaxes(showgrid=False, zeroline=False, color=colours.ink, autorange="reversed")
    return figure


def aligned_planes(
    found: AlignedMaps,
    *,
    values: Items[str] | None = None,
    names: Items[str] | None = None,
    theme: str = "light",
) -> Figure:
    """Draw maps beside each other, on the same axes.

    Under each name how far its points are from those of the map before: two maps that have nothing
    in common are about 1.4 apart. `values` has a class of each point, for its colour; `names` are
    shown on hover.
    """
    from plotly.subplots import make_subplots

    colours = theme_of(theme)
    count = found.planes.shape[1]
    classes = ["sequence"] * count if values is None else [str(one) for one in values]
    texts = [f"point {i + 1}" for i in range(count)] if names is None else list(names)
    across = min(_ACROSS, len(found))
    down = -(-len(found) // across)
    titles = [
        f"{name}<br><span style='font-size:11px'>{f'moved {moved:.2f}' if i else ' '}</span>"
        for i, (name, moved) in enumerate(zip(found.names, found.moved, strict=True))
    ]
    figure = make_subplots(
        down, across, subplot_titles=titles, shared_xaxes="all", shared_yaxes="all",
        horizontal_spacing=0.02, vertical_spacing=0.22 / down,
    )  # fmt: skip
    palette = class_colours(classes) if values is not None else {"sequence": colours.tints[0]}
    for at, plane in enumerate(found.planes):
        for name, colour in palette.items():
            mine = [i for i in range(count) if classes[i] == name]
            points = dots(
                plane[mine, 0],
                plane[mine, 1],
                5 if count > 200 else 7,
                colour,
                name=name,
                legendgroup=name,
                showlegend=at == 0 and values is not None,
                text=[texts[i] for i in mine],
                hover="%{text}",
            )
            figure.add_trace(points, at // across + 1, at % across + 1)
    figure.update_layout(**layout(colours, 60 + 230 * down, showlegend=values is not None))
    figure.update_layout(margin={"l": 20, "r": 150 if values is not None else 20, "t": 44, "b": 20})
    hidden: dict[str, Any] = {
        "showgrid": False,
        "zeroline": False,
        "showticklabels": False,
        "showline": True,
        "mirror": True,
        "linecolor": colours.grid,
    }
    figure.update_xaxes(**hidden)
    figure.update_yaxes(**hidden)
    return figure
