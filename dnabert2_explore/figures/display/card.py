"""The frame of every display: what it is, picture, table, caption, and where it comes from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from html.parser import HTMLParser

from ..core.colours import Theme, theme_of
from ..core.page import table as table_html
from ..core.style import MONO, SANS

__all__ = ["Card", "counted", "facts", "rows_left", "table"]


@dataclass(frozen=True, slots=True)
class Card:
    """What a notebook shows of a result.

    As plain text `line`, what it is; `caption`, what the picture shows; `provenance`, the model and
    how it ran, or the file. `pictures` are SVG, `tables` HTML.
    """

    line: str
    caption: str = ""
    provenance: str = ""
    pictures: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()

    def html(self, kind: str) -> str:
        """Write it, for a result of class `kind`."""
        parts = ("".join(self.pictures), "".join(self.tables))
        body = "".join(f"<div>{one}</div>" for one in parts if one)
        # A minus that stands before a number, not a hyphen in a name.
        line = re.sub(r"(?<![\w.])-(?=\d)", "−", self.line)
        foot = "".join(
            f'<div class="{name}">{escape(text)}</div>'
            for name, text in (("dx-what", self.caption), ("dx-from", self.provenance))
            if text
        )
        return (
            f'<div class="dx-shown"><style>{_CSS}</style>'
            f'<div class="dx-line"><b>{escape(kind)}</b> {escape(line)}</div>'
            f'<div class="dx-body">{_with_stills(body)}</div>{foot}</div>'
        )

    def markdown(self, kind: str) -> str:
        """Write it without pictures, for what knows no HTML: nbconvert's LaTeX and PDF."""
        tables = _Cells()
        tables.feed("".join(self.tables))
        parts = [f"**{kind}** {_plain(self.line)}"]
        for first, *rest in filter(None, tables.found):
            rows = (first, ["---"] * len(first), *rest)
            parts.append("\n".join(f"| {' | '.join(row)} |" for row in rows))
        parts += [_plain(self.caption), _plain(self.provenance)]
        return "\n\n".join(part for part in parts if part)


def _with_stills(html: str) -> str:
    """Put an image beside every drawing, for pages that do not trust the notebook.

    JupyterLab takes styles and SVG out of what its user has not run, and leaves the words that were
    in them. There `hidden` holds and the image shows; with the style it is the other way round, and
    the drawing has the colours of its page. Where images would make the display too large, words
    stand for them.
    """
    parts, depth, end, left = [], 0, 0, _LARGEST - len(html.encode())
    for tag in re.finditer(r"<svg |</svg>", html):  # a drawing may hold drawings
        if tag[0] == "<svg ":
            if depth == 0:
                parts.append(html[end : tag.start()])
                end = tag.start()
            depth += 1
            continue
        depth -= 1
        if depth == 0:
            drawing, end = html[end : tag.end()], tag.end()
            still = _still(drawing)
            if len(still.encode()) > left:
                still = _NO_ROOM
            left -= len(still.encode())
            parts.append(f'<div class="dx-live" hidden="hidden">{drawing}</div>{still}')
    return "".join([*parts, html[end:]])


def _still(svg: str) -> str:
    """Write a drawing as an image on white paper, which needs no style around it."""
    used = [one for one in _LIGHT.split(";") if one.partition(":")[0] in svg]
    label = re.search(r'aria-label="([^"]*)"', svg)
    theme = theme_of("light")
    style = escape(";".join([f"color:{theme.ink}", f"background:{theme.paper}", *used]))
    whole = svg.replace("<svg ", f'<svg xmlns="http://www.w3.org/2000/svg" style="{style}" ', 1)
    for sign in '%&#<>"':
        whole = whole.replace(sign, f"%{ord(sign):02X}")
    source = f"data:image/svg+xml,{whole}"
    return f'<img class="dx-still" alt="{label[1] if label else ""}" src="{source}"/>'


