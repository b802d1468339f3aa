"""What stands out in annotated stretches: features beside an untrained network's, and tracks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.colours import Theme, theme_of
from ..core.columns import legend
from ..core.parts import Figure, aside, dots, font, level, line, make_figure, note, plain_axis
from ..core.style import value_axis

if TYPE_CHECKING:
    from ...analysis.features import FeatureEnrichment
    from ...analysis.inside.track_enrichment import TrackEnrichment

__all__ = ["feature_volcano", "track_contrast"]

#: Pairs of each network that are drawn, the least likely by chance first.
_MOST = 4000
#: Pairs that are named, and the q from which they are.
_NAMED, _FDR = 8, 0.05
#: A p-value that is 0 by rounding is drawn here.
_LEAST = 1e-300


def feature_volcano(found: FeatureEnrichment, *, height: int = 380, theme: str = "light") -> Figure:
    """Draw how much more active features are in stretches, against how sure that is.

    A dot a pair of feature and kind of stretches, the 4,000 least likely by chance at most; open
    ones are an untrained network's. Above the line q is below 0.05; the surest are named.
    """
    colours = theme_of(theme)
    data = []
    if found.twin is not None:
        data.append(_pairs(found.twin, "untrained", "circle-open", colours.muted, 5))
    own = _pairs(found, "trained", "circle", colours.negative, 6)
    data.append(own)
    apart = np.unique(np.round(np.concatenate([one["x"] for one in data]), 3))
    reach = float(np.abs(apart).max(initial=0.5)) * 1.25
    sure = [i for i in range(min(_NAMED, len(own["x"]))) if own["customdata"][i][3] < _FDR]
    top = max([float(np.max(one["y"], initial=0)) for one in data] + [2.0])
    names: list[dict[str, Any]] = []
    for i in sure:
        x, y = own["x"][i], own["y"][i]
        # A name that would lie on another is left to the hover.
        if all(abs(y - one["y"]) > 0.06 * top or abs(x - one["x"]) > 0.5 * reach for one in names):
            names.append(
                note(
                    f"{own['customdata'][i][0]} · {own['customdata'][i][1]}",
                    x,
                    y,
                    colours.ink,
                    xanchor="right" if x > 0.3 * reach else "left",
                    xshift=-7 if x > 0.3 * reach else 7,
                )
            )
    return make_figure(
        data,
        colours,
        height,
        margin={"l": 62, "r": 30, "t": 30, "b": 46, "autoexpand": False},
        hovermode="closest",
        xaxis=plain_axis(
            colours,
            "activation over that in turned stretches (log2)",
            range=[-reach, reach],
            zeroline=True,
            zerolinecolor=colours.grid,
        ),
        yaxis=value_axis(
            colours, "−log10 p", (0.0, 1.0), range=[-0.03 * top, top * 1.08], nticks=6
        ),
        shapes=_borders(found, colours),
        annotations=names,
        showlegend=found.twin is not None,
        legend=legend(colours, 1.01),
    )


def _pairs(
    found: FeatureEnrichment, name: str, symbol: str, colour: str, size: int
) -> dict[str, Any]:
    """Make the dots of one network's features, the least likely by chance first."""
    rows = found.table()
    rows = rows[np.isfinite(rows["fold"]) & (rows["fold"] > 0)].head(_MOST)
    return dots(
        np.log2(rows["fold"].to_numpy()),
        -np.log10(np.maximum(rows["p"].to_numpy(), _LEAST)),
        size,
        colour,
        marker={"symbol": symbol},
        type="scattergl" if len(rows) > 1000 else "scatter",
        name=name,
        customdata=rows[["feature", "stretches", "fold", "q"]].to_numpy(object).tolist(),
        hover=f"{name}: feature %{{customdata[0]}}, %{{customdata[1]}}<br>"
        "fold %{customdata[2]:.3g}, q %{customdata[3]:.2g}",
    )


def _borders(found: FeatureEnrichment, colours: Theme) -> list[dict[str, Any]]:
    """Draw the line above which q is below 0.05; none where nothing is."""
    known = found.p_value[found.q_value < _FDR]
    if not known.size:
        return []
    y = -float(np.log10(max(float(known.max()), _LEAST)))
    label = {"text": "q = 0.05", "textposition": "end", "font": font(10.5, colours.muted)}
    return [level(y, colours.muted, 1, "dot", label=label)]


def track_contrast(found: TrackEnrichment, *, theme: str = "light") -> Figure:
    """Draw a track's mean in each kind of stretch beside that at all other bases.

    Full dots: in the stretches; open: elsewhere. At the right p, from all rotations of the
    stretches round the sequence, and q.
    """
    colours = theme_of(theme)
    order = range(len(found.kinds))[::-1]
    names = [f"{found.kinds[i]} ({int(found.bases[i]):,} bp)" for i in order]
    lines: tuple[list[Any], list[Any]] = ([], [])
    for name, i in zip(names, order, strict=True):
        lines[0].extend([found.outside[i], found.inside[i], None])
        lines[1].extend([name, name, None])
    sides = (
        ("elsewhere", found.outside, "circle-open", colours.muted),
        ("in the stretches", found.inside, "circle", colours.negative),
    )
    return make_figure(
        [
            line(lines[0], lines[1], colours.muted, 1.6, showlegend=False),
            *(
                dots(
                    [float(values[i]) for i in order],
                    names,
                    11,
                    colour,
                    name=side,
                    hover=f"%{{y}}, {side}: %{{x:.4g}}",
                    marker={"symbol": symbol, "line": {"width": 2}},
                )
                for side, values, symbol, colour in sides
            ),
        ],
        colours,
        34 * len(names) + 90,
        margin={"l": 150, "r": 130, "t": 34, "b": 46, "autoexpand": False},
        hovermode="closest",
        xaxis=plain_axis(colours, "mean of the track"),
        yaxis={
            "type": "category",
            "range": [-0.6, len(names) - 0.4],
            "tickfont": font(12, colours.ink),
            "showgrid": False,
            "fixedrange": True,
        },
        annotations=[
            aside("–" if np.isnan(p) else f"p {p:.2g}, q {q:.2g}", 1.01, name, colours.muted)
            for name, p, q in zip(
                names, found.p_value[list(order)], found.q_value[list(order)], strict=True
            )
        ],
        showlegend=True,
        legend=legend(colours, 1.01),
    )
