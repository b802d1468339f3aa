"""An audit as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..markdown import grid
from .audited import COPIES, COUNTERPARTS, NEAR

if TYPE_CHECKING:
    from .audited import Audit, DatasetAudit

__all__ = ["write"]

_NONE = "–"


def write(found: Audit) -> str:
    """Write what was found: faults, scores without a model, models beside them."""
    every = list(found.datasets.values())
    parts = [
        _legend(every),
        _faults(every),
        "## Without a model\n\n" + _rules(every),
        "## Models minus the best rule\n\n" + _runs(every),
        *_linted(every),
        "## Why\n\n" + "\n".join(f"- {one}" for one in every if one.reasons),
    ]
    return "\n\n".join(parts) + "\n"


def _legend(every: list[DatasetAudit]) -> str:
    text = (
        "Scores are Matthews correlations on test (macro F1 for covid), in brackets 95% intervals "
        "by bootstrap over test sequences, differences paired. *Cleaned*: test without the "
        "sequences that have a twin, a copy or a near-copy in train or dev. *Composition twin*: "
        "the same ends and dinucleotide counts; *positional twin*: 15 bases in a row and 40% of "
        "all in the same places."
    )
    text += (
        " *Fail*: a rule without a neural network scores above every published model, or at least "
        "half of test has a twin of one kind, nine tenths of them of another label. *Warn*: at "
        f"least {COUNTERPARTS:.0%} of test have a twin, {NEAR:.0%} a near-copy (half of the "
        f"16-base words shared) or {COPIES:.0%} a copy in train or dev, or {COPIES:.0%} of dev are "
        "in train. *Pass* says no more than that none of this was found."
    )
    if any(one.state == "reduced" for one in every):
        text += (
            " ᴿ: train.csv is missing here; twins and copies were looked for in dev only, and four "
            "fifths of dev trained the rules. What is missing may hold more."
        )
    return text


def _name(one: DatasetAudit) -> str:
    return one.dataset + (" ᴿ" if one.state == "reduced" else "")


def _faults(every: list[DatasetAudit]) -> str:
    header = [
        "dataset", "test", "composition twin", "of another label", "twin rule", "positional twin",
        "of another label", "positional rule", "copies", "near-copies", "dev in train", "verdict",
    ]  # fmt: skip
    rows = [
        [
            _name(one),
            f"{one.test:,}",
            f"{one.twins:,} ({one.twins / one.test:.0%})",
            f"{one.opposite:,}",
            "–" if one.twin_rule_mcc is None else f"{one.twin_rule_mcc:.3f}",
            f"{one.positional:,} ({one.positional / one.test:.0%})",
            f"{one.positional_opposite:,}",
            f"{one.rules['positional'].score.value:.3f}" if "positional" in one.rules else "–",
            f"{one.duplicates:,}",
            f"{one.near_duplicates:,}",
            "–" if one.state == "reduced" else f"{one.dev_duplicates:,}",
            one.verdict if one.verdict == "pass" else f"**{one.verdict}**",
        ]
        for one in every
    ]
    return grid(header, rows)


def _rules(every: list[DatasetAudit]) -> str:
    names = list(dict.fromkeys(name for one in every for name in one.rules))
    header = ["dataset", *names, "best published", "cleaned test", "best rule there"]
    rows = []
    for one in every:
        cells = []
        for name in names:
            rule = one.rules.get(name)
            text = "–" if rule is None else f"{rule.score.value:.3f}"
            cells.append(f"**{text}**" if name == one.best_rule else text)
        model = "–" if one.published is None else f"{one.published[1]:.3f} ({one.published[0]})"
        there = one.rules.get(one.best_rule_cleaned)
        best = _NONE
        if there is not None:
            best = f"{one.best_rule_cleaned}: {there.cleaned.told(undefined=_NONE)}"
        rows.append([_name(one), *cells, model, f"{one.clean:,}", best])
    return grid(header, rows)


def _runs(every: list[DatasetAudit]) -> str:
    header = ["dataset", "run", "score", "minus best rule", "cleaned", "minus best rule there"]
    rows = [
        [
            _name(one),
            label,
            run.score.told(undefined=_NONE),
            f"{run.minus_rule.told('+', _NONE)} ({one.best_rule})",
            run.cleaned.told(undefined=_NONE),
            f"{run.cleaned_minus_rule.told('+', _NONE)} ({one.best_rule_cleaned})"
            if one.best_rule_cleaned
            else "–",
        ]
        for one in every
        for label, run in one.runs.items()
    ]
    return grid(header, rows, left=2) if rows else "No results were given to set beside the rules."


def _linted(every: list[DatasetAudit]) -> list[str]:
    """Section on seqleak; none where it was not asked."""
    asked = [(one, one.linted) for one in every if one.linted is not None]
    if not asked:
        return []
    header = ["dataset", "verdict here", "seqleak", "its checks that fail", "that warn"]
    rows = [
        [_name(one), one.verdict, linted.verdict, _checks(linted.fail), _checks(linted.warn)]
        for one, linted in asked
    ]
    return [
        f"## What seqleak says\n\nseqleak {asked[0][1].version} on the same files, with the "
        "thresholds it comes with. Values are shares of test, or scores of a rule, as it defines "
        "them.\n\n" + grid(header, rows, left=5)
    ]


def _checks(found: dict[str, float | None]) -> str:
    words = [name if value is None else f"{name} {value:.3f}" for name, value in found.items()]
    return ", ".join(words) or "–"
