"""Motif hits on the base axis: blocks that point along their strand, the surest first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ...results.rich_display import counted
from ..attribution.marks import Sight
from ..core.colours import Theme, theme_of
from ..core.parts import Figure, bars, font, heading, line, make_figure, words
from ..core.style import MARGIN, SANS, base_axis, span_text, value_axis, whole

if TYPE_CHECKING:
    from ...analysis.motifs import Hits

__all__ = ["arrange_hits", "hit_axis", "hit_traces", "hit_track"]

#: Rows of blocks: what does not fit is counted, not drawn.
ROWS = 4
_CHARACTER_PX = 6.3


def arrange_hits(hits: Hits, rows: int = ROWS) -> NDArray[np.int64]:
    """Give each hit of one sequence a row from the top in which it touches no other, shape (n,).

    The least p-values go first; -1 where none of the `rows` was free.
    """
    placed = np.full(len(hits), -1, dtype=np.int64)
    for i in np.argsort(hits.p_value, kind="stable"):
        for row in range(rows):
            mine = placed == row
            if not ((hits.start[mine] <= hits.end[i]) & (hits.end[mine] >= hits.start[i])).any():
                placed[i] = row
                break
    return placed


def hit_axis(theme: Theme, domain: tuple[float, float], rows: int) -> dict[str, Any]:
    """Make the y axis of so many rows of hits."""
    return value_axis(
        theme, "", domain, range=[-max(rows, 1) + 0.5, 0.5], showticklabels=False, showgrid=False
    )


def hit_traces(
    hits: Hits, rows: NDArray[np.int64], sight: Sight, theme: Theme, yaxis: str
) -> list[dict[str, Any]]:
    """Traces of the hits that `arrange_hits` gave rows: outlines, hover and names. Always three."""
    first, last = sight.sent
    at = np.flatnonzero((rows >= 0) & (hits.start < last) & (hits.end > first)).tolist()
    outlines = [_outline(hits, i, -float(rows[i]), sight) for i in at]
    x, y = np.concatenate(outlines, axis=1) if outlines else np.zeros((2, 0))
    named = [found for i in at if (found := _name(hits, rows, i, sight)) is not None]
    return [
        line(x, y, theme.muted, 1, yaxis=yaxis, fill="toself", fillcolor=theme.fill),
        bars(
            (hits.start[at] + hits.end[at]) / 2 + 0.5,
            np.full(len(at), 0.9),
            (hits.end[at] - hits.start[at]) * 1.0,
            base=-rows[at] - 0.45,
            yaxis=yaxis,
            opacity=0.0,
            hover=[
                f"<b>{hits.motifs[hits.motif[i]].label}</b>, {_strand(hits, i)} strand"
                f"<br>bases {span_text(hits.start[i], hits.end[i])}"
                f"<br>p = {hits.p_value[i]:.1e}, score {hits.score[i]:.1f} bits"
                for i in at
            ],
        ),
        words(
            [x for x, _, _ in named],
            [row for _, row, _ in named],
            [text for _, _, text in named],
            font(11, theme.ink, family=SANS),
            yaxis=yaxis,
            textposition="middle right",
        ),
    ]


def _strand(hits: Hits, i: int) -> str:
    return "+" if hits.strand[i] > 0 else "−"


def _outline(hits: Hits, i: int, y: float, sight: Sight) -> NDArray[np.float64]:
    """Draw a block with a point at its end on its strand, shape (2, 7), closed, then NaN."""
    start, end = float(hits.start[i]) + 0.5, float(hits.end[i]) + 0.5
    tip = min(5 / sight.pixels, (end - start) / 2)
    h = 0.38
    if hits.strand[i] < 0:
        start, end, tip = end, start, -tip
    x = [start, end - tip, end, end - tip, start, start, np.nan]
    return np.array([x, [y + h, y + h, y, y - h, y - h, y + h, np.nan]])


def _name(
    hits: Hits, rows: NDArray[np.int64], i: int, sight: Sight
) -> tuple[float, float, str] | None:
    """Where a hit's name begins: in its block, or behind it where nothing else stands."""
    name = hits.motifs[hits.motif[i]].name
    needed = (len(name) * _CHARACTER_PX + 12) / sight.pixels
    start, end = int(hits.start[i]), int(hits.end[i])
    tip = 0.0 if hits.strand[i] > 0 else 4 / sight.pixels
    if needed <= end - start and start >= sight.shown[0]:
        return start + 0.5 + tip, -float(rows[i]), name
    behind = hits.start[(rows == rows[i]) & (hits.start >= end)].min(initial=sight.shown[1])
    if end >= sight.shown[0] and end + needed <= behind:
        return end + 0.5, -float(rows[i]), name
    return None


def hit_track(
    found: Hits,
    *,
    sequence: int | None = None,
    view: tuple[int, int] | None = None,
    width: int = 900,
    theme: str = "light",
) -> Figure:
    """Draw where motifs occur in one sequence, the surest hits on top.

    Blocks point along their strand. The title counts hits that found no free row. `sequence` is
    counted from 0; the one with the most hits by default. InputError if there is no hit, or no such
    sequence.
    """
    if not len(found):
        raise InputError("There is no hit to draw: scan with a less strict threshold.")
    if sequence is None:
        sequence = int(np.bincount(found.sequence).argmax())
    if not 0 <= sequence < len(found.names):
        raise InputError(
            f"There is no sequence {sequence} among {len(found.names):,}: count from 0."
        )
    colours = theme_of(theme)
    here = found.of(sequence)
    n_bases = int(found.lengths[sequence])
    sight = Sight(whole(view, n_bases), n_bases, width)
    placed = arrange_hits(here)
    rows = int(placed.max(initial=0)) + 1
    text = f"{found.names[sequence]}: {counted(len(here), 'hit')}, p < {found.threshold:g}"
    if (placed < 0).any():
        text += f", {int((placed < 0).sum()):,} of them not drawn: no row is free"
    return make_figure(
        hit_traces(here, placed, sight, colours, "y"),
        colours,
        84 + 24 * rows,
        margin={**MARGIN, "t": 32},
        barmode="overlay",
        title=heading(text),
        xaxis=base_axis(colours, sight.shown, n_bases),
        yaxis=hit_axis(colours, (0, 1), rows),
    )