class _Cells(HTMLParser):
    """The rows of tables, their cells as plain text for Markdown."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[list[list[str]]] = []
        self._cell: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag == "table":
            self.found.append([])
        elif tag == "tr":
            self.found[-1].append([])
        elif tag in ("th", "td"):
            self._cell = []

    def handle_data(self, data: str) -> None:
        if self._cell is not None:
            self._cell.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("th", "td") and self._cell is not None:
            self.found[-1][-1].append(_plain("".join(self._cell)))
            self._cell = None


def _plain(text: str) -> str:
    """Let no sign of a text mean something in Markdown or HTML."""
    return re.sub(r"([\\`*_{}\[\]<>#|$~^])", r"\\\1", " ".join(text.split()))


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[int] = ()) -> str:
    """Make a table of plain text."""
    return table_html(heads, [[escape(str(cell)) for cell in row] for row in rows], numbers)


def facts(items: Iterable[tuple[str, str]]) -> str:
    """Make a table of names and values, both plain text."""
    rows = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in items
    )
    return f'<div class="wide"><table class="dx-facts"><tbody>{rows}</tbody></table></div>'


def counted(number: int, noun: str, before: str = "in ") -> str:
    """Write how many, in the singular for one and then without what the mean is over.

    Examples
    --------
    >>> counted(3, "background", "mean over "), counted(1, "background", "mean over ")
    ('mean over 3 backgrounds', 'in 1 background')
    """
    return f"{before}{number:,} {noun}s" if number != 1 else f"in 1 {noun}"


def rows_left(shown: int, total: int, what: str) -> str:
    """Say how many rows are not shown, and how to see them; empty if all are.

    Examples
    --------
    >>> rows_left(10, 12, "hits"), rows_left(3, 3, "hits")
    ('The first 10 of 12 hits; .table() has all.', '')
    """
    return f"The first {shown:,} of {total:,} {what}; .table() has all." if total > shown else ""


#: Bytes that pictures and tables of a display may have, so that all of it has 100 kB.
_LARGEST = 94_000
_NO_ROOM = (
    '<div class="dx-still">The picture is left out where a notebook is not trusted: run the cell, '
    "or choose File, Trust Notebook.</div>"
)


def _variables(theme: Theme) -> str:
    named = {
        name: getattr(theme, name)
        for name in ("muted", "grid", "paper", "positive", "negative", "warn", "select", "fill")
    }
    named |= {"tint-a": theme.tints[0], "tint-b": theme.tints[1]}
    named |= {f"base-{letter.lower()}": colour for letter, colour in theme.bases.items()}
    return "".join(f"--dx-{name}:{colour};" for name, colour in named.items())


_LIGHT, _DARK = _variables(theme_of("light")), _variables(theme_of("dark"))
# Of those who show notebooks, each says otherwise that its page is light or dark.
_LIGHT_PAGES = ('[data-jp-theme-light="true"]', ".vscode-light", '[theme="light"]')
_DARK_PAGES = ('[data-jp-theme-light="false"]', ".vscode-dark", '[theme="dark"]')

_CSS = (
    f".dx-shown{{{_LIGHT}color:inherit;font:13px/1.45 {SANS};max-width:1120px;padding:4px 0 6px}}"
    f"@media (prefers-color-scheme:dark){{.dx-shown{{{_DARK}}}}}"
    f"{','.join(f'{one} .dx-shown' for one in _LIGHT_PAGES)}{{{_LIGHT}}}"
    f"{','.join(f'{one} .dx-shown' for one in _DARK_PAGES)}{{{_DARK}}}"
    ".dx-shown .dx-live{display:block}.dx-shown .dx-still{display:none}"
    ".dx-shown svg{max-width:100%;height:auto;display:block;overflow:visible}"
    ".dx-shown .dx-line{margin:0 0 8px}"
    ".dx-shown .dx-line b{font-weight:650;margin-right:6px}"
    ".dx-shown .dx-body{display:flex;flex-wrap:wrap;gap:10px 32px;align-items:flex-start}"
    ".dx-shown .dx-body>div{max-width:100%}"
    ".dx-shown .dx-what{margin-top:8px;max-width:95ch}"
    ".dx-shown .dx-from{color:var(--dx-muted);font-size:12px;margin-top:2px;overflow-wrap:anywhere}"
    ".dx-shown .dx-body>div{min-width:0;max-width:100%}"
    ".dx-shown .wide{overflow-x:auto;max-width:100%}"
    ".dx-shown .wide+.wide{margin-top:16px}"
    ".dx-shown.dx-shown table{border-collapse:collapse;font-size:12.5px;margin:0;border:0;"
    "font-variant-numeric:tabular-nums;color:inherit;background:none;width:auto}"
    ".dx-shown.dx-shown tr,.dx-shown.dx-shown tbody tr:nth-child(n){background:none}"
    ".dx-shown.dx-shown th,.dx-shown.dx-shown td{text-align:left;padding:3px 16px 3px 0;border:0;"
    "border-bottom:1px solid var(--dx-grid);vertical-align:top;max-width:46ch;"
    "overflow-wrap:anywhere;white-space:normal}"
    ".dx-shown.dx-shown th{font-weight:600;color:var(--dx-muted)}"
    ".dx-shown.dx-shown tr:has(svg) td{vertical-align:middle}"
    ".dx-shown.dx-shown .n{text-align:right;white-space:nowrap}"
    f".dx-shown .dx-bases{{font:13px/1.6 {MONO};overflow-wrap:anywhere}}"
)
