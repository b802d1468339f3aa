"""Which layer to embed from: scores by layer, beside what knows nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.colours import OKABE_ITO, theme_of
from ..core.columns import legend_beside
from ..core.parts import Figure, aside, line, make_figure, quiet_axis
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

    Full lines: the model. Dotted, in the same colour: its untrained twin; with `shown` of
    ``"untrained"`` the other way round. Dashed: 4-mers. Grey band: shuffled labels. Bars: spread
    over folds, which only the model's probes have. `quantity` is ``"probe"`` or ``"purity"``;
    ValueError if it or `shown` is another.
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
        full, dotted = (values, twin) if shown == TRAINED else (twin, values)
        other = UNTRAINED if shown == TRAINED else TRAINED
        name = pooling if shown == TRAINED else f"{pooling}, untrained"
        bars = {"array": found.spread[:, column], "thickness": 1, "width": 3, "color": colour}
        data.append(
            line(
                layers,
                full[:, column],
                colour,
                2,
                mode="lines+markers",
                name=name,
                marker={"symbol": marks[column % 3], "size": 8},
                error_y=bars if quantity == "probe" and shown == TRAINED else None,
                hover=f"{name}, layer %{{x}}: %{{y:.3f}}",
            )
        )
        data.append(
            line(
                layers,
                dotted[:, column],
                colour,
                1.5,
                dash="dot",
                mode="lines+markers",
                name=f"{pooling}, {other}",
                marker={"symbol": f"{marks[column % 3]}-open", "size": 6},
                hover=f"{pooling}, {other}, layer %{{x}}: %{{y:.3f}}",
            )
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
    shuffled = aside(
        "shuffled labels", 0.005, float(blind.min()), colours.muted, 10.5, yanchor="bottom"
    )
    low = min(float(v.min()) for v in (values - found.spread, twin, blind))
    return make_figure(
        data,
        colours,
        height,
        margin={"l": 62, "r": 160, "t": 12, "b": 42, "autoexpand": False},
        hovermode="closest",
        dragmode=False,
        xaxis=quiet_axis(
            colours,
            "layer (0: embeddings)",
            range=[-0.35, len(values) - 0.65],
            dtick=1,
            showline=True,
            linecolor=colours.muted,
        ),
        yaxis=value_axis(colours, title, (0.0, 1.0), range=[max(0.0, low - 0.05), 1.02], nticks=6),
        shapes=[band],
        annotations=[shuffled],
        showlegend=True,
        legend=legend_beside(colours),
    )
