"""How byte-pair encoding made its tokens: a tree of merges over the bases."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..attribution.marks import Sight
from ..core.colours import theme_of
from ..core.parts import Figure, base_figure, dots, inscribed, level, line, span_bars
from ..core.style import MARGIN, band, span_text, touching, whole

if TYPE_CHECKING:
    from ...analysis.tokenizers import MergeReplay

__all__ = ["MOST", "Bracket", "brackets", "merge_tree", "near_view"]

#: Bases in sight at most: of more, brackets and tokens cannot be told apart.
MOST = 300
_HEIGHT = 330


def near_view(view: tuple[int, int] | None, n: int, what: str) -> tuple[int, int]:
    """Clip a view to `n` bases, the first 80 by default; ValueError if it has more than 300."""
    shown = whole(view or (0, min(n, 80)), n)
    if shown[1] - shown[0] > MOST:
        raise ValueError(
            f"{shown[1] - shown[0]} bases are too many to tell {what} apart: give a view of up to "
            f"{MOST}"
        )
    return shown


@dataclass(frozen=True, slots=True)
class Bracket:
    """A merge as it is drawn: positions count from 1, heights are log2 of vocabulary entries.

    `span` is (start, border, end), 0-based; `left` and `right` are (x, height) of what is joined.
    """

    span: tuple[int, int, int]
    rank: int
    left: tuple[float, float]
    right: tuple[float, float]
    height: float

    @property
    def centre(self) -> float:
        """Where the next bracket stands on it."""
        return (self.left[0] + self.right[0]) / 2

    @property
    def corners(self) -> tuple[tuple[float, float], ...]:
        """Where its line leads, from left to right."""
        return self.left, (self.left[0], self.height), (self.right[0], self.height), self.right


def brackets(found: MergeReplay) -> Iterator[Bracket]:
    """Place every merge over what it joins."""
    low = float(np.log2(found.smallest))
    tops: dict[tuple[int, int], tuple[float, float]] = {}
    for span, rank in zip(found.spans.tolist(), found.ranks.tolist(), strict=True):
        start, border, end = span
        left, right = (
            tops.pop((a, b), ((a + b) / 2 + 0.5, low)) for a, b in ((start, border), (border, end))
        )
        height = float(np.log2(found.smallest + rank + 1))
        one = Bracket((start, border, end), rank, left, right, height)
        tops[start, end] = one.centre, height
        yield one


def merge_tree(
    found: MergeReplay,
    *,
    view: tuple[int, int] | None = None,
    selected: tuple[int, int] | None = None,
    vocabulary: int | None = None,
    width: int = 900,
    theme: str = "light",
) -> Figure:
    """Draw each merge as a bracket over what it joins, as high as its place in the vocabulary.

    The first 80 bases are in view by default; ValueError for more than 300. `vocabulary` shows what
    so many entries make: merges above its line are faint.
    """
    colours = theme_of(theme)
    bases = found.tokens.bases
    n = len(bases)
    shown = near_view(view, n, "merges")
    sight = Sight(shown, n, width)
    low = np.log2(found.smallest)
    high = np.log2(found.smallest + found.size)
    limit = np.inf if vocabulary is None else np.log2(vocabulary)
    lines: dict[bool, list[tuple[Any, Any]]] = {True: [], False: []}
    x, y, said, kept = [], [], [], []
    for one in brackets(found):
        start, border, end = one.span
        if end <= shown[0] or start >= shown[1]:
            continue
        there = bool(one.height <= limit)
        lines[there] += [*one.corners, (None, None)]
        x.append(one.centre)
        y.append(one.height)
        kept.append(there)
        said.append(
            f"<b>{bases[start:border]}</b> + <b>{bases[border:end]}</b> · merge "
            f"{one.rank + 1:,} of {found.size:,} · bases {span_text(start, end)}"
        )
    data: list[dict[str, Any]] = [
        line([a for a, _ in lines[there]], [b for _, b in lines[there]], colour, 1.1, opacity=faint)
        for there, colour, faint in ((True, colours.ink, 0.85), (False, colours.muted, 0.3))
    ]
    fills = [colours.positive if one else colours.muted for one in kept]
    mark = {"opacity": [0.9 if one else 0.3 for one in kept]}
    data.append(dots(x, y, 6, fills, hovertext=said, hover="%{hovertext}", marker=mark))
    spans, names = _pieces(found, vocabulary)
    at = np.flatnonzero(touching(spans, shown))
    data.append(
        span_bars(
            spans[at],
            np.full(len(at), 0.8),
            [colours.tints[int(i) % 2] for i in at],
            (colours.paper, 1),
            base=np.full(len(at), low - 1.25),
            **inscribed([names[i] if sight.pixels >= 7 else "" for i in at], 9.5, colours),
            hovertext=[
                f"<b>{names[i]}</b> · {len(names[i])} bp · bases {span_text(*spans[i])}" for i in at
            ],
            hover="%{hovertext}",
        )
    )
    ticks = list(range(int(np.ceil(low)), int(high) + 1))
    shown_limit = level(limit, colours.positive, 1.2, "dot")
    return base_figure(
        data,
        colours,
        _HEIGHT + MARGIN["t"] + MARGIN["b"] - 30,
        shown,
        n,
        yaxis={
            "range": [low - 1.35, high + 0.25],
            "title": {"text": "vocabulary entries", "font": {"size": 11}},
            "tickvals": ticks,
            "ticktext": [f"{2**k:,}" for k in ticks],
            "gridcolor": colours.grid,
            "zeroline": False,
            "fixedrange": True,
        },
        shapes=[
            *([band(colours, *selected)] if selected else []),
            *([shown_limit] if np.isfinite(limit) and low < limit < high else []),
        ],
    )


def _pieces(found: MergeReplay, vocabulary: int | None) -> tuple[Any, list[str]]:
    """Return spans and names of the tokens that a vocabulary makes; the whole one by default."""
    tokens = found.tokens
    if vocabulary is None:
        return tokens.spans, list(tokens.tokens)
    borders = found.borders(vocabulary)
    spans = np.stack([borders[:-1], borders[1:]], axis=1)
    return spans, [tokens.bases[a:b].strip() for a, b in spans.tolist()]
