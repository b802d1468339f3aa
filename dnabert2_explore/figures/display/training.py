"""Displays of training, scores, leakage, and the benchmark's tables."""

from __future__ import annotations

import dataclasses
import math
import textwrap
from typing import TYPE_CHECKING, Any

from ...results.rich_display import counted
from ..training.curves import metric_name
from .card import Card, facts, table
from .drawing.canvas import PAGE, number, short
from .drawing.rows import Row, dots

if TYPE_CHECKING:
    from ...training.finetune import FinetuneConfig, FinetuneResult
    from ...training.finetune.seeds import SeedsResult
    from ...training.gue import Audit, DatasetAudit, Leaderboard
    from ...training.labelled.leakage import LeakageReport
    from ...training.predict import PredictionSummary
    from ...training.pretrain import PretrainConfig
    from ...training.pretrain.config import PretrainResult
    from ...training.scores.metrics import Estimate, Scores
    from ...training.scores.rules import RuleComparison

_MODEL, _OTHER = PAGE.positive, PAGE.muted


def _sentence(result: RuleComparison) -> str:
    text = str(result)
    return f"{text[0].upper()}{text[1:]}."


def _row(name: str, one: Estimate, colour: str = _MODEL) -> Row:
    return name, one.value, one.low, one.high, colour


def scores(result: Scores) -> Card:
    """Show each metric with its interval."""
    rows = [_row(metric_name(name), one) for name, one in result.values.items() if name != "rmse"]
    return Card(
        f"{counted(result.count, 'sequence')}, loss {result.loss:.4f}",
        "Scores with 95% bootstrap intervals over sequences. " + " ".join(result.notes),
        pictures=(dots(rows, "score"),),
    )


def _result_rows(result: FinetuneResult) -> list[Row]:
    rows = []
    for split, found in (("dev", result.dev), ("test", result.test)):
        if found is not None:
            names = [name for name in found.values if name != "rmse" and "f1_" not in name]
            names += ["f1_macro"] if "f1_macro" in found.values else []
            colour = _MODEL if split == "test" or result.test is None else PAGE.tints[0]
            rows += [
                _row(f"{metric_name(name)}, {split}", found.values[name], colour) for name in names
            ]
    return rows


def finetune_result(result: FinetuneResult) -> Card:
    """Show the scores with their intervals, beside the best rule without a neural network."""
    rows = _result_rows(result)
    if result.rule is not None:
        rows.append(_row(f"MCC of {result.rule.title}", result.rule.score, _OTHER))
    numbers = [
        ("sequences", ", ".join(f"{k} {v:,}" for k, v in result.sequences.items() if v)),
        ("weights of step", f"{result.best_step:,} of {result.steps:,}"),
        ("time", f"{result.seconds:,.0f} s"),
        ("leakage", "; ".join(one.summary for one in result.leakage.pairs) or str(result.leakage)),
        *[("note", short(note, 200)) for note in result.notes[:5]],
    ]
    rule = "" if result.rule is None else f" {_sentence(result.rule)}"
    caution = f"{result.caution} " if result.caution else ""
    return Card(
        f"{result.task} of {short(', '.join(result.classes), 120) or 'a value'}",
        f"{caution}Scores of the kept weights with 95% intervals over sequences.{rule}",
        str(result.model),
        (dots(rows, "score"),),
        (facts(numbers),),
    )


def seeds_result(result: SeedsResult) -> Card:
    """Show each seed's scores."""
    metrics = list((result.results[0].test or result.results[0].dev).values)[:4]
    rows = [
        (str(seed), *(number(result.values(name)[place]) for name in metrics))
        for place, seed in enumerate(result.seeds)
    ]
    rows.append(("mean", *(number(result.mean(name)) for name in metrics)))
    rows.append(("± SD", *(number(result.spread(name), 2) for name in metrics)))
    means = [
        (metric_name(name), result.mean(name), min(values), max(values), _MODEL)
        for name, values in ((name, result.values(name)) for name in metrics)
        if name != "rmse"  # which has a unit
    ]
    heads = ("seed", *map(metric_name, metrics))
    return Card(
        result._line(),
        f"Scores on {result.split}: mean over seeds, from the smallest to the largest.",
        pictures=(dots(means, "score: mean, smallest and largest"),),
        tables=(table(heads, rows, range(1, len(heads))),),
    )


def rule_comparison(result: RuleComparison) -> Card:
    """Show every rule beside the model."""
    nan = math.nan
    value = result.score.value + result.minus.value
    rows: list[Row] = [("the model", value, nan, nan, _MODEL)]
    rows.append(_row(result.title, result.score, _OTHER))
    rows += [
        (name, one, nan, nan, _OTHER)
        for name, one in sorted(result.others.items(), key=lambda pair: -pair[1])
        if name != result.rule
    ]
    return Card(
        f"model minus rule {result.minus}",
        _sentence(result),
        pictures=(dots(rows, "Matthews correlation on test"),),
    )


def leakage_report(result: LeakageReport) -> Card:
    """Show what the splits share."""
    rows = [
        (f"{one.second} in {one.first}", f"{one.exact:,}", f"{one.near:,}",
         "–" if one.twins is None else f"{one.twins:,}",
         "–" if one.positional is None else f"{one.positional:,}", f"{one.total:,}")
        for one in result.pairs
    ]  # fmt: skip
    heads = ("splits", "copies", "near-copies", "composition twins", "positional twins",
             "sequences")  # fmt: skip
    return Card(
        "no copies" if result.clean else "what the splits share",
        textwrap.shorten(str(result), 800, placeholder=" …"),
        tables=(table(heads, rows, (1, 2, 3, 4)),) if rows else (),
    )


