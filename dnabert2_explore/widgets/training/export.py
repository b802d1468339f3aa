"""A fine-tuning run in words, as a table, and as the Python that makes it again."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence as Items
from dataclasses import fields
from html import escape
from typing import TYPE_CHECKING, Any

from ...figures.training.curves import METRICS
from ..core.code import csv_text

if TYPE_CHECKING:
    from ...training.finetune import FinetuneConfig, FinetuneResult
    from ...training.scores.metrics import Scores

__all__ = ["caption_of", "code_of", "table_of"]


def caption_of(
    config: FinetuneConfig,
    result: FinetuneResult | None,
    about: str,
    batch: int,
    points: Items[Mapping[str, Any]],
) -> str:
    """Say what runs, or what came of it."""
    method = {"full": "all weights", "lora": "LoRA adapters", "probe": "a head alone"}
    parts = [
        f"Fine-tuning of <b>{escape(about)}</b>: {method[config.method]}, batches of "
        f"{batch}, seed {config.seed}."
    ]
    if result is None:
        kept = [p for p in points if p.get("best")]
        if kept:
            parts.append(f"Lowest dev loss so far at step {int(kept[-1]['step']):,}.")
        return " ".join(parts)
    ended = "stopped early" if result.stopped else "finished"
    parts.append(
        f"It {ended} after {result.steps:,} steps in {result.seconds:,.0f} s; the weights of "
        f"step {result.best_step:,} had the lowest loss on {result.sequences['dev']:,} dev "
        "sequences and are kept."
    )
    if result.test is not None:
        parts.append(
            f"Test: {result.test.count:,} sequences that chose nothing; intervals are 95 %, "
            f"from {config.bootstrap:,} bootstrap samples of them."
        )
    parts.append(f"Saved in {escape(str(result.model))}.")
    return " ".join(parts)


def code_of(config: FinetuneConfig, metric: str) -> str:
    """Write the lines of Python that make a run again and draw its curves."""
    defaults = type(config)(model="", train="", dev="", out="")
    shown = [
        f"    {one.name}={getattr(config, one.name)!r},"
        for one in fields(config)
        if one.name in ("model", "train", "dev", "out")
        or getattr(config, one.name) != getattr(defaults, one.name)
    ]
    return (
        "import pandas as pd\nimport dnabert2_explore as dx\n"
        "from dnabert2_explore.figures import finetune_curves\n\n"
        "config = dx.FinetuneConfig(\n" + "\n".join(shown) + "\n)\n"
        "result = dx.finetune(config)  # out must be a folder that is not there yet\n"
        "print(result)\n"
        "classifier = dx.load(result.model)\n"
        'log = pd.read_csv(f"{config.out}/log.csv").to_dict("records")\n'
        f"finetune_curves(log, metric={metric!r})"
    )


def table_of(caption: str, points: Items[Mapping[str, Any]], scores: Mapping[str, Scores]) -> str:
    """Write the points of the curves as CSV, the test scores above them."""
    keys = list(dict.fromkeys(key for point in points for key in point))
    remarks = [
        f"test {key} of {name}: {one.value:.4f} ({one.low:.4f} to {one.high:.4f})"
        for name, found in scores.items()
        for key, one in found.values.items()
        if key in METRICS
    ]
    rows = ([_cell(point.get(key)) for key in keys] for point in points)
    return csv_text([caption, *remarks], keys, rows)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    with contextlib.suppress(TypeError, ValueError):
        if not isinstance(value, bool | int):
            return f"{float(value):.6g}"
    return str(value)
