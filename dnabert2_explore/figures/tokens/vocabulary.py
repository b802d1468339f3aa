"""Compression and use of vocabularies against their size."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ..core.colours import OKABE_ITO, theme_of
from ..core.columns import legend
from ..core.parts import Figure, axis_title, font, make_figure, note, upright
from ..core.style import MARGIN, value_axis

if TYPE_CHECKING:
    from ...training.vocabulary import VocabularyCurve

__all__ = ["vocabulary_figure"]


def vocabulary_figure(
    found: VocabularyCurve, *, mark: int | None = None, height: int = 320, theme: str = "light"
) -> Figure:
    """Draw bases a token, and the share of entries that are used, against the entries.

    Parameters
    ----------
    found : VocabularyCurve
    mark : int, optional
        Entries of a vocabulary to mark, such as a model's.
    height : int
        Pixels.
    theme : str
        ``"light"`` or ``"dark"``.

    Returns
    -------
    plotly.graph_objects.Figure
        Dotted: the same bases with their dinucleotides shuffled.
    """
    colours = theme_of(theme)
    size = [f"{one:,}" for one in found.sizes]

    def line(values: Any, name: str, colour: str, dash: str, hover: str, axis: str) -> Any:
        return {
            "type": "scatter",
            "mode": "lines+markers",
            "x": list(found.sizes),
            "y": values,
            "yaxis": axis,
            "name": name,
            "line": {"color": colour, "width": 2, "dash": dash},
            "marker": {"size": 7, "color": colour},
            "text": size,
            "hovertemplate": f"%{{text}} entries: {hover}, {name}<extra></extra>",
        }

    bases, share = "%{y:.2f} bases a token", "%{y:.1%} of entries"

    def marked(part: Any) -> list[Any]:
        return [] if mark is None else [part]

    at = 0 if mark is None else math.log10(mark)
    own = note("this model", at, 0.41, colours.select, yref="paper", xanchor="right", xshift=-4)
    share_axis = {"range": [0, 1.05], "tickformat": ".0%", "nticks": 3}
    return make_figure(
        [
            line(found.shuffled, "shuffled", colours.muted, "dot", bases, "y2"),
            line(found.compression, "held out", OKABE_ITO[0], "solid", bases, "y2"),
            line(found.used, "used", OKABE_ITO[2], "solid", share, "y"),
        ],
        colours,
        height,
        hovermode="closest",
        dragmode=False,
        xaxis={
            "type": "log",
            "tickvals": list(found.sizes),
            "ticktext": size,
            "title": axis_title("entries of the vocabulary", colours, 12, 6),
            "tickfont": font(11, colours.muted),
            "showgrid": False,
            "zeroline": False,
            "fixedrange": True,
            "showline": True,
            "linecolor": colours.muted,
        },
        yaxis=value_axis(colours, "entries used", (0.0, 0.36), **share_axis),
        yaxis2=value_axis(colours, "bases a token", (0.46, 1.0), rangemode="tozero"),
        margin={**MARGIN, "t": 26, "b": 44},
        shapes=marked(upright(mark, colours.select, 1, "dot")),
        annotations=marked(own),
        showlegend=True,
        legend=legend(colours, 1.01),
    )
