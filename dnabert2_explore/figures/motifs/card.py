"""One pattern of a motif report: logos, matches, where its sites lie, some of them in tokens."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...sequences import reverse_complement
from ...sequences.motifs.motif import Motif
from ...tokens import Tokens
from ..core.colours import Theme
from ..core.page import facts, tiny
from ..core.style import SANS, span_text
from .logo import logo_svg

if TYPE_CHECKING:
    from ...analysis.motifs.discovery.pattern import Pattern, Sites
    from ...analysis.motifs.match import Match

__all__ = ["anchor", "card"]

_MATCHES = 3
_SITES = 8
_FLANK = 12
_CERTAIN = 0.05  # q-value up to which a match is called one
_BINS = 30
_CARD_PX = 540  # what a logo may take of the card's width
_PAIR_PX = 290


def card(
    pattern: Pattern,
    matches: Sequence[Match] | None,
    lengths: NDArray[np.int64],
    texts: Sequence[str | Tokens] | None,
    names: Sequence[str] | None,
    colours: Theme,
) -> str:
    """Show a pattern as HTML.

    `matches` are the nearest known motifs, best first; None where none were looked for. `lengths`
    are those of the sequences; `texts`, bases or tokens, and `names` may be None.
    """
    motif = pattern.motif
    held = len(np.unique(pattern.sites.sequence))
    style: dict[str, Any] = {
        "column": min(34.0, (_CARD_PX - 40) / len(motif)),
        "theme": colours.name,
    }
    contribution = f"contribution logo of {motif.name}"
    information = f"information logo of {motif.name}"
    numbers = [
        ("sites", f"{len(pattern.sites):,}"),
        ("sequences with one", f"{held:,} ({held / len(lengths):.0%})"),
        ("information", f"{motif.information.sum():.1f} bits"),
    ]
    parts = [
        f'<section class="card" id="{anchor(motif)}"><div class="head">'
        f'<h3>{escape(motif.name)}</h3><span class="mono">{motif.consensus}</span>'
        f"{_sign(pattern.sign, colours)}{_chance(pattern)}</div>",
        '<div class="split"><div class="stack">',
        _figure(
            logo_svg(pattern.contribution, "contribution", height=130, label=contribution, **style),
            "Mean contribution at the sites; 1 is the mean absolute contribution of a base.",
        ),
        _figure(
            logo_svg(motif, height=104, label=information, **style),
            "Information of the base frequencies at the sites.",
        ),
        f"</div><div>{facts(numbers)}",
        _figure(
            _positions(pattern.sites, lengths, colours),
            "Where the sites lie: up as the motif reads, down its reverse complement; "
            "the dashed lines show even spread.",
        ),
        "</div></div>",
    ]
    if matches is not None:
        parts.append(_matches(motif, matches, colours))
    if texts is not None and names is not None:
        parts.append(_sites(pattern.sites, texts, names))
    parts.append("</section>")
    return "".join(parts)


def anchor(motif: Motif) -> str:
    """Name a pattern's place in the page."""
    return escape(motif.name.replace(" ", "-"))


def _figure(svg: str, caption: str) -> str:
    return f"<figure>{svg}<figcaption>{escape(caption)}</figcaption></figure>"


def _sign(sign: int, colours: Theme) -> str:
    if sign > 0:
        return f'<span class="sign" style="color:{colours.positive}">▲ speaks for the output</span>'
    return f'<span class="sign" style="color:{colours.negative}">▼ speaks against the output</span>'


def _chance(pattern: Pattern) -> str:
    if np.isnan(pattern.e_value):
        return ""
    return f"<small>E = {tiny(pattern.e_value)}</small>"


