"""Displays of what is inside the network: layers, heads, places, each beside its null."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...sequences.motifs.motif import ALPHABET
from ..motifs.logo import logo_svg
from .canvas import PAGE, WIDTH, Canvas, Panel, number
from .card import Card, plain

if TYPE_CHECKING:
    from ...analysis.inside import (
        HeadAtlas,
        HeadPatchMap,
        LayerLens,
        LayerScores,
        NucleotideProbabilities,
        PatchMap,
        Recall,
    )

_DASHED = {"stroke-dasharray": "4 3"}
_LETTERS = 60


def _beside_twin(
    result: Any,
    values_of: Callable[[Any], NDArray[np.float64]],
    columns: str,
    first: int = 1,
    half: float | None = None,
) -> Canvas:
    """Draw a matrix of the model and, on the same scale, of its untrained twin.

    Rows are layers, from 0; the first column is number `first`.
    """
    maps = [("the model", values_of(result))]
    if result.twin is not None:
        maps.append(("untrained twin", values_of(result.twin)))
    half = half or max(float(np.nanmax(np.abs(one), initial=0.0)) for _, one in maps) or 1.0
    count, wide = maps[0][1].shape
    side, left = 300.0 if len(maps) > 1 else 560.0, 54.0
    high = float(np.clip(22 * count, 66, 264))
    canvas = Canvas(left + len(maps) * (side + 26), high + 66, f"layer × {columns}")
    for place, (name, values) in enumerate(maps):
        x = left + place * (side + 26)
        canvas.text(x, 12, name, fill=PAGE.muted)
        canvas.rect(x, 20, side, high, "none", stroke=PAGE.grid)
        canvas.cells(values[::-1], x, 20, side, high, half=half)
        panel = Panel(
            canvas, (x, 20, x + side, 20 + high), (first - 0.5, first + wide - 0.5), (0, 1)
        )
        ticks = np.unique(np.linspace(first, first + wide - 1, 6).astype(int)).astype(float)
        panel.x_axis(columns, ticks.tolist())
    for row in range(count):
        if count <= 14 or row % 4 == 0:
            at = 20 + high - (row + 0.5) * high / count + 4
            canvas.text(left - 6, at, str(row), "end", PAGE.muted)
    turn = f"translate(11 {20 + high / 2:.1f}) rotate(-90)"
    canvas.text(0, 0, "layer", "middle", PAGE.muted, transform=turn)
    return canvas


def layer_lens(result: LayerLens) -> Card:
    """Show how early each masked token is known."""
    largest = float(np.log2(max(result.rank.max(), 2)))
    canvas = _beside_twin(
        result, lambda one: largest - np.log2(one.rank), "masked token (from 1)", half=largest
    )
    return plain(
        result,
        "Rank of the true token after every layer (0: the embeddings), on a scale of doublings: "
        "the stronger, the nearer to the first place.",
        canvas,
    )


def patch_map(result: PatchMap) -> Card:
    """Show which places give the reference's score back."""
    canvas = _beside_twin(
        result, lambda one: np.asarray(one.restored, float), "part of the tokens (from 1)", half=1.0
    )
    return plain(
        result,
        f"{_allele(result)} comes back where a part's state after a layer (0: the embeddings) is "
        "the reference's; full colour is all of it, blue the wrong way.",
        canvas,
    )


def head_patch_map(result: HeadPatchMap) -> Card:
    """Show which heads give the reference's score back."""
    canvas = _beside_twin(
        result, lambda one: np.asarray(one.restored, float), "head (from 0)", 0, 1.0
    )
    return plain(
        result,
        f"{_allele(result)} comes back where what a head hands on is the reference's; full colour "
        "is all of it, blue the wrong way.",
        canvas,
    )


def _allele(result: PatchMap | HeadPatchMap) -> str:
    effect = number(result.ref_score - result.alt_score)
    return f"How much of the {effect} {result.unit} between the alleles"


def head_atlas(result: HeadAtlas) -> Card:
    """Show every measured property of every head."""
    from ...analysis.inside.measured_heads import PROPERTIES

    names = list(result.values)
    layers, heads = result.values[names[0]].shape
    side, high = 96.0, max(16.0 * layers, 48)
    canvas = Canvas(34 + len(names) * (side + 14), high + 58, "properties of heads")
    for place, name in enumerate(names):
        x, values = 34 + place * (side + 14), result.values[name]
        canvas.text(x, 12, name.replace("_", " "))
        canvas.rect(x, 20, side, high, "none", stroke=PAGE.grid)
        canvas.cells(values, x, 20, side, high, (PAGE.negative, PAGE.bases["C"]))
        reach = f"{number(float(np.nanmin(values)), 2)} – {number(float(np.nanmax(values)), 2)}"
        unit = PROPERTIES[name][0] if name in PROPERTIES else ""
        canvas.text(x, high + 34, f"{reach} {unit}", fill=PAGE.muted)
    for layer in range(layers):
        at = 20 + (layer + 0.5) * high / layers + 4
        canvas.text(28, at, str(layer), "end", PAGE.muted)
    return plain(
        result,
        f"Rows are layers, from 0; the {heads} columns are heads. Stronger is more. Beside each "
        "number in the table: the same with the keys permuted.",
        canvas,
    )


