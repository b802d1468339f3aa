"""What stands beside a point that the pointer is on: its name, its columns, its tokens."""

from __future__ import annotations

from html import escape

from ...encoder import Encoder
from ...figures.core.colours import NOT_GIVEN
from ...sequences import Sequence, gc_content
from ..core.explorer import LONGEST

__all__ = ["card_of"]

_TOKENS = 36  # as many as stand on a small card
_COLUMNS = ("species", "category")


def card_of(sequence: Sequence, enc: Encoder, field: str, value: str | float) -> str:
    """Write a card as HTML, with the tokens of `enc`; everything that is data is escaped.

    `field`, with its unit, is what the points are coloured by, `value` that of this one.
    """
    shown = value if isinstance(value, str) else f"{value:,.4g}" if value == value else NOT_GIVEN
    lines = [f"<b>{escape(sequence.name)}</b>", f"{escape(field)}: {escape(shown)}"]
    lines += [
        escape(f"{name}: {sequence.fields[name]}")
        for name in _COLUMNS
        if name in sequence.fields and name != field
    ]
    gc = gc_content(sequence.bases)
    lines.append(f"{len(sequence):,} bp, GC {'unknown' if gc != gc else f'{gc:.0%}'}")
    html = "<br>".join(lines)
    if len(sequence) > LONGEST:
        return html
    tokens = enc.tokenize(sequence).tokens
    chips = "".join(f"<i>{escape(token)}</i>" for token in tokens[:_TOKENS])
    more = f" … of {len(tokens):,} tokens" if len(tokens) > _TOKENS else f" {len(tokens):,} tokens"
    return f"{html}<div class='dx-card-tokens'>{chips}<span class='dx-hint'>{more}</span></div>"
