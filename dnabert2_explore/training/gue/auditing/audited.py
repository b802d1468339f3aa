"""What an audit of GUE found, and its file."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ....errors import InputError
from ....results.plain import JsonFields, from_plain, to_plain
from ....results.rich_display import RichDisplay, counted
from ....results.sealed import read_json, write_json
from ...scores.metrics import Estimate
from .linted import Linted

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "COPIES",
    "COUNTERPARTS",
    "NEAR",
    "Audit",
    "DatasetAudit",
    "Rule",
    "ScoredRun",
    "read_audit",
]

#: Version of the audit files.
FORMAT = 2
#: Shares of test from which on a fault is named.
COUNTERPARTS, NEAR, COPIES = 0.05, 0.05, 0.01


@dataclass(frozen=True, slots=True)
class Rule:
    """A method without a neural network on the test set: on all of it, and on the cleaned part.

    The latter is NaN where that is too small; for the answers see `results.decode`.
    """

    title: str
    score: Estimate
    cleaned: Estimate
    predicted: str


@dataclass(frozen=True, slots=True)
class ScoredRun:
    """A fine-tuned model beside the best rule, the mean over seeds.

    Scores are as of a rule, also minus that of the best one on the same resamples; cleaned, minus
    the rule that is best there.
    """

    score: Estimate
    cleaned: Estimate
    minus_rule: Estimate
    cleaned_minus_rule: Estimate
    seeds: tuple[int, ...]


@dataclass(frozen=True, slots=True, repr=False)
class DatasetAudit(JsonFields, RichDisplay):
    """What was found of a dataset.

    Attributes
    ----------
    dataset : str
    state : {"full", "reduced"}
        Reduced: train.csv is missing, dev alone was compared with test, and four fifths of dev
        trained the rules.
    metric : {"mcc", "f1_macro"}
    rows : dict of str to int
        Split -> rows.
    sha256 : dict of str to str
        Split -> digest of its file.
    test, twins, opposite : int
        Test rows; those with a composition counterpart in train or dev; those of them whose
        counterparts all have another label.
    twin_rule_mcc : float or None
        Matthews correlation of "the label opposite to my counterpart's, else the commoner"; None
        for other than two classes.
    positional, positional_opposite : int
        Test rows with a positional counterpart in train or dev; those of them whose counterparts
        all have another label.
    duplicates, near_duplicates : int
        Test rows that are in train or dev, exactly and nearly, on either strand.
    dev_duplicates : int
        Dev rows that are in train.
    clean : int
        Test rows without counterpart of either kind, duplicate or near-duplicate.
    rules : dict of str to Rule
    best_rule, best_rule_cleaned : str
        Name of the rule with the highest score on test, and on its cleaned part.
    published : tuple of (str, float) or None
        Model of the paper with the highest score.
    verdict : {"fail", "warn", "pass"}
        Fail: a rule without a neural network scores above every published model, or at least half
        of test has a counterpart of one kind and nine tenths of those counterparts have another
        label. Warn: at least 5% have a counterpart or a near-copy, or 1% a copy, in train or dev,
        or 1% of dev is in train.
    reasons : tuple of str
        In words.
    runs : dict of str to ScoredRun
        By label; of the results folder that was given.
    labels, kept : str
        Test labels, and 1 for the rows of the cleaned part (see `results.decode`).
    linted : Linted or None
        What seqleak says of the same files, where it was asked.
    """

    dataset: str
    state: str
    metric: str
    rows: dict[str, int]
    sha256: dict[str, str]
    test: int
    twins: int
    opposite: int
    twin_rule_mcc: float | None
    positional: int
    positional_opposite: int
    duplicates: int
    near_duplicates: int
    dev_duplicates: int
    clean: int
    rules: dict[str, Rule]
    best_rule: str
    best_rule_cleaned: str
    published: tuple[str, float] | None
    verdict: str
    reasons: tuple[str, ...]
    runs: dict[str, ScoredRun]
    labels: str
    kept: str
    linted: Linted | None = None

    def __str__(self) -> str:
        return f"{self.dataset}: {self.verdict}" + "".join(f"; {one}" for one in self.reasons)


@dataclass(frozen=True, slots=True, repr=False)
class Audit(RichDisplay):
    """Audits of datasets, by name in the paper's order.

    Attributes
    ----------
    datasets : dict of str to DatasetAudit
    """

    datasets: dict[str, DatasetAudit] = field(default_factory=dict)

    def _line(self) -> str:
        verdicts = Counter(one.verdict for one in self.datasets.values())
        words = ", ".join(f"{verdicts[v]} {v}" for v in ("fail", "warn", "pass") if verdicts[v])
        return f"{counted(len(self.datasets), 'dataset')}: {words}"

    def save(self, path: Path) -> None:
        """Write the file, whole or not at all."""
        write_json(path, {"format": FORMAT, "datasets": to_plain(self.datasets)})

    def markdown(self) -> str:
        """Tables of what was found."""
        from .markdown import write

        return write(self)

    def table(self) -> pd.DataFrame:
        """Return the datasets as a table, one row each.

        Returns
        -------
        pandas.DataFrame
            ``dataset``, ``verdict``, ``test``, ``twins``, ``positional`` counterparts,
            ``duplicates``, ``near_duplicates``, ``clean``, ``best_rule``, ``score`` of it, and
            ``published``, the best there is.
        """
        import pandas as pd

        columns = ("dataset", "verdict", "test", "twins", "positional", "duplicates",
                   "near_duplicates", "clean", "best_rule")  # fmt: skip
        rows = [
            {name: getattr(one, name) for name in columns}
            | {
                "score": one.rules[one.best_rule].score.value if one.best_rule else None,
                "published": None if one.published is None else one.published[1],
            }
            for one in self.datasets.values()
        ]
        return pd.DataFrame(rows, columns=[*columns, "score", "published"])


def read_audit(path: str | Path) -> Audit:
    """Read a file that `Audit.save` wrote; another is an `InputError`."""
    content = read_json(path)
    if content.get("format") != FORMAT:
        raise InputError(
            f"{path} is no audit of format {FORMAT}: make it with `dnabert2-explore gue audit`."
        )
    try:
        return Audit(from_plain(dict[str, DatasetAudit], content["datasets"]))
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError) as error:
        raise InputError(
            f"{path} lacks fields of an audit ({type(error).__name__}: {error}): make it anew "
            "with `dnabert2-explore gue audit`."
        ) from error
