"""What an exact repeat adds, against how far back it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..core.colours import OKABE_ITO, theme_of
from ..core.parts import Figure
from ..core.style import MARGIN, layout, value_axis

if TYPE_CHECKING:
    from ...analysis.inside.repeats import Recall

__all__ = ["recall_curve"]


def recall_curve(found: Recall, *, height: int = 300, theme: str = "light") -> Figure:
    """Draw the gain in nats a token against the distance of the copy, with 95% intervals.

    Parameters
    ----------
    found : Recall
    height : int
        Pixels.
    theme : str
        ``"light"`` or ``"dark"``.

    Returns
    -------
    plotly.graph_objects.Figure
        Full line: the model. Dotted: its untrained twin, where there is one. 0: a copy is worth
        what a shuffled one is.
    """
    import plotly.graph_objects as go

    colours = theme_of(theme)
    data: list[dict[str, Any]] = []
    shown = [("trained", found, OKABE_ITO[0], "circle", "solid")]
    if found.twin is not None:
        shown.append(("untrained", found.twin, colours.muted, "circle-open", "dot"))
    for name, one, colour, symbol, dash in shown:
        mean, low, high = one.intervals().T
        data.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": name,
                "x": list(one.distances),
                "y": mean,
                "error_y": {
                    "array": high - mean, "arrayminus": mean - low, "thickness": 1.5, "width": 4,
                    "color": colour,
                },
                "line": {"color": colour, "width": 2, "dash": dash},
                "marker": {"symbol": symbol, "size": 8, "color": colour},
                "hovertemplate": f"{name}, %{{x:,}} bp before: %{{y:+.3f}} nats<extra></extra>",
            }
        )  # fmt: skip
    figure = go.Figure(data)
    figure.update_layout(
        **layout(
            colours,
            height,
            legend={"orientation": "h", "x": 1, "xanchor": "right", "y": 1.02, "yanchor": "bottom"},
        )
    )
    figure.update_layout(showlegend=len(data) > 1, margin={**MARGIN, "t": 30, "b": 48})
    figure.update_xaxes(
        type="log", tickvals=list(found.distances), title="bases before the stretch (log scale)",
        color=colours.ink, showgrid=False, zeroline=False, ticks="outside",
    )  # fmt: skip
    figure.update_yaxes(**value_axis(colours, "gain (nats a token)", (0, 1)))
    figure.add_hline(y=0, line={"color": colours.muted, "width": 1})
    return figure
