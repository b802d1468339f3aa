"""Result files side by side, with baselines and the published scores."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...errors import InputError
from ...results.origins import recorded
from ...results.rich_display import RichDisplay, counted
from ..baselines import BASELINES
from ..scores.metrics import Estimate
from .answers import BEST_RULE, Answers, Scored
from .auditing.audited import Audit, read_audit
from .datasets import DATASETS
from .published import PUBLISHED, published_scores
from .results import GueRun

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["AUDIT", "BEST_RULE", "Cell", "Column", "Difference", "Leaderboard", "leaderboard",
           "read_runs"]  # fmt: skip

#: An audit of this name in a results folder is read with the results.
AUDIT = "audit.json"


@dataclass(frozen=True, slots=True)
class Column:
    """Who was scored, and in a sentence what it is: the protocol, or the source.

    A "run" was fine-tuned here; a "baseline" is a simple method fitted here; "published" is the
    paper's number.
    """

    name: str
    kind: str
    detail: str


@dataclass(frozen=True, slots=True)
class Cell:
    """A score on the test set of a dataset: the mean over seeds.

    The 95% interval is by bootstrap over test sequences; published numbers have none. The state is
    "full", "reduced" or "published".
    """

    score: Estimate
    state: str
    seeds: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """By how much one column is better than another: first minus second, with a 95% interval.

    The dataset is "mean" for the mean over the shared datasets. Where it is `paired`, both answered
    the same test sequences, which are resampled together; beside a published number it is not: its
    own uncertainty is unknown and left out.
    """

    first: str
    second: str
    dataset: str
    score: Estimate
    paired: bool


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Leaderboard(RichDisplay):
    """A table of scores.

    Attributes
    ----------
    datasets : tuple of str
        Rows, in the paper's order.
    columns : tuple of Column
    cells : dict of (dataset, column name) to Cell
    shared : tuple of str
        Datasets that every run here has in full: means are over these, for every column alike.
    means : dict of str to Estimate
        Column -> mean over `shared`; absent for a column that lacks one of them.
    differences : tuple of Difference
        Every run minus every other column, by dataset and for the mean.
    runs : tuple of GueRun
        What the table was made of.
    rules : dict of str to str
        Dataset -> the baseline that column "best rule" shows: of those that need no neural network,
        the one with the highest score on test.
    faults : tuple of str
        What an audit found wrong with the datasets, in words.
    """

    datasets: tuple[str, ...]
    columns: tuple[Column, ...]
    cells: dict[tuple[str, str], Cell]
    shared: tuple[str, ...]
    means: dict[str, Estimate]
    differences: tuple[Difference, ...]
    runs: tuple[GueRun, ...]
    rules: dict[str, str] = field(default_factory=dict)
    faults: tuple[str, ...] = ()

    def _line(self) -> str:
        runs = sum(column.kind == "run" for column in self.columns)
        return (
            f"{counted(len(self.datasets), 'dataset')}, {counted(runs, 'model')} fine-tuned here "
            f"beside {len(self.columns) - runs} baselines and published ones"
        )

    def table(self) -> pd.DataFrame:
        """One row a score: dataset, column, kind, state, metric, value, low, high, seeds."""
        import pandas as pd

        kinds = {column.name: column.kind for column in self.columns}
        rows = [
            (
                dataset,
                name,
                kinds[name],
                cell.state,
                DATASETS[dataset].metric,
                *astuple(cell.score),
                " ".join(map(str, cell.seeds)),
            )
            for (dataset, name), cell in self.cells.items()
        ]
        names = ("dataset", "name", "kind", "state", "metric", "value", "low", "high", "seeds")
        return pd.DataFrame(rows, columns=list(names))

    def markdown(self) -> str:
        """Tables of scores, means and differences, with what they were made of."""
        from .markdown import write

        return write(self)

    def difference(self, first: str, second: str, *, dataset: str = "mean") -> Difference:
        """Find one difference: first minus second.

        Parameters
        ----------
        first : str
            A run's column.
        second : str
            Any other column.
        dataset : str
            By default the mean over `shared`.

        Raises
        ------
        InputError
            If there is none.
        """
        for one in self.differences:
            if (one.first, one.second, one.dataset) == (first, second, dataset):
                return one
        raise InputError(
            f"The leaderboard compares no {first!r} with {second!r} on {dataset!r}: ask for runs "
            f"({', '.join(c.name for c in self.columns if c.kind == 'run')}) against other columns."
        )


def read_runs(folder: str | Path) -> tuple[GueRun, ...]:
    """Read all result files of a folder; none, or no folder, is an `InputError`."""
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder: pass the results folder of `gue run`.")
    paths = [
        path
        for path in sorted(folder.glob("*/*-seed*.json"))
        if not path.name.startswith("baselines-")
    ]
    if not paths:
        raise InputError(
            f"{folder} holds no results (<dataset>/<model>-seed<k>.json): run "
            "`dnabert2-explore gue run` first."
        )
    return tuple(GueRun.load(path) for path in paths)


@recorded
def leaderboard(
    runs: str | Path | Iterable[GueRun],
    *,
    published: tuple[str, ...] = PUBLISHED,
    audit: str | Path | Audit | None = None,
) -> Leaderboard:
    """Put results side by side, and beside the best that takes no neural network.

    Parameters
    ----------
    runs : path or iterable of GueRun
        A results folder, or what `read_runs` returned.
    published : tuple of str
        Columns of the paper's table to show.
    audit : path or Audit, optional
        Of the same datasets (see `audit`): its rules stand beside the baselines of the runs, its
        faults beside the scores. By default ``audit.json`` in the results folder, if it is there.

    Returns
    -------
    Leaderboard

    Raises
    ------
    InputError
        If there is no result, the paper has no such column, runs of one name differ in more than
        their seed, one baseline was fitted on different strands, or the audit is of other test
        files.
    """
    every = read_runs(runs) if isinstance(runs, (str, Path)) else tuple(runs)
    if not every:
        raise InputError("no runs to compare: run `dnabert2-explore gue run` first.")
    present = {run.dataset for run in every}
    datasets = tuple(name for name in DATASETS if name in present)
    if audit is None and isinstance(runs, (str, Path)) and (Path(runs) / AUDIT).is_file():
        audit = Path(runs) / AUDIT
    judged = read_audit(audit) if isinstance(audit, (str, Path)) else audit or Audit()
    answers = Answers(every, judged)
    labels = list(dict.fromkeys(run.label for run in every))
    baselines = [name for name in BASELINES if any(name in answers.of(d) for d in datasets)]
    table = published_scores()
    unknown = [name for name in published if name not in table]
    if unknown:
        raise InputError(f"the paper has no {unknown[0]!r}; expected {', '.join(PUBLISHED)}.")
    columns = [Column(name, "run", _protocols(every, name)) for name in labels]
    columns += [Column(name, "baseline", answers.titles[name]) for name in baselines]
    if answers.rules:
        columns.append(Column(BEST_RULE, "baseline", _BEST_RULE_DETAIL))
    columns += [Column(name, "published", "Zhou et al. 2023") for name in published]

    cells: dict[tuple[str, str], Cell] = {}
    for dataset in datasets:
        for name, (values, samples) in answers.of(dataset).items():
            state, seeds = answers.describe(dataset, name)
            cells[dataset, name] = Cell(Estimate.of(values, samples), state, seeds)
        for name in published:
            if dataset in table[name]:
                cells[dataset, name] = Cell(Estimate(table[name][dataset]), "published")
    shared = tuple(
        dataset
        for dataset in datasets
        if all((dataset, name) in cells and cells[dataset, name].state == "full" for name in labels)
    )
    means = {
        column.name: _mean(answers, cells, shared, column.name)
        for column in columns
        if shared and all((dataset, column.name) in cells for dataset in shared)
    }
    return Leaderboard(
        datasets,
        tuple(columns),
        cells,
        shared,
        means,
        tuple(_differences(answers, cells, datasets, shared, columns, labels)),
        every,
        dict(answers.rules),
        tuple(str(judged.datasets[d]) for d in datasets
              if d in judged.datasets and judged.datasets[d].reasons),
    )  # fmt: skip


_BEST_RULE_DETAIL = (
    "of the baselines that need no neural network, the one with the highest score on test, by "
    "dataset"
)


def _protocols(runs: tuple[GueRun, ...], label: str) -> str:
    """How the runs of a label depart from the authors' protocol, said once."""
    found = list(dict.fromkeys(run.protocol for run in runs if run.label == label))
    if found == ["authors"]:
        return "the authors' protocol"
    common = set.intersection(*[set(run.deviations) for run in runs if run.label == label])
    first = next(run for run in runs if run.label == label)
    said = [one for one in first.deviations if one in common]
    more = "" if len(found) == 1 else "; more by dataset"
    return "; ".join(said) + more if said else "varies by dataset"


