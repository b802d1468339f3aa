"""Compression and use of vocabularies against their size."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ..core.colours import OKABE_ITO, theme_of
from ..core.columns import legend
from ..core.parts import Figure, line, make_figure, note, quiet_axis, upright
from ..core.style import MARGIN, value_axis

if TYPE_CHECKING:
    from ...training.vocabulary import VocabularyCurve

__all__ = ["vocabulary_figure"]


def vocabulary_figure(
    found: VocabularyCurve, *, mark: int | None = None, height: int = 320, theme: str = "light"
) -> Figure:
    """Draw bases a token, and the share of entries that are used, against the entries.

    Dotted: the same bases with their dinucleotides shuffled. `mark` marks so many entries, such as
    a model's.
    """
    colours = theme_of(theme)
    size = [f"{one:,}" for one in found.sizes]

    def curve(values: Any, name: str, colour: str, dash: str, hover: str, axis: str) -> Any:
        more: dict[str, Any] = {
            "mode": "lines+markers",
            "marker": {"size": 7, "color": colour},
            "text": size,
        }
        said = f"%{{text}} entries: {hover}, {name}"
        x = list(found.sizes)
        return line(x, values, colour, 2, dash=dash, hover=said, yaxis=axis, name=name, **more)

    bases, share = "%{y:.2f} bases a token", "%{y:.1%} of entries"

    shapes, notes = [], []
    if mark is not None:
        on: dict[str, Any] = {"yref": "paper", "xanchor": "right", "xshift": -4}
        shapes = [upright(mark, colours.select, 1, "dot")]
        notes = [note("this model", math.log10(mark), 0.41, colours.select, **on)]
    share_axis = {"range": [0, 1.05], "tickformat": ".0%", "nticks": 3}
    return make_figure(
        [
            curve(found.shuffled, "shuffled", colours.muted, "dot", bases, "y2"),
            curve(found.compression, "held out", OKABE_ITO[0], "solid", bases, "y2"),
            curve(found.used, "used", OKABE_ITO[2], "solid", share, "y"),
        ],
        colours,
        height,
        hovermode="closest",
        dragmode=False,
        xaxis=quiet_axis(
            colours,
            "entries of the vocabulary",
            type="log",
            tickvals=list(found.sizes),
            ticktext=size,
            showline=True,
            linecolor=colours.muted,
        ),
        yaxis=value_axis(colours, "entries used", (0.0, 0.36), **share_axis),
        yaxis2=value_axis(colours, "bases a token", (0.46, 1.0), rangemode="tozero"),
        margin={**MARGIN, "t": 26, "b": 44},
        shapes=shapes,
        annotations=notes,
        showlegend=True,
        legend=legend(colours, 1.01),
    )
