"""What is wrong with a dataset of GUE: how far one gets on it without knowing anything of DNA."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....common.progress import Progress
from ....errors import InputError
from ....results.digests import sha256_of
from ...counterparts import CompositionIndex, PositionalIndex, with_counterpart
from ...labelled.leakage import copied_rows, counterparts_tell
from ...labelled.tables import Labelled
from ...scores.metrics import Estimate
from ...scores.resampling import resampled
from ...scores.rules import RULES, fitted_rules
from ..datasets import DATASETS
from ..files import DatasetFiles, find_files, read_files, reduced_training
from ..published import published_scores
from ..results import GueRun, decode, encode
from .audited import COPIES, COUNTERPARTS, NEAR, Audit, DatasetAudit, Rule, ScoredRun
from .linted import lint

__all__ = ["audit"]

_SAMPLES = 1000
_FEWEST = 20  # rows of a cleaned split that are worth a score


def audit(
    root: str | Path,
    names: Iterable[str] | None = None,
    runs: Iterable[GueRun] = (),
    rules: tuple[str, ...] = RULES,
    seqleak: bool = False,
    progress: Progress | None = None,
) -> Audit:
    """Audit the datasets of GUE whose files are there.

    `root` is as `find_files` takes it, and `names` by default all datasets with at least dev and
    test. `runs` (see `read_runs`) are set beside the `rules`, of
    :data:`~dnabert2_explore.training.scores.rules.RULES`; those of counterparts are always among
    them. With `seqleak` that looks at the files as well (extra ``audit``); a few CPU seconds a
    dataset. `progress(done, total)` is called after each dataset, and may raise Cancelled.

    It is an `InputError` if a dataset that was named lacks dev or test, none is there, a rule is
    unknown, a result is of another test file, or seqleak is asked for and not installed.
    """
    unknown = [name for name in rules if name not in RULES]
    if unknown:
        raise InputError(f"no rule {unknown[0]!r}; expected some of {', '.join(RULES)}.")
    wanted = [find_files(root, name) for name in (DATASETS if names is None else names)]
    ready = [one for one in wanted if one.state != "unusable"]
    if names is not None and len(ready) < len(wanted):
        lacking = next(one for one in wanted if one.state == "unusable")
        raise InputError(f"{lacking}; expected dev.csv and test.csv at the least.")
    if not ready:
        raise InputError(
            f"no dataset of GUE in {root} has dev.csv and test.csv: see `dnabert2-explore gue list`"
        )
    every = tuple(runs)
    chosen = tuple(name for name in RULES if name in {*rules, "twins", "positional"})
    found = {}
    for number, one in enumerate(ready):
        name = one.dataset.name
        mine = [run for run in every if run.dataset == name]
        found[name] = _audit(one, chosen, mine, seqleak)
        if progress is not None:
            progress(number + 1, len(ready))
    return Audit({name: found[name] for name in DATASETS if name in found})


def _audit(
    found: DatasetFiles, rules: tuple[str, ...], runs: list[GueRun], seqleak: bool
) -> DatasetAudit:
    dataset = found.dataset
    data, training, dev = _read(found)
    test = data["test"]
    known = [data[split] for split in ("train", "dev") if split in data]
    exact, near = copied_rows(known, test)
    dev_copies = int(copied_rows([data["train"]], data["dev"])[0].sum()) if "train" in data else 0
    composed, opposite = with_counterpart(CompositionIndex(known).labels(test), test.labels)
    in_place, in_place_opposite = with_counterpart(PositionalIndex(known).labels(test), test.labels)
    if test.second is not None:  # one enhancer has many promoters: that is no counterpart
        in_place, in_place_opposite = np.zeros((2, len(test)), dtype=bool)
    kept = ~(exact | near | composed | in_place)
    board = _Board(test, dataset.metric, kept)
    fitted = fitted_rules(rules, training, dev, test, dataset.strands)
    titles = {name: title for name, (title, _) in fitted.items()}
    answers = {name: answer for name, (_, answer) in fitted.items()}
    for name, answer in answers.items():
        board.add(name, [answer])
    best, best_cleaned = board.best(list(answers))
    by_label: dict[str, list[GueRun]] = {}
    for run in runs:
        if run.labels != encode(test.labels):
            raise InputError(
                f"{run.dataset}: the result of {run.label!r} (seed {run.seed}) is of another test "
                f"file than {found.files['test']}: audit the data it was made of."
            )
        by_label.setdefault(run.label, []).append(run)
    for label, of_label in by_label.items():
        board.add((label,), [decode(run.predicted) for run in of_label])
    twin_mcc = None
    if "twins" in answers:
        twin_mcc = resampled(test.labels, [answers["twins"]], 2, "mcc", 0)[0]
    published = _published(dataset.name)
    facts = {
        "test": len(test),
        "twins": int(composed.sum()),
        "opposite": int(opposite.sum()),
        "positional": int(in_place.sum()),
        "positional_opposite": int(in_place_opposite.sum()),
        "duplicates": int(exact.sum()),
        "near_duplicates": int(near.sum()),
        "dev_duplicates": dev_copies,
    }
    score = board.whole(best)
    verdict, reasons = _verdict(found, facts, len(dev), best, titles, score, published)
    return DatasetAudit(
        dataset=dataset.name,
        state=found.state,
        metric=dataset.metric,
        rows={split: len(one) for split, one in data.items()},
        sha256={split: sha256_of(path) for split, path in found.files.items()},
        twin_rule_mcc=None if twin_mcc is None or math.isnan(twin_mcc) else twin_mcc,
        clean=int(kept.sum()),
        rules={
            name: Rule(titles[name], board.whole(name), board.cleaned(name), encode(answer))
            for name, answer in answers.items()
        },
        best_rule=best,
        best_rule_cleaned=best_cleaned,
        published=published,
        verdict=verdict,
        reasons=reasons,
        runs={
            label: ScoredRun(
                board.whole((label,)),
                board.cleaned((label,)),
                board.whole((label,), minus=best),
                board.cleaned((label,), minus=best_cleaned),
                tuple(sorted(run.seed for run in of_label)),
            )
            for label, of_label in by_label.items()
        },
        labels=encode(test.labels),
        kept=encode(kept.astype(np.int64)),
        linted=lint(found) if seqleak else None,
        **facts,
    )


def _read(found: DatasetFiles) -> tuple[dict[str, Labelled], Labelled, Labelled]:
    """Return the splits there are, and what trains rules and what they are chosen on."""
    data = read_files(found.files)
    if found.state == "full":
        return data, data["train"], data["dev"]
    dev = data["dev"]
    chosen = reduced_training([dev.label_text(row) for row in range(len(dev))])
    return data, dev.take(np.flatnonzero(chosen)), dev.take(np.flatnonzero(~chosen))


class _Board:
    """Scores of answers on test and on its cleaned part, all on the same resamples."""

    def __init__(self, test: Labelled, metric: str, kept: NDArray[np.bool_]) -> None:
        self.labels, self.kept, self.metric = test.labels, kept, metric
        self.classes = len(test.classes)
        self.worth = kept.sum() >= _FEWEST and len(np.unique(test.labels[kept])) > 1
        self._whole: dict[Any, tuple[float, NDArray[np.float64]]] = {}
        self._cleaned: dict[Any, tuple[float, NDArray[np.float64]]] = {}

    def add(self, name: str | tuple[str], answers: list[NDArray[np.int64]]) -> None:
        classes = max(self.classes, 1 + max(int(one.max()) for one in answers))
        self._whole[name] = resampled(self.labels, answers, classes, self.metric, _SAMPLES)
        if self.worth:
            some = [one[self.kept] for one in answers]
            self._cleaned[name] = resampled(
                self.labels[self.kept], some, classes, self.metric, _SAMPLES
            )

    def best(self, names: list[str]) -> tuple[str, str]:
        """Names of the highest score, on all of test and on its cleaned part."""
        first = max(names, key=lambda name: self._whole[name][0])
        if not self.worth:
            return first, ""
        return first, max(names, key=lambda name: self._cleaned[name][0])

    def whole(self, name: str | tuple[str], minus: str = "") -> Estimate:
        return _scored(self._whole, name, minus)

    def cleaned(self, name: str | tuple[str], minus: str = "") -> Estimate:
        return _scored(self._cleaned, name, minus) if self.worth else Estimate(math.nan)


def _scored(table: dict[Any, tuple[float, NDArray[np.float64]]], name: Any, minus: str) -> Estimate:
    value, samples = table[name]
    if minus:
        value, samples = value - table[minus][0], samples - table[minus][1]
    return Estimate.of(value, samples)


def _published(dataset: str) -> tuple[str, float] | None:
    scores = {model: row[dataset] for model, row in published_scores().items() if dataset in row}
    if not scores:
        return None
    best = max(scores, key=lambda model: scores[model])
    return best, scores[best]


def _verdict(
    found: DatasetFiles,
    facts: dict[str, int],
    dev: int,
    best: str,
    titles: dict[str, str],
    score: Estimate,
    published: tuple[str, float] | None,
) -> tuple[str, tuple[str, ...]]:
    test = facts["test"]
    where = "train or dev" if found.state == "full" else "dev (train.csv is missing)"
    reasons, level = [], "pass"
    for kind, other, words in (
        ("twins", "opposite", "a composition twin"),
        ("positional", "positional_opposite", "a positional twin"),
    ):
        count = facts[kind]
        if count >= COUNTERPARTS * test:
            wins = counterparts_tell(count, facts[other], test)
            level = "fail" if wins else "warn" if level == "pass" else level
            reasons.append(
                f"{count:,} of {test:,} test sequences have {words} in {where}, "
                f"{facts[other]:,} of them of another label only"
            )
    if published is not None and score.value > published[1]:
        level = "fail"
        reasons.append(
            f"without a model, the {titles[best]} scores {score}, above every published model "
            f"({published[0]}: {published[1]:.3f})"
        )
    for count, total, share, what in (
        (facts["duplicates"], test, COPIES, f"test sequences are in {where}"),
        (facts["near_duplicates"], test, NEAR, "test sequences share at least half of their "
         f"16-base words with one in {where}"),
        (facts["dev_duplicates"], dev, COPIES, "dev sequences are in train, so that the "
         "checkpoint is chosen by what was learnt by heart"),
    ):  # fmt: skip
        if count >= share * total:
            level = "warn" if level == "pass" else level
            reasons.append(f"{count:,} of {total:,} {what}")
    return level, tuple(reasons)
