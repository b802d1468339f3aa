"""Test scores in words and as a table: the model beside baselines fitted on the same rows."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Mapping
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...errors import InputError
from ...figures.training.curves import metric_name
from ...sequences import Sequence
from ..core.controls import folded

if TYPE_CHECKING:
    from ...training.finetune import FinetuneConfig, FinetuneResult
    from ...training.finetune.data import Splits
    from ...training.labelled.leakage import LeakageReport
    from ...training.scores.metrics import Scores

__all__ = ["baseline_scores", "leakage_words", "predicted_sequences", "score_table", "verdict"]

_SHOWN = {
    "classification": ("mcc", "accuracy", "f1_macro", "auroc", "auprc"),
    "multi_label": ("mcc", "accuracy", "f1_macro", "auroc", "auprc"),
    "regression": ("r2", "spearman", "pearson", "rmse"),
}
#: The quick ones: the others take minutes beside a model of minutes.
_QUICK = ("majority", "kmer", "markov", "twins", "positional")
_MOST = 200  # test sequences a workbench gets: it is for looking at single ones


def baseline_scores(
    splits: Splits, config: FinetuneConfig, check: Callable[[], None], strands: str = "given"
) -> dict[str, Scores]:
    """Fit the quick baselines on the training rows and score them on the test rows.

    By their title in words; those that do not apply are left out. The mean of the training labels
    for a regression; empty without test rows, and for several labels a sequence. `config` gives
    seed and bootstrap; `strands`, "given" or "both", are what the run made of them. `check` is
    called between two of them, and may raise :class:`~dnabert2_explore.errors.Cancelled`.
    """
    from ...training.baselines import BASELINES
    from ...training.scores.metrics import score

    test = splits.test
    found: dict[str, Scores] = {}
    if test is None or splits.train.task == "multi_label":
        return found
    if test.task == "regression":
        mean = np.full(len(test), float(np.mean(splits.train.labels)))
        told = score(test.task, test.labels, mean, bootstrap=config.bootstrap)
        return {"mean of the training labels": told}
    for name in _QUICK:
        check()
        try:
            fitted = BASELINES[name](splits.train, splits.dev, seed=config.seed, strands=strands)
        except InputError:  # more than two classes have no opposite
            continue
        outputs = fitted.probabilities(test)
        found[fitted.title] = score(
            test.task, test.labels, outputs, test.classes, bootstrap=config.bootstrap
        )
    return found


def _words(value: float, low: float, high: float) -> str:
    if math.isnan(value):
        return "<td class='dx-hint'>undefined</td>"
    value, low, high = (round(one, 3) + 0.0 for one in (value, low, high))  # no minus zero
    between = "" if math.isnan(low) else f"<small>{low:.2f} to {high:.2f}</small>"
    return f"<td><b>{value:.3f}</b> {between}</td>"


def score_table(test: Scores, baselines: Mapping[str, Scores]) -> str:
    """Write test scores as an HTML table, the model first."""
    keys = [key for key in _SHOWN[test.task] if key in test.values]
    head = "".join(f"<th>{escape(metric_name(key))}</th>" for key in keys)
    rows = []
    for name, scores in {"this model": test, **baselines}.items():
        cells = "".join(
            _words(one.value, one.low, one.high)
            if (one := scores.values.get(key)) is not None
            else "<td></td>"
            for key in keys
        )
        own = " class='dx-own-row'" if scores is test else ""
        rows.append(f"<tr{own}><th>{escape(name)}</th>{cells}</tr>")
    return (
        f"<table><thead><tr><th>on {test.count:,} test sequences</th>{head}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table>"
    )


def verdict(
    test: Scores, baselines: Mapping[str, Scores], leakage: LeakageReport | None = None
) -> str:
    """Say in a sentence or two what the test score is worth beside the strongest baseline.

    Where twins give the labels of test away, that comes first: neither more training nor more data
    of this kind would mend it.
    """
    key = "r2" if test.task == "regression" else "mcc"
    own = test.values.get(key)
    known = {
        name: scores.values[key].value
        for name, scores in baselines.items()
        if key in scores.values and not math.isnan(scores.values[key].value)
    }
    if own is None or math.isnan(own.value) or math.isnan(own.low) or not known:
        return ""
    best = max(known, key=lambda name: known[name])
    label = metric_name(key)
    reached = f"{label} {round(known[best], 2) + 0.0:.2f}"
    score = f"{label} {round(own.value, 2) + 0.0:.2f}"
    caution = "" if leakage is None else leakage.caution(score, best, reached)
    if caution:
        claim, _, why = caution.partition(":")
        return f"<p><b>{escape(claim)}:</b>{escape(why)}</p>"
    level = f"“{escape(best)}” ({reached})"
    if own.low > known[best]:
        return f"<p>The model does better than {level}: its whole interval lies above.</p>"
    if own.high < known[best]:
        return f"<p><b>The model does worse than {level}.</b> Train longer, or use more data.</p>"
    return (
        f"<p>The model's interval includes what {level} reaches: on these test sequences it has "
        "not shown more than that.</p>"
    )


def leakage_words(leakage: LeakageReport) -> str:
    """Write what the files share as HTML: a sentence on test, all of it on demand."""
    if not leakage.pairs or leakage.clean:
        return f"<p>{escape(str(leakage))}</p>"
    last = leakage.pairs[-1].second
    first = next(pair.summary for pair in leakage.pairs if pair.second == last)
    return folded(f"What the files share: {escape(first)}", map(str, leakage.pairs))


def predicted_sequences(splits: Splits | None, run: Path, result: FinetuneResult) -> list[Sequence]:
    """Read the test sequences of a run with their label and prediction as fields."""
    path = run / "predictions.csv"
    test = None if splits is None else splits.test
    if test is None or result.test is None or not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    if len(rows) != len(test) or test.second is not None:
        return []
    return [
        Sequence(
            name,
            bases,
            label=test.label_text(i),
            fields={
                "label": test.label_text(i),
                "predicted": row["predicted"],
                "outcome": _outcome(test.task, test.label_text(i), row["predicted"]),
            },
        )
        for i, (name, bases, row) in enumerate(
            zip(test.names[:_MOST], test.bases[:_MOST], rows[:_MOST], strict=True)
        )
    ]


def _outcome(task: str, label: str, predicted: str) -> str:
    if task == "regression":
        return "predicted"
    return "right" if label == predicted else "wrong"
