"""Displays of what is measured inside a network: its heads, layers, places, and bases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...results.rich_display import span_text
from ..motifs.logo import logo_svg
from .card import Card, facts, table
from .drawing.canvas import PAGE, WIDTH, Canvas, Panel, number
from .drawing.grids import grids
from .drawing.rows import Row, dots
from .drawing.tracks import close_up

if TYPE_CHECKING:
    from ...analysis.inside import (
        Blocks,
        HeadAgreement,
        HeadAtlas,
        HeadPatchMap,
        LayerLens,
        LayerScores,
        NucleotideProbabilities,
        PatchMap,
        Recall,
    )

_TOP = 6  # rows of a table
_HEADS, _LAYERS = "head (from 1)", "layer (from 1)"
_DEPTH = "layer (0: the embeddings)"


def _percent(share: float) -> str:
    return "–" if np.isnan(share) else f"{share:.0%}".replace("-", "−").replace("−0%", "0%")


def head_agreement(result: HeadAgreement) -> Card:
    """Show how each head's attention agrees with the map, and the best heads."""
    rows = [
        (str(layer + 1), str(head + 1), *(number(value, 2) for value in numbers))
        for layer, head, *numbers in result.table().head(_TOP).itertuples(index=False)
    ]
    maps = {"as it is": result.correlation, "at equal distance": result.beyond_distance}
    return Card(
        result._line(),
        "Rank correlation of each head's attention with the dependency map, over pairs of tokens; "
        "right, of pairs as far apart. Orange is above 0, blue below; full colour is 1. By chance: "
        "the 95th percentile of turned maps.",
        "",
        (grids(maps, _LAYERS, _HEADS, half=1.0, rows_from=1),),
        (table(("layer", "head", "as it is", "at equal distance", "by chance"), rows, range(5)),),
    )


def head_atlas(result: HeadAtlas) -> Card:
    """Show each property of all heads, beside its null and the untrained network."""
    from ...analysis.inside import PROPERTIES

    twin = result.twin
    nulls = ["by chance", "heads with p ≤ 0.05"] if result.permutations else []
    heads = ["property", "heads", *(["untrained"] if twin is not None else []), *nulls]
    rows = []
    for name, values in result.values.items():
        unit, words = PROPERTIES[name]
        beside = [] if twin is None else [_range(twin[name])]
        if nulls:
            sure = int((result.p[name] <= 0.05).sum())
            beside += [_range(result.null[name]), f"{sure} of {values.size}"]
        rows.append((f"{name}: {words} ({unit})", _range(values), *beside))
    turned = " (for the track: the track is turned)" if "track" in result.values else ""
    null = (
        f" By chance: what is attended to{turned} is permuted {result.permutations} times"
        f"{_least(result.permutations)}."
    )
    return Card(
        result._line(),
        "Each head measured; stronger is more, each map on its own scale."
        + (null if nulls else " Nothing was permuted: there is no null beside."),
        result.model,
        (grids(result.values, _LAYERS, _HEADS, side=92.0, height=112.0, rows_from=1),),
        (table(heads, rows, range(1, len(heads))),),
    )


def _least(times: int) -> str:
    """Say that so few draws cannot make a p small; nothing where they can."""
    return f", so that no p can be below {1 / (times + 1):.2g}" if times < 19 else ""


def _range(values: np.ndarray) -> str:
    return f"{number(float(np.nanmin(values)), 2)} to {number(float(np.nanmax(values)), 2)}"


def head_patch_map(result: HeadPatchMap) -> Card:
    """Show what each head gives back, and beside it in the untrained network."""
    maps = {"the model": result.restored}
    if result.twin is not None:
        maps["untrained twin"] = result.twin.restored
    rows = [
        (str(layer + 1), str(head + 1), *map(_percent, shares))
        for layer, head, *shares in result.table().head(_TOP).itertuples(index=False)
    ]
    return Card(
        result._line(),
        "Share of the effect that comes back when one head hands on what it does in the reference; "
        "orange gives back, blue takes away; full colour is 100%.",
        result.model,
        (grids(maps, _LAYERS, _HEADS, half=1.0, rows_from=1),),
        (table(("layer", "head", "restored", "untrained")[: 2 + len(maps)], rows, range(4)),),
    )


