"""What a fine-tuning run found, and its file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import InputError
from ...results.plain import JsonFields, to_plain
from ...results.rich_display import RichDisplay
from ...results.sealed import read_json, write_json
from ..labelled.leakage import LeakageReport
from ..scores.metrics import Scores
from ..scores.rules import RuleComparison

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["RESULT", "SCORES", "FinetuneResult"]

#: Name of the file in a run folder.
RESULT = "result.json"
#: Name of the file beside the weights.
SCORES = "scores.json"


@dataclass(frozen=True, slots=True, repr=False)
class FinetuneResult(JsonFields, RichDisplay):
    """What a fine-tuning run found; `str` says it in a few lines.

    Attributes
    ----------
    task : {"classification", "multi_label", "regression"}
    classes : tuple of str
        Names in the order of the outputs; empty for a regression.
    best_step, steps : int
        Step whose weights were kept; steps taken.
    seconds : float
        Wall time of it all.
    stopped : bool
        Whether training ended before its last step: cancelled, out of time or patience, or
        diverged; `notes` says which.
    dev, test : Scores
        Of the kept weights, computed from the saved model; `test` is None without a test file.
    leakage : LeakageReport
        What the files share: copies, near-copies, counterparts; nothing without
        `check_leakage`.
    sequences : dict of str to int
        Rows in train, dev and test.
    notes : tuple of str
        What was decided or approximated, in words.
    model : pathlib.Path
        Folder with the kept weights, as `dnabert2_explore.load` reads it.
    rule : RuleComparison or None
        The best method without a neural network on the same test sequences, and what the model
        gains over it; None without test, for tasks without classes, and without `check_leakage`.
    """

    task: str
    classes: tuple[str, ...]
    best_step: int
    steps: int
    seconds: float
    stopped: bool
    dev: Scores
    test: Scores | None
    leakage: LeakageReport
    sequences: dict[str, int]
    notes: tuple[str, ...]
    model: Path
    rule: RuleComparison | None = None

    def _line(self) -> str:
        split, scores = ("dev", self.dev) if self.test is None else ("test", self.test)
        return f"{self.task}, {split}: {scores}, kept in {self.model}"

    @property
    def caution(self) -> str:
        """Say that the test score is not what it seems, where a rule tells its labels; else ""."""
        if self.test is None or self.rule is None:
            return ""
        score, rule = self.test.values["mcc"].value, self.rule
        return self.leakage.caution(f"MCC {score:.2f}", rule.title, f"MCC {rule.score.value:.2f}")

    def __str__(self) -> str:
        lines = [
            f"{self.task} on {self.sequences['train']:,} sequences, weights of step "
            f"{self.best_step:,} of {self.steps:,} kept in {self.model}",
            f"dev: {self.dev}",
        ]
        lines += [] if self.test is None else [f"test: {self.test}"]
        lines += [] if self.rule is None else [str(self.rule)]
        lines += [self.caution] if self.caution else []
        return "\n".join([*lines, str(self.leakage), *(f"note: {note}" for note in self.notes)])

    def save(self, folder: Path, **more: Any) -> None:
        """Write ``result.json`` into the run folder, with more entries if given."""
        content = {name: one for name, one in self.to_json().items() if name != "model"}
        content["leakage"] = self.leakage.to_json()
        write_json(folder / RESULT, content | more)

    def write_scores(self) -> None:
        """Write ``scores.json`` beside the weights: what the model reaches, and rules beside it.

        ``test`` and ``baselines`` are as in the shipped models' files: metric -> value, and for
        each baseline the same. A scorecard reads there whether the model has learnt anything.
        """
        scores = self.dev if self.test is None else self.test
        rules = {} if self.rule is None else self.rule.others
        content = {
            "task": self.task,
            "classes": self.classes,
            "dev" if self.test is None else "test": {
                name: one["value"] for name, one in to_plain(scores.values).items()
            },
            "baselines": {name: {"mcc": value} for name, value in rules.items()},
            "rule": to_plain(self.rule),
        }
        write_json(self.model / SCORES, content)

    @classmethod
    def load(cls, folder: str | Path) -> FinetuneResult:
        """Read the result of a run folder.

        Raises
        ------
        InputError
            If the folder has no readable ``result.json``.
        """
        folder = Path(folder)
        content = read_json(folder / RESULT)
        try:
            leakage = {"pairs": content["leakage"]}
            result = cls.from_json(content | {"leakage": leakage, "model": folder / "model"})
            str(result)  # what is of another kind than it says shows itself here
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise InputError(
                f"{folder / RESULT} is no result of a fine-tuning run "
                f"({type(error).__name__}: {error}): give the folder of a run that has finished."
            ) from error
        return result

    def table(self) -> pd.DataFrame:
        """Return the scores as a table, one row each.

        Returns
        -------
        pandas.DataFrame
            ``split``, ``metric``, ``value``, and ``low`` and ``high`` of the 95% interval.
        """
        import pandas as pd

        splits = {"dev": self.dev, "test": self.test}
        parts = [
            scores.table().assign(split=split)
            for split, scores in splits.items()
            if scores is not None
        ]
        return pd.concat(parts, ignore_index=True)[["split", "metric", "value", "low", "high"]]
