"""All heads of all layers: a gallery of their maps, and what they are measured to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..core.colours import OKABE_ITO, SYMBOLS, theme_of
from ..core.parts import Figure, box, dots, font, heat, line, make_figure
from ..core.style import layout, value_axis
from .dependencies import signed_scale

if TYPE_CHECKING:
    from ...analysis.inside.head_patching import HeadPatchMap
    from ...analysis.inside.heads import HeadAgreement
    from ...analysis.inside.measured_heads import HeadAtlas

__all__ = ["head_agreement_figure", "head_atlas_figure", "head_gallery", "head_patch_figure"]

_GAP = 0.08  # of a thumbnail's width, between thumbnails


def head_gallery(
    thumbnails: NDArray[np.float32],
    *,
    selected: tuple[int, int] | None = None,
    width: int = 360,
    theme: str = "light",
) -> Figure:
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
        "tickfont": font(10, colours.muted),
        "ticks": "",
    }
    title = {"font": font(11, colours.muted), "standoff": 2}
    chosen = []
    if selected is not None:
        layer, head = selected
        half = 0.5 - _GAP / 8
        chosen = [
            box(
                (head + 1 - half, head + 1 + half),
                (layer + 1 - half, layer + 1 + half),
                colours.select,
                2,
            )
        ]
    return make_figure(
        [
            heat(
                edges(n_heads),
                edges(n_layers),
                z,
                colours.sequential,
                0,
                1,
                hoverongaps=False,
                showscale=False,
                hover="layer %{y:.0f}, head %{x:.0f}",
            )
        ],
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
    )


def head_atlas_figure(
    found: HeadAtlas,
    *,
    x: str = "distance",
    y: str = "entropy",
    width: int = 760,
    height: int = 420,
    theme: str = "light",
) -> Figure:
    """Place every head by two of its measured properties, each tied to its null.

    Parameters
    ----------
    found : HeadAtlas
    x, y : str
        Names in `analysis.inside.PROPERTIES`, measured in `found`.
    width, height : int
        Pixels.
    theme : str
        ``"light"`` or ``"dark"``.

    Returns
    -------
    plotly.graph_objects.Figure
        A colour and a symbol a layer; a line leads from what permuted keys give to the head; small
        crosses are the untrained network's heads, where they were measured.

    Raises
    ------
    ValueError
        If a property was not measured.
    """
    from ...analysis.inside import PROPERTIES

    for name in (x, y):
        if name not in found.values:
            raise ValueError(
                f"property {name!r} was not measured; expected one of {', '.join(found.values)}"
            )
    colours = theme_of(theme)
    n_layers, n_heads = found.offset.shape
    data: list[dict[str, object]] = []
    ends = [found.null[x], found.values[x]], [found.null[y], found.values[y]]
    gap = np.full(found.offset.size, np.nan)
    lines = [np.stack([*(v.ravel() for v in pair), gap], axis=1).ravel() for pair in ends]
    data.append(line(lines[0], lines[1], colours.muted, 1, name="permuted keys"))
    if found.twin is not None:
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "x": found.twin[x].ravel(),
                "y": found.twin[y].ravel(),
                "marker": {"symbol": "x-thin", "size": 6, "line": {"width": 1.2}}
                | {"color": colours.muted},
                "name": "untrained",
                "hovertemplate": f"untrained: {x} %{{x:.3g}}, {y} %{{y:.3g}}<extra></extra>",
            }
        )
    for layer in range(n_layers):
        rows = [
            f"layer {layer + 1}, head {head + 1}<br>"
            + "<br>".join(
                f"{name}: {found.values[name][layer, head]:.3g} {PROPERTIES[name][0]}, permuted "
                f"{found.null[name][layer, head]:.3g} (p {found.p[name][layer, head]:.2g})"
                for name in found.values
            )
            for head in range(n_heads)
        ]
        data.append(
            dots(
                found.values[x][layer],
                found.values[y][layer],
                9,
                OKABE_ITO[layer % len(OKABE_ITO)],
                name=f"layer {layer + 1}",
                hovertext=rows,
                hover="%{hovertext}",
                marker={
                    "symbol": SYMBOLS[layer % len(SYMBOLS)],
                    "line": {"width": 1, "color": colours.paper},
                },
            )
        )

    def axis(name: str) -> dict[str, object]:
        title = f"{PROPERTIES[name][1]} ({PROPERTIES[name][0]})"
        made = value_axis(colours, title, (0.0, 1.0), nticks=7)
        wide = name == "distance"  # heads reach over two powers of ten
        return (
            made
            | {"zeroline": False, "type": "log" if wide else "linear"}
            | ({"dtick": "D2", "tickformat": ",d"} if wide else {})
        )

    return make_figure(
        data,
        colours,
        height,
        width=width,
        margin={"l": 62, "r": 150, "t": 12, "b": 46, "autoexpand": False},
        hovermode="closest",
        xaxis=axis(x) | {"anchor": "y", "fixedrange": False},
        yaxis=axis(y) | {"fixedrange": False},
        showlegend=True,
        legend={"x": 1.02, "y": 1, "font": font(11, colours.muted), "bgcolor": "rgba(0,0,0,0)"},
    )


def head_patch_figure(found: HeadPatchMap, *, theme: str = "light") -> Figure:
    """Draw the share of an effect that each head gives back, beside what passes attention by.

    Parameters
    ----------
    found : HeadPatchMap
    theme : str
        ``"light"`` or ``"dark"``.

    Returns
    -------
    plotly.graph_objects.Figure
        Columns are heads, all of them together, and the state before the layer; with a twin, the
        untrained network's stand to the right. White is nothing, full colour everything (beyond
        -100% and 100%, too).
    """
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    colours = theme_of(theme)
    shown = [one for one in (found, found.twin) if one is not None]
    layers, heads = found.restored.shape
    names = [*(f"head {head}" for head in range(heads)), "all heads", "passing by"]
    titles = ("trained", "untrained")[: len(shown)] if len(shown) > 1 else None
    figure = make_subplots(1, len(shown), subplot_titles=titles, horizontal_spacing=0.08)
    for column, one in enumerate(shown, start=1):
        values = np.column_stack([one.restored, one.layers, one.residual])
        text = [["–" if np.isnan(v) else f"{v:.0%}" for v in row] for row in values]
        figure.add_trace(
            go.Heatmap(
                z=values,
                x=names,
                y=[f"layer {layer}" for layer in range(layers)],
                text=text,
                texttemplate="%{text}",
                textfont={"size": 11},
                zmin=-1,
                zmax=1,
                colorscale=signed_scale(colours),
                showscale=column == len(shown),
                colorbar={"tickformat": ".0%", "thickness": 10, "tickvals": [-1, 0, 1]},
                xgap=2,
                ygap=2,
                hovertemplate="%{y}, %{x}: %{text} of the effect comes back<extra></extra>",
            ),
            1,
            column,
        )
    figure.update_layout(**layout(colours, 100 + 34 * layers))
    figure.update_layout(margin={"l": 62, "r": 74, "t": 28, "b": 60, "autoexpand": False})
    figure.update_xaxes(showgrid=False, zeroline=False, color=colours.ink, tickangle=-30)
    figure.update_yaxes(showgrid=False, zeroline=False, color=colours.ink)
    return figure


def head_agreement_figure(found: HeadAgreement, *, theme: str = "light") -> Figure:
    """Draw how well each head's attention agrees with a dependency map, at equal distance.

    Parameters
    ----------
    found : HeadAgreement
    theme : str
        ``"light"`` or ``"dark"``.

    Returns
    -------
    plotly.graph_objects.Figure
        Spearman's correlation among pairs at the same distance; in brackets what 95% of attention
        maps moved along their diagonal stay below. Outlined: heads beyond that.
    """
    import plotly.graph_objects as go

    colours = theme_of(theme)
    layers, heads = found.chance.shape
    values, chance = found.beyond_distance, found.chance
    reach = max(0.1, float(np.nanmax(np.abs(values), initial=0)))
    text = [
        ["–" if np.isnan(v) else f"{v:.2f}<br>({c:.2f})" for v, c in zip(row, null, strict=True)]
        for row, null in zip(values, chance, strict=True)
    ]
    beyond = np.argwhere(np.abs(values) > chance)
    return make_figure(
        [
            go.Heatmap(
                z=values,
                x=[f"head {head}" for head in range(heads)],
                y=[f"layer {layer}" for layer in range(layers)],
                text=text,
                texttemplate="%{text}",
                textfont={"size": 10.5},
                zmin=-reach,
                zmax=reach,
                colorscale=signed_scale(colours),
                colorbar={
                    "thickness": 10,
                    "outlinewidth": 0,
                    "tickfont": font(10, colours.muted),
                    "title": {"text": "rank correlation", "side": "right"},
                },
                xgap=3,
                ygap=3,
                hoverongaps=False,
                hovertemplate="%{y}, %{x}: %{text} by chance<extra></extra>",
            )
        ],
        colours,
        70 + 40 * layers,
        margin={"l": 62, "r": 84, "t": 10, "b": 40, "autoexpand": False},
        xaxis={"showgrid": False, "zeroline": False, "color": colours.ink},
        yaxis={"showgrid": False, "zeroline": False, "color": colours.ink},
        shapes=[
            box((head - 0.48, head + 0.48), (layer - 0.46, layer + 0.46), colours.select, 2)
            for layer, head in beyond.tolist()
        ],
    )
