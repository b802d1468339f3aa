"""Which layer to embed from: scores by layer, beside what knows nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.colours import OKABE_ITO, theme_of
from ..core.parts import Figure, axis_title, font, line, make_figure, note
from ..core.style import value_axis
from .dependencies import SHOWN

if TYPE_CHECKING:
    from ...analysis.inside.layerwise import LayerScores

__all__ = ["layer_curves"]

TRAINED, UNTRAINED, _ = SHOWN


def layer_curves(
    found: LayerScores,
    *,
    quantity: str = "probe",
    shown: str = "trained",
    height: int = 340,
    theme: str = "light",
) -> Figure:
    """Draw scores by layer, one line a pooling, with what knows nothing beside them.

    Parameters
    ----------
    found : LayerScores
    quantity : str
        ``"probe"`` or ``"purity"``.
    shown : str
        Whose lines are full: ``"trained"``, or ``"untrained"``, and the model's are dotted then.
    height : int
        Pixels.
    theme : str
        ``"light"`` or ``"dark"``.

    Returns
    -------
    plotly.graph_objects.Figure
        Full lines: the model. Dotted, in the same colour: its untrained twin. Dashed: 4-mers. Grey
        band: shuffled labels. Bars: spread over folds, which only the model's have.

    Raises
    ------
    ValueError
        If the quantity or `shown` is unknown.
    """
    if quantity not in ("probe", "purity"):
        raise ValueError(f"quantity {quantity!r} is unknown; expected 'probe' or 'purity'")
    if shown not in (TRAINED, UNTRAINED):
        raise ValueError(f"shown {shown!r} is unknown; expected 'trained' or 'untrained'")
    colours = theme_of(theme)
    values, twin, blind = (
        getattr(found, prefix + quantity) for prefix in ("", "twin_", "shuffled_")
    )
    kmers = getattr(found, f"kmer_{quantity}")
    layers = np.arange(len(values))
    title = "balanced accuracy" if quantity == "probe" else "share of neighbours of the same class"
    data: list[dict[str, Any]] = []
    marks = ("circle", "square", "diamond")
    for column, pooling in enumerate(found.poolings):
        colour = OKABE_ITO[column % len(OKABE_ITO)]
        shared = {"type": "scatter", "x": layers, "mode": "lines+markers"}
        full, dotted = (values, twin) if shown == TRAINED else (twin, values)
        other = UNTRAINED if shown == TRAINED else TRAINED
        name = pooling if shown == TRAINED else f"{pooling}, untrained"
        bars = {"array": found.spread[:, column], "thickness": 1, "width": 3, "color": colour}
        data.append(
            {
                **shared,
                "y": full[:, column],
                "name": name,
                "line": {"color": colour, "width": 2},
                "marker": {"symbol": marks[column % 3], "size": 8},
                "error_y": bars if quantity == "probe" and shown == TRAINED else None,
                "hovertemplate": f"{name}, layer %{{x}}: %{{y:.3f}}<extra></extra>",
            }
        )
        data.append(
            {
                **shared,
                "y": dotted[:, column],
                "name": f"{pooling}, {other}",
                "line": {"color": colour, "width": 1.5, "dash": "dot"},
                "marker": {"symbol": f"{marks[column % 3]}-open", "size": 6},
                "hovertemplate": f"{pooling}, {other}, layer %{{x}}: %{{y:.3f}}<extra></extra>",
            }
        )
    data.append(
        line(
            [-0.3, len(values) - 0.7],
            [kmers, kmers],
            colours.ink,
            1.5,
            dash="dash",
            name="4-mers",
            hover=f"4-mers: {kmers:.3f}",
        )
    )
    band = {
        "type": "rect",
        "xref": "paper",
        "x0": 0,
        "x1": 1,
        "y0": float(blind.min()),
        "y1": float(blind.max()),
        "fillcolor": colours.grid,
        "line": {"width": 0},
        "layer": "below",
    }
    shuffled = note(
        "shuffled labels",
        0.005,
        float(blind.min()),
        colours.muted,
        10.5,
        xref="paper",
        xanchor="left",
        yanchor="bottom",
    )
    low = min(float(v.min()) for v in (values - found.spread, twin, blind))
    return make_figure(
        data,
        colours,
        height,
        margin={"l": 62, "r": 160, "t": 12, "b": 42, "autoexpand": False},
        hovermode="closest",
        dragmode=False,
        xaxis={
            "range": [-0.35, len(values) - 0.65],
            "dtick": 1,
            "title": axis_title("layer (0: embeddings)", colours, 12, 6),
            "tickfont": font(11, colours.muted),
            "showgrid": False,
            "zeroline": False,
            "fixedrange": True,
            "showline": True,
            "linecolor": colours.muted,
        },
        yaxis=value_axis(colours, title, (0.0, 1.0), range=[max(0.0, low - 0.05), 1.02], nticks=6),
        shapes=[band],
        annotations=[shuffled],
        showlegend=True,
        legend={"x": 1.02, "y": 1, "font": font(11, colours.muted), "bgcolor": "rgba(0,0,0,0)"},
    )
