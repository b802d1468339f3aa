"""HTML pages that need nothing but themselves: style, numbers, tables."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape

from .colours import Theme
from .style import MONO, SANS

__all__ = ["facts", "page", "table", "tiny"]

_CSS = """
:root { color-scheme: %(scheme)s; }
* { box-sizing: border-box; }
body { margin: 0; background: %(desk)s; color: %(ink)s; font: 15px/1.5 %(sans)s; }
main { max-width: 1080px; margin: 0 auto; padding: 40px 28px 64px; }
h1 { font-size: 28px; line-height: 1.2; margin: 0 0 6px; letter-spacing: -0.01em; }
h2 { font-size: 19px; margin: 44px 0 12px; }
h3 { font-size: 17px; margin: 0; }
h4 { font-size: 13px; margin: 20px 0 6px; }
p { margin: 0 0 10px; max-width: 78ch; }
a { color: inherit; text-decoration-color: %(muted)s; text-underline-offset: 2px; }
.muted, small, figcaption { color: %(muted)s; }
small, figcaption { font-size: 12.5px; }
figure { margin: 0; }
svg { display: block; max-width: 100%%; height: auto; }
td svg { max-width: none; }
sup { line-height: 0; font-size: 0.75em; }
.mono { font-family: %(mono)s; }
.facts { display: flex; flex-wrap: wrap; gap: 10px 36px; margin: 22px 0 6px; padding: 0; }
.facts div { min-width: 88px; }
.facts dt { font-size: 12.5px; color: %(muted)s; }
.facts dd { margin: 0; font-size: 22px; line-height: 1.25; font-variant-numeric: tabular-nums; }
.card { background: %(paper)s; border: 1px solid %(line)s; border-radius: 8px;
  padding: 20px 24px 22px; margin: 0 0 20px; break-inside: avoid; }
.head { display: flex; flex-wrap: wrap; align-items: baseline; gap: 4px 16px; margin: 0 0 12px; }
.sign { font-size: 13px; font-weight: 600; }
.split { display: grid; grid-template-columns: minmax(0, 1.35fr) minmax(0, 1fr); gap: 18px 36px; }
.split .facts { margin: 2px 0 14px; gap: 8px 28px; }
.stack { display: grid; gap: 12px; align-content: start; }
.matches { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 14px 28px; }
.match { border-top: 1px solid %(line)s; padding: 8px 0 0; break-inside: avoid; }
.match strong { overflow-wrap: anywhere; }
.match .pair { min-height: 94px; display: grid; align-content: end; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%%; font-size: 13.5px;
  font-variant-numeric: tabular-nums; }
th { text-align: left; font-weight: 600; color: %(muted)s; font-size: 12.5px;
  border-bottom: 1px solid %(muted)s; padding: 4px 14px 4px 0; vertical-align: bottom; }
td { border-bottom: 1px solid %(line)s; padding: 5px 14px 5px 0; vertical-align: middle; }
th.n, td.n { text-align: right; white-space: nowrap; padding-right: 26px; }
tr { break-inside: avoid; }
.sites { font: 13.5px/2 %(mono)s; white-space: pre; overflow-x: auto; color: %(muted)s; }
.sites b { color: %(ink)s; background: %(mark)s; }
.sites u { text-decoration: none; border-bottom: 2px solid; padding-bottom: 1px; }
.sites u.a { border-color: %(tint_a)s; } .sites u.b { border-color: %(tint_b)s; }
.where { color: %(muted)s; font-size: 12px; }
dl.settings { display: grid; grid-template-columns: max-content 1fr; gap: 2px 24px;
  font-size: 13.5px; margin: 0; }
dl.settings dt { color: %(muted)s; } dl.settings dd { margin: 0; overflow-wrap: anywhere; }
ul { padding-left: 20px; margin: 0; max-width: 80ch; } li { margin: 0 0 8px; }
@media (max-width: 760px) { .split, .matches { grid-template-columns: minmax(0, 1fr); } }
@media print {
  @page { margin: 14mm 12mm; }
  body { background: none; font-size: 10.5pt; -webkit-print-color-adjust: exact;
    print-color-adjust: exact; }
  main { padding: 0; max-width: none; } h2 { break-after: avoid; }
  .split { grid-template-columns: minmax(0, 1.35fr) minmax(0, 1fr); }
  .matches { grid-template-columns: repeat(3, minmax(0, 1fr)); }
  .wide, .sites { overflow: visible; }
}
"""


def page(title: str, body: str, colours: Theme) -> str:
    """Put a body of HTML into a page with a plain-text title: one file, its style inside.

    It fetches nothing.
    """
    light = colours.name == "light"
    css = _CSS % {
        "scheme": colours.name,
        "desk": "#f6f7f9" if light else "#0b0d10",
        "ink": colours.ink,
        "muted": colours.muted,
        "paper": colours.paper,
        "line": "#dfe3e8" if light else "#2a3038",
        "mark": colours.select_fill,
        "tint_a": colours.tints[0],
        "tint_b": colours.ink if light else colours.muted,
        "sans": SANS,
        "mono": MONO,
    }
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        # Whatever stands in the page, it can fetch nothing.
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "style-src 'unsafe-inline'; img-src data:\">"
        f"<title>{escape(title)}</title><style>{css}</style></head>\n"
        f"<body><main>{body}</main></body></html>\n"
    )


def facts(items: Iterable[tuple[str, str]]) -> str:
    """Show a few numbers large, each under its name; both plain text."""
    cells = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in items
    )
    return f'<dl class="facts">{cells}</dl>'


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[int] = ()) -> str:
    """Make a table of plain-text heads and rows of HTML cells.

    The columns `numbers` hold numbers, which stand to the right.
    """

    def mark(column: int) -> str:
        return ' class="n"' if column in numbers else ""

    head = "".join(f"<th{mark(i)}>{escape(name)}</th>" for i, name in enumerate(heads))
    body = "".join(
        "<tr>" + "".join(f"<td{mark(i)}>{cell}</td>" for i, cell in enumerate(row)) + "</tr>"
        for row in rows
    )
    return (
        f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
        "</div>"
    )


def tiny(value: float) -> str:
    r"""Write a p-, q- or E-value as HTML.

    Examples
    --------
    >>> tiny(0.034), tiny(3.2e-8), tiny(0.0)
    ('0.034', '3.2\u2009×\u200910<sup>−8</sup>', '&lt; 10<sup>−300</sup>')
    """
    if math.isnan(value):
        return "–"
    if value < 1e-300:
        return "&lt; 10<sup>−300</sup>"
    if value >= 0.001:
        return f"{value:.2g}"
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa}\u2009×\u200910<sup>−{abs(int(exponent))}</sup>"
