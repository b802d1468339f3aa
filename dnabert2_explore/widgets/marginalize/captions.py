"""What the motif gym has on show, in words."""

from __future__ import annotations

from html import escape

import numpy as np
from numpy.typing import NDArray

from ...analysis.attribution import METHODS, Attribution
from ...analysis.gym import SHOWN, Sweep
from ...encoder import Encoder
from ...figures.core.style import short, span_text
from ...figures.gym import column_values, row_labels
from ...sequences.motifs.motif import Motif
from .controls import SHUFFLED, SweepRequest

__all__ = ["in_words", "outputs_of_cell", "what_cell_changes"]


def in_words(
    result: Sweep, shown: str, enc: Encoder, asked: SweepRequest | None, current: str, method: str
) -> str:
    """Write the caption, as HTML, of what the map shows of a sweep.

    `asked` is what `result` answers, `current` the name of the sequence looked at, `method` that of
    the cell's attribution.
    """
    output = (
        f"the {result.unit} of class “{escape(result.target_name)}”"
        if len(enc.classes) > 1
        else f"the value ({escape(result.target_name)})"
        if enc.has_head
        else f"the log-likelihood of {escape(result.target_name)} (nats)"
    )
    n = len(result.backgrounds)
    first = escape(short(result.backgrounds[0].name, 40))
    where = {
        "both": f"in {first} and {SHUFFLED} copies of it, shuffled by dinucleotides",
        "shuffled": f"in {n} copies of {escape(short(current, 40))}, shuffled by dinucleotides",
        "set": f"in {n} backgrounds ({first}, and others like it)" if n > 1 else f"in {first}",
    }.get(asked.kind if asked is not None else "", f"in {first}")
    mean = ", mean and standard deviation," if n > 1 else ""
    steps = np.diff(result.columns.values[:2])
    every = (
        f" Every {steps[0]} bp."
        if result.columns.name == "position" and len(steps) and steps[0] > 1
        else ""
    )
    below = f"Below, {METHODS[method].title} of the cell."
    return (
        f"{_what(result, shown)} to {output}{mean} {where}: {_how(result)}.{every} {below} "
        f"<span class='dx-model'>{escape(result.model)}</span>"
    )


def _what(result: Sweep, shown: str) -> str:
    one = _named(result.motif)
    if result.second is None:
        return {
            "effect": f"What {one} adds",
            "control": f"What {one} with its positions shuffled adds",
            "interaction": f"What {one} adds beyond its parts alone",
        }[shown]
    pair = f"{one} and {_named(result.second)}"
    return {
        "effect": f"What {pair} add",
        "control": f"What {pair} with their positions shuffled add",
        "interaction": f"What {pair} together add beyond each alone",
    }[shown]


def _how(result: Sweep) -> str:
    return {
        "position": "written over the background, on either strand",
        "orientation": "written over the background; reversed and complemented only are no "
        "site on any strand",
        "copies": f"first copy from base {result.design.at + 1:,}",
        "spacing": f"first site from base {result.design.at + 1:,}",
        "indel": f"site from base {result.design.at + 1:,}; inserted bases come from the end "
        "of the background, deleted ones go there, and so in the background without the site",
    }[result.sweep]


def _named(motif: Motif) -> str:
    shown = f"<b>{escape(motif.label)}</b>"
    return shown if motif.label == motif.consensus else f"{shown} {motif.consensus}"


def what_cell_changes(result: Sweep, picked: tuple[int, int]) -> list[str]:
    """Write what a cell changes, over all backgrounds."""
    found = [f"<b>{escape(_cell_name(result, *picked))}</b>"]
    for shown in SHOWN:
        if result.has(shown) and np.isfinite(result.mean(shown)[picked]):
            mean, spread = result.mean(shown)[picked], result.deviation(shown)[picked]
            found.append(f"{shown} {_number(mean, spread, shown == 'effect')}")
    return found


def outputs_of_cell(
    result: Sweep,
    picked: tuple[int, int],
    which: int,
    found: Attribution | None,
    before: NDArray[np.float32] | None,
) -> list[str]:
    """Write the outputs in one background, without the motif and with it.

    `found` is the attribution of the cell, once it is there; `before` the probabilities without the
    motif, shape (classes,).
    """
    plain, score = result.baseline[(*picked, which)], result.scores[(*picked, which)]
    if np.isnan(score):
        return ["no such cell"]
    told = [
        f"{escape(result.target_name)} {plain:.2f} → <b>{score:.2f}</b> "
        f"{escape(result.unit)}".replace("-", "−")
    ]
    if found is not None and before is not None and found.probabilities is not None:
        told += [
            f"{escape(name)} {a:.0%} → <b>{b:.0%}</b>"
            for name, a, b in zip(found.classes, before, found.probabilities, strict=True)
        ]
    return told


def _cell_name(result: Sweep, row: int, column: int) -> str:
    label, value = row_labels(result)[row], int(column_values(result)[column])
    if result.columns.name == "position":
        span = span_text(*result.places(row, column)[0][:2])
        return f"bases {span}, {'strand ' if result.sweep == 'position' else ''}{label}"
    if result.sweep == "indel":
        return "no insertion or deletion" if not value else f"{value:+d} bp {label}"
    return f"{'strands ' if result.sweep == 'spacing' else ''}{label}, {value} bp between them"


def _number(mean: float, spread: float, strong: bool) -> str:
    text = f"{mean:+.2f}".replace("-", "−")
    text = f"<b>{text}</b>" if strong else text
    return f"{text} ± {spread:.2f}" if np.isfinite(spread) else text
