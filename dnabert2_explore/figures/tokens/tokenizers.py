"""Several segmentations of one sequence, stacked on its base axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...sequences import in_place
from ..attribution.marks import Sight
from ..core.colours import theme_of
from ..core.parts import Figure, bars, base_figure, font, note
from ..core.style import MARGIN, MONO, span_text, whole

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...analysis.tokenizers import Cut, TokenizerComparison
    from ...tokens import Tokens

__all__ = ["MOST", "tokenizer_lanes"]

#: Bases in sight at most: of more, tokens cannot be told apart.
MOST = 300
_ROW, _GAP, _HEADING = 14, 6, 15  # pixels of a row of tokens, below and above each tokenizer


_THIN = 0.4  # bases that a token of inserted ones is drawn wide
#: A change of bases [start, end) into others.
Edit = tuple[int, int, str]


@dataclass(frozen=True, slots=True)
class _Lane:
    """Tokens of one row of the picture, at places of the sequence."""

    cut: Cut
    tokens: Tokens
    spans: NDArray[np.float64]
    said: str
    new: NDArray[np.bool_]


def _lanes(found: TokenizerComparison, length: int, edit: Edit | None) -> Iterator[_Lane]:
    """Every cut with its heading; below, what it makes of a mutant, and of the other strand."""
    mutants = [None] * len(found.cuts) if edit is None else found.mutant(*edit)
    edited = [None] * len(found.cuts) if edit is None else found.edit(*edit)
    for cut, mutant, told in zip(found.cuts, mutants, edited, strict=True):
        count = max(len(cut.tokens), 1)
        yield _lane(
            cut,
            cut.tokens,
            f"<b>{cut.name}</b>  {len(cut.tokens):,} tokens, {length / count:.2f} bases for each",
        )
        if edit is not None and mutant is not None and told is not None and not cut.overlapping:
            first = next(
                (
                    i
                    for i, (one, other) in enumerate(
                        zip(cut.tokens.tokens, mutant.tokens, strict=False)
                    )
                    if one != other
                ),
                min(len(cut.tokens), len(mutant)),
            )
            new = np.zeros(len(mutant), dtype=bool)
            new[first : first + told.after] = True
            yield _Lane(
                cut,
                mutant,
                _placed(mutant.spans, edit),
                f"<b>{cut.name}, mutant</b>  {len(mutant):,} tokens: {told.after} new ones for "
                f"{told.before}, over {told.reach} bp",
                new,
            )
        other = cut.other_strand
        if other is None:
            continue
        shared, chance = found.strand_agreement(cut.name)
        agreed = (
            "" if shared != shared else f", {shared:.0%} of borders shared (chance {chance:.0%})"
        )
        said = f"<b>{cut.name}, other strand</b>  {len(other):,} tokens{agreed}"
        yield _lane(cut, other, said)


def _lane(cut: Cut, tokens: Tokens, said: str) -> _Lane:
    return _Lane(cut, tokens, tokens.spans.astype(float), said, np.zeros(len(tokens), dtype=bool))


def _placed(spans: NDArray[np.int64], edit: Edit) -> NDArray[np.float64]:
    """Find the places of a mutant's tokens in the sequence; what is inserted has next to none."""
    start, end, to = edit
    inserted = start + len(to)
    share = (spans - start) / max(len(to), 1)
    within = np.where(spans < inserted, start + share * (end - start), spans - inserted + end)
    # Tokens that end where bases were taken out stay there; those that begin there come after.
    before = np.stack([spans[:, 0] < start, spans[:, 1] <= start], axis=1)
    places = np.where(before, spans.astype(float), within)
    thin = places[:, 1] - places[:, 0] < _THIN
    middle = places.mean(axis=1)
    places[thin] = np.stack([middle - _THIN / 2, middle + _THIN / 2], axis=1)[thin]
    return places


def tokenizer_lanes(
    found: TokenizerComparison,
    *,
    view: tuple[int, int] | None = None,
    selected: tuple[int, int] | None = None,
    edit: tuple[int, int, str] | None = None,
    width: int = 900,
    theme: str = "light",
) -> Figure:
    """Draw every tokenizer's tokens as blocks; overlapping ones in as many rows as share a base.

    Below a BPE stand the tokens of the other strand, turned back.

    Parameters
    ----------
    found : TokenizerComparison
    view : tuple of int, optional
        Visible bases, 0-based half-open; by default the first 80.
    selected : tuple of int, optional
        Bases to mark.
    edit : (int, int, str), optional
        Bases [start, end) that others replace, as in `TokenizerComparison.edit`: below every
        tokenizer whose tokens share no bases stands what it makes of the mutant, on the places of
        the sequence, new tokens in the colour of a selection.
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
    n = len(found.bases)
    shown = whole(view or (0, min(n, 80)), n)
    if shown[1] - shown[0] > MOST:
        raise ValueError(
            f"{shown[1] - shown[0]} bases are too many to tell tokens apart: give a view of up to "
            f"{MOST}"
        )
    sight = Sight(shown, n, width)
    data: list[dict[str, Any]] = []
    names: list[dict[str, Any]] = []
    length = sum(letter != " " for letter in in_place(found.bases))
    top = 0.0
    for lane in _lanes(found, length, edit):
        cut, tokens, spans = lane.cut, lane.tokens, lane.spans
        deep = max(int(cut.cover.max(initial=1)), 1)
        names.append(
            note(
                lane.said.replace("<b>", f"<b style='color:{colours.ink}'>"),
                0,
                -top,
                colours.muted,
                10.5,
                xref="paper",
                yref="y",
                xanchor="left",
                yanchor="top",
                borderpad=0,
            )
        )
        top += _HEADING
        at = np.flatnonzero((spans[:, 0] < shown[1]) & (spans[:, 1] > shown[0]))
        rows = at % deep if deep > 1 else np.zeros(len(at), dtype=np.int64)
        labels = [
            tokens.tokens[i]
            if (spans[i, 1] - spans[i, 0]) * sight.pixels > 7.2 * len(tokens.tokens[i]) + 2
            else ""
            for i in at
        ]
        data.append(
            bars(
                spans[at].mean(axis=1) + 0.5,
                np.full(len(at), _ROW - 1.5),
                spans[at, 1] - spans[at, 0],
                [
                    colours.warn
                    if tokens.unknown[i]
                    else colours.select_fill
                    if lane.new[i]
                    else colours.tints[int(i) % 2]
                    for i in at
                ],
                ([colours.select if lane.new[i] else colours.paper for i in at], 1),
                base=-(top + rows * _ROW) - _ROW + 1.5,
                text=labels,
                textposition="inside",
                insidetextanchor="middle",
                textangle=0,
                constraintext="none",
                textfont=font(9, colours.ink, family=MONO),
                hovertext=[
                    f"{cut.name}: <b>{tokens.tokens[i]}</b> · bases "
                    f"{span_text(int(tokens.spans[i, 0]), int(tokens.spans[i, 1]))}"
                    for i in at
                ],
                hover="%{hovertext}",
            )
        )
        top += deep * _ROW + _GAP
    height = round(top + MARGIN["t"] + MARGIN["b"])
    return base_figure(
        data,
        colours,
        height,
        shown,
        n,
        selected,
        yaxis={
            "range": [-top, 0],
            "showticklabels": False,
            "showgrid": False,
            "zeroline": False,
            "fixedrange": True,
            "ticks": "",
        },
        annotations=names,
    )
