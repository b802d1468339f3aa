"""All heads of all layers: a gallery of their maps, and what they are measured to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..core.colours import OKABE_ITO, SYMBOLS, signed_scale, theme_of
from ..core.columns import legend_beside
from ..core.parts import Figure, box, dots, font, heat, line, make_figure, numbered, quiet_axis
from ..core.style import layout, value_axis

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

    `thumbnails`, (layers, heads, m, m), are those of :func:`dnabert2_explore.analysis.overview`;
    that of layer ``i``, head ``j`` stands around x = j + 1, y = i + 1. `selected`, a layer and a
    head counted from 0, is outlined; `width` decides the height.
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

    def axis(title: str, count: int) -> dict[str, Any]:
        step = 1 if count <= 16 else 4
        small = font(10, colours.muted)
        return quiet_axis(colours, title, 11, 2, tickfont=small, ticks="", dtick=step)

    side = (width - 40) / n_heads
    chosen = []
    if selected is not None:
        half = 0.5 - _GAP / 8
        y, x = ((one + 1 - half, one + 1 + half) for one in selected)
        chosen = [box(x, y, colours.select, 2)]
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
        xaxis=axis("head", n_heads) | {"range": [0.5, n_heads + 0.5]},
        yaxis=axis("layer", n_layers) | {"range": [n_layers + 0.5, 0.5]},
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

    A colour and a symbol a layer; a line leads from what permuted keys give to the head; small
    crosses are the untrained network's heads, where they were measured. `x` and `y` are names in
    `analysis.inside.PROPERTIES`; ValueError for one that was not measured in `found`.
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
            dots(
                found.twin[x].ravel(),
                found.twin[y].ravel(),
                6,
                colours.muted,
                marker={"symbol": "x-thin", "line": {"width": 1.2}},
                name="untrained",
                hover=f"untrained: {x} %{{x:.3g}}, {y} %{{y:.3g}}",
            )
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
        more: dict[str, Any] = {"type": "linear"}
        if name == "distance":  # heads reach over two powers of ten
            more = {"type": "log", "dtick": "D2", "tickformat": ",d"}
        return value_axis(colours, title, (0.0, 1.0), nticks=7, fixedrange=False, **more)

    return make_figure(
        data,
        colours,
        height,
        width=width,
        margin={"l": 62, "r": 150, "t": 12, "b": 46, "autoexpand": False},
        hovermode="closest",
        xaxis=axis(x) | {"anchor": "y"},
        yaxis=axis(y),
        showlegend=True,
        legend=legend_beside(colours),
    )


def head_patch_figure(found: HeadPatchMap, *, theme: str = "light") -> Figure:
    """Draw the share of an effect that each head gives back, beside what passes attention by.

    Columns are heads, all of them together, and the state before the layer; with a twin, the
    untrained network's stand to the right. Layers and heads count from 1, as on every screen. White
    is nothing, full colour everything (beyond -100% and 100%, too).
    """
    from plotly.subplots import make_subplots

    colours = theme_of(theme)
    shown = [one for one in (found, found.twin) if one is not None]
    layers, heads = found.restored.shape
    names = [*(f"head {head + 1}" for head in range(heads)), "all heads", "passing by"]
    titles = ("trained", "untrained")[: len(shown)] if len(shown) > 1 else None
    figure = make_subplots(1, len(shown), subplot_titles=titles, horizontal_spacing=0.08)
    for column, one in enumerate(shown, start=1):
        values = np.column_stack([one.restored, one.layers, one.residual])
        text = [["–" if np.isnan(v) else f"{v:.0%}" for v in row] for row in values]
        cells = numbered(
            values,
            names,
            [f"layer {layer + 1}" for layer in range(layers)],
            text,
            signed_scale(colours),
            (-1, 1),
            {"tickformat": ".0%", "tickvals": [-1, 0, 1]},
            size=11,
            showscale=column == len(shown),
            hover="%{y}, %{x}: %{text} of the effect comes back",
        )
        figure.add_trace(cells, 1, column)
    figure.update_layout(**layout(colours, 100 + 34 * layers))
    figure.update_layout(margin={"l": 62, "r": 88, "t": 28, "b": 60, "autoexpand": False})
    figure.update_xaxes(showgrid=False, zeroline=False, color=colours.ink, tickangle=-30)
    figure.update_yaxes(showgrid=False, zeroline=False, color=colours.ink)
    return figure


def head_agreement_figure(found: HeadAgreement, *, theme: str = "light") -> Figure:
    """Draw how well each head's attention agrees with a dependency map, at equal distance.

    Spearman's correlation among pairs at the same distance; in brackets what 95% of attention maps
    moved along their diagonal stay below. Outlined: heads beyond that.
    """
    colours = theme_of(theme)
    layers, heads = found.chance.shape
    values, chance = found.beyond_distance, found.chance
    reach = max(0.1, float(np.nanmax(np.abs(values), initial=0)))
    text = [
        ["–" if np.isnan(v) else f"{v:.2f}<br>({c:.2f})" for v, c in zip(row, null, strict=True)]
        for row, null in zip(values, chance, strict=True)
    ]
    beyond = np.argwhere(np.abs(values) > chance)
    bar = {"outlinewidth": 0, "tickfont": font(10, colours.muted),
           "title": {"text": "rank correlation", "side": "right"}}  # fmt: skip
    bare = {"showgrid": False, "zeroline": False, "color": colours.ink}
    return make_figure(
        [
            numbered(
                values,
                [f"head {head + 1}" for head in range(heads)],
                [f"layer {layer + 1}" for layer in range(layers)],
                text,
                signed_scale(colours),
                (-reach, reach),
                bar,
                xgap=3,
                ygap=3,
                hoverongaps=False,
                hover="%{y}, %{x}: %{text} by chance",
            )
        ],
        colours,
        70 + 40 * layers,
        margin={"l": 62, "r": 84, "t": 10, "b": 40, "autoexpand": False},
        xaxis=bare,
        yaxis=bare,
        shapes=[
            box((head - 0.48, head + 0.48), (layer - 0.46, layer + 0.46), colours.select, 2)
            for layer, head in beyond.tolist()
        ],
    )
