"""The sequence as the model reads it: tokens on the base axis."""

from __future__ import annotations

from collections.abc import Sequence as Items
from typing import Any

import numpy as np

from ...tokens import Tokens
from ..attribution.marks import Sight
from ..core.colours import Theme, theme_of
from ..core.locus import FeatureLike, feature_axis, feature_traces
from ..core.parts import Figure, bars, base_figure, font, inscribed, line, make_figure, words
from ..core.style import MONO, span_text, touching, value_axis, whole

__all__ = ["token_lengths", "token_ribbon"]

_BLOCK_PX = 1.6  # narrower than this on average, tokens are summed up instead of drawn
_BIN_PX = 4


def token_ribbon(
    tokens: Tokens,
    *,
    view: tuple[int, int] | None = None,
    selected: tuple[int, int] | None = None,
    features: Items[FeatureLike] = (),
    width: int = 900,
    theme: str = "light",
) -> Figure:
    """Draw tokens as blocks on the base axis, as high as they are long, and `features` below.

    Far out a curve of mean token length, nearer one block per token, nearest the bases and the
    vocabulary ids. Only what `view` and half a screen around it hold is put into the figure. Trace
    0 holds the blocks, its ``customdata`` the token indices.
    """
    colours = theme_of(theme)
    n_bases = len(tokens.bases)
    sight = Sight(whole(view, n_bases), n_bases, width)
    at = sight.tokens(tokens)
    near = sight.near(tokens, _BLOCK_PX)
    letters = sight.letters
    both = any(feature.strand == "-" for feature in features)
    foot = (0.36 if both else 0.27) if features else 0.0
    strip = foot + ((0.16 if features else 0.2) if letters else 0.0)
    top = max(int(np.max(tokens.lengths, initial=1)), 4) + 1
    panels: dict[str, Any] = {
        "yaxis": value_axis(
            colours,
            "length (bp)" if near else "mean (bp)",
            (strip + 0.02, 1.0),
            range=[0, top * 1.04],
        ),
        "yaxis2": value_axis(
            colours, "", (foot + 0.02, max(strip, foot + 0.03)), range=[0, 1], visible=False
        ),
        "yaxis3": feature_axis(colours, (0, max(foot - 0.03, 0.01))),
    }
    panels["yaxis3"]["visible"] = bool(features)
    if not both:
        panels["yaxis3"]["range"] = [0.5, 2.3]
    return base_figure(
        [
            _blocks(tokens, at if near else at[:0], selected, sight.pixels, colours),
            _density(tokens, at[:0] if near else at, sight, colours),
            *_letters(tokens, sight.sent if letters else (0, 0), sight.pixels, colours),
            *feature_traces(features, sight.shown, colours, yaxis="y3", width=width),
        ],
        colours,
        176 + ((84 if both else 56) if features else 0),
        sight.shown,
        n_bases,
        selected,
        anchor="y3" if features else ("y2" if letters else "y"),
        **panels,
    )


def _blocks(
    tokens: Tokens, at: Any, selected: tuple[int, int] | None, pixels: float, colours: Theme
) -> dict[str, Any]:
    spans = tokens.spans[at]
    unknown = tokens.unknown[at]
    low, high = selected or (0, 0)
    fills = [
        colours.warn
        if odd
        else colours.select_tint
        if a < high and b > low
        else colours.tints[int(i) % 2]
        for i, odd, (a, b) in zip(at, unknown, spans, strict=True)
    ]
    ids = [
        str(tokens.ids[i]) if not odd and (b - a) * pixels > 8 * len(str(tokens.ids[i])) + 6 else ""
        for i, odd, (a, b) in zip(at, unknown, spans, strict=True)
    ]
    # Special tokens have no bases and no number: the first block is token 1.
    number = np.cumsum(~tokens.special)
    return bars(
        spans.mean(axis=1) + 0.5,
        tokens.lengths[at],
        tokens.lengths[at] * 1.0,
        customdata=at,
        marker={
            "color": fills,
            # Hatched as well as red: not by colour alone. plotly.js wants the pattern's colour said
            # when fills are many.
            "pattern": {
                "shape": ["/" if odd else "" for odd in unknown],
                "size": 5,
                "fgcolor": colours.paper,
                "fillmode": "overlay",
            }
            if unknown.any()
            else None,
            "line": {"color": colours.paper, "width": 1 if pixels > 1.2 else 0},
        },
        **inscribed(ids, 10, colours, "end"),
        hovertext=[
            f"<b style='font-family:monospace'>{_short(tokens.tokens[i])}</b> · id {tokens.ids[i]}"
            f"<br>token {number[i]:,} of {number[-1]:,} · {b - a} bp"
            f" · bases {span_text(a, b)}" + ("<br>not in the vocabulary" if odd else "")
            for i, (a, b), odd in zip(at, spans, unknown, strict=True)
        ],
        hover="%{hovertext}",
    )