def patch_map(result: PatchMap) -> Card:
    """Show what each place gives back after each layer, and beside it in the untrained network."""
    maps = {"the model": result.restored}
    if result.twin is not None:
        maps["untrained twin"] = result.twin.restored
    shares = np.nan_to_num(result.restored[1:])
    rows = []
    for place in np.argsort(-np.abs(shares), axis=None, kind="stable")[:_TOP]:
        layer, part = np.unravel_index(int(place), shares.shape)
        start, end = map(int, result.spans[part])
        a, b = result.ref_parts[part]
        where = span_text(start, end) if end > start else " ".join(result.ref.tokens[a:b])
        each = [_percent(float(one[layer + 1, part])) for one in maps.values()]
        rows.append((str(layer + 1), where, *each))
    return Card(
        result._line(),
        "Share of the effect that comes back when one place has the reference's states after a "
        "layer; a place is a token, or the run of tokens in which the alleles differ. Orange gives "
        "back, blue takes away; full colour is 100%.",
        result.model,
        (grids(maps, _DEPTH, "place (from 1, [CLS] first)", half=1.0, rows_from=0),),
        (table(("layer", "bases", "restored", "untrained")[: 2 + len(maps)], rows, (0, 2, 3)),),
    )


def layer_lens(result: LayerLens) -> Card:
    """Show how near to the top each masked token comes after each layer."""
    most = np.log10(max(int(result.rank.max()), 10))
    maps = {"the model": 1 - np.log10(result.rank) / most}
    medians = [np.median(result.rank, axis=1)]
    if result.twin is not None:
        maps["untrained twin"] = (1 - np.log10(result.twin.rank) / most).clip(0)
        medians.append(np.median(result.twin.rank, axis=1))
    rows = [
        (str(layer), *(f"{value:,.0f}" for value in values))
        for layer, values in enumerate(zip(*medians, strict=True))
    ]
    return Card(
        result._line().partition(";")[0],
        "Each token masked alone: the stronger the colour, the nearer the true token is to rank 1 "
        "among all entries (log scale).",
        result.model,
        (grids(maps, _DEPTH, "masked token (from 1)", half=1.0, rows_from=0),),
        (table(("layer", "median rank", "untrained")[: 1 + len(maps)], rows, range(3)),),
    )


def layer_scores(result: LayerScores) -> Card:
    """Show the probe of each layer, beside all nulls."""
    rows = result.table().head(_TOP)
    cells = [
        (str(one.layer), one.pooling, f"{one.probe:.3f} ± {one.spread:.3f}",
         f"{one.twin_probe:.3f}", f"{one.shuffled_probe:.3f}", f"{one.purity:.3f}")
        for one in rows.itertuples(index=False)
    ]  # fmt: skip
    strokes = (PAGE.positive, PAGE.negative, PAGE.bases["A"])
    canvas = Canvas(420, 220, "balanced accuracy of each layer")
    panel = Panel(canvas, (52, 10, 300, 176), (0, len(result.probe) - 1), (0, 1))
    panel.y_axis("balanced accuracy", 5)
    layers = np.arange(len(result.probe))
    dashed = {"stroke-dasharray": "4 3"}
    legend = [("4-mers", PAGE.ink, "1 3"), ("untrained", PAGE.muted, "4 3")]
    canvas.line(52, panel.y(result.kmer_probe), 300, panel.y(result.kmer_probe), stroke=PAGE.ink,
                **{"stroke-dasharray": "1 3"})  # fmt: skip
    for place, pooling in enumerate(result.poolings):
        panel.curve(layers, result.twin_probe[:, place], PAGE.muted, **dashed)
        panel.curve(layers, result.probe[:, place], strokes[place % 3])
        legend.append((f"{pooling} pooling", strokes[place % 3], ""))
    for row, (name, stroke, dash) in enumerate(legend):
        canvas.line(312, 18 + 18 * row, 334, 18 + 18 * row, stroke=stroke,
                    **{"stroke-dasharray": dash, "stroke-width": "2"})  # fmt: skip
        canvas.text(340, 22 + 18 * row, name)
    panel.x_axis(_DEPTH, layers.tolist() if len(layers) < 14 else None)
    heads = ("layer", "pooling", "accuracy ± SD", "untrained", "shuffled labels", "neighbours")
    return Card(
        result._line().partition("; ")[0],
        "Balanced accuracy of a cross-validated linear probe, ± standard deviation over folds; "
        "neighbours: share of the 10 nearest sequences of the same class. The best of many tried "
        "looks a little too good: shuffled labels are tried as often.",
        result.model,
        (str(canvas),),
        (table(heads, cells, (0, 2, 3, 4, 5)), facts([("4-mers", f"{result.kmer_probe:.3f}")])),
    )


