"""A table of text, as Markdown."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Table"]


@dataclass(frozen=True, slots=True)
class Table:
    """A table whose cells are text.

    Examples
    --------
    >>> print(Table("Speed", ("tokens", "ratio"), (("128", "1.5"),), "On a laptop.").markdown())
    **Speed**
    <BLANKLINE>
    | tokens | ratio |
    |---|---|
    | 128 | 1.5 |
    <BLANKLINE>
    On a laptop.
    """

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""

    def markdown(self) -> str:
        """Write it in Markdown, the title above and the note below."""
        lines = [f"**{self.title}**", "", _line(self.header), "|" + "---|" * len(self.header)]
        lines += map(_line, self.rows)
        if self.note:
            lines += ["", self.note]
        return "\n".join(lines)


def _line(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"
