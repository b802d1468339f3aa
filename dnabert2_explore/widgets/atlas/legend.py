"""The legend of an atlas: laid out by the page, however many classes there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence as Items
from html import escape

from ...figures.colours import SYMBOLS, class_colours

__all__ = ["legend_line", "marker_svg"]

_MOST = 60  # classes named; a list of thousands is no legend

_SHAPES = {
    "circle": "<circle cx='6' cy='6' r='5'/>",
    "square": "<rect x='1.5' y='1.5' width='9' height='9'/>",
    "diamond": "<path d='M6 0L12 6L6 12L0 6Z'/>",
    "triangle-up": "<path d='M6 1L11.5 11H.5Z'/>",
    "cross": "<path d='M4 0H8V4H12V8H8V12H4V8H0V4H4Z'/>",
    "pentagon": "<path d='M6 .5L11.7 4.7L9.5 11.3H2.5L.3 4.7Z'/>",
    "star": "<path d='M6 0L7.5 4.2H12L8.4 6.9L9.7 11.4L6 8.7L2.3 11.4L3.6 6.9L0 4.2H4.5Z'/>",
    "hexagram": "<path d='M6 0L8 3H12L10 6L12 9H8L6 12L4 9H0L2 6L0 3H4Z'/>",
}


def legend_line(values: Items[str] | Items[float], starred: str = "", n_starred: int = 0) -> str:
    """Write the classes with their colour, marker and number as HTML; none for numbers.

    Parameters
    ----------
    values : sequence of str or float
    starred : str
        What the outlined points are.
    n_starred : int
    """
    counts = Counter(v for v in values if isinstance(v, str))
    every = list(class_colours(counts).items())
    spans = [
        f"<span>{marker_svg(colour, SYMBOLS[i % len(SYMBOLS)])}{escape(name)} "
        f"<i class='dx-hint'>{counts[name]:,}</i></span>"
        for i, (name, colour) in enumerate(every[:_MOST])
    ]
    if len(every) > _MOST:
        spans.append(f"<span class='dx-hint'>and {len(every) - _MOST:,} classes more</span>")
    if n_starred:
        spans.append(
            "<span><svg viewBox='0 0 12 12' aria-hidden='true'><circle cx='6' cy='6' r='5' "
            "fill='none' stroke='currentColor' stroke-width='1.5'/></svg>"
            f"{escape(starred)} (outlined) <i class='dx-hint'>{n_starred:,}</i></span>"
        )
    return "".join(spans)


def marker_svg(colour: str, symbol: str) -> str:
    """Draw a marker of the plot as a small inline picture."""
    return f"<svg viewBox='0 0 12 12' fill='{colour}' aria-hidden='true'>{_SHAPES[symbol]}</svg>"
