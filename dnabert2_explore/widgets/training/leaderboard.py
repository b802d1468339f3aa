"""GUE results as a picture and a table: runs, baselines and the published scores."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from ipywidgets import SelectMultiple, VBox, Widget

from ...common.delimited import cell, remark
from ...common.files import expanded
from ...errors import InputError
from ...figures.core.parts import Figure
from ...figures.training.leaderboard import leaderboard_dots
from ..core.controls import button, combo, folded, label, menu, offer, part, row
from ..core.explorer import Explorer
from ..core.state import Selection

if TYPE_CHECKING:
    from ...training.gue import Leaderboard
    from ...training.gue.leaderboard import Cell

__all__ = ["LeaderboardExplorer"]

_FIRST = ("DNABERT 6-mer", "NT 500M human", "NT 2500M multi", "DNABERT-2")
_BEST = "the best rule"


class LeaderboardExplorer(Explorer):
    """Look at results of ``dnabert2-explore gue run`` beside baselines and published scores.

    Class ``dx-leaderboard``; parts ``dx-results``, ``dx-refresh``, ``dx-against``,
    ``dx-published``, ``dx-scores``, ``dx-faults``.

    Parameters
    ----------
    results : path or Leaderboard
        The results folder of `gue run`, or what `dnabert2_explore.training.gue.leaderboard`
        returned.

    Attributes
    ----------
    board : Leaderboard or None
        What is shown.

    Examples
    --------
    >>> LeaderboardExplorer("no/such/folder").board is None
    True
    """

    title = "Leaderboard"
    kind = "leaderboard"
    help = (
        "Each line is a dataset of the benchmark GUE, scored on its test set by Matthews "
        "correlation: 0 is guessing, 1 is all right. Bars are 95% intervals by bootstrap over the "
        "test sequences and say nothing about another training seed; the right panel resamples "
        "both sides of a comparison together, which makes small differences visible. The best rule "
        "is the baseline without a neural network that does best on a dataset: a model that does "
        "not beat it has shown nothing. Hollow "
        "circles left: trained on dev, because train.csv is missing; right: the interval holds 0. "
        "<cite>Zhou et al. 2023 (DNABERT-2, GUE).</cite>"
    )
    reacts_to = frozenset({"theme"})

    def __init__(self, results: str | Path | Leaderboard = "results") -> None:
        given = None if isinstance(results, (str, Path)) else results
        self.board: Leaderboard | None = None
        self.results = combo(
            "dx-results",
            "" if given is not None else str(results),
            (),
            "Folder with the result files",
            "results folder of gue run",
        )
        self.refresh_button = button(
            "Read again",
            "dx-refresh",
            "Read the result files again",
            lambda: self._guarded(self.refresh),
        )
        self.against = menu("dx-against", [(_BEST, "")], "What the right panel takes from the runs")
        self.published = SelectMultiple(
            options=self._columns(), value=_FIRST, rows=4, tooltip="Columns of the paper"
        ).add_class("dx-published")
        self._scores = part("dx-scores")
        super().__init__(Selection(), [label("right: run minus"), self.against])
        self.add_class("dx-alone")
        self._when(self.refresh, self.results, self.published)
        self._when(self._draw, self.against)
        self._given = None if given is None else given.runs
        self._guarded(self.refresh)

    @staticmethod
    def _columns() -> tuple[str, ...]:
        from ...training.gue import PUBLISHED

        return PUBLISHED

    def _above(self) -> list[Widget]:
        chosen = row(
            "dx-choose",
            label("Results"),
            self.results,
            self.refresh_button,
            label("Published"),
            self.published,
        )
        return [VBox([chosen]).add_class("dx-form")]

    def _below(self) -> list[Widget]:
        return [self._scores]

    def refresh(self) -> None:
        """Read the result files and draw them."""
        from ...training.gue import leaderboard

        self.say("")
        folder = self.results.value.strip()
        if folder:
            self._given = None
        source = expanded(folder) if folder else self._given
        if source is None or (isinstance(source, Path) and not source.is_dir()):
            self.board = None
        else:
            self.board = leaderboard(source, published=tuple(self.published.value))
        self._offer()
        self._draw()

    def _offer(self) -> None:
        """Offer the columns there are to compare with."""
        names = [] if self.board is None else [column.name for column in self.board.columns]
        offer(self.against, [(_BEST, ""), *((name, name) for name in names)])

    def _figure(self) -> Figure | None:
        if self.board is None:
            return None
        return leaderboard_dots(
            self.board,
            against=self.against.value or "",
            width=self.plot.width or 1000,
            theme=self.selection.theme,
        )

    def _draw(self) -> None:
        board = self.board
        if board is None:
            self._scores.value = ""
            self._show(
                None,
                "No results yet: name the folder that <code>dnabert2-explore gue run DATA -o "
                "FOLDER</code> wrote.",
            )
            return
        self._scores.value = _faults(board) + _table(board)
        self._show(self._figure(), self._words(board), config={"displayModeBar": False})

    def _words(self, board: Leaderboard) -> str:
        runs = [column for column in board.columns if column.kind == "run"]
        said = "; ".join(
            f"<b>{escape(one.name)}</b>: {escape(one.detail, quote=False)}" for one in runs
        )
        shared = f"{len(board.shared)} dataset{'' if len(board.shared) == 1 else 's'}"
        return (
            f"Scores on the test sets of {len(board.datasets)} GUE datasets, bootstrap intervals. "
            f"{said}. Means are over the {shared} that every run has in full."
        )

    def _stem(self) -> str:
        return "gue-leaderboard"

    def _code(self) -> str:
        if self.board is None or not self.results.value:
            raise InputError("There is no results folder: name it first.")
        return (
            "import dnabert2_explore as dx\n\n"
            f"board = dx.leaderboard({self.results.value!r}, published={self.published.value!r})\n"
            f"dx.plot(board, against={self.against.value!r})"
        )

    def _table(self) -> str:
        if self.board is None:
            raise InputError("There are no results yet: name their folder first.")
        return f"{remark(self.caption)}\n{self.board.table().map(cell).to_csv(index=False)}"


def _faults(board: Leaderboard) -> str:
    """List what an audit found wrong with the datasets shown."""
    what = f"What is wrong with {len(board.faults)} of these datasets"
    return folded(what, board.faults, " open class='dx-faults'")


def _table(board: Leaderboard) -> str:
    """Lay the scores out as HTML; the best of what was computed here is bold in each line."""
    from ...training.gue.answers import BEST_RULE

    head = "".join(f"<th title='{escape(c.detail)}'>{escape(c.name)}</th>" for c in board.columns)
    rows = []
    for dataset in board.datasets:
        own = [
            cell.score.value
            for column in board.columns
            if column.kind != "published"
            and (cell := board.cells.get((dataset, column.name))) is not None
        ]
        cells = "".join(
            _cell(
                board.cells.get((dataset, column.name)),
                max(own),
                column.kind != "published",
                board.rules.get(dataset, "") if column.name == BEST_RULE else "",
            )
            for column in board.columns
        )
        rows.append(f"<tr><th>{escape(dataset)}</th>{cells}</tr>")
    means = "".join(
        f"<td>{board.means[column.name].value:.3f}</td>" if column.name in board.means
        else "<td>–</td>"
        for column in board.columns
    )  # fmt: skip
    return (
        f"<details open><summary>All scores</summary><table><tr><th></th>{head}</tr>{''.join(rows)}"
        f"<tr><th>mean of {len(board.shared)}</th>{means}</tr></table></details>"
    )


def _cell(cell: Cell | None, best: float, own: bool, rule: str) -> str:
    if cell is None:
        return "<td>–</td>"
    text = f"{cell.score.value:.3f}"
    words = f"{cell.score.low:.3f} to {cell.score.high:.3f}" if own else "published"
    if own and cell.score.value == best:
        text = f"<b>{text}</b>"
    if cell.state == "reduced":
        text += " <i title='trained on dev: train.csv is missing'>reduced</i>"
    text += f" <small>{escape(rule)}</small>" if rule else ""
    return f"<td title='{words}'>{text}</td>"
