"""Displays of variants, their scores, and what scores are worth."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from .card import Card, facts, rows_left, table
from .drawing.canvas import PAGE, WIDTH, Canvas, Panel, number, short
from .drawing.rows import dots

if TYPE_CHECKING:
    from ...analysis.variants import Calibration, VariantScores, VcfSummary
    from ...analysis.variants.compare import VariantComparison
    from ...sequences.variants.variant import Variant

_ROWS = 10
_BINS = 40
_COLUMNS = 4  # scores in the table


def variant(result: Variant) -> Card:
    """Show its alleles and place."""
    kind = "substitution"
    if len(result.ref) != len(result.alt):
        kind = "insertion" if len(result.alt) > len(result.ref) else "deletion"
    numbers = [
        ("record", result.contig),
        ("position", f"{result.position + 1:,} (counted from 1)"),
        ("REF", short(result.ref, 60) or "–"),
        ("ALT", short(result.alt, 60) or "–"),
        ("kind", kind),
    ]
    if result.name:
        numbers.append(("name", result.name))
    return Card(result._line(), provenance=result.where, tables=(facts(numbers),))


def variant_scores(result: VariantScores) -> Card:
    """Show how the first score is spread, and the variants furthest from 0."""
    names = [column.name for column in result.columns][:_COLUMNS]
    pictures: tuple[str, ...] = ()
    order = np.arange(len(result))
    caption = ""
    if names and result.scored:
        main, column = result.values[names[0]], result.columns[0]
        known = main[np.isfinite(main)]
        order = np.argsort(-np.nan_to_num(np.abs(main), nan=-1.0), kind="stable")
        if len(known):
            title = f"{column.name} ({column.unit})"
            few = [
                (str(result.variants[i]), float(main[i]), math.nan, math.nan, PAGE.positive)
                for i in order[:_ROWS]
            ]
            # Few are no distribution.
            drawn = dots(few, title, top=0.0) if len(result) <= _ROWS else _histogram(known, title)
            pictures = (drawn,)
            caption = f"Variants by {column.name}: {column.meaning.rstrip('.')}. "
    rows = []
    for i in order[:_ROWS]:
        left = result.skipped[i]
        scores = [number(float(result.values[name][i])) for name in names]
        rows.append((str(result.variants[i]), *scores, "" if left is None else left.reason))
    about = ", ".join(
        f"{key} {str(value)[:12] if key.endswith('sha256') else value}"
        for key, value in result.about.items()
        if value
    )
    heads = ("variant", *names, "skipped")
    return Card(
        result._line(),
        caption + rows_left(len(rows), len(result), "variants").replace("first", "furthest"),
        short(about, 300),
        pictures,
        (table(heads, rows, range(1, len(names) + 1)),),
    )


def _histogram(values: np.ndarray, title: str) -> str:
    counts, edges = np.histogram(values.astype(float), _BINS)
    canvas = Canvas(420, 190, title)
    panel = Panel(canvas, (52, 8, 412, 142), (edges[0], edges[-1]), (0, int(counts.max())))
    panel.y_axis("variants")
    for count, low, high in zip(counts, edges, edges[1:], strict=False):
        y = panel.y(float(count))
        canvas.rect(panel.x(low) + 0.4, y, panel.x(high) - panel.x(low) - 0.8, 142 - y,
                    PAGE.tints[0])  # fmt: skip
    panel.x_axis(title)
    return str(canvas)


def variant_comparison(result: VariantComparison) -> Card:
    """Show what the alleles' bases add differently."""
    pictures: tuple[str, ...] = ()
    caption = "The model has nothing to explain here."
    if result.attribution is not None:
        values = np.nan_to_num(result.attribution)
        canvas = Canvas(WIDTH, 180, "attribution of ALT minus REF")
        reach = (min(0.0, float(values.min())), max(0.0, float(values.max())))
        panel = Panel(canvas, (62, 10, WIDTH - 8, 130), (0.5, len(values) + 0.5), reach)
        panel.y_axis(result.unit)
        a, b = panel.x(result.start + 0.5), panel.x(result.start + result.width + 0.5)
        canvas.rect(a, 10, max(b - a, 1.0), 120, PAGE.select, **{"fill-opacity": "0.18"})
        panel.bars(np.arange(len(values)) + 1, values, max((WIDTH - 70) / len(values), 0.7))
        panel.zero()
        panel.x_axis(f"position on {result.variant.contig} (bp)", start=result.first)
        pictures = (str(canvas),)
        caption = (
            f"Contribution of each base to {result.target} ({result.unit}) with ALT minus with "
            "REF; the tinted column holds the alleles."
        )
    rows = [
        (column.name, number(float(result.scores.values[column.name][0])), column.unit)
        for column in result.scores.columns
    ]
    return Card(
        result._line(), caption, result.model, pictures,
        (table(("score", "value", "unit"), rows, (1,)),),
    )  # fmt: skip


def calibration(result: Calibration) -> Card:
    """Show the AUROC of every score with its interval."""
    rows = result.rows[:12]
    canvas = Canvas(WIDTH, 24 * len(rows) + 44, "AUROC with 95% intervals")
    panel = Panel(canvas, (190, 4, WIDTH - 20, 24 * len(rows) + 8), (0, 1), (0, 1))
    canvas.line(panel.x(0.5), 4, panel.x(0.5), panel.bottom, **{"stroke-dasharray": "3 3"})
    for row, one in enumerate(rows):
        y = 16 + 24.0 * row
        canvas.text(184, y + 4, one.score, anchor="end")
        colour = PAGE.positive if one.kind == "model" else PAGE.muted
        panel.interval(y, one.auroc, one.low, one.high, colour)
    panel.x_axis("AUROC")
    cells = [
        (one.score, one.kind, f"{one.positives:,}", f"{one.negatives:,}", f"{one.auroc:.3f}",
         number(one.gain)) for one in rows
    ]  # fmt: skip
    return Card(
        result._line(),
        f"Area under the ROC curve with 95% intervals; grey are baselines, dashed is chance. Gains "
        f"are over {result.baseline}.",
        f"{result.bootstrap:,} bootstrap samples, seed {result.seed}",
        (str(canvas),),
        (table(("score", "kind", "n+", "n−", "AUROC", "gain"), cells, (2, 3, 4, 5)),),
    )


def vcf_summary(result: VcfSummary) -> Card:
    """Show what became of a VCF."""
    numbers = [
        ("records", f"{result.records:,}"),
        ("alternative alleles", f"{result.alleles:,}"),
        ("scored", f"{result.scored:,}"),
        *((reason, f"{count:,}") for reason, count in result.reasons.items()),
    ]
    return Card(result._line(), result.problem, result.unindexed, tables=(facts(numbers),))