def _positions(sites: Sites, lengths: NDArray[np.int64], colours: Theme) -> str:
    """Histogram of the sites' centres, strands up and down."""
    centre = (sites.start + sites.end) / 2
    same = bool((lengths == lengths[0]).all())
    last = float(lengths[0]) if same else 100.0
    place = centre if same else 100 * centre / lengths[sites.sequence]
    edges = np.linspace(0, last, min(_BINS, int(lengths.max())) + 1)
    counts = [np.histogram(place[sites.strand == s], edges)[0] for s in (1, -1)]
    top = int(max(max(c.max() for c in counts), 1))
    left, width, half = 30, 330, 50
    zero = half + 6
    step = width / (len(edges) - 1)
    bars = "".join(
        f'<rect x="{left + i * step + 0.5:.1f}" width="{max(step - 1, 0.5):.1f}" '
        f'y="{zero - half * n / top if up else zero:.1f}" height="{half * n / top:.1f}" '
        f'fill="{colours.tints[0]}"/>'
        for up, numbers in zip((True, False), counts, strict=True)
        for i, n in enumerate(numbers)
        if n
    )
    even = "".join(
        f'<line x1="{left}" x2="{left + width}" y1="{y:.1f}" y2="{y:.1f}" stroke="{colours.ink}" '
        'stroke-dasharray="3 3" stroke-width="0.8"/>'
        for y in (zero - half * counts[0].mean() / top, zero + half * counts[1].mean() / top)
    )
    floor = zero + half
    marks = [0, last / 2, last]
    labels = "".join(
        f'<text x="{left + width * i / 2:.1f}" y="{floor + 15}" text-anchor="{anchor}">'
        f"{_mark(mark, same)}</text>"
        for i, (mark, anchor) in enumerate(zip(marks, ("start", "middle", "end"), strict=True))
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + width + 4}" height="{floor + 34}" '
        f'viewBox="0 0 {left + width + 4} {floor + 34}" role="img" font-size="10" '
        f'font-family="{SANS}" fill="{colours.muted}" aria-label="positions of the sites">'
        f'{bars}{even}<line x1="{left}" x2="{left + width}" y1="{zero}" y2="{zero}" '
        f'stroke="{colours.muted}"/>'
        f'<text x="{left - 6}" y="{zero - half + 8}" text-anchor="end">{top:,}</text>'
        f'<text x="{left - 6}" y="{zero + 4}" text-anchor="end">0</text>'
        f'<text x="{left - 6}" y="{floor}" text-anchor="end">{top:,}</text>'
        f"{labels}"
        f'<text x="{left + width / 2}" y="{floor + 30}" text-anchor="middle">'
        f"{'position (bp)' if same else 'position (share of the sequence)'}</text></svg>"
    )


def _mark(value: float, in_bases: bool) -> str:
    return f"{max(value, 1):,.0f}" if in_bases else f"{value:.0f}%"


def _matches(motif: Motif, matches: Sequence[Match], colours: Theme) -> str:
    near = [match for match in matches if match.overlap > 0][:_MATCHES]
    if not near:
        return (
            "<h4>Known motifs</h4><p class='muted'>None shares enough with it to be compared.</p>"
        )
    sure = [match for match in near if match.q_value <= _CERTAIN]
    note = (
        ""
        if sure
        else f"<p class='muted'>No known motif resembles it at q ≤ {_CERTAIN:g}; the nearest "
        "is shown.</p>"
    )
    shown = sure or near[:1]
    pairs = "".join(_match(motif, match, colours) for match in shown)
    return f'<h4>Known motifs it resembles</h4>{note}<div class="matches">{pairs}</div>'


