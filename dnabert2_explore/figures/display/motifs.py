"""Displays of motifs: logos, what they resemble, where they stand."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from ..core.page import table as raw_table, tiny
from ..core.style import span_text
from ..motifs.logo import logo_svg
from .card import Card, facts, rows_left, table
from .drawing.canvas import PAGE, WIDTH, Canvas, Panel, inline, number, short
from .drawing.rows import beside

if TYPE_CHECKING:
    from ...analysis.motifs import (
        Differential,
        Discovery,
        Hits,
        HitTokens,
        Match,
        Matches,
        MotifFindings,
        NullRun,
        Pattern,
        Seqlets,
        Sites,
    )
    from ...sequences.motifs.motif import Motif

_ROWS = 10
_LOGOS = 6
_LANES = 10
_MOTIFS = 3


def _logo(motif: Motif, height: float = 84, most: float = 22, axis: bool = True) -> str:
    column = min(most, (WIDTH - 60) / len(motif))
    return inline(
        logo_svg(motif, column=column, height=height, axis=axis, label=motif.name, theme="page")
    )


def _as_read(match: Match) -> Motif:
    return match.target if match.strand > 0 else match.target.reverse_complement()


def motif(result: Motif) -> Card:
    """Show the logo."""
    numbers = [
        ("length", f"{len(result)} bp"),
        ("information", f"{result.information.sum():.1f} bits"),
        ("consensus", result.consensus),
    ]
    if result.accession:
        numbers.append(("accession", result.accession))
    if result.sites:
        numbers.append(("counted from", f"{result.sites:,} sites"))
    return Card(
        result._line(),
        "Letters are as high as their information, in bits.",
        result.source,
        (_logo(result, 110, 30),),
        (facts(numbers),),
    )


def pattern(result: Pattern) -> Card:
    """Show what its bases contribute, and how often each stands there."""
    column = min(26.0, (WIDTH - 60) / len(result))
    contribution = logo_svg(
        result.contribution, "contribution", column=column, height=100,
        label="contribution", theme="page",
    )  # fmt: skip
    speaks = "speak for" if result.sign > 0 else "speak against"
    numbers = [
        ("sites", f"{len(result.sites):,}"),
        ("sequences with one", f"{len(np.unique(result.sites.sequence)):,}"),
        ("information", f"{result.motif.information.sum():.1f} bits"),
        ("E-value", number(result.e_value, 2)),
    ]
    return Card(
        result._line(),
        f"Above: mean contribution at the sites (1 is the mean absolute one of a base); below: "
        f"information of the bases there. They {speaks} the output.",
        "",
        (inline(contribution) + _logo(result.motif, 84, 26),),
        (facts(numbers),),
    )


def discovery(result: Discovery) -> Card:
    """Show the patterns' logos in a table."""
    rows = [
        (_logo(one.motif, 46, 13, axis=False), f"{len(one.sites):,}",
         f"{len(np.unique(one.sites.sequence)):,}", "▲ for" if one.sign > 0 else "▼ against")
        for one in result.patterns[:_LOGOS]
    ]  # fmt: skip
    null = "" if result.n_control is None else (
        f" The same search in rotated contributions, where there is nothing, found "
        f"{result.n_control:,}."
    )  # fmt: skip
    return Card(
        result._line(),
        f"{result.n_in_patterns:,} of {result.n_seqlets:,} seqlets belong to a motif.{null} "
        + rows_left(len(rows), len(result), "motifs"),
        f"caller {result.caller}",
        tables=(raw_table(("motif", "sites", "sequences", "speaks"), rows, (1, 2)),)
        if rows
        else (),
    )


def motif_findings(result: MotifFindings) -> Card:
    """Show the patterns, and the known motif that each resembles."""
    rows = []
    for i, one in enumerate(result.discovery.patterns[:_LOGOS]):
        best = None if result.matches is None else result.matches.best(i)
        rows.append(
            (
                _logo(one.motif, 46, 13, axis=False),
                f"{len(one.sites):,}",
                "▲ for" if one.sign > 0 else "▼ against",
                "" if best is None else escape(best.target.label),
                "" if best is None else tiny(best.q_value),
            )
        )
    heads = ("motif", "sites", "speaks", "nearest known motif", "q-value")
    return Card(
        result._line(),
        " ".join(part for part in (result.caption, result.null_words) if part),
        result.model,
        tables=(raw_table(heads, rows, (1, 4)),) if rows else (),
    )


def sites(result: Sites) -> Card:
    """Show the first places."""
    rows = [
        (str(result.sequence[i]), span_text(result.start[i], result.end[i]),
         "+" if result.strand[i] > 0 else "−")
        for i in range(min(_ROWS, len(result)))
    ]  # fmt: skip
    return Card(
        result._line(),
        f"The first {len(rows)}; sequences are numbered from 0." if rows else "",
        tables=(table(("sequence", "bases", "strand"), rows, (0,)),),
    )


def seqlets(result: Seqlets) -> Card:
    """Show the most significant ones."""
    rows = [
        (str(result.sequence[i]), span_text(result.start[i], result.end[i]),
         number(float(result.score[i])), tiny(float(result.p_value[i])),
         tiny(float(result.q_value[i])))
        for i in range(min(_ROWS, len(result)))
    ]  # fmt: skip
    return Card(
        result._line(),
        rows_left(len(rows), len(result), "seqlets, the most significant first"),
        tables=(
            raw_table(("sequence", "bases", "score", "p-value", "q-value"), rows, (0, 2, 3, 4)),
        ),
    )


