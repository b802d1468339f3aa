"""Displays of what stands out: words of a selection, tracks and features in annotated stretches."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import numpy as np

from ..core.page import table as raw_table, tiny
from . import plain
from .card import Card, rows_left, table
from .drawing.canvas import PAGE, Canvas, Panel, number
from .drawing.rows import beside, histogram
from .motifs import logos

if TYPE_CHECKING:
    from ...analysis.enrichment import Enrichment, SequenceComparison
    from ...analysis.features import FeatureEnrichment, FeatureReadings, Features
    from ...analysis.inside.track_enrichment import TrackEnrichment

_ROWS = 10
_PAIRS = 1500
_DIRECTIONS = 2000  # features whose nearest others are looked for, as in the plotly figure
_LEAST = 1e-300  # a p-value that is 0 by rounding is drawn here


def _words(found: Enrichment) -> tuple[str, str]:
    """Draw the surest words' shares, and list them."""
    shown = range(min(_ROWS, len(found)))
    rows = [
        (escape(found.words[i]), f"{found.selected_count[i]:,}", f"{found.expected_count[i]:.1f}",
         number(float(found.odds_ratio[i]), 2), tiny(float(found.q_value[i])))
        for i in shown
    ]  # fmt: skip
    heads = ("word", "selected", "expected", "odds ratio", "q-value")
    two = [
        (found.words[i], float(found.selected_rate[i]), float(found.expected_rate[i]))
        for i in shown
    ]
    picture = beside(two, "share of the selected sequences with the word", name_width=104)
    return picture, raw_table(heads, rows, (1, 2, 3, 4))


def _how(found: Enrichment) -> str:
    strata = "" if found.match == "none" else f", within strata of like {found.match}"
    return (
        f"{found.what}{strata}: a full dot is the selection, a ring what it would hold, were it "
        "like the rest"
    )


def enrichment(result: Enrichment) -> Card:
    """Show the surest words."""
    if not len(result):
        return Card(result._line(), "No word was common enough to be tested.")
    picture, words = _words(result)
    left = rows_left(min(_ROWS, len(result)), len(result), "words")
    return Card(result._line(), f"{_how(result)}. {left}", "", (picture,), (words,))


def sequence_comparison(result: SequenceComparison) -> Card:
    """Show the surest words, composition, and the motifs that words pool to."""
    found = result.kmers
    composition = [
        (escape(one.name), number(one.selected), number(one.rest), tiny(one.p_value))
        for one in result.composition
    ]
    pooled = logos(result.motifs)
    picture, words = _words(found) if len(found) else ("", "")
    return Card(
        result._line(),
        f"{_how(found)}. "
        + ("Logos: words that pool. " if pooled else "")
        + rows_left(min(_ROWS, len(found)), len(found), "words"),
        "",
        tuple(one for one in (picture, pooled) if one),
        (
            words,
            raw_table(("composition", "selected", "rest", "p-value"), composition, (1, 2, 3)),
        ),
    )


def track_enrichment(result: TrackEnrichment) -> Card:
    """Show the mean in each kind of stretch beside that elsewhere."""
    rows = [
        (kind, float(inside), float(outside))
        for kind, inside, outside in zip(result.kinds, result.inside, result.outside, strict=True)
    ][:_ROWS]
    numbers = [
        (kind, f"{int(result.bases[i]):,}", number(float(result.p_value[i]), 2),
         number(float(result.q_value[i]), 2))
        for i, kind in enumerate(result.kinds[:_ROWS])
    ]  # fmt: skip
    return Card(
        result._line(),
        "Full dots: mean of the track in stretches of a kind; rings: at all other bases. p from "
        "all rotations of the stretches round the sequence, which keep how long and how close they "
        f"are. {rows_left(len(rows), len(result.kinds), 'kinds')}".rstrip(),
        "",
        (beside(rows, "mean of the track", name_width=124),),
        (table(("stretches", "bases", "p", "q"), numbers, (1, 2, 3)),),
    )


def feature_enrichment(result: FeatureEnrichment) -> Card:
    """Show how much more active features are in stretches, against how sure that is."""
    kinds = [("trained", result, PAGE.negative)]
    if result.twin is not None:
        kinds.insert(0, ("untrained", result.twin, PAGE.muted))
    points = []
    for name, found, colour in kinds:
        rows = found.table()
        rows = rows[np.isfinite(rows["fold"]) & (rows["fold"] > 0)].head(_PAIRS)
        sure = -np.log10(np.maximum(rows["p"].to_numpy(), _LEAST))
        points.append((name, np.log2(rows["fold"].to_numpy()), sure, colour))
    reach = max(float(np.abs(x).max(initial=0.5)) for _, x, _, _ in points) * 1.1
    top = max(float(y.max(initial=2.0)) for _, _, y, _ in points) * 1.06
    canvas = Canvas(460, 250, "features: activation in the stretches, and how sure it is")
    panel = Panel(canvas, (54, 24, 452, 204), (-reach, reach), (0.0, top))
    panel.y_axis("−log10 p", 4)
    panel.x_axis("activation over that in turned stretches (log2)", count=5)
    canvas.line(panel.x(0), panel.top, panel.x(0), panel.bottom, stroke=PAGE.grid)
    for place, (name, x, y, colour) in enumerate(points):
        d = "".join(f"M{panel.x(a):.1f} {panel.y(b):.1f}h0" for a, b in zip(x, y, strict=True))
        canvas.path(d, stroke=colour, **{"stroke-width": "5", "stroke-linecap": "round",
                                         "stroke-opacity": "0.6"})  # fmt: skip
        canvas.dot(60 + 96 * place, 11, 3.4, colour)
        canvas.text(68 + 96 * place, 15, name, fill=PAGE.muted)
    return plain(
        result,
        "A dot is a feature in a kind of stretch, p from the same stretches turned round each "
        "sequence. A network that learnt nothing has features, too.",
        canvas,
    )


def feature_readings(result: FeatureReadings) -> Card:
    """Show how much of each feature is a single token."""
    kinds = [("trained", result.table(), PAGE.negative)]
    if result.twin is not None:
        kinds.append(("untrained", result.twin.table(), PAGE.ink))
    shares = [(name, rows["token_share"].to_numpy(float), colour) for name, rows, colour in kinds]
    if not len(shares[0][1]):
        return plain(result)
    title = "share of a feature's activation that its commonest token has"
    return plain(
        result,
        "Far right: features that are a token of the vocabulary, which nobody has to learn.",
        histogram([one for one in shares if len(one[1])], title, "active features"),
    )


def features(result: Features) -> Card:
    """Show how alike the directions are that features write."""
    kinds = [("trained", result.alike(_DIRECTIONS), PAGE.negative)]
    if result.twin is not None:
        kinds.append(("untrained", result.twin.alike(_DIRECTIONS), PAGE.ink))
    kinds.append(("random directions", result.alike_by_chance(_DIRECTIONS), PAGE.muted))
    return plain(
        result,
        "Each feature beside the one most like it. Far right: the same, said twice.",
        histogram(kinds, "cosine with the nearest other feature", "features"),
    )