def _mean(
    answers: Answers,
    cells: dict[tuple[str, str], Cell],
    shared: tuple[str, ...],
    name: str,
) -> Estimate:
    value = float(np.mean([cells[dataset, name].score.value for dataset in shared]))
    if cells[shared[0], name].state == "published":
        return Estimate(round(value, 6))
    return Estimate.of(value, np.mean([answers.of(dataset)[name][1] for dataset in shared], axis=0))


def _differences(
    answers: Answers,
    cells: dict[tuple[str, str], Cell],
    datasets: tuple[str, ...],
    shared: tuple[str, ...],
    columns: list[Column],
    labels: list[str],
) -> Iterable[Difference]:
    for first in labels:
        for column in columns:
            second = column.name
            if second == first:
                continue
            paired = column.kind != "published"
            gaps: dict[str, Scored] = {}
            for dataset in datasets:
                if (dataset, first) not in cells or (dataset, second) not in cells:
                    continue
                if cells[dataset, first].state == "reduced" and not paired:
                    continue  # a model trained on dev is no match for one trained on train
                value, samples = answers.of(dataset)[first]
                if paired:
                    other, others = answers.of(dataset)[second]
                else:
                    other = cells[dataset, second].score.value
                    others = np.full_like(samples, other)
                gaps[dataset] = value - other, samples - others
            for dataset, (value, samples) in gaps.items():
                yield Difference(first, second, dataset, Estimate.of(value, samples), paired)
            if shared and all(dataset in gaps for dataset in shared):
                value = float(np.mean([gaps[dataset][0] for dataset in shared]))
                samples = np.mean([gaps[dataset][1] for dataset in shared], axis=0)
                yield Difference(first, second, "mean", Estimate.of(value, samples), paired)
