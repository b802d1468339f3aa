"""What a classifier gains over the best method that needs no neural network."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ...results.plain import JsonFields
from ...results.rich_display import RichDisplay
from ..baselines import BASELINES
from ..labelled.tables import Labelled
from .metrics import Estimate
from .resampling import resampled

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["RULES", "RuleComparison", "compare_with_rules", "fitted_rules"]

#: Baselines that need no neural network.
RULES = tuple(name for name in BASELINES if name != "cnn")

_MOST = 50_000  # training rows: more make a rule slow, and hardly better


@dataclass(frozen=True, slots=True, repr=False)
class RuleComparison(JsonFields, RichDisplay):
    """A model beside the best rule on the same test sequences; `str` is a sentence.

    Attributes
    ----------
    rule, title : str
        Name of the rule with the highest Matthews correlation on test, and in words.
    score : Estimate
        Its Matthews correlation.
    minus : Estimate
        That of the model minus that of the rule, on the same resamples of test.
    others : dict of str to float
        Matthews correlation of every rule.
    strands : {"given", "both"}
        What rules learnt from.
    """

    rule: str
    title: str
    score: Estimate
    minus: Estimate
    others: dict[str, float]
    strands: str

    def __str__(self) -> str:
        text = (
            f"best rule without a neural network: {self.title}, MCC {self.score}; model minus rule "
            f"{self.minus.value:+.3f}"
        )
        low, high = self.minus.low, self.minus.high
        if np.isnan(low):
            return text
        if low > 0:
            words = "the model knows more than that"
        elif high < 0:
            words = "the model does worse"
        else:
            words = "the model has not shown more than that"
        return f"{text} ({low:+.3f} to {high:+.3f}): {words}"

    def table(self) -> pd.DataFrame:
        """Return the rules as a table, best first, one row each.

        Returns
        -------
        pandas.DataFrame
            ``rule`` and ``mcc``.
        """
        import pandas as pd

        rows = sorted(self.others.items(), key=lambda pair: -pair[1])
        return pd.DataFrame(rows, columns=["rule", "mcc"])


def fitted_rules(
    names: Iterable[str], train: Labelled, dev: Labelled, test: Labelled, strands: str
) -> dict[str, tuple[str, NDArray[np.int64]]]:
    """Fit rules: title and answers on test, (n,), of each that applies to such data."""
    found = {}
    for name in names:
        try:
            fitted = BASELINES[name](train, dev, strands=strands)
            found[name] = fitted.title, fitted.probabilities(test).argmax(axis=1)
        except InputError:  # it does not apply: pairs, lengths, more than two classes
            continue
    return found


def compare_with_rules(
    train: Labelled,
    dev: Labelled,
    test: Labelled,
    outputs: NDArray[np.floating],
    strands: str = "given",
    samples: int = 1000,
    seed: int = 0,
) -> RuleComparison | None:
    """Fit the rules on the rows a model was trained on, and set it beside the best of them.

    Rules are fitted on train (at most 50,000 rows of it) and chosen on dev; of `outputs` (n,
    classes), the model's on test, the largest counts. `samples` resamples of test give intervals;
    the seed is of them and of the rows taken. None for tasks without classes.
    """
    if test.task != "classification":
        return None
    if len(train) > _MOST:
        rows = np.random.default_rng(seed).choice(len(train), _MOST, replace=False)
        train = train.take(np.sort(rows))
    classes = len(test.classes)
    fitted = fitted_rules(RULES, train, dev, test, strands)
    scored = {
        name: resampled(test.labels, [answers], classes, "mcc", samples, seed)
        for name, (_, answers) in fitted.items()
    }
    known = {name: value for name, (value, _) in scored.items() if not np.isnan(value)}
    if not known:  # test holds one class
        return None
    best = max(known, key=lambda name: known[name])
    own = resampled(test.labels, [outputs.argmax(axis=1)], classes, "mcc", samples, seed)
    return RuleComparison(
        rule=best,
        title=fitted[best][0],
        score=Estimate.of(*scored[best]),
        minus=Estimate.of(own[0] - scored[best][0], own[1] - scored[best][1]),
        others=known,
        strands=strands,
    )
