"""Attribution on the base axis: a bar per token, a letter per base."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .colours import Theme, theme_of
from .glyphs import logo_outline
from .style import (
    LETTER_PX,
    MARGIN,
    band,
    base_axis,
    layout,
    pixels_per_base,
    span_text,
    value_axis,
    whole,
    window,
)

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from ..analysis.attribution import Attribution

__all__ = ["attribution_tracks"]

_LETTERS = "ACGTN"
_BLOCK_PX = 1.2


def attribution_tracks(
    result: Attribution,
    *,
    view: tuple[int, int] | None = None,
    selected: tuple[int, int] | None = None,
    width: int = 900,
    theme: str = "light",
) -> go.Figure:
    """Draw token scores as bars and base scores as a logo, both symmetric about zero.

    Far out the strongest score per few pixels is drawn instead of every bar; letters appear once a
    base is wide enough to read.

    Parameters
    ----------
    result : Attribution
    view : tuple of int, optional
        Visible bases, 0-based half-open; the whole sequence by default.
    selected : tuple of int, optional
        Bases to mark, 0-based half-open.
    width : int
        Pixels the figure will have: decides the detail.
    theme : str
        ``"light"`` or ``"dark"``.

    Returns
    -------
    plotly.graph_objects.Figure
        x counts bases from 1; y in the unit of `result`, per token above and per base below.
    """
    import plotly.graph_objects as go

    colours = theme_of(theme)
    n_bases = len(result.segmentation.bases)
    shown = whole(view, n_bases)
    sent = window(shown, n_bases)
    pixels = pixels_per_base(shown, width)
    drawn = width - MARGIN["l"] - MARGIN["r"]
    spans = result.segmentation.spans
    at = np.flatnonzero(
        ~result.segmentation.special & (spans[:, 0] < sent[1]) & (spans[:, 1] > sent[0])
    )
    seen = (spans[at, 0] < shown[1]) & (spans[at, 1] > shown[0])
    near = int(seen.sum()) * _BLOCK_PX <= drawn
    letters = pixels >= LETTER_PX
    high = _reach(result.tokens[at])
    low = _reach(result.nucleotides)
    if letters:
        # Near, the logo uses the height it has: its scale is that of the stretch in sight.
        low = _reach(result.nucleotides[shown[0] : shown[1]])
    return go.Figure(
        data=[
            _token_bars(result, at if near else at[:0], pixels, colours),
            _strongest(result, sent if not near else (0, 0), shown, drawn, colours),
            _base_bars(result, sent, shown, drawn, letters, colours),
            *_logo(result.nucleotides, result.segmentation.bases, sent, letters, colours),
        ],
        layout=layout(
            colours,
            250,
            barmode="overlay",
            bargap=0,
            hovermode="closest",
            dragmode="zoom",
            xaxis=base_axis(colours, shown, n_bases, anchor="y2"),
            yaxis=value_axis(
                colours,
                f"{result.unit}/token",
                (0.56, 1.0),
                range=[-high * 1.08, high * 1.08],
                zeroline=True,
                zerolinecolor=colours.muted,
                nticks=5,
            ),
            yaxis2=value_axis(
                colours,
                f"{result.unit}/base",
                (0.0, 0.47),
                range=[-low * 1.08, low * 1.08],
                zeroline=True,
                zerolinecolor=colours.muted,
                nticks=5,
            ),
            shapes=[band(colours, *selected)] if selected else [],
        ),
    )


def _reach(values: NDArray[Any]) -> float:
    """Largest magnitude, never 0: the half range of a scale symmetric about zero."""
    reach = float(np.max(np.abs(values), initial=0.0))
    return reach if reach > 0 else 1.0


def _signs(values: NDArray[Any], colours: Theme) -> list[str]:
    return [colours.positive if v >= 0 else colours.negative for v in values]


def _token_bars(
    result: Attribution, at: NDArray[np.int64], pixels: float, colours: Theme
) -> dict[str, Any]:
    segmentation = result.segmentation
    spans = segmentation.spans[at]
    scores = result.tokens[at]
    return {
        "type": "bar",
        "x": spans.mean(axis=1) + 0.5,
        "y": scores,
        "width": (spans[:, 1] - spans[:, 0]) * 1.0,
        "customdata": at,
        "marker": {
            "color": _signs(scores, colours),
            "line": {"color": colours.paper, "width": 1 if pixels > 1.2 else 0},
        },
        "hovertext": [
            f"<b style='font-family:monospace'>{segmentation.tokens[i][:40]}</b>"
            f"<br>{score:+.4f} {result.unit} · bases {span_text(int(a), int(b))}"
            for i, score, (a, b) in zip(at, scores, spans, strict=True)
        ],
        "hovertemplate": "%{hovertext}<extra></extra>",
    }


def _extremes(
    values: NDArray[Any], sent: tuple[int, int], size: int
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Find the value of largest magnitude in bins of `size` bases; x in display coordinates."""
    cut = values[sent[0] : sent[1]]
    if not len(cut):
        return np.zeros(0), np.zeros(0)
    edges = np.arange(0, len(cut), size)
    top, bottom = np.maximum.reduceat(cut, edges), np.minimum.reduceat(cut, edges)
    ends = np.append(edges[1:], len(cut))
    return sent[0] + (edges + ends) / 2 + 0.5, np.where(top >= -bottom, top, bottom)


