"""Several segmentations of one sequence, stacked on its base axis."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...sequences import in_place
from ..attribution.marks import Sight
from ..core.colours import theme_of
from ..core.parts import Figure, aside, base_figure, inscribed, span_bars
from ..core.style import MARGIN, span_text, touching
from .merges import near_view

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...analysis.tokenizers import Cut, TokenizerComparison
    from ...tokens import Tokens

__all__ = ["tokenizer_lanes"]

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
            pairs = zip(cut.tokens.tokens, mutant.tokens, strict=False)
            first = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
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

    Below a BPE stand the tokens of the other strand, turned back. The first 80 bases are in view by
    default; ValueError for more than 300. With `edit`, (start, end, others), as in
    `TokenizerComparison.edit`: below every tokenizer whose tokens share no bases stands what it
    makes of the mutant, on the places of the sequence, new tokens in the colour of a selection.
    """
    colours = theme_of(theme)
    n = len(found.bases)
    shown = near_view(view, n, "tokens")
    sight = Sight(shown, n, width)
    data: list[dict[str, Any]] = []
    names: list[dict[str, Any]] = []
    length = sum(letter != " " for letter in in_place(found.bases))
    top = 0.0
    for lane in _lanes(found, length, edit):
        cut, tokens, spans = lane.cut, lane.tokens, lane.spans
        deep = max(int(cut.cover.max(initial=1)), 1)
        said = lane.said.replace("<b>", f"<b style='color:{colours.ink}'>")
        on = {"yref": "y", "yanchor": "top", "borderpad": 0}
        names.append(aside(said, 0, -top, colours.muted, 10.5, **on))
        top += _HEADING
        at = np.flatnonzero(touching(spans, shown))
        rows = at % deep if deep > 1 else np.zeros(len(at), dtype=np.int64)
        labels = [
            tokens.tokens[i]
            if (spans[i, 1] - spans[i, 0]) * sight.pixels > 7.2 * len(tokens.tokens[i]) + 2
            else ""
            for i in at
        ]
        data.append(
            span_bars(
                spans[at],
                np.full(len(at), _ROW - 1.5),
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
                **inscribed(labels, 9, colours),
                hovertext=[
                    f"{cut.name}: <b>{tokens.tokens[i]}</b> · bases {span_text(*tokens.spans[i])}"
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