def layer_scores(result: LayerScores) -> Card:
    """Show from which layer classes are told best."""
    count = len(result.poolings)
    wide = (WIDTH - 60) / count
    canvas = Canvas(WIDTH, 236, "how well classes are told from the vectors of every layer")
    layers = np.arange(len(result.probe))
    for place, pooling in enumerate(result.poolings):
        left = 54 + place * wide
        panel = Panel(canvas, (left, 22, left + wide - 16, 190), (0, len(layers) - 1), (0, 1))
        if place == 0:
            panel.y_axis("balanced accuracy of a probe")
        canvas.text(left, 14, f"{pooling} pooling", fill=PAGE.muted)
        at = panel.y(result.kmer_probe)
        canvas.line(left, at, panel.right, at, PAGE.ink, **{"stroke-dasharray": "1 3"})
        low, high = (
            np.clip(result.probe[:, place] + sign * result.spread[:, place], 0, 1)
            for sign in (-1, 1)
        )
        panel.band(layers, low, high, PAGE.positive)
        panel.curve(layers, result.probe[:, place], PAGE.positive)
        panel.curve(layers, result.twin_probe[:, place], PAGE.negative, **_DASHED)
        panel.curve(layers, result.shuffled_probe[:, place], PAGE.muted, **_DASHED)
        panel.x_axis("layer (0: embeddings)", layers.tolist())
    return plain(
        result,
        "Orange, ± the spread over folds: the model; blue, dashed: its untrained twin; grey, "
        f"dashed: shuffled labels; dotted: 4-mers ({result.kmer_probe:.2f}).",
        canvas,
    )


def nucleotide_probabilities(result: NucleotideProbabilities) -> Card:
    """Show the bases the model expects, and how sure it is, beside its untrained twin."""
    start, end = result.region
    bits = _bits(result)
    canvas = Canvas(WIDTH, 252, "how sure the model is of every base")
    panel = Panel(canvas, (62, 8, WIDTH - 8, 106), (start + 0.5, end + 0.5), (0, 2))
    panel.y_axis("bits")
    places = np.arange(start, end) + 1
    panel.bars(places, np.nan_to_num(bits), (WIDTH - 70) / len(bits))
    if result.twin is not None:
        panel.curve(places, _bits(result.twin), PAGE.negative, **_DASHED)
    panel.x_axis("position (bp, counted from 1)")
    width = min(_LETTERS, len(bits))
    sums = np.convolve(np.nan_to_num(bits), np.ones(width), "valid")
    first = int(sums.argmax())
    rows = np.nan_to_num(result.probabilities[first : first + width].astype(float), nan=0.25)
    rows /= rows.sum(axis=1, keepdims=True)
    logo = logo_svg(rows, column=(WIDTH - 70) / width, height=96, axis=False, theme="page")
    canvas.place(logo, 62, 150)
    twin = "; dashed: its untrained twin" if result.twin is not None else ""
    return plain(
        result,
        f"How far the probabilities of {', '.join(ALPHABET)} are from even, 2 bits at the most"
        f"{twin}. Below, bases {start + first + 1:,}–{start + first + width:,} as the model "
        "expects them.",
        canvas,
    )


def _bits(result: NucleotideProbabilities) -> NDArray[np.float64]:
    p = result.probabilities.astype(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.where(p > 0, np.log2(p), 0.0)
    found: NDArray[np.float64] = 2 + np.where(np.isnan(p), np.nan, p * logs).sum(axis=1)
    return found


def recall(result: Recall) -> Card:
    """Show how much a copy helps, over how far before it stands."""
    canvas = Canvas(420, 230, "what a copy adds, over its distance")
    at = np.arange(len(result.distances), dtype=float)
    means = [("model", result.gain.mean(axis=1))]
    if result.twin is not None:
        means.append(("twin", result.twin.gain.mean(axis=1)))
    spread = 1.96 * result.gain.std(axis=1, ddof=1) / np.sqrt(result.gain.shape[1])
    low = min(0.0, *(float((one - spread).min()) for _, one in means))
    high = max(1e-3, *(float((one + spread).max()) for _, one in means))
    panel = Panel(canvas, (62, 10, 408, 186), (-0.3, len(at) - 0.7), (low, high))
    panel.y_axis("nats a token", 5)
    panel.zero()
    panel.band(at, means[0][1] - spread, means[0][1] + spread, PAGE.positive)
    for name, one in means:
        panel.curve(at, one, PAGE.positive if name == "model" else PAGE.negative)
    for place, distance in enumerate(result.distances):
        canvas.text(panel.x(place), 201, f"{distance:,}", "middle", PAGE.muted)
    canvas.text(235, 218, "distance of the copy (bp)", "middle", PAGE.muted)
    twin = "; blue: its untrained twin" if result.twin is not None else ""
    return plain(
        result,
        f"Log-likelihood gained where a copy of {result.length} bp stands before it, beside a "
        f"shuffled copy (95% of the mean over places){twin}. There are {number(result.nats)} nats "
        "to gain.",
        canvas,
    )
