"""Displays of models, of how they are read, and of embeddings on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...results.rich_display import counted
from ..core.intervals import window_cosines
from .card import Card, facts
from .drawing.canvas import PAGE, WIDTH, Canvas, Panel, number, short

if TYPE_CHECKING:
    from ...encoder import Encoder, ModelInfo
    from ...encoder.passes.readings import Readings
    from ...encoder.vectors.long import LongEmbedding
    from ...stores import EmbeddingStore, StoreCheck, Summary

_CONTIGS = 12


def encoder(result: Encoder) -> Card:
    """Show shape, classes, where it runs, and what it can be asked."""
    can = ["tokenize", "embed", "dx.attend"]
    if result.has_masked_lm:
        can.append("masked_log_probs")
    if result.has_head:
        can += ["predict", "dx.attribute"]
    card = model_info(result.info)
    said = f"Ask it to: {', '.join(can)}."
    if result.has_head:
        from ...encoder.passes.readings import Readings

        said += f" Its predictions: {Readings.of(result)}."
    return Card(card.line, said, card.provenance, tables=card.tables)


def model_info(result: ModelInfo) -> Card:
    """Show the shape of a network and where its weights come from."""
    shape = f"{result.layers} layers, {result.heads} heads, {result.hidden} wide"
    numbers = [
        ("parameters", f"{result.parameters:,}"),
        ("network", f"{shape}, {result.vocabulary:,} tokens in the vocabulary"),
        ("predicts", short(", ".join(result.classes), 300) or "no classes"),
        ("runs", f"{result.dtype} on {result.device}, attention {result.attention}"),
    ]
    digest = f"sha256 {result.sha256[:12]}…" if result.sha256 else "weights of no file"
    where = result.path or "in memory"
    return Card(result._line(), "", f"{where} · {digest}", tables=(facts(numbers),))


def readings(result: Readings) -> Card:
    """Show what an answer is the mean over."""
    numbers = [
        ("strands", result.strands),
        ("segmentations beside the tokenizer's own", str(result.segmentations)),
        ("readings in all", str(len(result))),
    ]
    return Card(result._line(), tables=(facts(numbers),))


def long_embedding(result: LongEmbedding) -> Card:
    """Show how alike each window is to the whole."""
    middles = result.spans.mean(axis=1) + 0.5
    alike = window_cosines(result)
    end = float(result.spans[-1, 1])
    canvas = Canvas(WIDTH, 190, "likeness of each window to the whole")
    least = min(float(np.nanmin(alike, initial=1.0)), 0.99)
    panel = Panel(canvas, (62, 10, WIDTH - 10, 140), (0.5, end + 0.5), (least, 1.0))
    panel.y_axis("cosine")
    for (start, stop), value in zip(result.spans, alike, strict=True):
        if not np.isnan(value):
            y = panel.y(float(value))
            canvas.line(panel.x(start + 0.5), y, panel.x(stop + 0.5), y, stroke=PAGE.positive,
                        **{"stroke-width": "2.5"})  # fmt: skip
    panel.curve(middles, alike, PAGE.muted, **{"stroke-width": "0.8"})
    panel.x_axis("position (bp, counted from 1)")
    numbers = [
        ("windows", f"{len(result.spans):,}"),
        ("numbers a vector", f"{len(result.vector):,}"),
        ("least cosine", number(float(np.nanmin(alike)))),
    ]
    return Card(
        f"{int(end):,} bp in {counted(len(result.spans), 'window')}, {result.pooling} of layer "
        f"{result.layer}",
        "Each line is a window: the cosine of its vector and that of the whole. Where it drops, "
        "the sequence is unlike the rest.",
        result.model,
        (str(canvas),),
        (facts(numbers),),
    )


def embedding_store(result: EmbeddingStore) -> Card:
    """Show the records, and how many of their windows are computed."""
    plan = result.plan
    done = set(range(plan.n_chunks)) - set(result.missing())
    windows = np.zeros(len(plan.names), np.int64)
    finished = np.zeros(len(plan.names), np.int64)
    for chunk in range(plan.n_chunks):
        record = plan.chunk(chunk)[0]
        first, last = plan.rows(chunk)
        windows[record] += last - first
        finished[record] += (last - first) * (chunk in done)
    order = np.argsort(-windows, kind="stable")[:_CONTIGS]
    canvas = Canvas(WIDTH, 22 * len(order) + 44, "windows of each record")
    panel = Panel(
        canvas, (150, 4, WIDTH - 150, 22 * len(order) + 6), (0, int(windows.max())), (0, 1)
    )
    for row, i in enumerate(order):
        y = 6 + 22.0 * row
        canvas.text(144, y + 13, short(plan.names[i]), anchor="end")
        canvas.rect(150, y, panel.x(windows[i]) - 150, 16, PAGE.tints[1])
        canvas.rect(150, y, panel.x(finished[i]) - 150, 16, PAGE.tints[0])
        of = "" if finished[i] == windows[i] else f" of {windows[i]:,}"
        canvas.text(panel.x(windows[i]) + 6, y + 13, f"{finished[i]:,}{of}")
    panel.x_axis("windows")
    numbers = [
        ("windows", f"{result.n_windows:,} of {plan.window:,} bp, every {plan.stride:,} bp"),
        ("layers", ", ".join(map(str, result.layers))),
        ("numbers a vector", f"{result.hidden:,}"),
        ("written", f"{result.n_done:,} of {plan.n_chunks:,} chunks"),
    ]
    more = len(plan.names) - len(order)
    return Card(
        result._line(),
        "Windows of each record; dark is computed."
        + (f" {more:,} shorter records more." if more else "")
        + " .vectors() is a Zarr array, .coordinates() a table.",
        str(result.path),
        (str(canvas),),
        (facts(numbers),),
    )


def summary(result: Summary) -> Card:
    """Show what a run computed."""
    numbers = [
        ("windows", f"{result.windows:,}"),
        ("computed now", f"{result.computed:,}"),
        ("done before", f"{result.skipped:,}"),
        ("without a known base", f"{result.unknown_only:,}"),
        ("bases", f"{result.bases:,}"),
        ("time", f"{result.seconds:,.1f} s, {result.share:.0%} of it in the model"),
        ("rate", f"{result.rate:,.0f} bases/s, {result.workers} at work"),
    ]
    return Card(
        f"{counted(result.windows, 'window')} in the store",
        "dx.open_store opens it.",
        result.path,
        tables=(facts(numbers),),
    )


def store_check(result: StoreCheck) -> Card:
    """Show what is damaged."""
    numbers = [("chunk " + str(one.chunk), f"{one.file}: {one.reason}") for one in result.damages]
    return Card(result._line(), provenance=str(result.path), tables=(facts(numbers[:10]),))
