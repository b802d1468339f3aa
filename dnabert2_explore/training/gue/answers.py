"""Answers of runs, baselines and audited rules on the same test sequences, scored together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ..scores.resampling import resampled
from ..scores.rules import RULES
from .auditing.audited import Audit, DatasetAudit
from .datasets import DATASETS
from .results import GueRun, decode

__all__ = ["BEST_RULE", "Answers", "Scored"]

#: Column of the rule that does best on a dataset: what a model has to beat to have shown anything.
BEST_RULE = "best rule"

_SAMPLES = 1000

#: The value, and the same value on resamples.
Scored = tuple[float, NDArray[np.float64]]


class Answers:
    """Scores of what was computed here on test sets and on the same resamples of them.

    The audit's rules are taken where no run brings them along. `rules` is, by dataset, the rule
    with the highest score on test, and `titles` what each baseline is.
    """

    def __init__(self, runs: tuple[GueRun, ...], audit: Audit) -> None:
        self.rules: dict[str, str] = {}
        self.titles: dict[str, str] = {}
        self._scored: dict[str, dict[str, Scored]] = {}
        self._said: dict[tuple[str, str], tuple[str, tuple[int, ...]]] = {}
        grouped: dict[str, dict[str, dict[int, tuple[str, str, GueRun]]]] = {}
        for run in runs:
            names = grouped.setdefault(run.dataset, {})
            names.setdefault(run.label, {})[run.seed] = (run.predicted, run.labels, run)
            for one in run.baselines:
                known = self.titles.setdefault(one.name, one.title)
                if one.title not in known.split("; "):
                    self.titles[one.name] = f"{known}; {one.title}"
                names.setdefault(one.name, {})[run.seed] = (one.predicted, run.labels, run)
        for dataset, names in grouped.items():
            same = [run for run in runs if run.dataset == dataset]
            _check_tests(same)
            _check_strands(same)
            self._scored[dataset] = {}
            for name, seeds in names.items():
                first = next(iter(seeds.values()))[2]
                _check_alike(name, first, [run for _, _, run in seeds.values()])
                truth = decode(first.labels)
                answers = [decode(predicted) for predicted, _, _ in seeds.values()]
                self._scored[dataset][name] = _score(dataset, truth, answers)
                self._said[dataset, name] = first.state, tuple(sorted(seeds))
            if dataset in audit.datasets:
                self._add(same[0], audit.datasets[dataset])
            scored = self._scored[dataset]
            rules = [name for name in RULES if name in scored]
            if rules:
                best = max(rules, key=lambda name: scored[name][0])
                self.rules[dataset] = best
                scored[BEST_RULE] = scored[best]
                self._said[dataset, BEST_RULE] = self._said[dataset, best]

    def _add(self, run: GueRun, audited: DatasetAudit) -> None:
        """Take the rules of an audit that no run brings along."""
        if audited.labels != run.labels:
            raise InputError(
                f"{run.dataset}: the audit is of another test file than the results: make it anew "
                "from the data of the results."
            )
        dataset, truth = run.dataset, decode(run.labels)
        for name, rule in audited.rules.items():
            if name in self._scored[dataset]:
                continue
            self.titles.setdefault(name, rule.title)
            self._scored[dataset][name] = _score(dataset, truth, [decode(rule.predicted)])
            self._said[dataset, name] = run.state, ()

    def of(self, dataset: str) -> dict[str, Scored]:
        """Scores on a dataset by column."""
        return self._scored[dataset]

    def describe(self, dataset: str, name: str) -> tuple[str, tuple[int, ...]]:
        """State and seeds of a score."""
        return self._said[dataset, name]


def _score(dataset: str, truth: NDArray[np.int64], answers: list[NDArray[np.int64]]) -> Scored:
    """Score answers, one a seed; files may hold more classes than the paper speaks of."""
    most = max(int(one.max()) for one in (truth, *answers))
    classes = max(DATASETS[dataset].classes, most + 1)
    return resampled(truth, answers, classes, DATASETS[dataset].metric, _SAMPLES)


def _check_tests(runs: list[GueRun]) -> None:
    for run in runs:
        if run.labels != runs[0].labels:
            raise InputError(
                f"{run.dataset}: results of {runs[0].label!r} (seed {runs[0].seed}) and "
                f"{run.label!r} (seed {run.seed}) are of different test files: keep them in "
                "different results folders."
            )


def _check_strands(runs: list[GueRun]) -> None:
    """Refuse a baseline of both strands beside one of the same name that is not."""
    first: dict[str, tuple[str, GueRun]] = {}
    for run in runs:
        for one in run.baselines:
            strands = one.settings.get("strands", "given")
            other, by = first.setdefault(one.name, (strands, run))
            if strands != other:
                raise InputError(
                    f"{run.dataset}: baseline {one.name!r} was fitted on {other} strands beside "
                    f"{by.label!r} and on {strands} beside {run.label!r}: run one of them again, "
                    "or keep them in different results folders."
                )


def _check_alike(name: str, first: GueRun, runs: list[GueRun]) -> None:
    for run in runs:
        if run.label == name and (run.deviations, run.state) != (first.deviations, first.state):
            raise InputError(
                f"{run.dataset}: runs of {name!r} with seeds {first.seed} and {run.seed} differ in "
                "more than the seed: name the variation."
            )
