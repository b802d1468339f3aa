"""How byte-pair encoding made its tokens: a tree of merges over the bases."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..attribution.marks import Sight
from ..core.colours import theme_of
from ..core.parts import Figure, bars, base_figure, dots, font, level, line
from ..core.style import MARGIN, MONO, band, span_text, whole

if TYPE_CHECKING:
    from ...analysis.tokenizers import MergeReplay

__all__ = ["Bracket", "brackets", "merge_tree"]

#: Bases in sight at most: of more, brackets cannot be told apart.
MOST = 300
_HEIGHT = 330


@dataclass(frozen=True, slots=True)
class Bracket:
    """A merge as it is drawn: positions count from 1, heights are log2 of vocabulary entries.

    Attributes
    ----------
    span : (start, border, end), 0-based
    rank : int
    left, right : (x, height) of what is joined
    height : float
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

    Parameters
    ----------
    found : MergeReplay
    view : tuple of int, optional
        Visible bases, 0-based half-open; by default the first 80.
    selected : tuple of int, optional
        Bases to mark.
    vocabulary : int, optional
        Show what a vocabulary of so many entries makes: merges above its line are faint.
    width : int
        Pixels the figure will have.
    theme : str
        ``"light"`` or ``"dark"``.

    Returns
    -------
    plotly.graph_objects.Figure

    Raises
    ------
    ValueError
        If more than 300 bases are to be seen at once.
    """
    colours = theme_of(theme)
    bases = found.tokens.bases
    n = len(bases)
    shown = whole(view or (0, min(n, 80)), n)
    if shown[1] - shown[0] > MOST:
        raise ValueError(
            f"{shown[1] - shown[0]} bases are too many to tell merges apart: give a view of up to "
            f"{MOST}"
        )
    sight = Sight(shown, n, width)
    low = np.log2(found.smallest)
    high = np.log2(found.smallest + found.size)
    limit = np.inf if vocabulary is None else np.log2(vocabulary)
    lines: dict[bool, tuple[list[Any], list[Any]]] = {True: ([], []), False: ([], [])}
    marks: list[tuple[float, float, str, bool]] = []
    for one in brackets(found):
        start, border, end = one.span
        if end <= shown[0] or start >= shown[1]:
            continue
        there = bool(one.height <= limit)
        xs, ys = lines[there]
        xs += [one.left[0], one.left[0], one.right[0], one.right[0], None]
        ys += [one.left[1], one.height, one.height, one.right[1], None]
        marks.append(
            (
                one.centre,
                one.height,
                f"<b>{bases[start:border]}</b> + <b>{bases[border:end]}</b> · merge "
                f"{one.rank + 1:,} of {found.size:,} · bases {span_text(start, end)}",
                there,
            )
        )
    data: list[dict[str, Any]] = [
        line(
            lines[there][0],
            lines[there][1],
            colours.ink if there else colours.muted,
            1.1,
            opacity=0.85 if there else 0.3,
        )
        for there in (True, False)
    ]
    data.append(
        dots(
            [one[0] for one in marks],
            [one[1] for one in marks],
            6,
            [colours.positive if one[3] else colours.muted for one in marks],
            hovertext=[one[2] for one in marks],
            hover="%{hovertext}",
            marker={"opacity": [0.9 if one[3] else 0.3 for one in marks]},
        )
    )
    spans, names = _pieces(found, vocabulary)
    at = np.flatnonzero((spans[:, 0] < shown[1]) & (spans[:, 1] > shown[0]))
    data.append(
        bars(
            spans[at].mean(axis=1) + 0.5,
            np.full(len(at), 0.8),
            spans[at, 1] - spans[at, 0],
            [colours.tints[int(i) % 2] for i in at],
            (colours.paper, 1),
            base=np.full(len(at), low - 1.25),
            text=[names[i] if sight.pixels >= 7 else "" for i in at],
            textposition="inside",
            insidetextanchor="middle",
            textangle=0,
            constraintext="none",
            textfont=font(9.5, colours.ink, family=MONO),
            hovertext=[
                f"<b>{names[i]}</b> · {len(names[i])} bp · bases "
                f"{span_text(int(spans[i, 0]), int(spans[i, 1]))}"
                for i in at
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
