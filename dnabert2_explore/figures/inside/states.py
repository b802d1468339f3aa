"""Layers × places, drawn on the base axis: the lens and the patch map."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.colours import Theme, signed_scale, theme_of
from ..core.columns import edges_of, legend, shown_of, spread, steps
from ..core.parts import Figure, base_figure, box, colour_bar, heat
from ..core.style import MARGIN, base_axis, span_text, value_axis, whole

if TYPE_CHECKING:
    from ...analysis.inside.patching import PatchMap
    from ...analysis.inside.readout import LayerLens

__all__ = ["lens_figure", "patch_figure"]


def lens_figure(
    found: LayerLens,
    *,
    view: tuple[int, int] | None = None,
    selected: tuple[int, int] | None = None,
    shown: str = "trained",
    height: int = 300,
    theme: str = "light",
) -> Figure:
    """Draw the rank of every masked token after every layer, dark where it is near the top.

    Above the map, as lines: the rank after the last layer, the untrained twin's where there is one,
    and the rank without any context. `shown` says whose map it is, ``"trained"`` or
    ``"untrained"``; ValueError for another, or a twin that was not computed.
    """
    colours = theme_of(theme)
    one = shown_of(found, shown)
    n = len(found.tokens.bases)
    visible = whole(view, n)
    names = [found.tokens.tokens[place] for place in found.places]
    edges, columns = edges_of(found.spans)
    ranks = spread(np.log10(one.rank), columns)
    every = (found, one, found.twin or found)
    most = float(np.log10(max(10, *(int(each.rank.max()) for each in every), found.common.max())))
    layers = len(one.rank)

    def said(row: int, c: int) -> str:
        if c < 0:
            return ""
        rank, nats, entropy = one.rank[row, c], one.log_prob[row, c], one.entropy[row, c]
        return (
            f"{names[c]} · bases {span_text(*found.spans[c])}<br>after {_layer(row)}: rank "
            f"{rank:,}, {nats:.2f} nats, entropy {entropy:.2f} nats"
        )

    text = [[said(row, c) for c in columns] for row in range(layers)]
    hover = "rank %{y:,.0f}"
    curves = [(found.common, colours.muted, "without context", "dot")]
    if found.twin is not None:
        curves.append((found.twin.rank[-1], colours.ink, "untrained", "dash"))
    curves.append((found.rank[-1], colours.negative, "last layer", "solid"))
    data = [
        *(steps(found.spans, *one, hover) for one in curves),
        heat(
            edges,
            np.arange(layers + 1) - 0.5,
            ranks,
            # Dark is near the top: the scale of all maps, turned round.
            [[1 - at, colour] for at, colour in reversed(colours.sequential)],
            0.0,
            most,
            hoverongaps=False,
            text=text,
            colorbar=colour_bar(
                colours,
                "rank of the true token",
                0.33,
                0.7,
                tickvals=list(range(int(most) + 1)),
                ticktext=[
                    f"{10**power}" if power < 3 else f"{10 ** (power - 3)}k"
                    for power in range(int(most) + 1)
                ],
            ),
            hover="%{text}",
        ),
    ]
    return base_figure(
        data,
        colours,
        height,
        visible,
        n,
        selected,
        mark="above",
        yaxis=_layer_axis(colours, layers, (0.0, 0.66)),
        yaxis2=value_axis(
            colours,
            "rank",
            (0.72, 1.0),
            type="log",
            autorange="reversed",
            nticks=3,
            dtick=1,
            tickformat=",d",
        ),
        margin={**MARGIN, "t": 28},
        showlegend=True,
        legend=legend(colours, 1.02),
    )


def patch_figure(
    found: PatchMap,
    *,
    view: tuple[int, int] | None = None,
    shown: str = "trained",
    height: int = 300,
    theme: str = "light",
) -> Figure:
    """Draw the share of an effect that each layer and token gives back.

    White is nothing, full colour everything (beyond -100% and 100%, too); parts in which the
    alleles differ are outlined. `view` is in bases of the reference. [CLS] and [SEP], which have no
    bases, stand at their places as narrow columns. `shown` is ``"trained"`` or ``"untrained"``;
    ValueError for another, or a twin that was not computed.
    """
    colours = theme_of(theme)
    one = shown_of(found, shown)
    n = len(found.ref.bases)
    visible = whole(view, n)
    # Special tokens have no bases: a column of half a percent of what is in sight stands for each.
    thin = (visible[1] - visible[0]) * 0.006
    spans = one.spans.astype(float)
    empty = spans[:, 1] <= spans[:, 0]
    spans[empty, 0] -= np.where(spans[empty, 0] > 0, 0, thin)
    spans[empty, 1] += np.where(spans[empty, 1] >= n, thin, 0)
    for inner in np.flatnonzero(empty & (spans[:, 1] <= spans[:, 0])):  # within the sequence
        at = spans[inner, 0]
        before = np.flatnonzero((spans[:, 1] == at) & (spans[:, 0] < at))
        room = float((at - spans[before, 0]).min(initial=thin * 2)) / 2
        spans[before, 1] = spans[inner, 0] = at - min(thin, room)
    layers = len(one.restored)
    cells = []
    for part in range(len(spans)):
        a, b = one.ref_parts[part]
        c, d = one.alt_parts[part]
        ref, alt = " ".join(one.ref.tokens[a:b]), " ".join(one.alt.tokens[c:d])
        where = "" if empty[part] else f" · bases {span_text(*one.spans[part])}"
        cells.append(f"{ref}{where}" if ref == alt else f"{ref or '–'} → {alt or '–'}{where}")
    edges, columns = edges_of(spans)

    def said(row: int, c: int) -> str:
        share = f"{one.restored[row, c]:.1%} of the effect comes back"
        return f"{cells[c]}<br>after {_layer(row)}: {share}" if c >= 0 else ""

    text = [[said(row, c) for c in columns] for row in range(layers)]
    shapes = [
        box((spans[part, 0] + 0.5, spans[part, 1] + 0.5), (-0.5, layers - 0.5), colours.select, 1.5)
        for part in np.flatnonzero(one.differs)
    ]
    axis = base_axis(colours, visible, n)
    margin = thin * 1.5 if visible == (0, n) else 0
    axis |= {
        "range": [axis["range"][0] - margin, axis["range"][1] + margin],
        "minallowed": axis["minallowed"] - margin,
        "maxallowed": axis["maxallowed"] + margin,
    }
    return base_figure(
        [
            heat(
                edges,
                np.arange(layers + 1) - 0.5,
                spread(one.restored, columns),
                signed_scale(colours),
                -1.0,
                1.0,
                hoverongaps=False,
                text=text,
                colorbar=colour_bar(
                    colours,
                    "restored (%)",
                    0.5,
                    1.0,
                    tickvals=[-1, -0.5, 0, 0.5, 1],
                    ticktext=["−100", "−50", "0", "50", "100"],
                ),
                hover="%{text}",
            )
        ],
        colours,
        height,
        visible,
        n,
        xaxis=axis,
        yaxis=_layer_axis(colours, layers, (0.0, 1.0)),
        shapes=shapes,
    )


def _layer(row: int) -> str:
    return f"layer {row}" if row else "the embeddings"


def _layer_axis(colours: Theme, layers: int, domain: tuple[float, float]) -> dict[str, Any]:
    return value_axis(
        colours,
        "layer",
        domain,
        range=[layers - 0.5, -0.5],
        tickvals=list(range(0, layers, 1 if layers <= 14 else 2)),
        showgrid=False,
    )
