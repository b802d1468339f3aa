"""Displays of tokenizers beside each other: cuts, sizes of vocabularies, motifs in pieces."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from . import plain
from .card import Card
from .drawing.canvas import PAGE, WIDTH, Canvas, Panel

if TYPE_CHECKING:
    from ...analysis.tokenizers import MotifFragments, TokenizerComparison
    from ...training.vocabulary import VocabularyCurve

_BASES = 60  # so that every base has room for its letter


def tokenizer_comparison(result: TokenizerComparison) -> Card:
    """Show the tokens of every tokenizer over the same bases."""
    bases = result.cuts[0].tokens.bases
    n, left, top = min(len(bases), _BASES), 140.0, 22.0
    rows = [np.flatnonzero(cut.tokens.spans[:, 0] < n) for cut in result.cuts]
    deep = [int(cut.cover[:n].max(initial=1)) for cut in result.cuts]
    canvas = Canvas(WIDTH, top + sum(12 + 7 * d for d in deep) + 34, "tokens over the same bases")
    axis = Panel(canvas, (left, 0, WIDTH - 8, top), (-0.5, n - 0.5), (0, 1))
    for place, letter in enumerate(bases[:n]):
        canvas.text(axis.x(place), 14, letter, "middle", mono=True)
    y = top
    for cut, tokens, depth in zip(result.cuts, rows, deep, strict=True):
        canvas.text(left - 8, y + 3.5 * depth + 4, cut.name, "end")
        for row, token in enumerate(tokens.tolist()):
            start, end = cut.tokens.spans[token]
            x = axis.x(start - 0.5)
            wide = axis.x(min(int(end), n) - 0.5) - x
            canvas.rect(x, y + 7 * (row % depth), wide - 1, 6, PAGE.tints[row % 2])
        y += 12 + 7 * depth
    axis.bottom = y
    axis.x_axis("position (bp, counted from 1)", range(9, n, 10), 1)
    return plain(
        result,
        f"Each block is a token, of {'the first ' if n < len(bases) else ''}{n} bases; overlapping "
        "ones lie under one another. Sharing: how many other tokens hold a base, the mean over "
        "bases; ripple: how many tokens a substitution replaces, the mean over all.",
        canvas,
    )


def vocabulary_curve(result: VocabularyCurve) -> Card:
    """Show bases a token over sizes of the vocabulary, and what composition alone gives."""
    canvas = Canvas(420, 230, "bases a token over sizes of the vocabulary")
    sizes = np.log2(np.asarray(result.sizes, float))
    most = float(max(result.compression.max(), result.shuffled.max())) * 1.05
    panel = Panel(canvas, (58, 10, 408, 186), (sizes.min(), sizes.max()), (0, most))
    panel.y_axis("bases a token", 5)
    panel.curve(sizes, result.compression, PAGE.positive)
    panel.curve(sizes, result.shuffled, PAGE.muted, **{"stroke-dasharray": "4 3"})
    canvas.line(panel.left, panel.bottom, panel.right, panel.bottom)
    for size, at in zip(result.sizes, sizes, strict=True):
        canvas.text(panel.x(at), panel.bottom + 15, f"{size:,}", "middle", PAGE.muted)
    canvas.text(233, panel.bottom + 32, "entries of the vocabulary", "middle", PAGE.muted)
    return plain(
        result,
        f"Of {result.held_out:,} bases that were held out; dashed, with their dinucleotides "
        "shuffled.",
        canvas,
    )


def motif_fragments(result: MotifFragments) -> Card:
    """Show into how many tokens sites of a motif are cut, beside stretches of the same length."""
    shown = range(min(len(result.motifs), 4))
    count = len(result.tokenizers)
    canvas = Canvas(WIDTH, 20 + len(shown) * (count * 20 + 16) + 44, "tokens a site")
    most = float(max(np.nanmax(result.pieces), np.nanmax(result.chance))) * 1.1
    panel = Panel(canvas, (170, 6, WIDTH - 16, canvas.height - 40), (0, most), (0, 1))
    for motif in shown:
        y = 16.0 + motif * (count * 20 + 16)
        canvas.text(4, y + 4, f"{result.motifs[motif]}, {int(result.sites[motif]):,} sites")
        for row in range(count):
            at = y + 18 + row * 20
            canvas.text(164, at + 4, result.tokenizers[row], "end", PAGE.muted)
            panel.interval(at, float(result.chance[row, motif]), np.nan, np.nan, PAGE.muted)
            panel.interval(at, float(result.pieces[row, motif]), np.nan, np.nan, PAGE.positive)
    panel.x_axis("tokens that share a base with it")
    return plain(
        result,
        "Orange: sites, the mean; grey: other stretches of the same length in the same sequences."
        + (f" The first {len(shown)} motifs are drawn." if len(shown) < len(result.motifs) else ""),
        canvas,
    )