def _short(token: str) -> str:
    return token if len(token) <= 40 else f"{token[:40]}…"


def _density(tokens: Tokens, at: Any, sight: Sight, colours: Theme) -> dict[str, Any]:
    """Mean token length in bins a few pixels wide."""
    x: Any = np.zeros(0)
    y: Any = np.zeros(0)
    if len(at):
        shown = sight.shown
        size = max(1, round((shown[1] - shown[0]) / max(sight.drawn / _BIN_PX, 1)))
        bins = tokens.spans[at, 0] // size
        first = int(bins[0])
        counts = np.bincount(bins - first)
        sums = np.bincount(bins - first, weights=tokens.lengths[at].astype(float))
        with np.errstate(invalid="ignore"):
            y = sums / counts
        x = (np.arange(first, first + len(counts)) + 0.5) * size + 0.5
    return line(
        x,
        y,
        colours.tints[0],
        1.2,
        shape="hvh",
        connectgaps=True,
        fill="tozeroy",
        fillcolor=colours.fill,
        hover="near base %{x:,.0f}: tokens of %{y:.1f} bp on average",
    )


def _letters(
    tokens: Tokens, span: tuple[int, int], pixels: float, colours: Theme
) -> list[dict[str, Any]]:
    """Draw the bases, a letter each, on their tokens' tints."""
    bases = tokens.bases[span[0] : span[1]].upper()
    tints: list[str] = []
    if bases:
        owner = np.zeros(len(bases), dtype=np.int64)
        for i in np.flatnonzero(touching(tokens.spans, span) & ~tokens.special):
            a, b = tokens.spans[i]
            owner[max(a - span[0], 0) : b - span[0]] = i
        tints = [colours.tints[int(i) % 2] for i in owner]
    x = np.arange(span[0], span[0] + len(bases)) + 1
    return [
        bars(
            x,
            np.ones(len(bases)),
            np.ones(len(bases)),
            yaxis="y2",
            marker={"color": tints, "opacity": 0.28, "line": {"width": 0}},
        ),
        words(
            x,
            np.full(len(bases), 0.5),
            list(bases),
            {
                "family": MONO,
                "size": int(np.clip(pixels * 1.25, 11, 17)),
                "weight": 600,
                "color": [
                    colours.bases.get("T" if b == "U" else b, colours.bases["N"]) for b in bases
                ],
            },
            yaxis="y2",
        ),
    ]


def token_lengths(tokens: Tokens, *, theme: str = "light") -> Figure:
    """Draw how many tokens there are of each length."""
    colours = theme_of(theme)
    counts = np.bincount(tokens.lengths[~tokens.special], minlength=2)[1:]
    return make_figure(
        [
            {
                "type": "bar",
                "x": np.arange(1, len(counts) + 1),
                "y": counts,
                "marker": {"color": colours.tints[0], "line": {"width": 0}},
                "hovertemplate": "%{y:,} tokens of %{x} bp<extra></extra>",
            }
        ],
        colours,
        220,
        bargap=0.15,
        xaxis={
            "title": {"text": "token length (bp)", "font": {"color": colours.muted}},
            "dtick": 1 if len(counts) < 20 else None,
            "tickfont": font(11, colours.muted),
            "showgrid": False,
            "zeroline": False,
        },
        yaxis=value_axis(colours, "tokens", (0, 1), nticks=4),
    )
