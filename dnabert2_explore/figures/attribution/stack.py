"""Attributions stacked on one base axis, with annotation, motif hits and mutations."""

from __future__ import annotations

from collections.abc import Sequence as Items
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ...sequences import as_dna
from ..core.colours import Theme, signed_scale, theme_of
from ..core.locus import FeatureLike, feature_axis, feature_traces
from ..core.parts import Figure, aside, base_figure, dots, font, heat
from ..core.style import MARGIN, band, signed_axis, value_axis, whole
from ..motifs.hits import arrange_hits, hit_axis, hit_traces
from .lanes import Lane
from .marks import Sight

if TYPE_CHECKING:
    from ...analysis.attribution import Mutagenesis
    from ...analysis.motifs import Hits

__all__ = ["attribution_stack"]

_HEADING, _GAP = 17, 7  # pixels above and below a lane
_BASES = "ACGT"


@dataclass
class _Panel:
    """What is drawn on one y axis: its name and heading, pixels, axis and traces."""

    name: str
    heading: str
    height: int
    axis: dict[str, Any]
    traces: list[dict[str, Any]]
    marked: tuple[tuple[int, int], ...] = ()
    domain: tuple[float, float] = field(default=(0.0, 1.0))


def attribution_stack(
    lanes: Items[Lane],
    *,
    features: Items[FeatureLike] = (),
    hits: Hits | None = None,
    effects: Mutagenesis | None = None,
    view: tuple[int, int] | None = None,
    selected: tuple[int, int] | None = None,
    cursor: int | None = None,
    width: int = 900,
    theme: str = "light",
) -> Figure:
    """Stack attributions of one sequence, or of mutants as long as it, on one base axis.

    Every lane has a scale of its own, symmetric about zero, unless lanes name a common one; from
    the top, the panels ``y``, ``y2``, … are theirs in order. Below them stand `features`, an
    annotation; `hits` of motifs in this one sequence; `effects`, what every mutation of a stretch
    changes, as a map of base and position. Detail follows the zoom as in `attribution_tracks`.
    `cursor` is a base to mark, 0-based. ValueError if there are no lanes, or they have different
    numbers of bases.
    """
    lengths = {len(lane.tokens.bases) for lane in lanes}
    if len(lengths) != 1:
        raise ValueError(f"lanes have {sorted(lengths)} bases; expected one length for all")
    (n_bases,) = lengths
    colours = theme_of(theme)
    sight = Sight(whole(view, n_bases), n_bases, width)
    panels = _score_panels(lanes, sight, colours)
    if features:
        panels.append(_features(features, sight, colours, len(panels) + 1, width))
    if hits is not None:
        panels.append(_hits(hits, sight, colours, len(panels) + 1))
    if effects is not None:
        panels.append(_map(effects, sight, colours, len(panels) + 1))
    height = _place(panels)
    last = _axis(len(panels))
    shapes = [_mark(i + 1, stretch, colours) for i, panel in enumerate(panels)
              for stretch in panel.marked]  # fmt: skip
    if selected:
        shapes.append(band(colours, *selected))
    if cursor is not None:
        line = {"color": colours.select, "width": 2}
        shapes.append(band(colours, cursor, cursor + 1, line=line, layer="above"))
    axes: dict[str, Any] = {
        f"yaxis{i + 1 if i else ''}": {**panel.axis, "domain": list(panel.domain)}
        for i, panel in enumerate(panels)
    }
    return base_figure(
        [trace for panel in panels for trace in panel.traces],
        colours,
        height,
        sight.shown,
        n_bases,
        anchor=last,
        shapes=shapes,
        annotations=[_heading(panel, colours) for panel in panels],
        **axes,
    )


def _axis(number: int) -> str:
    return "y" if number == 1 else f"y{number}"


def _score_panels(lanes: Items[Lane], sight: Sight, colours: Theme) -> list[_Panel]:
    own = [lane.reach(sight) for lane in lanes]
    common = {
        lane.scale: max(r for r, one in zip(own, lanes, strict=True) if one.scale == lane.scale)
        for lane in lanes
        if lane.scale
    }
    height = 78 if len(lanes) <= 4 else 62
    panels = []
    for number, (lane, half) in enumerate(zip(lanes, own, strict=True), start=1):
        half = common.get(lane.scale, half)
        axis = signed_axis(colours, "", (0, 1), half, signed=lane.signed)
        traces = lane.traces(sight, colours, _axis(number))
        panels.append(_Panel(lane.name, lane.heading, height, axis, traces, lane.marked))
    return panels


