"""Displays of sequences, tokens, loci and genomes."""

from __future__ import annotations

from collections import Counter
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from ...results.rich_display import counted
from ...sequences import as_dna
from ...sequences.clean import clean
from ..tokens.merges import brackets
from .card import Card, facts, rows_left, table
from .drawing.canvas import PAGE, WIDTH, Canvas, Panel, short

if TYPE_CHECKING:
    from ...analysis.tokenizers import MergeReplay
    from ...demo import Locus
    from ...sequences import Sequence
    from ...sequences.annotation.annotations import Annotation, Feature
    from ...sequences.reading.genome import Genome
    from ...tokens import Tokens

_LETTERS = 480  # bases that are written out
_ROW = 60
_LINES = 8
_RECORDS = 12
_KINDS = 6  # of features that have a lane, the commonest
_BOXES = 400  # features of a kind that are drawn, the longest
_BRACKETS = 80


def sequence(result: Sequence) -> Card:
    """Show the bases in their colours, composition, and what its file said."""
    shown = result.bases[:_LETTERS]
    found = clean(result.bases).composition
    known = found.a + found.c + found.g + found.t
    numbers = [("length", f"{found.length:,} bp")]
    if known:
        numbers.append(("GC", f"{(found.g + found.c) / known:.1%}"))
    if found.ambiguous:
        numbers.append(("neither A, C, G nor T", f"{found.ambiguous:,}"))
    if result.label is not None:
        numbers.append(("label", result.label))
    if result.description:
        numbers.append(("description", short(result.description, 200)))
    numbers += [(name, short(str(value), 200)) for name, value in list(result.fields.items())[:8]]
    more = len(result.bases) - len(shown)
    return Card(
        result._line(),
        f"The first {len(shown):,} bases; {more:,} more in .bases." if more > 0 else "",
        pictures=(_letters(shown),),
        tables=(facts(numbers),),
    )


def _letters(bases: str) -> str:
    """Write bases in rows, each letter in its colour, the row's first position before it."""
    rows = []
    for start in range(0, len(bases), _ROW):
        text = bases[start : start + _ROW]
        runs: list[str] = []
        last = ""
        for letter in text:
            base = as_dna(letter)
            base = base if base in "ACGT" else "N"
            if base == last:
                runs[-1] += escape(letter)
            else:
                runs.append(f'</span><span style="color:{PAGE.bases[base]}">{escape(letter)}')
            last = base
        rows.append(
            f'<div style="white-space:pre"><span style="color:{PAGE.muted}">{start + 1:>7,}  '
            f"{''.join(runs)}</span></div>"
        )
    return f'<div class="dx-bases">{"".join(rows)}</div>'