def _match(motif: Motif, match: Match, colours: Theme) -> str:
    # Empty columns before the pattern, before the known motif, and columns in all.
    mine, other = max(match.offset, 0), max(-match.offset, 0)
    total = max(mine + len(motif), other + len(match.target))
    column = min(18.0, _PAIR_PX / total)
    target = match.target if match.strand > 0 else match.target.reverse_complement()
    logos = [
        logo_svg(
            one,
            column=column,
            height=height,
            lead=lead,
            columns=total,
            axis=False,
            label=label,
            theme=colours.name,
        )
        for one, lead, height, label in (
            (motif, mine, 40, motif.name),
            (target, other, 50, f"{match.target.label}, aligned"),
        )
    ]
    strand = "" if match.strand > 0 else ", reverse complement"
    return (
        f'<div class="match"><strong>{escape(match.target.name)}</strong> '
        f"<small>{escape(match.target.accession)}{strand}</small>"
        f'<div class="pair">{"".join(logos)}</div>'
        f"<small>q = {tiny(match.q_value)}, p = {tiny(match.p_value)}, "
        f"{match.overlap} positions overlap</small></div>"
    )


def _sites(sites: Sites, texts: Sequence[str | Tokens], names: Sequence[str]) -> str:
    shown = np.unique(np.linspace(0, len(sites) - 1, min(_SITES, len(sites))).round().astype(int))
    tokens = [texts[i] for i in sites.sequence]
    cut = all(isinstance(one, Tokens) for one in tokens)
    rows = "\n".join(_site(sites, int(at), texts, names) for at in shown)
    note = f"{len(shown)} of {len(sites):,} sites, evenly spaced in the order of the sequences"
    note += ", each as the motif reads"
    if cut:
        note += ". Each underline is one of the model's tokens. " + _pieces(sites, texts)
    return f"<h4>Examples of its sites</h4><div class='sites'>{rows}</div><small>{note}</small>"


def _pieces(sites: Sites, texts: Sequence[str | Tokens]) -> str:
    """How many tokens the sites are cut into."""
    pieces = []
    for sequence, start, end in zip(sites.sequence, sites.start, sites.end, strict=True):
        one = texts[sequence]
        if isinstance(one, Tokens):
            first, last = one.covering(int(start), int(end))
            pieces.append(last - first)
    counts = np.array(pieces)
    shares = [
        f"{share:.0%} {words}"
        for share, words in (
            ((counts == 1).mean(), "lie within one token"),
            ((counts == 2).mean(), "across two"),
            ((counts > 2).mean(), "across three or more"),
        )
    ]
    return f"Of all its sites, {', '.join(shares)}."


def _site(sites: Sites, at: int, texts: Sequence[str | Tokens], names: Sequence[str]) -> str:
    sequence, start, end = (int(getattr(sites, n)[at]) for n in ("sequence", "start", "end"))
    text = texts[sequence]
    bases = text.bases if isinstance(text, Tokens) else text
    low, high = max(start - _FLANK, 0), min(end + _FLANK, len(bases))
    turned = sites.strand[at] < 0
    word = reverse_complement(bases[low:high]) if turned else bases[low:high]
    # Where tokens and the site begin and end, in the word as it is shown.
    edges = {0, high - low}
    if isinstance(text, Tokens):
        spans = text.spans[~text.special]
        edges |= {int(e) - low for e in spans[:, 1] if low < e < high}
    site = (start - low, end - low)
    if turned:
        edges = {high - low - e for e in edges}
        site = (high - low - site[1], high - low - site[0])
    cuts = sorted(edges)
    pieces = []
    for number, (a, b) in enumerate(pairwise(cuts)):
        inner = "".join(
            f"<b>{word[max(a, x) : min(b, y)]}</b>" if inside else word[max(a, x) : min(b, y)]
            for x, y, inside in ((0, site[0], False), (*site, True), (site[1], len(word), False))
            if min(b, y) > max(a, x)
        )
        mark = "ab"[number % 2]
        pieces.append(f'<u class="{mark}">{inner}</u>' if isinstance(text, Tokens) else inner)
    before = " " * (_FLANK - site[0])
    after = " " * (2 * _FLANK + end - start - len(word) - len(before) + 3)
    where = f"{escape(names[sequence])} · {span_text(start, end)} · {'−' if turned else '+'}"
    return f'{before}{"".join(pieces)}{after}<span class="where">{where}</span>'