def _features(
    features: Items[FeatureLike], sight: Sight, colours: Theme, number: int, width: int
) -> _Panel:
    traces = feature_traces(features, sight.shown, colours, yaxis=_axis(number), width=width)
    axis = feature_axis(colours, (0, 1))
    if any(f.strand == "-" for f in features):
        return _Panel("annotation", "", 72, axis, traces)
    return _Panel("annotation", "", 34, axis | {"range": [0.5, 2.3]}, traces)


def _hits(hits: Hits, sight: Sight, colours: Theme, number: int) -> _Panel:
    rows = arrange_hits(hits)
    used = int(rows.max(initial=-1)) + 1
    left = int((rows < 0).sum())
    what = hits.motifs[0].label if len(hits.motifs) == 1 else f"{len(hits.motifs):,} motifs"
    heading = f"{what} · p < {hits.threshold:.2g}"
    if left:
        heading += f" · {left} more under these, with larger p, in the data"
    if not len(hits):
        heading += " · none"
    return _Panel(
        "motif hits",
        heading,
        max(8, 19 * used),
        hit_axis(colours, (0, 1), used),
        hit_traces(hits, rows, sight, colours, _axis(number)),
    )


def _map(effects: Mutagenesis, sight: Sight, colours: Theme, number: int) -> _Panel:
    """Draw what each mutation changes: rows A, C, G, T; the base that is there is dotted."""
    first, last = sight.sent
    values = effects.effects[first:last]
    known = np.flatnonzero(~np.isnan(values).all(axis=1))
    start, stop = (known[0], known[-1] + 1) if len(known) else (0, 0)
    first, values = first + int(start), values[start:stop]
    half = float(np.nanmax(np.abs(effects.effects), initial=0.0)) or 1.0
    letters = as_dna(effects.tokens.bases[first : first + len(values)])
    own = [(first + i + 1, _BASES.index(b)) for i, b in enumerate(letters) if b in _BASES]
    yaxis = _axis(number)
    height = 4 * 17
    cells = heat(
        np.arange(first + 1, first + 1 + len(values)),
        [0, 1, 2, 3],
        values.T,
        signed_scale(colours),
        -half,
        half,
        yaxis=yaxis,
        xgap=1 if sight.pixels > 4 else 0,
        ygap=1,
        customdata=[[letter] * len(values) for letter in _BASES],
        hoverongaps=False,
        colorbar={
            "thickness": 9,
            "x": 1.012,
            "xpad": 0,
            "ypad": 0,
            "len": height + 4,
            "lenmode": "pixels",
            "yref": "paper",
            "nticks": 3,
            "outlinewidth": 0,
            "tickfont": font(10, colours.muted),
            "exponentformat": "none",
        },
        hover=f"%{{x:,d}} to <b>%{{customdata}}</b>: %{{z:+.4f}} {effects.unit}",
    )
    size = 4 if sight.pixels >= 5 else 2
    own_bases = dots([x for x, _ in own], [y for _, y in own], size, colours.muted, yaxis=yaxis)
    axis = value_axis(
        colours,
        "",
        (0, 1),
        range=[3.5, -0.5],
        tickvals=[0, 1, 2, 3],
        ticktext=list(_BASES),
        showgrid=False,
    )
    heading = f"change in {effects.unit} · dot: the base that is there"
    return _Panel("mutated to", heading, height, axis, [cells, own_bases])


def _place(panels: list[_Panel]) -> int:
    """Give every panel its share of the figure, from the top; return the figure's height."""
    total = sum(_HEADING + panel.height + _GAP for panel in panels) - _GAP
    top = float(total)
    for panel in panels:
        top -= _HEADING
        panel.domain = (max(0.0, (top - panel.height) / total), top / total)
        for trace in panel.traces:
            if "colorbar" in trace:
                trace["colorbar"] |= {"y": sum(panel.domain) / 2, "yanchor": "middle"}
        top -= panel.height + _GAP
    return total + MARGIN["t"] + MARGIN["b"]


def _heading(panel: _Panel, colours: Theme) -> dict[str, Any]:
    return aside(
        f"<b style='color:{colours.ink}'>{panel.name}</b>  {panel.heading}",
        0,
        panel.domain[1],
        colours.muted,
        yref="paper",
        yanchor="bottom",
        align="left",
        borderpad=0,
        bgcolor=colours.paper,  # the mark of a selection must not strike through the words
    )


def _mark(number: int, stretch: tuple[int, int], colours: Theme) -> dict[str, Any]:
    """Underline a stretch of one lane."""
    return band(
        colours,
        *stretch,
        yref=f"{_axis(number)} domain",
        y1=0.06,
        fillcolor=colours.select,
        line={"width": 0},
        layer="above",
    )