def tokens(result: Tokens) -> Card:
    """Show tokens as blocks on the bases, row by row."""
    n = len(result.bases)
    own = np.flatnonzero(~result.special)
    lines = min(_LINES, -(-n // _ROW)) or 1
    left, step = 48.0, (WIDTH - 56) / _ROW
    canvas = Canvas(WIDTH, lines * 30 + 4, f"{len(own)} tokens")
    for row in range(lines):
        y = row * 30.0 + 4
        canvas.text(left - 8, y + 15, f"{row * _ROW + 1:,}", anchor="end", fill=PAGE.muted)
    for place, i in enumerate(own):
        start, end = map(int, result.spans[i])
        if start >= lines * _ROW:
            break
        _block(canvas, result, int(i), place, (start, min(end, lines * _ROW)), left, step)
    sizes = np.bincount(result.lengths[own], minlength=2)[1:] if len(own) else np.zeros(1, int)
    rows = [(str(size), f"{count:,}") for size, count in enumerate(sizes, start=1) if count]
    rest = f" The first {lines * _ROW:,} of {n:,} bases are drawn." if n > lines * _ROW else ""
    odd = int(result.unknown.sum())
    return Card(
        result._line().partition(":")[0],
        "Each block is a token; its bases stand in it."
        + (f" {counted(odd, 'token')} {'is' if odd == 1 else 'are'} [UNK], in red." if odd else "")
        + rest,
        "",
        (str(canvas),),
        (table(("token length (bp)", "tokens"), rows[:_RECORDS], (0, 1)),) if rows else (),
    )


def merge_replay(result: MergeReplay) -> Card:
    """Show merges as brackets over the first bases, as high as their place in the vocabulary."""
    text = result.tokens.bases
    n = min(len(text), _BRACKETS)
    left, foot, top = 52.0, 190.0, 12.0
    step = (WIDTH - left - 8) / n
    low, high = np.log2(result.smallest), np.log2(result.smallest + result.size)

    def x(position: float) -> float:
        return left + (position - 0.5) * step

    def y(height: float) -> float:
        return foot - (height - low) / (high - low) * (foot - top)

    canvas = Canvas(WIDTH, foot + 30, f"merges of {n} bases")
    for power in range(int(np.ceil(low)), int(high) + 1, 2):
        canvas.line(left, y(power), WIDTH - 8, y(power), PAGE.grid)
        canvas.text(left - 6, y(power) + 4, f"{2**power:,}", anchor="end", fill=PAGE.muted)
    for one in brackets(result):
        if one.span[2] > n:
            continue
        way = "L".join(f"{x(a):.1f} {y(b):.1f}" for a, b in one.corners)
        canvas.path(f"M{way}", stroke=PAGE.ink)
        canvas.dot(x(one.centre), y(one.height), 2.4, PAGE.positive)
    for place, (start, end) in enumerate(result.tokens.spans.tolist()):
        if end > n:
            break
        canvas.rect(
            x(start + 0.5) + 0.5, foot + 6, (end - start) * step - 1, 18, PAGE.tints[place % 2],
            rx="3", **{"fill-opacity": "0.55"},
        )  # fmt: skip
        canvas.text(
            x((start + end + 1) / 2), foot + 19, text[start:end].strip(), anchor="middle",
            mono=True, **{"font-size": "9.5"},
        )  # fmt: skip
    rows = [
        (f"{int(step)}", f"{int(rank):,}", str(a), str(b))
        for step, rank, a, b in result.table()[["step", "rank", "left", "right"]]
        .tail(_RECORDS)
        .itertuples(index=False)
    ]
    rest = f" The first {n:,} of {len(text):,} bases are drawn." if n < len(text) else ""
    return Card(
        result._line(),
        "Each bracket is a merge, as high as its number in the vocabulary (entries, on the left); "
        f"below, the tokens that come out. The table has the last merges.{rest}",
        "",
        (str(canvas),),
        (table(("step", "number", "left", "right"), rows, (0, 1)),) if rows else (),
    )


def _block(
    canvas: Canvas, result: Tokens, i: int, place: int, span: tuple[int, int], left: float,
    step: float,
) -> None:  # fmt: skip
    """Draw one token, on two rows where it is broken."""
    colour = PAGE.warn if result.unknown[i] else PAGE.tints[place % 2]
    start, end = span
    while start < end:
        row, column = divmod(start, _ROW)
        stop = min(end, (row + 1) * _ROW)
        x, width = left + column * step, (stop - start) * step
        y = row * 30.0 + 4
        canvas.rect(x + 0.5, y, width - 1, 22, colour, rx="3", **{"fill-opacity": "0.55"})
        text = " ".join(result.bases[start:stop].split())
        canvas.text(
            x + width / 2, y + 15.5, text, anchor="middle", mono=True,
            textLength=f"{len(text) * step * 0.86:.1f}", **{"font-size": "11.5"},
        )  # fmt: skip
        start = stop


def locus(result: Locus) -> Card:
    """Show genes on the stretch."""
    n = len(result.sequence)
    genes = [one for one in result.features if one.kind == "gene"] or list(result.features)
    exons = [one for one in result.features if one.kind in ("exon", "CDS")]
    canvas = Canvas(WIDTH, 110, "genes")
    panel = Panel(canvas, (20, 10, WIDTH - 20, 66), (0.5, n + 0.5), (0, 1))
    for lane, strand in enumerate("+-"):
        y = 24.0 + lane * 26
        canvas.text(4, y + 4, strand.replace("-", "−"), fill=PAGE.muted)
        for one in genes:
            if one.strand == strand:
                canvas.line(panel.x(one.start + 0.5), y, panel.x(one.end + 0.5), y)
        for one in exons:
            if one.strand == strand:
                a, b = panel.x(one.start + 0.5), panel.x(one.end + 0.5)
                canvas.rect(a, y - 5, max(b - a, 0.8), 10, PAGE.tints[0])
    panel.x_axis("position (bp, counted from 1)")
    kinds = sorted({one.kind for one in result.features})
    rows = [(kind, f"{len(result.of_kind(kind)):,}") for kind in kinds]
    return Card(
        result._line(),
        f"{result.organism}: genes as lines, exons as boxes; each strand has a lane.",
        result.source,
        (str(canvas),),
        (table(("feature", "number"), rows, (1,)),),
    )


def annotation(result: Annotation) -> Card:
    """Show the sequence with the most features, a lane for each kind of them."""
    if not result.features:
        return Card(result._line())
    name = max(result.features, key=lambda one: len(result.features[one]))
    found = result.features[name]
    n = max([result.lengths.get(name, 1), *(one.end for one in found)])
    kinds = [kind for kind, _ in Counter(one.kind for one in found).most_common(_KINDS)]
    colours = (PAGE.negative, PAGE.positive, PAGE.muted)
    canvas = Canvas(WIDTH, 22 * len(kinds) + 70, f"features of {name}")
    panel = Panel(canvas, (130, 22, WIDTH - 16, 22 * len(kinds) + 30), (0.5, n + 0.5), (0, 1))
    for place, (words, colour) in enumerate(
        zip(("strand +", "strand −", "none"), colours, strict=True)
    ):
        canvas.rect(panel.left + 84 * place, 4, 16, 9, colour)
        canvas.text(panel.left + 84 * place + 21, 13, words, fill=PAGE.muted)
    drawn = 0
    for lane, kind in enumerate(kinds):
        y = 36.0 + 22 * lane
        canvas.text(124, y + 4, short(kind, 18), anchor="end")
        canvas.line(panel.left, y, panel.right, y, stroke=PAGE.grid)
        of = sorted((one for one in found if one.kind == kind), key=len)[-_BOXES:]
        drawn += len(of)
        for strand, colour in zip("+-.", colours, strict=True):
            d = "".join(
                f"M{panel.x(one.start + 0.5):.1f} {y:.1f}H{_right(panel, one):.1f}"
                for one in of
                if one.strand == strand
            )
            canvas.path(d, stroke=colour, **{"stroke-width": "10"})
    panel.x_axis("position (bp, counted from 1)")
    rows = [
        (one, f"{sum(map(len, features)):,}", f"{len(features):,}")
        for one, features in list(result.features.items())[:_RECORDS]
    ]
    several = len(result.features) > 1
    return Card(
        result._line(),
        f"{name}{', which has the most features' if several else ''}, a lane for each kind. "
        + (f"The {drawn:,} longest of {len(found):,} features. " if drawn < len(found) else "")
        + rows_left(len(rows), len(result.features), "sequences"),
        "",
        (str(canvas),),
        (table(("sequence", "bases in features", "features"), rows, (1, 2)),),
    )


def _right(panel: Panel, one: Feature) -> float:
    return max(panel.x(one.end + 0.5), panel.x(one.start + 0.5) + 1)


def genome(result: Genome) -> Card:
    """Show the longest records as bars."""
    order = np.argsort(-np.array(result.lengths))[:_RECORDS]
    canvas = Canvas(WIDTH, 22 * len(order) + 44, "lengths of records")
    longest = max(result.lengths)
    panel = Panel(canvas, (150, 4, WIDTH - 80, 22 * len(order) + 6), (0, longest), (0, 1))
    for row, i in enumerate(order):
        y = 6 + 22.0 * row
        canvas.text(144, y + 13, short(result.names[i]), anchor="end")
        canvas.rect(150, y, panel.x(result.lengths[i]) - 150, 16, PAGE.tints[0])
        canvas.text(panel.x(result.lengths[i]) + 6, y + 13, f"{result.lengths[i]:,}")
    panel.x_axis("length (bp)")
    numbers = [("records", f"{len(result):,}"), ("bases", f"{sum(result.lengths):,}")]
    more = len(result) > len(order)
    first = f"The first {len(order):,} of {len(result):,} records, the longest first"
    return Card(
        result._line(),
        f"{first}; .names and .lengths have all." if more else "",
        result.path or "in memory",
        (str(canvas),),
        (facts(numbers),),
    )
