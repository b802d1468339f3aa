"""Results that show themselves: a line in a terminal, a picture with its caption in a notebook.

A result is plain data and knows no pictures. It says in a line what it is; who draws it is told
once, by the package itself (`draw_with`), and asked only when a notebook shows the result.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Container
from typing import Any

from .origins import recorded

__all__ = [
    "RichDisplay",
    "bases_text",
    "counted",
    "draw_with",
    "span_text",
    "told_kind",
]

#: Characters of the line that stands for a result in a terminal and in lists.
LONGEST = 240

_drawer: Callable[[Any], dict[str, str]] | None = None


def draw_with(drawer: Callable[[Any], dict[str, str]]) -> None:
    """Say what shows a result: by MIME type, HTML for notebooks and Markdown for paper."""
    global _drawer
    _drawer = drawer


def counted(number: int, noun: str, several: str = "") -> str:
    """Write how many of something there are.

    Examples
    --------
    >>> counted(1, "site"), counted(1200, "site"), counted(0, "query", "queries")
    ('1 site', '1,200 sites', '0 queries')
    """
    return f"{number:,} {noun if number == 1 else several or noun + 's'}"


def span_text(start: int, end: int) -> str:
    """Write a half-open span in display coordinates, 1-based inclusive.

    Examples
    --------
    >>> span_text(0, 1000), span_text(4, 5)
    ('1–1,000', '5')
    """
    return f"{start + 1:,}" if end - start == 1 else f"{start + 1:,}–{end:,}"


def bases_text(start: int, end: int) -> str:
    """Write a half-open span as bases on a screen.

    Examples
    --------
    >>> bases_text(0, 1000), bases_text(4, 5)
    ('bases 1–1,000', 'base 5')
    """
    return f"base{'s' if end - start > 1 else ''} {span_text(start, end)}"


class RichDisplay:
    """Base of everything that a cell of a notebook shows: `_line` says what it is.

    A dataclass derives from it with ``repr=False``.

    Examples
    --------
    >>> class Probe(RichDisplay):
    ...     def _line(self):
    ...         return "8 bases"
    >>> Probe()
    <Probe: 8 bases>
    """

    # Where a result comes from is kept beside it as long as it lives.
    __slots__ = ("__weakref__",)

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        table = cls.__dict__.get("table")
        if callable(table) and not hasattr(table, "__recorded__"):
            cls.table = recorded(of_results=True)(table)  # type: ignore[attr-defined]

    def _line(self) -> str:
        """Say in a line, without a full stop, what this is and what came out."""
        # A class with a __repr__ or a __str__ of its own has said it there.
        if type(self).__repr__ is not RichDisplay.__repr__:
            return repr(self).removeprefix(f"<{type(self).__name__}").strip(" :>")
        if type(self).__str__ is object.__str__:
            raise NotImplementedError(f"{type(self).__name__} does not say what it is in _line.")
        return str(self)

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__}: {textwrap.shorten(self._line(), LONGEST, placeholder=' …')}>"
        )

    def _repr_mimebundle_(
        self, include: Container[str] | None = None, exclude: Container[str] | None = None
    ) -> dict[str, str]:
        """Give Jupyter a picture, and text where it shows none (IPython's protocol)."""
        plain = {"text/plain": repr(self)}
        return plain if _drawer is None else plain | _drawer(self)


def told_kind(given: Any) -> str:
    """Say what cannot be drawn or opened, and what to do with it instead.

    Examples
    --------
    >>> told_kind(3)
    'an int: give what a call of this package returned, such as attribute(enc, sequence)'
    """
    kind = type(given).__name__
    if isinstance(given, list | tuple) and given and isinstance(given[0], RichDisplay):
        return (
            f"{counted(len(given), type(given[0]).__name__)} at once: give one, such as [0] of it"
        )
    if isinstance(given, RichDisplay):
        rows = ", and .table() has its numbers" if callable(getattr(given, "table", None)) else ""
        return f"this {kind}: its name at the end of a cell shows it{rows}"
    return (
        f"{'an' if kind[0] in 'AEIOUaeiou' else 'a'} {kind}: give what a call of this package "
        "returned, such as attribute(enc, sequence)"
    )