def prediction_summary(result: PredictionSummary) -> Card:
    """Show where predictions lie and what they are worth."""
    numbers = [
        ("rows", f"{result.rows:,}"),
        ("classes", short(", ".join(result.classes), 200) or "–"),
    ]
    numbers += [("note", short(note, 200)) for note in result.notes[:5]]
    pictures = () if result.scores is None else scores(result.scores).pictures
    return Card(
        f"{result.rows:,} predictions in {result.out}",
        "",
        result.model,
        pictures,
        (facts(numbers),),
    )


def finetune_config(result: FinetuneConfig) -> Card:
    """Show the settings that are not the defaults first."""
    return settings_card(
        result, "dx.finetune(config) runs it; what is left open fits model and data."
    )


def pretrain_config(result: PretrainConfig) -> Card:
    """Show the settings that are not the defaults first."""
    return settings_card(result, "dx.pretrain(config) runs it.")


def settings_card(result: Any, caption: str) -> Card:
    """Show the settings that are not the defaults, then those that are."""
    told: list[tuple[str, str]] = []
    rest: list[tuple[str, str]] = []
    for field in dataclasses.fields(result):
        value = getattr(result, field.name)
        (rest if value == field.default else told).append(
            (field.name, short(str(value), 120) or "(empty)")
        )
    defaults = ", ".join(f"{name}={value}" for name, value in rest)
    return Card(
        f"{len(told)} settings beside the defaults",
        caption,
        f"defaults: {defaults}",
        tables=(facts(told),) if told else (),
    )


def pretrain_result(result: PretrainResult) -> Card:
    """Show how far a run came."""
    numbers = [
        ("step", f"{result.step:,} of {result.total_steps:,}"),
        ("tokens", f"{result.tokens:,}"),
        ("time", f"{result.seconds:,.0f} s"),
        *[("note", short(note, 200)) for note in result.notes[:8]],
    ]
    return Card(
        result._line(),
        "dx.PretrainingMonitor(folder) shows its curves.",
        str(result.model if result.finished else result.checkpoint),
        tables=(facts(numbers),),
    )


def leaderboard(result: Leaderboard) -> Card:
    """Show the means over the shared datasets, and the table of all scores."""
    kinds = {column.name: column.kind for column in result.columns}
    colours = {"run": _MODEL, "baseline": _OTHER, "published": PAGE.negative}
    means = sorted(result.means.items(), key=lambda pair: -pair[1].value)
    marks = [_row(name, one, colours[kinds[name]]) for name, one in means]
    names = [column.name for column in result.columns][:8]
    cells = {place: number(cell.score.value) for place, cell in result.cells.items()}
    rows = [
        (dataset, *(cells.get((dataset, name), "") for name in names))
        for dataset in result.datasets
    ]
    hidden = len(result.columns) - len(names)
    return Card(
        result._line(),
        f"{_mean_over(len(result.shared))}: orange fine-tuned here, "
        "blue published, grey simple methods; 95% intervals over test sequences."
        + (f" {hidden} columns more in .table()." if hidden else "")
        + "".join(f" {fault}" for fault in result.faults[:3]),
        "",
        (dots(marks, "mean score"),) if marks else (),
        (table(("dataset", *names), rows, range(1, len(names) + 1)),),
    )


def _mean_over(n: int) -> str:
    return (
        "On the dataset that all runs have"
        if n == 1
        else f"Mean over the {n} datasets that all runs have"
    )


_VERDICTS = {"fail": "✗ fail", "warn": "! warn", "pass": "✓ pass"}


def audit(result: Audit) -> Card:
    """Show the verdict on each dataset."""
    rows = [
        (name, _VERDICTS[one.verdict], f"{one.test:,}", f"{one.twins:,}",
         f"{one.positional:,}", f"{one.clean:,}",
         number(one.rules[one.best_rule].score.value) if one.rules else "–",
         "" if one.published is None else number(one.published[1]))
        for name, one in result.datasets.items()
    ]  # fmt: skip
    heads = ("dataset", "verdict", "test rows", "composition twin", "positional twin", "clean",
             "best rule", "published")  # fmt: skip
    return Card(
        result._line(),
        "Rules read no sequence as a neural network does; where the best of them beats every "
        "published model, scores on that dataset say little. docs/gue-audit.md",
        tables=(table(heads, rows, (2, 3, 4, 5, 6)),),
    )


def dataset_audit(result: DatasetAudit) -> Card:
    """Show the rules' scores beside the best published one."""
    rows = [_row(one.title, one.score, _OTHER) for one in result.rules.values()]
    rows += [_row(label, one.score) for label, one in result.runs.items()]
    if result.published is not None:
        name, value = result.published
        rows.append((f"{name} (published)", value, math.nan, math.nan, PAGE.negative))
    numbers = [
        ("test rows", f"{result.test:,}"),
        ("with a composition twin", f"{result.twins:,}"),
        ("with a positional twin", f"{result.positional:,}"),
        ("copies, near-copies", f"{result.duplicates:,}, {result.near_duplicates:,}"),
        ("clean", f"{result.clean:,}"),
    ]
    return Card(
        f"{result.dataset}: {_VERDICTS[result.verdict]}",
        short("; ".join(result.reasons), 600),
        pictures=(dots(rows, metric_name(result.metric)),) if rows else (),
        tables=(facts(numbers),),
    )
