"""The tables and pictures of what was chosen: results in, rows out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence as Items
from html import escape
from typing import Any

from ....analysis.enrichment import Enrichment, SequenceComparison
from ....sequences import gc_content
from ...core.rows import Column
from ..points import Points

__all__ = [
    "MOST",
    "composition_rows",
    "confounder",
    "kept_rows",
    "place_words",
    "sequence_rows",
    "word_rows",
    "words_line",
]

#: Rows of a table on the page; all of them leave in files.
MOST = 200
_CPG, _SURE = "CpG observed / expected", 1e-6

#: Columns, rows, and what is told of a row that is pressed.
Rows = tuple[list[Column], list[list[Any]], list[int]]


def word_rows(words: Enrichment) -> Rows:
    """Words, the surest first."""
    columns = [
        Column("word", mono=True),
        Column("chosen", "share", "Share of the chosen sequences that hold it"),
        Column("expected", "share", "Share that would, were they like the rest of their strata"),
        Column("odds ratio", "number", "Common to all strata (Mantel and Haenszel)"),
        Column("q", "p", "False discovery rate (Benjamini and Hochberg)"),
    ]
    every = range(min(len(words), MOST))
    selected, expected = words.selected_rate, words.expected_rate
    rows = [
        [words.words[i], selected[i], expected[i], words.odds_ratio[i], words.q_value[i]]
        for i in every
    ]
    return columns, rows, list(every)


def words_line(words: Enrichment) -> str:
    """Say in short what was counted; the whole of it is on hover, and in files."""
    strata = f", in {words.n_strata} strata" if words.match != "none" else ""
    kind = words.what.partition(" of ")[0]
    return (
        f"<span title='{escape(str(words))}'>{len(words.enriched()):,} enriched and "
        f"{len(words.depleted()):,} depleted of {len(words):,} {escape(kind)} (q &lt; 0.05"
        f"{strata}).</span>"
    )


def composition_rows(found: SequenceComparison) -> Rows:
    """Numbers and classes of both sides."""
    rows: list[list[Any]] = [
        [f"{c.name} ({c.unit})" if c.unit else c.name, c.selected, c.rest, c.p_value]
        for c in found.composition
    ]
    rows += [
        [
            f"{c.column}: {c.value or 'not given'}",
            f"{c.selected_rate:.0%} ({c.selected:,})",
            f"{c.rest_rate:.0%} ({c.rest:,})",
            c.p_value,
        ]
        for c in found.classes
        if c.selected or c.q_value < 0.05
    ]
    columns = [
        Column("", tip="What is compared"),
        Column("chosen", "number"),
        Column("rest", "number"),
        Column("p", "p", "Mann and Whitney's or Fisher's test, two-sided"),
    ]
    return columns, rows[:MOST], list(range(min(len(rows), MOST)))


def place_words(found: SequenceComparison) -> str:
    """Say as HTML whether the selection is a group in all dimensions."""
    place = found.place
    words = "Medians, and shares of classes; not matched by anything."
    if place is None:
        return words
    return (
        f"<b>{place.within:.0%}</b> of the {place.n_neighbors} nearest neighbours of a chosen "
        f"point, in all dimensions, are chosen too; by chance {place.by_chance:.0%}. {words}"
    )


def confounder(found: SequenceComparison, match: str) -> str:
    """Warn, as HTML, where words may be no more than a difference in CpG; empty otherwise."""
    cpg = next((c for c in found.composition if c.name == _CPG), None)
    if match == "gc+cpg" or cpg is None or cpg.p_value > _SURE:
        return ""
    return (
        f"<b>CpG differs</b> ({cpg.selected:.2f} beside {cpg.rest:.2f}): match by it before "
        "reading words with CG."
    )


def sequence_rows(points: Points, rows: Items[int]) -> Rows:
    """Return sequences; a row stands for its place among those of all views."""
    unit = points.field
    columns = [
        Column("name"),
        Column(unit, "number" if points.numeric else ""),
        Column("bp", "whole", "Length"),
        Column("GC", "share", "Share of G and C"),
    ]
    shown = rows[:MOST]
    cells = [
        [
            points.sequences[r].name,
            points.values[r],
            len(points.sequences[r]),
            gc_content(points.sequences[r].bases),
        ]
        for r in shown
    ]
    return columns, cells, [points.indices[r] for r in shown]


def kept_rows(kept: Mapping[str, Items[int]]) -> Rows:
    """Return the selections that were kept."""
    columns = [Column("name"), Column("sequences", "whole")]
    return columns, [[name, len(rows)] for name, rows in kept.items()], list(range(len(kept)))
