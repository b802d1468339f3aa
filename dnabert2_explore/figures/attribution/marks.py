"""What attribution is drawn with: bars for tokens and bases, letters where they can be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...sequences import as_dna
from ..core.colours import Theme
from ..core.glyphs import logo_outline
from ..core.parts import area, bars, signs
from ..core.style import LETTER_PX, MARGIN, pixels_per_base, span_text, touching, window

if TYPE_CHECKING:
    from ...tokens import Tokens

__all__ = ["Sight", "base_bars", "extremes", "logo", "reach", "strongest_tokens", "token_bars"]

_LETTERS = "ACGTN"


class Sight:
    """How much of a sequence can be seen, and at what detail.

    `shown` are the visible bases, 0-based half-open, of a figure `width` pixels wide; `sent` those
    that are sent, a margin more, so that panning shows; `pixels` one base has; `drawn` the panels
    have; `letters`: whether a base is wide enough for one.
    """

    def __init__(self, shown: tuple[int, int], n_bases: int, width: int) -> None:
        self.shown = shown
        self.sent = window(shown, n_bases)
        self.pixels = pixels_per_base(shown, width)
        self.drawn = max(1, width - MARGIN["l"] - MARGIN["r"])
        self.letters = self.pixels >= LETTER_PX

    def tokens(self, tokens: Tokens) -> NDArray[np.int64]:
        """Tokens to send."""
        return np.flatnonzero(touching(tokens.spans, self.sent) & ~tokens.special)

    def near(self, tokens: Tokens, block: float = 1.2) -> bool:
        """Whether tokens are wide enough, `block` pixels on average, to draw every one."""
        seen = touching(tokens.spans, self.shown) & ~tokens.special
        return int(seen.sum()) * block <= self.drawn


def reach(values: NDArray[Any]) -> float:
    """Largest magnitude, never 0: the half range of a scale symmetric about zero."""
    found = float(np.max(np.abs(values), initial=0.0))
    return found if found > 0 else 1.0


def token_bars(
    tokens: Tokens,
    scores: NDArray[np.float32],
    unit: str,
    sight: Sight,
    colours: Theme,
    yaxis: str = "y",
) -> dict[str, Any]:
    """Near: a bar per token, as wide as its bases."""
    at = sight.tokens(tokens) if sight.near(tokens) else np.zeros(0, dtype=np.int64)
    spans = tokens.spans[at]
    # Apart by a pixel, not by outlines: those of a bar near 0 would wipe out the zero line.
    gap = 1 / sight.pixels if sight.pixels > 1.2 else 0.0
    return bars(
        spans.mean(axis=1) + 0.5,
        scores[at],
        (spans[:, 1] - spans[:, 0]) - gap,
        signs(scores[at], colours),
        yaxis=yaxis,
        customdata=at,
        hovertext=[
            f"<b style='font-family:monospace'>{tokens.tokens[i][:40]}</b>"
            f"<br>{score:+.4f} {unit} · bases {span_text(*span)}"
            for i, score, span in zip(at, scores[at], spans, strict=True)
        ],
        hover="%{hovertext}",
    )


def strongest_tokens(
    tokens: Tokens,
    scores: NDArray[np.float32],
    unit: str,
    sight: Sight,
    colours: Theme,
    yaxis: str = "y",
) -> dict[str, Any]:
    """Far out: the strongest token score in bins of a few pixels."""
    sent = (0, 0) if sight.near(tokens) else sight.sent
    per_base = np.zeros(len(tokens.bases), dtype=np.float32)
    if sent[1]:
        per_base = np.repeat(scores[~tokens.special], tokens.lengths[~tokens.special])
    size = max(1, round(3 / sight.pixels))
    x, y = extremes(per_base, sent, size)
    return bars(
        x,
        y,
        np.full(len(x), float(size)),
        signs(y, colours),
        yaxis=yaxis,
        hover=f"near base %{{x:,.0f}}: strongest token %{{y:+.4f}} {unit}",
    )


def extremes(
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


def base_bars(
    scores: NDArray[np.float32],
    bases: str,
    unit: str,
    sight: Sight,
    colours: Theme,
    yaxis: str = "y2",
) -> dict[str, Any]:
    """Far out: the strongest base score per pixel or so. Near: invisible carriers of the hover."""
    letters = sight.letters
    size = 1 if letters else max(1, int(np.ceil(1.5 / sight.pixels)))
    x, y = extremes(scores, sight.sent, size)
    return bars(
        x,
        y,
        np.full(len(x), float(size)),
        signs(y, colours),
        yaxis=yaxis,
        opacity=0.0 if letters else 1.0,
        hovertext=[bases[int(i) - 1] for i in x] if letters else None,
        hover=("<b>%{hovertext}</b> at %{x:,d}" if letters else "strongest near base %{x:,.0f}")
        + f": %{{y:+.4f}} {unit}",
    )


def logo(
    scores: NDArray[np.float32], bases: str, sight: Sight, colours: Theme, yaxis: str = "y2"
) -> list[dict[str, Any]]:
    """One filled trace per base, always five: letters as high as their scores."""
    sent = sight.sent
    cut = np.frombuffer(
        as_dna(bases[sent[0] : sent[1]]).encode("ascii", "replace"), dtype="S1"
    ).astype(str)
    cut = np.where(np.isin(cut, list("ACGT")), cut, "N")
    traces = []
    for letter in _LETTERS:
        at = np.flatnonzero(cut == letter) + sent[0] if sight.letters else np.zeros(0, dtype=int)
        # Letters stay upright below zero; where they stand says the sign.
        x, y = logo_outline(letter, at, np.minimum(scores[at], 0), np.maximum(scores[at], 0))
        x, y = x.astype(np.float32), y.astype(np.float32)
        traces.append(area(x, y, colours.bases[letter], yaxis=yaxis, name=letter))
    return traces
