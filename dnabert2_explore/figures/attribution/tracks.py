"""Attribution on the base axis: a bar per token, a letter per base."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.colours import theme_of
from ..core.parts import Figure, base_figure
from ..core.style import signed_axis, whole
from .marks import Sight, base_bars, logo, reach, strongest_tokens, token_bars

if TYPE_CHECKING:
    from ...analysis.attribution import Attribution

__all__ = ["attribution_tracks"]


def attribution_tracks(
    result: Attribution,
    *,
    view: tuple[int, int] | None = None,
    selected: tuple[int, int] | None = None,
    width: int = 900,
    theme: str = "light",
) -> Figure:
    """Draw token scores as bars and base scores as a logo, both symmetric about zero.

    Far out the strongest score per few pixels is drawn instead of every bar; letters appear once a
    base is wide enough to read. y is in the unit of `result`, per token above and per base below.
    """
    colours = theme_of(theme)
    n_bases = len(result.tokens.bases)
    tokens, scores, unit = result.tokens, result.base_scores, result.unit
    sight = Sight(whole(view, n_bases), n_bases, width)
    shown = sight.shown
    high = reach(result.token_scores[sight.tokens(tokens)])
    # Near, the logo uses the height it has: its scale is that of the stretch in sight.
    low = reach(scores[shown[0] : shown[1]] if sight.letters else scores)
    return base_figure(
        [
            token_bars(tokens, result.token_scores, unit, sight, colours),
            strongest_tokens(tokens, result.token_scores, unit, sight, colours),
            base_bars(scores, tokens.bases, unit, sight, colours),
            *logo(scores, tokens.bases, sight, colours),
        ],
        colours,
        250,
        shown,
        n_bases,
        selected,
        anchor="y2",
        yaxis=signed_axis(colours, f"{unit}/token", (0.56, 1.0), high),
        yaxis2=signed_axis(colours, f"{unit}/base", (0.0, 0.47), low),
    )
