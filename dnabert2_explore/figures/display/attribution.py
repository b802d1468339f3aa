"""Displays of attributions: base scores as letters and bars, mutation maps, checks, sweeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...sequences import as_dna
from ..core.style import span_text
from .card import Card, counted, facts, table
from .drawing.canvas import PAGE, WIDTH, Canvas, Panel, number, signed
from .drawing.grids import matrix
from .drawing.tracks import Track, close_up, tracks
from .training import settings_card

if TYPE_CHECKING:
    from ...analysis.attribution import (
        Attribution,
        Mutagenesis,
        OffsetAverage,
        RankCorrelations,
        Scorecard,
        StrandMirror,
    )
    from ...analysis.gym import Sweep
    from ...analysis.settings import AttributionSettings

_TOP = 6  # strongest tokens in a table
_LINES = 5  # rows of a sweep that are drawn as curves


def _title(method: str) -> str:
    from ...analysis.attribution import find_method

    return find_method(method).title


def _signed(method: str) -> str:
    from ...analysis.attribution import find_method

    if find_method(method).signed:
        return "up speaks for it, down against it"
    return "the method gives sizes without a sign"


def _close_words(values: np.ndarray) -> str:
    span = close_up(values)
    return f" Below, bases {span_text(*span)} in letters." if span else ""


def attribution(result: Attribution) -> Card:
    """Show base scores, the strongest tokens, and whether the sum closes."""
    tokens = result.tokens
    order = [i for i in np.argsort(-np.abs(result.token_scores)) if not tokens.special[i]][:_TOP]
    rows = [
        (tokens.tokens[i], span_text(*tokens.spans[i]), signed(result.token_scores[i]))
        for i in order
    ]
    numbers = [("score", f"{number(result.score, 4)} {result.unit}")]
    if result.baseline_score is not None:
        numbers.append(("at the baseline", f"{number(result.baseline_score, 4)} {result.unit}"))
    if result.delta is not None:
        numbers.append(("sum misses it by", f"{number(result.delta, 2)} {result.unit}"))
    if result.probabilities is not None:
        best = int(np.argmax(result.probabilities))
        numbers.append(("predicted", f"{result.classes[best]}, {result.probabilities[best]:.3f}"))
    baseline = f"baseline {result.baseline}" if result.baseline else ""
    settings = ", ".join(f"{name} {value}" for name, value in result.settings)
    return Card(
        result._line(),
        f"Contribution of each base to the {result.unit} of {result.target_name}; "
        f"{_signed(result.method)}.{_close_words(result.base_scores)}",
        " · ".join(filter(None, (result.model, _title(result.method), baseline, settings))),
        (tracks([Track("contribution", result.base_scores)], tokens, result.unit),),
        (table(("token", "bases", result.unit), rows, (2,)), facts(numbers)),
    )


def mutagenesis(result: Mutagenesis) -> Card:
    """Show what each mutation changes, as a map under the importance of the bases."""
    known = np.flatnonzero(~np.isnan(result.effects).all(axis=1))
    first, last = (int(known[0]), int(known[-1]) + 1) if len(known) else (0, 1)
    effects = result.effects[first:last]
    left, right = 62, WIDTH - 8
    canvas = Canvas(WIDTH, 222, "what each mutation changes")
    importance = result.importance[first:last]
    reach = (min(0.0, float(importance.min())), max(0.0, float(importance.max())) or 1.0)
    panel = Panel(canvas, (left, 8, right, 88), (first + 0.5, last + 0.5), reach)
    panel.y_axis(result.unit)
    width = (right - left) / (last - first)
    panel.bars(np.arange(first, last) + 1, importance, max(width, 0.6))
    panel.zero()
    canvas.cells(effects.T.astype(float), left, 102, right - left, 72)
    bases = as_dna(result.tokens.bases[first:last])
    if width >= 5:  # a dot on the base that is there
        for place, letter in enumerate(bases):
            if letter in "ACGT":
                x, y = left + (place + 0.5) * width, 102 + ("ACGT".index(letter) + 0.5) * 18
                canvas.dot(x, y, 1.8, PAGE.muted)
    for row, letter in enumerate("ACGT"):
        canvas.text(
            left - 6, 102 + row * 18 + 13, letter, anchor="end", fill=PAGE.bases[letter], mono=True
        )
    axis = Panel(canvas, (left, 102, right, 180), (first + 0.5, last + 0.5), (0, 1))
    axis.x_axis("position (bp, counted from 1)")
    flat = np.nan_to_num(np.abs(effects))
    rows = []
    for place in np.argsort(-flat.ravel())[:_TOP]:
        base, to = divmod(int(place), 4)
        own = result.tokens.bases[first + base]
        rows.append((f"{own}{first + base + 1:,}{'ACGT'[to]}", signed(effects[base, to]),
                     str(result.tokens_changed[first + base, to])))  # fmt: skip
    numbers = [("score", f"{number(result.score, 4)} {result.unit}")]
    if not np.isnan(result.correlation):
        numbers.append(("gradient agrees by", f"r = {result.correlation:.2f}"))
    return Card(
        result._line(),
        f"Above: what the base that is there adds to the {result.unit} of {result.target_name}. "
        "Below: what each mutation changes (orange up, blue down; stronger colour is more); a dot "
        "is the base that is there.",
        result.model,
        (str(canvas),),
        (table(("mutation", result.unit, "tokens changed"), rows, (1, 2)), facts(numbers)),
    )


def offset_average(result: OffsetAverage) -> Card:
    """Show the mean over the crops, with the band from the least to the largest."""
    low, high = result.band
    least, most = float(result.scores.min()), float(result.scores.max())
    lane = Track("mean over crops", result.mean, low, high, letters=False)
    numbers = [
        ("mean rank correlation of crops", number(result.agreement)),
        ("mean Pearson correlation", number(result.correlation)),
        ("scores of the crops", f"{number(least)} to {number(most)}"),
    ]
    return Card(
        result._line(),
        f"Contribution to the {result.unit} of {result.target_name} by {_title(result.method)}: "
        f"mean over {result.words}, the band from the least to the largest of them.",
        result.model,
        (tracks([lane], result.tokens, result.unit, 110),),
        (facts(numbers),),
    )


def strand_mirror(result: StrandMirror) -> Card:
    """Show both strands on one axis."""
    one = result.forward
    lanes = [
        Track("forward strand", one.base_scores, letters=False),
        Track("reverse strand, at the bases it pairs with", result.mirrored, letters=False),
    ]
    numbers = [
        ("rank correlation", number(result.agreement)),
        ("Pearson correlation", number(result.correlation)),
        ("bases read on both strands", f"{int(result.seen.sum()):,}"),
    ]
    return Card(
        result._line(),
        f"Contribution of each base to the {one.unit} of {one.target_name}, as either strand is "
        "read." + (f" They need not agree: {result.reason}." if result.reason else ""),
        f"{one.model} · {_title(one.method)}",
        (tracks(lanes, one.tokens, one.unit, 72),),
        (facts(numbers),),
    )


def scorecard(result: Scorecard) -> Card:
    """Show the attribution, and each check with its verdict."""
    found = result.attribution
    marks = {"passed": "✓ passed", "failed": "✗ failed"}
    rows = [
        (
            one.title,
            marks.get(one.result, f"– {one.result}"),
            "–" if one.value is None else number(one.value),
            one.words,
        )
        for one in result.checks
    ]
    return Card(
        result._line(),
        f"Contribution of each base to the {found.unit} of {found.target_name}; "
        f"{_signed(found.method)}.{_close_words(found.base_scores)} "
        "The checks say how far to trust it: docs/attribution.md.",
        f"{found.model} · {_title(found.method)}",
        (tracks([Track("contribution", found.base_scores)], found.tokens, found.unit),),
        (table(("check", "result", "value", "what was found"), rows, (2,)),),
    )


def rank_correlations(result: RankCorrelations) -> Card:
    """Show the matrix of correlations."""
    names = [_title(one) for one in result.methods]
    rows = [
        (name, *(number(float(value), 2) for value in row))
        for name, row in zip(names, result.rho, strict=True)
    ]
    picture = matrix({"Spearman's rank correlation": result.rho}, names)
    return Card(
        f"{len(names)} methods compared",
        f"{result}, −1 to 1. Bases of one token are no independent observations.",
        "",
        (picture,),
        tables=(table(("", *names), rows, range(1, len(names) + 1)),),
    )


def sweep(result: Sweep) -> Card:
    """Show the effect over what was varied: curves for a few rows, cells for many."""
    from ..gym import column_values, row_labels

    labels = row_labels(result)
    columns = np.asarray(column_values(result), float)
    effect, spread = result.effect, result.spread
    left, right = 62, WIDTH - 120
    canvas = Canvas(WIDTH, 232, "effect over what is varied")
    ticks: tuple[float, ...] | None = None
    if len(labels) <= _LINES:
        wide = np.nan_to_num(spread)
        known = np.nan_to_num(np.stack([effect - wide, effect + wide]))
        reach = (min(0.0, float(known.min())), max(0.0, float(known.max())))
        panel = Panel(canvas, (left, 10, right, 190), (columns.min(), columns.max()), reach)
        panel.y_axis(f"effect ({result.unit})", 4)
        strokes = (PAGE.positive, PAGE.negative, PAGE.bases["A"], PAGE.bases["G"], PAGE.select)
        dashes = ("", "6 3", "2 2", "8 2 2 2", "1 3")
        for row, label in enumerate(labels):
            if not np.isnan(spread[row]).all():
                low, high = effect[row] - spread[row], effect[row] + spread[row]
                panel.band(columns, low, high, strokes[row])
            panel.curve(columns, effect[row], strokes[row], **{"stroke-dasharray": dashes[row]})
            y = 22.0 + 18 * row
            canvas.line(right + 10, y - 4, right + 32, y - 4, stroke=strokes[row],
                        **{"stroke-dasharray": dashes[row], "stroke-width": "2"})  # fmt: skip
            canvas.text(right + 38, y, label)
        panel.zero()
    else:
        canvas.cells(effect.astype(float), left, 10, right - left, 180)
        for row, label in enumerate(labels):
            y = 10 + (row + 0.5) * 180 / len(labels) + 4
            canvas.text(left - 6, y, label, anchor="end", fill=PAGE.muted)
        panel = Panel(canvas, (left, 10, right, 190), (-0.5, len(columns) - 0.5), (0, 1))
        canvas.line(left, 190, right, 190)
        for place in range(0, len(columns), max(1, len(columns) // 12)):
            text = number(columns[place], 5)
            canvas.text(panel.x(place), 205, text, anchor="middle", fill=PAGE.muted)
        ticks = ()
    panel.x_axis(result.columns.title, ticks)
    row, column = result.peak
    numbers = [
        ("largest effect", f"{signed(effect[row, column])} {result.unit}"),
        ("there", f"{labels[row]}, {result.columns.name} {number(columns[column], 6)}"),
        ("backgrounds", f"{len(result.backgrounds):,}"),
    ]
    if result.has("control"):
        control = result.mean("control")
        numbers.append(
            ("control there (motif shuffled)", f"{signed(control[row, column])} {result.unit}")
        )
    band = ""
    if len(labels) > _LINES:
        most = number(float(np.nanmax(np.abs(effect), initial=0.0)))
        band = f" Orange adds, blue takes away; full colour is {most} {result.unit}."
    elif len(result.backgrounds) > 1:
        band = " Bands: standard deviation over backgrounds."
    return Card(
        result._line(),
        f"What the motif adds to the {result.unit} of {result.target_name}, "
        f"{counted(len(result.backgrounds), 'background', 'mean over ')}.{band}",
        result.model,
        (str(canvas),),
        (facts(numbers),),
    )


def attribution_settings(result: AttributionSettings) -> Card:
    """Show the settings that are not the defaults first."""
    return settings_card(result, "dx.attribute(enc, bases, settings=settings) takes them.")
