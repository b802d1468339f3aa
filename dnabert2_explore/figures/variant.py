"""A variant: both alleles' tokens on one axis, what changes about them, and its score in parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .core.colours import Theme, theme_of
from .core.parts import (
    Figure,
    axis_title,
    bars,
    dots,
    font,
    make_figure,
    note,
    quiet_axis,
    signs,
    words,
)
from .core.style import LETTER_PX, MONO, band, pixels_per_base, signed_axis, value_axis

if TYPE_CHECKING:
    from ..analysis.variants.compare import VariantComparison
    from ..tokens import Tokens

__all__ = ["score_waterfall", "variant_tracks"]

_HEIGHT = 500
#: Heights of the panels, from below, as shares of the figure.
_PARTS, _ATTRIBUTION, _ATTENTION, _TOKENS = (0, 0.22), (0.36, 0.53), (0.58, 0.75), (0.79, 1.0)
_ROWS = ("prior", "content", "retokenisation", "llr")
_NAMES = {
    "prior": "prior (tokens alone)",
    "content": "content",
    "retokenisation": "re-tokenisation",
    "context": "context",
    "llr": "log-likelihood ratio",
}


def variant_tracks(
    result: VariantComparison,
    *,
    layer: int | None = None,
    view: tuple[int, int] | None = None,
    width: int = 900,
    theme: str = "light",
) -> Figure:
    """Draw both alleles' tokens, the difference in attention and attribution, and the score.

    x counts columns of the shared axis from 1, `view` 36 of them on each side of the alleles by
    default; its ticks are positions on the record. The attention is that of `layer`, counted from
    0, or the mean over all. The scores below have their own axis, in nats.
    """
    colours = theme_of(theme)
    shown = view or (
        max(0, result.start - 36),
        min(result.columns, result.start + result.width + 36),
    )
    pixels = pixels_per_base(shown, width)
    places, names = _ticks(result, shown)
    known = result.attribution is not None
    attribution = np.zeros(result.columns) if result.attribution is None else result.attribution
    attention = result.attention(layer) * 100
    differ = (result.start, result.start + max(result.width, 1))
    traces = [
        *_tokens(result, "ref", pixels, shown, colours),
        *_tokens(result, "alt", pixels, shown, colours),
        _gaps(result, colours),
        _bars(result, attention, "y2", "% of attention", colours),
        _bars(result, attribution, "y3", result.unit, colours),
    ]
    parts, axes = _score_panel(result, colours)
    title = f"position on {result.variant.contig} (bp, counted from 1)"
    missing = note(
        "no attribution: unknown bases lie among the tokens that differ",
        0.5,
        sum(_ATTRIBUTION) / 2,
        colours.muted,
        12,
        xref="paper",
        yref="paper",
    )
    return make_figure(
        [*traces, *parts],
        colours,
        _HEIGHT,
        barmode="overlay",
        bargap=0,
        hovermode="closest",
        dragmode="zoom",
        xaxis={
            "range": [shown[0] + 0.5, shown[1] + 0.5],
            "minallowed": 0.5,
            "maxallowed": result.columns + 0.5,
            "anchor": "y3",
            "title": axis_title(title, colours, 12, 4),
            "tickvals": places,
            "ticktext": names,
            "tickfont": font(11, colours.muted),
            "ticks": "outside",
            "ticklen": 4,
            "tickcolor": colours.muted,
            "showgrid": False,
            "zeroline": False,
            "showline": True,
            "linecolor": colours.muted,
        },
        yaxis=value_axis(
            colours,
            "",
            _TOKENS,
            range=[-0.06, 2.06],
            tickvals=[1.5, 0.5],
            ticktext=["REF", "ALT"],
            showgrid=False,
        ),
        yaxis2=_signed(colours, "Δ attention<br>(%)", _ATTENTION, attention),
        yaxis3=_signed(
            colours,
            f"Δ attribution<br>({result.unit})" if known else "",
            _ATTRIBUTION,
            attribution,
        ),
        shapes=[band(colours, *differ, y0=_ATTRIBUTION[0])],
        annotations=[] if known else [missing],
        **axes,
    )


def score_waterfall(result: VariantComparison, *, theme: str = "light") -> Figure:
    """Draw the parts of the log-likelihood ratio as steps that add up to it.

    Nothing is drawn where the model has no masked-LM head.
    """
    colours = theme_of(theme)
    traces, axes = _score_panel(result, colours)
    axes["yaxis4"]["domain"] = [0, 1]
    return make_figure(traces, colours, 200, **axes)


def _signed(
    colours: Theme, title: str, domain: tuple[float, float], values: NDArray[Any]
) -> dict[str, Any]:
    reach = float(np.max(np.abs(values), initial=0.0))
    return signed_axis(colours, title, domain, reach, visible=bool(title))


def _ticks(result: VariantComparison, shown: tuple[int, int]) -> tuple[list[float], list[str]]:
    """Round positions of the record, where their bases lie on the shared axis."""
    columns = result.column("ref")
    inside = np.flatnonzero((columns >= shown[0]) & (columns < shown[1]))
    if not inside.size:
        return [], []
    span = int(inside[-1] - inside[0]) + 1
    step = next((s for n in range(9) for s in (10**n, 2 * 10**n, 5 * 10**n) if span / s <= 9), span)
    at = [i for i in inside.tolist() if (result.first + i + 1) % step == 0]
    return [float(columns[i]) + 1 for i in at], [f"{result.first + i + 1:,}" for i in at]


def _tokens(
    result: VariantComparison, name: str, pixels: float, shown: tuple[int, int], colours: Theme
) -> list[dict[str, Any]]:
    """One row of blocks, with letters where they can be read."""
    tokens: Tokens = getattr(result, name)
    allele = getattr(result.pair, name)
    columns = result.column(name)
    base = 1.04 if name == "ref" else 0.0
    at = np.flatnonzero(~tokens.special)
    differs = (at >= allele.first) & (at < allele.last)
    fills = [
        colours.warn if tokens.unknown[i] else colours.select_tint if d else colours.tints[i % 2]
        for i, d in zip(at.tolist(), differs, strict=True)
    ]
    # A token over empty columns reaches across them.
    left = columns[tokens.spans[at, 0]]
    right = columns[tokens.spans[at, 1] - 1] + 1
    blocks = bars(
        (left + right) / 2 + 0.5,
        np.full(len(at), 0.96),
        (right - left) * 1.0,
        fills,
        (colours.paper, 1.5),
        base=np.full(len(at), base),
        hovertext=[
            f"<b style='font-family:monospace'>{tokens.tokens[i][:40]}</b> · {name.upper()}"
            f" · {tokens.lengths[i]} bp" + ("<br>differs between the alleles" if d else "")
            for i, d in zip(at.tolist(), differs, strict=True)
        ],
        hover="%{hovertext}",
    )
    half = (shown[1] - shown[0]) // 2
    near = (columns >= shown[0] - half) & (columns < shown[1] + half) & (pixels >= LETTER_PX)
    letters = np.frombuffer(tokens.bases.upper().encode(), dtype="S1").astype(str)[near]
    size = (result.ref_length, result.alt_length)[name == "alt"]
    changed = (columns[near] >= result.start) & (columns[near] < result.start + size)
    return [
        blocks,
        words(
            columns[near] + 1,
            np.full(int(near.sum()), base + 0.48),
            [f"<b>{b}</b>" if c else b for b, c in zip(letters, changed, strict=True)],
            font(int(np.clip(pixels * 1.2, 11, 16)), colours.ink, family=MONO),
        ),
    ]


def _gaps(result: VariantComparison, colours: Theme) -> dict[str, Any]:
    """Columns that the shorter allele leaves empty: a dash through the row."""
    short = min(result.ref_length, result.alt_length)
    base = 1.04 if result.ref_length < result.alt_length else 0.0
    missing = result.width - short
    there = 1 if missing else 0
    return bars(
        [result.start + short + missing / 2 + 0.5] * there,
        [0.96] * there,
        [float(missing)] * there,
        base=[base] * there,
        marker={
            "color": colours.paper,
            "opacity": 0.9,
            "pattern": {"shape": "/", "size": 5, "fgcolor": colours.muted, "fillmode": "overlay"},
            "line": {"width": 0},
        },
        hover=f"{missing} bp that this allele does not have",
    )


def _bars(
    result: VariantComparison, values: NDArray[Any], axis: str, unit: str, colours: Theme
) -> dict[str, Any]:
    """Differences as bars; the hover says which position of the record a column is."""
    where = {int(c): result.first + i for i, c in enumerate(result.column("ref"))}
    texts = [
        f"base {where[i] + 1:,}" if i in where else "inserted base" for i in range(len(values))
    ]
    return bars(
        np.arange(len(values)) + 1,
        values,
        np.ones(len(values)),
        signs(values, colours),
        yaxis=axis,
        hovertext=texts,
        hover=f"%{{hovertext}}: %{{y:+.4f}} {unit}",
    )


def _score_panel(
    result: VariantComparison, colours: Theme
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Draw steps that add up to the score, and what each strand says."""
    values = {name: float(v[0]) for name, v in result.scores.values.items() if len(v)}
    hidden = {"visible": False, "domain": [0.0, 0.01]}
    if "llr" not in values:
        return [], {"xaxis2": {**hidden, "anchor": "y4"}, "yaxis4": {**hidden, "anchor": "x2"}}
    rows = list(_ROWS)
    if not np.isfinite(values["content"]):
        rows = ["prior", "context", "llr"]
    starts, ends, running = [], [], 0.0
    for name in rows:
        begin = 0.0 if name == "llr" else running
        starts.append(begin)
        running = begin + values[name]
        ends.append(running)
    strands = {
        name: values[f"llr_{name}"] for name in ("forward", "reverse") if f"llr_{name}" in values
    }
    # The label of the whole stands beyond the strands' marks.
    whole = values["llr"]
    ends[-1] = (max if whole >= 0 else min)([whole, *strands.values()])
    reach = max(map(abs, [*starts, *ends, *strands.values(), 0.1]))
    both = strands if len(strands) > 1 else {}
    heights = np.arange(len(rows))[::-1]
    parts = bars(
        [values[name] for name in rows],
        heights,
        np.full(len(rows), 0.62),
        orientation="h",
        base=starts,
        xaxis="x2",
        yaxis="y4",
        marker={"color": [*signs([values[name] for name in rows[:-1]], colours), colours.ink]},
        hovertext=[f"{_NAMES[n]}: {values[n]:+.3f} nats" for n in rows],
        hover="%{hovertext}",
    )
    labels = words(
        ends,
        heights,
        [f"  {values[name]:+.2f}  ".replace("-", "−") for name in rows],
        font(11.5, colours.ink),
        textposition=["middle right" if values[name] >= 0 else "middle left" for name in rows],
        xaxis="x2",
        yaxis="y4",
        cliponaxis=False,
    )
    ends_of_strands = dots(
        list(both.values()),
        [0.0] * len(both),
        10,
        colours.paper,
        xaxis="x2",
        yaxis="y4",
        hovertext=[f"{name} strand alone: {value:+.3f} nats" for name, value in strands.items()],
        hover="%{hovertext}",
        marker={
            "symbol": ["triangle-right", "triangle-left"][: len(strands)],
            "line": {"color": colours.select, "width": 1.6},
        },
    )
    title = "ALT minus REF (nats; below 0: REF is likelier)"
    title += " · ▷ ◁ each strand alone" if both else ""
    axes = {
        "xaxis2": {
            "anchor": "y4",
            "domain": [0.16, 1.0],
            "range": [-1.2 * reach, 1.2 * reach],
            "title": axis_title(title, colours, 12, 4),
            "tickfont": font(11, colours.muted),
            "gridcolor": colours.grid,
            "zeroline": True,
            "zerolinecolor": colours.muted,
            "fixedrange": True,
            "nticks": 9,
        },
        "yaxis4": quiet_axis(
            colours,
            anchor="x2",
            domain=list(_PARTS),
            range=[-0.6, len(rows) - 0.4],
            tickvals=heights,
            ticktext=[_NAMES[name] for name in rows],
            tickfont=font(11.5, colours.ink),
        ),
    }
    return [parts, labels, ends_of_strands], axes
