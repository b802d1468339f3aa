"""What an exact repeat adds, against how far back it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.colours import OKABE_ITO, theme_of
from ..core.parts import Figure, level, line, make_figure
from ..core.style import MARGIN, value_axis

if TYPE_CHECKING:
    from ...analysis.inside.repeats import Recall

__all__ = ["recall_curve"]


def recall_curve(found: Recall, *, height: int = 300, theme: str = "light") -> Figure:
    """Draw the gain in nats a token against the distance of the copy, with 95% intervals.

    Full line: the model. Dotted: its untrained twin, where there is one. 0: a copy is worth what a
    shuffled one is.
    """
    colours = theme_of(theme)
    data = []
    shown = [("trained", found, OKABE_ITO[0], "circle", "solid")]
    if found.twin is not None:
        shown.append(("untrained", found.twin, colours.muted, "circle-open", "dot"))
    for name, one, colour, symbol, dash in shown:
        mean, low, high = one.intervals().T
        data.append(
            line(
                list(one.distances),
                mean,
                colour,
                2,
                dash=dash,
                mode="lines+markers",
                name=name,
                error_y={"array": high - mean, "arrayminus": mean - low, "thickness": 1.5,
                         "width": 4, "color": colour},
                marker={"symbol": symbol, "size": 8, "color": colour},
                hover=f"{name}, %{{x:,}} bp before: %{{y:+.3f}} nats",
            )
        )  # fmt: skip
    return make_figure(
        data,
        colours,
        height,
        showlegend=len(data) > 1,
        legend={"orientation": "h", "x": 1, "xanchor": "right", "y": 1.02, "yanchor": "bottom"},
        margin={**MARGIN, "t": 30, "b": 48},
        xaxis={
            "type": "log",
            "tickvals": list(found.distances),
            "title": {"text": "bases before the stretch (log scale)"},
            "color": colours.ink,
            "showgrid": False,
            "zeroline": False,
            "ticks": "outside",
        },
        yaxis=value_axis(colours, "gain (nats a token)", (0, 1)),
        shapes=[level(0, colours.muted, 1, xref="x domain", yref="y")],
    )