def hits(result: Hits) -> Card:
    """Show where hits lie in the sequences that have most, and the best of them."""
    counts = np.bincount(result.sequence, minlength=len(result.names))
    order = [i for i in np.argsort(-counts, kind="stable") if counts[i]][:_LANES]
    longest = int(max((result.lengths[i] for i in order), default=1))
    canvas = Canvas(WIDTH, 24 * len(order) + 48, "where hits lie")
    panel = Panel(canvas, (150, 4, WIDTH - 50, 24 * len(order) + 8), (0.5, longest + 0.5), (0, 1))
    for row, i in enumerate(order):
        y = 16 + 24.0 * row
        canvas.text(144, y + 4, short(result.names[i]), anchor="end")
        canvas.line(150, y, panel.x(result.lengths[i] + 0.5), y, stroke=PAGE.grid)
        for k in np.flatnonzero(result.sequence == i)[:200]:
            a, b = panel.x(result.start[k] + 0.5), panel.x(result.end[k] + 0.5)
            up = result.strand[k] > 0
            colour = PAGE.positive if up else PAGE.negative
            canvas.rect(a, y - 9 if up else y + 1, max(b - a, 1.5), 8, colour)
        canvas.text(WIDTH - 6, y + 4, f"{counts[i]:,}", anchor="end", fill=PAGE.muted)
    panel.x_axis("position (bp, counted from 1)")
    best = np.argsort(result.p_value, kind="stable")[:_ROWS]
    rows = [
        (escape(result.names[result.sequence[k]]), escape(result.motifs[result.motif[k]].label),
         span_text(result.start[k], result.end[k]), "+" if result.strand[k] > 0 else "−",
         number(float(result.score[k])), tiny(float(result.p_value[k])))
        for k in best
    ]  # fmt: skip
    heads = ("sequence", "motif", "bases", "strand", "bits", "p-value")
    return Card(
        result._line(),
        ""
        if not order
        else "Sequences with most hits; above the line on the strand as given, below on the other. "
        + rows_left(len(rows), len(result), "hits by p-value").replace("first", "best"),
        "",
        (str(canvas),) if order else (),
        (raw_table(heads, rows, (4, 5)),) if rows else (),
    )


def hit_tokens(result: HitTokens) -> Card:
    """Show into how many tokens hits are cut."""
    counts = np.bincount(result.pieces) if len(result) else np.zeros(0, int)
    rows = [(str(n), f"{count:,}") for n, count in enumerate(counts) if count]
    return Card(result._line(), tables=(table(("tokens", "hits"), rows, (0, 1)),))


def match(result: Match) -> Card:
    """Show both motifs, aligned."""
    target = _as_read(result)
    lead = max(0, -result.offset), max(0, result.offset)
    columns = max(lead[1] + len(result.query), lead[0] + len(target))
    column = min(22.0, (WIDTH - 60) / columns)
    pair = "".join(
        inline(
            logo_svg(one, column=column, height=72, lead=skip, columns=columns, label=one.name,
                     theme="page")
        )
        for one, skip in ((result.query, lead[1]), (target, lead[0]))
    )  # fmt: skip
    turned = "" if result.strand > 0 else ", turned to the other strand"
    numbers = [
        ("p-value", number(result.p_value, 2)),
        ("q-value", number(result.q_value, 2)),
        ("positions that overlap", str(result.overlap)),
        ("shared information", f"{result.shared:.1f} bits"),
    ]
    return Card(
        result._line(),
        f"Above {result.query.label}, below {result.target.label}{turned}; heights in bits.",
        "",
        (pair,),
        (facts(numbers),),
    )


def matches(result: Matches) -> Card:
    """Show the nearest target of each query."""
    rows = []
    for query in range(min(_LOGOS, len(result.queries))):
        best = result.best(query)
        target = _as_read(best)
        rows.append(
            (
                _logo(best.query, 46, 12, axis=False),
                escape(best.query.label),
                _logo(target, 46, 12, axis=False),
                escape(best.target.label),
                tiny(best.q_value),
            )
        )
    heads = ("query", "", "nearest", "", "q-value")
    return Card(
        result._line(),
        rows_left(len(rows), len(result.queries), "queries, each with its nearest"),
        tables=(raw_table(heads, rows, (4,)),),
    )


def differential(result: Differential) -> Card:
    """Show the rates of both sets, for the surest differences."""
    shown = range(min(_ROWS, len(result)))
    first, second = result.first_rate, result.second_rate
    two = [(result.motifs[i].name, float(first[i]), float(second[i])) for i in shown]
    rows = [
        (escape(result.motifs[i].label), f"{first[i]:.1%}", f"{second[i]:.1%}",
         number(float(result.odds_ratio[i]), 2), tiny(float(result.q_value[i])))
        for i in shown
    ]  # fmt: skip
    return Card(
        result._line(),
        "Full dots: the first set; rings: the second. "
        + rows_left(len(rows), len(result), "motifs by q-value"),
        "",
        (beside(two, "share of sequences with a hit"),),
        (raw_table(("motif", "first", "second", "odds ratio", "q-value"), rows, (1, 2, 3, 4)),),
    )


def logos(motifs: Sequence[Motif]) -> str:
    """Draw the logos of the first few motifs, one below the other."""
    return "".join(_logo(one, 56, 16) for one in motifs[:_MOTIFS])


def null_run(result: NullRun) -> Card:
    """Show what a model found that has learnt nothing."""
    numbers = [
        ("motifs found", f"{result.patterns:,}"),
        ("best match", result.name or "none"),
        ("its q-value", number(result.q_value, 2)),
    ]
    return Card(result._line(), provenance=result.model, tables=(facts(numbers),))