def recall(result: Recall) -> Card:
    """Show the gain at each distance with its interval, and the untrained network's."""
    rows: list[Row] = []
    shown = [("", result, PAGE.positive)]
    if result.twin is not None:
        shown.append((", untrained", result.twin, PAGE.muted))
    for name, one, colour in shown:
        for distance, (mean, low, high) in zip(one.distances, one.intervals(), strict=True):
            where = f"{distance:,} bp before{name}"
            rows.append((where, float(mean), float(low), float(high), colour))
    return Card(
        result._line(),
        f"What an exact copy of {result.length} bp adds to predicting masked tokens, beside a "
        "shuffled copy (0), with 95% intervals over places.",
        result.model,
        (dots(rows, "gain (nats a token)", top=0.0),),
    )


def nucleotide_probabilities(result: NucleotideProbabilities) -> Card:
    """Show the information of each base, and as letters where it is largest."""
    first, last = result.region
    information = (2 - result.entropy).clip(0)
    close = close_up(information)
    left, right = 62.0, WIDTH - 8.0
    canvas = Canvas(WIDTH, 250 if close else 146, "what the model expects at each base")
    top = 10.0
    if close:
        panel = Panel(canvas, (left, top, right, top + 60), (first + 0.5, last + 0.5), (0, 2))
        panel.y_axis("bits")
        panel.bars(np.arange(first, last) + 1, information, (right - left) / (last - first))
        a, b = panel.x(first + close[0] + 0.5), panel.x(first + close[1] + 0.5)
        canvas.rect(a, top, b - a, 60, PAGE.select, **{"fill-opacity": "0.10"})
        panel.x_axis("")
        top += 94
    low, high = close or (0, last - first)
    reach = (0.0, max(0.5, float(np.nanmax(information))))
    span = (first + low + 0.5, first + high + 0.5)
    panel = Panel(canvas, (left, top, right, top + 96), span, reach)
    panel.y_axis("bits")
    shown = np.nan_to_num(result.probabilities[low:high], nan=0.25)
    column = (right - left) / (high - low)
    logo = logo_svg(shown, column=column, height=101, reach=reach, axis=False, theme="page")
    canvas.place(logo, left, top - 5)
    panel.x_axis("position (bp, counted from 1)")
    numbers = [("the base that is there", f"{number(result.nats)} nats")]
    numbers.append(("of composition alone", f"{number(result.composition_nats)} nats"))
    if result.twin is not None:
        numbers.append(("untrained twin", f"{number(result.twin.nats)} nats"))
    return Card(
        result._line().removesuffix(f", {result.model}"),
        "Letters: the probability of each base times its information (2 bits: the model is sure). "
        "nats: −log probability of the base that is there, mean; less is better.",
        result.model,
        (str(canvas),),
        (facts(numbers),),
    )


def blocks(result: Blocks) -> Card:
    """Show the heaviest clusters."""
    rows = [
        (span_text(*one.source), span_text(*one.target), number(one.peak), number(one.mass),
         number(one.p))
        for one in result.blocks[: 2 * _TOP]
    ]  # fmt: skip
    heads = ("bases substituted", "bases concerned", "peak (nats)", "mass (log excess)", "p")
    return Card(
        result._line(),
        "Stretches that depend on one another, the heaviest first; filled: p of 0.05 or less, "
        f"against maps of shuffled copies of the sequence{_least(result.copies)}. .table() has "
        "them from 0, ends not included.",
        pictures=(_block_plane(result),) if rows else (),
        tables=(table(heads, rows, range(5)),) if rows else (),
    )


def _block_plane(result: Blocks) -> str:
    """Draw clusters where they lie in their map: bases substituted across, concerned upwards."""
    # Base n is about n: its borders are half a base off.
    edges = [edge + 0.5 for one in result.blocks for edge in (*one.source, *one.target)]
    room = max(2.0, 0.03 * (max(edges) - min(edges)))
    ends = min(edges) - room, max(edges) + room
    canvas = Canvas(330, 320, "clusters of the map")
    panel = Panel(canvas, (56, 8, 322, 274), ends, ends)
    canvas.rect(56, 8, 266, 266, "none", stroke=PAGE.grid)
    canvas.line(panel.x(ends[0]), panel.y(ends[0]), panel.x(ends[1]), panel.y(ends[1]),
                **{"stroke-dasharray": "2 3"})  # fmt: skip
    for one in result.blocks[::-1]:
        x, y = panel.x(one.source[0] + 0.5), panel.y(one.target[1] + 0.5)
        wide, high = panel.x(one.source[1] + 0.5) - x, panel.y(one.target[0] + 0.5) - y
        sure = one.p <= 0.05
        colour = PAGE.positive if sure else PAGE.muted
        canvas.rect(x, y, max(wide, 2), max(high, 2), colour if sure else "none", stroke=colour,
                    **{"fill-opacity": "0.45"})  # fmt: skip
    panel.x_axis("substituted base (bp, from 1)", count=5)
    panel.y_axis("base concerned (bp)", 5)
    return str(canvas)