def _strongest(
    result: Attribution,
    sent: tuple[int, int],
    shown: tuple[int, int],
    drawn: int,
    colours: Theme,
) -> dict[str, Any]:
    """Far out: the strongest token score in bins of a few pixels."""
    segmentation = result.segmentation
    per_base = np.zeros(len(segmentation.bases), dtype=np.float32)
    if sent[1]:
        per_base = np.repeat(
            result.tokens[~segmentation.special], segmentation.lengths[~segmentation.special]
        )
    size = max(1, round(3 * (shown[1] - shown[0]) / max(drawn, 1)))
    x, y = _extremes(per_base, sent, size)
    return {
        "type": "bar",
        "x": x,
        "y": y,
        "width": np.full(len(x), float(size)),
        "marker": {"color": _signs(y, colours), "line": {"width": 0}},
        "hovertemplate": "near base %{x:,.0f}: strongest token %{y:+.4f} "
        + result.unit
        + "<extra></extra>",
    }


def _base_bars(
    result: Attribution,
    sent: tuple[int, int],
    shown: tuple[int, int],
    drawn: int,
    letters: bool,
    colours: Theme,
) -> dict[str, Any]:
    """Far out: the strongest base score per pixel or so. Near: invisible carriers of the hover."""
    size = max(1, int(np.ceil(1.5 * (shown[1] - shown[0]) / max(drawn, 1))))
    x, y = _extremes(result.nucleotides, sent, 1 if letters else size)
    return {
        "type": "bar",
        "x": x,
        "y": y,
        "yaxis": "y2",
        "width": np.full(len(x), 1.0 if letters else float(size)),
        "opacity": 0.0 if letters else 1.0,
        "marker": {"color": _signs(y, colours), "line": {"width": 0}},
        "hovertext": [result.segmentation.bases[int(i) - 1] for i in x] if letters else None,
        "hovertemplate": (
            "<b>%{hovertext}</b> at %{x:,d}" if letters else "strongest near base %{x:,.0f}"
        )
        + ": %{y:+.4f} "
        + result.unit
        + "<extra></extra>",
    }


def _logo(
    scores: NDArray[np.float32], bases: str, sent: tuple[int, int], letters: bool, colours: Theme
) -> list[dict[str, Any]]:
    """One filled trace per base, always five: letters as high as their scores."""
    cut = np.frombuffer(
        bases[sent[0] : sent[1]].upper().replace("U", "T").encode("ascii", "replace"), dtype="S1"
    ).astype(str)
    cut = np.where(np.isin(cut, list("ACGT")), cut, "N")
    traces = []
    for letter in _LETTERS:
        at = np.flatnonzero(cut == letter) + sent[0] if letters else np.zeros(0, dtype=np.int64)
        x, y = logo_outline(letter, at, scores[at])
        traces.append(
            {
                "type": "scatter",
                "mode": "lines",
                "x": x,
                "y": y,
                "yaxis": "y2",
                "fill": "toself",
                "fillcolor": colours.bases[letter],
                "line": {"width": 0, "color": colours.bases[letter]},
                "hoverinfo": "skip",
                "name": letter,
            }
        )
    return traces
