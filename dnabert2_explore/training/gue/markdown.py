"""A leaderboard as Markdown: no number without what it is."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..configuration import shown
from .answers import BEST_RULE
from .datasets import DATASETS
from .published import CITATION
from .results import GueRun
from .variation import authors_settings

if TYPE_CHECKING:
    from .leaderboard import Cell, Column, Leaderboard

__all__ = ["command", "grid", "write"]

# What a sentence on sequences that splits share says beside its numbers.
_TOO_LONG = re.compile(
    r" \(such as [^)]*\)|: scores on \S+ may be too good by what was learnt by heart"
)
_LATER = re.compile(r", \d{4}-\d\d-\d\d.*$")


def command(run: GueRun, root: str = "GUE", out: str = "results") -> str:
    """Return the command that makes a run, from the data in `root` into `out`."""
    parts = ["dnabert2-explore", "gue", "run", root, "-d", run.dataset, "-m", run.model, "-o", out]
    if run.state == "reduced":
        parts.append("--reduced")
    if run.seed != 42:
        parts += ["--seed", str(run.seed)]
    if run.variation:
        parts += ["--name", run.variation]
    for name, theirs in authors_settings(DATASETS[run.dataset]).items():
        value = run.settings.get(name, theirs)
        if value != theirs:
            parts += [f"--{name.replace('_', '-')}", shown(value)]
    if run.settings.get("precision", "auto") != "auto":
        parts += ["--precision", run.settings["precision"]]
    limits = {one.settings.get("max_minutes", 0.0) for one in run.baselines} - {0.0}
    for limit in limits:  # the CNN's, if it has one
        parts += ["--baseline-minutes", shown(limit)]
    learning = [one for one in run.baselines if one.name != "majority"]
    strands = {one.settings.get("strands", "given") for one in learning}
    for one in sorted(strands - {DATASETS[run.dataset].strands}):
        parts += ["--baseline-strands", one]
    return shlex.join(parts)


def write(board: Leaderboard) -> str:
    """Write the tables of a leaderboard."""
    parts = [
        _legend(board),
        _scores(board),
        "## Minus the best rule\n\n" + _minus_rule(board),
        "## Differences\n\n" + _differences(board),
        "## How each was run\n\n" + _runs(board),
    ]
    notes = _notes(board)
    if notes:
        parts.append("## Notes\n\n" + notes)
    return "\n\n".join(parts) + "\n"


def grid(header: list[str], rows: list[list[str]], left: int = 1) -> str:
    """Lay out a table; the first `left` columns are aligned to the left."""
    rule = ["---" if index < left else "---:" for index in range(len(header))]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (header, rule, *rows))


def _legend(board: Leaderboard) -> str:
    lines = [
        "Scores on the test sets: Matthews correlation, macro F1 for covid. In brackets 95% "
        "intervals by bootstrap over the test sequences (1,000 resamples, the same for every "
        "column); they say nothing about other seeds.",
        "",
    ]
    words = {"run": "fine-tuned here", "baseline": "fitted here", "published": "published"}
    lines += [f"- **{one.name}** ({words[one.kind]}): {one.detail}" for one in board.columns
              if one.kind != "published"]  # fmt: skip
    names = [one.name for one in board.columns if one.kind == "published"]
    if names:
        lines.append(f"- *{', '.join(names)}* (published): {CITATION}")
    if any(cell.state == "reduced" for cell in board.cells.values()):
        lines.append(
            "- ᴿ reduced: train.csv was not there, the model was trained on a part of dev.csv. Not "
            "comparable with published scores and in no mean."
        )
    return "\n".join(lines)


def _name(column: Column) -> str:
    return {"run": "**{}**", "baseline": "{}", "published": "*{}*"}[column.kind].format(column.name)


def _formatted(cell: Cell | None, interval: bool) -> str:
    if cell is None:
        return "–"
    text = f"{cell.score.value:.3f}"
    if interval and cell.score.low == cell.score.low:  # not NaN
        text += f" ({cell.score.low:.3f}–{cell.score.high:.3f})"
    return text + (" ᴿ" if cell.state == "reduced" else "")


def _scores(board: Leaderboard) -> str:
    rows = [
        [
            dataset,
            *(
                _formatted(board.cells.get((dataset, column.name)), column.kind == "run")
                + (f" {board.rules[dataset]}" if column.name == BEST_RULE else "")
                for column in board.columns
            ),
        ]
        for dataset in board.datasets
    ]
    means = []
    for column in board.columns:
        mean = board.means.get(column.name)
        means.append("–" if mean is None else f"**{mean.value:.3f}**")
    rows.append([f"**mean of {len(board.shared)}**", *means])
    table = grid(["dataset", *map(_name, board.columns)], rows)
    if not board.shared:
        return table + "\n\nNo dataset was run in full by every run: there is no mean."
    return table + f"\n\nThe mean is over {', '.join(board.shared)}, for every column alike."


def _differences(board: Leaderboard) -> str:
    rows = [
        [one.first, one.second, f"{one.score.value:+.3f}",
         f"{one.score.low:+.3f} to {one.score.high:+.3f}", "yes" if one.paired else "no",
         _wins(board, one.first, one.second)]
        for one in board.differences
        if one.dataset == "mean"
    ]  # fmt: skip
    if not rows:
        return "There is no dataset to compare on."
    return (
        f"Mean over the {len(board.shared)} shared dataset(s), in units of the score. Paired: both "
        "answered the same test sequences. A published number has no interval of its own here, so "
        "that the one given is too narrow. The last column counts datasets whose interval excludes "
        "0: better, worse.\n\n"
        + grid(["run", "minus", "difference", "95% interval", "paired", "datasets"], rows, left=2)
    )


def _minus_rule(board: Leaderboard) -> str:
    """Say what each run gains over the best rule, dataset by dataset, and what is wrong there."""
    if not board.rules:
        return "No baseline was fitted that needs no neural network."
    rows = [
        [
            "**mean**" if one.dataset == "mean" else one.dataset,
            one.first,
            f"{one.score.value:+.3f}",
            f"{one.score.low:+.3f} to {one.score.high:+.3f}",
            board.rules.get(one.dataset, "by dataset"),
        ]
        for one in board.differences
        if one.second == BEST_RULE
    ]
    text = (
        "A model that does not beat the best rule without a neural network has not shown that it "
        "knows more of DNA than the rule does. The rule is the one that does best on test, which "
        "favours rules; differences are paired.\n\n"
        + grid(["dataset", "run", "difference", "95% interval", "rule"], rows, left=2)
    )
    faults = "\n".join(f"- {one}" for one in board.faults)
    return text + (f"\n\nWhat is wrong with these sets, as their audit found:\n\n{faults}"
                   if faults else "")  # fmt: skip


def _wins(board: Leaderboard, first: str, second: str) -> str:
    found = [
        one.score
        for one in board.differences
        if (one.first, one.second) == (first, second) and one.dataset in board.shared
    ]
    better, worse = sum(one.low > 0 for one in found), sum(one.high < 0 for one in found)
    return f"{better} better, {worse} worse of {len(found)}"


def _runs(board: Leaderboard) -> str:
    rows = [
        [
            run.dataset,
            run.label,
            run.state,
            " / ".join(f"{run.splits[split]['rows']:,}" for split in ("train", "dev", "test")),
            f"{run.best_step:,} of {run.steps:,}",
            f"{run.seconds / 60:.1f}",
            f"`{command(run)}`",
        ]
        for run in board.runs
    ]
    # The day and the load are of each run, and in its file.
    machines = list(dict.fromkeys(_LATER.sub("", run.machine) for run in board.runs))
    header = ["dataset", "run", "files", "train / dev / test", "step kept", "minutes", "command"]
    plain = "\n".join(f"- {machine}" for machine in machines)
    return f"Machine:\n\n{plain}\n\n" + grid(header, rows, left=len(header))


def _notes(board: Leaderboard) -> str:
    """Say what holds of all runs, then of all of a set, then of single ones."""
    audited = {one.partition(":")[0] for one in board.faults}  # their faults stand above

    def told(run: GueRun) -> list[str]:
        told_above = run.dataset in audited and run.state != "reduced"  # of whole sets
        return [*_told(run), *(() if told_above else _leaks(run))]

    lines: list[str] = []
    known: dict[str, list[str]] = {}
    for label, runs in _grouped(board.runs, "label").items():
        # The legend has how all of a column depart from the authors.
        legend = _in_all(run.deviations for run in runs)
        everywhere = [one for one in _in_all(map(told, runs)) if one not in legend]
        known[label] = legend
        if runs[1:] and everywhere:
            lines.append(f"- {label}, on all: {'; '.join(everywhere)}")
            known[label] += everywhere
    for dataset, runs in _grouped(board.runs, "dataset").items():
        shared = _in_all(map(told, runs)) if runs[1:] else []
        said = [one for one in shared if any(one not in known[run.label] for run in runs)]
        if said:
            lines.append(f"- {dataset}: {'; '.join(said)}")
        for run in runs:
            rest = [one for one in told(run) if one not in (*known[run.label], *said)]
            if rest:
                lines.append(f"- {dataset}, {run.label}, seed {run.seed}: {'; '.join(rest)}")
    return "\n".join(dict.fromkeys(lines))


def _leaks(run: GueRun) -> list[str]:
    return [
        _TOO_LONG.sub("", one) for one in run.leakage if not one.startswith("no ") or "twin" in one
    ]


def _told(run: GueRun) -> list[str]:
    roles = run.roles.items() if run.state == "reduced" else ()
    return [*(f"{split}: {words}" for split, words in roles), *run.deviations, *run.notes]


def _grouped(runs: Iterable[GueRun], by: str) -> dict[str, list[GueRun]]:
    found: dict[str, list[GueRun]] = {}
    for run in runs:
        found.setdefault(getattr(run, by), []).append(run)
    return found


def _in_all(told: Iterable[Iterable[str]]) -> list[str]:
    """Return the sentences that all have, in the order of the first."""
    first, *others = map(list, told)
    return [one for one in first if all(one in other for other in others)]
