"""A leaderboard as dots: every score of a dataset on one line, and what the runs gain."""

from __future__ import annotations

import math
from collections.abc import Sequence as Items
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...errors import InputError
from ..core.colours import OKABE_ITO, Theme, theme_of
from ..core.parts import (
    Figure,
    axis_title,
    dots,
    font,
    level,
    line,
    make_figure,
    quiet_axis,
    whiskers,
)

if TYPE_CHECKING:
    from ...training.gue import Leaderboard

__all__ = ["leaderboard_dots"]

_ROW_PX = 26
# One symbol each, whichever of them are shown.
_PUBLISHED = {
    "DNABERT 3-mer": "triangle-down",
    "DNABERT 6-mer": "triangle-up",
    "NT 500M human": "square",
    "NT 500M 1000g": "pentagon",
    "NT 2500M 1000g": "hexagon",
    "NT 2500M multi": "cross",
    "DNABERT-2": "diamond",
    "DNABERT-2 further": "star",
}
_BASELINES = {"majority": "line-ns-open", "position_weights": "x-thin-open", "kmer": "circle-open",
              "markov": "triangle-up-open", "twins": "diamond-open",
              "positional": "diamond-tall-open",
              "cnn": "square-open"}  # fmt: skip
_BEST_RULE = "best rule"  # one of the baselines on each line: it has no dots of its own


@dataclass(frozen=True, slots=True)
class _Row:
    """A line of the figure: a dataset, the mean, or the heading of a task (no dataset)."""

    dataset: str
    title: str


def leaderboard_dots(
    board: Leaderboard,
    *,
    against: str = "",
    hidden: Items[str] = (),
    width: int = 1000,
    theme: str = "light",
) -> Figure:
    """Draw a leaderboard: a trace a column, by its name, and one ``<run> minus <against>`` a run.

    The right panel takes the column `against` from the runs; by default the best rule of each
    dataset, which needs no neural network, or where no rule was fitted the best baseline. Columns
    that are `hidden` are left out. InputError if `against` is no column.
    """
    colours = theme_of(theme)
    against = _reference(board, against)
    rows = _rows(board)
    places = {row.dataset: i for i, row in enumerate(rows) if row.dataset}
    shown = [column for column in board.columns if column.name not in (*hidden, _BEST_RULE)]
    runs = [column.name for column in shown if column.kind == "run"]
    paint = {name: OKABE_ITO[i % len(OKABE_ITO)] for i, name in enumerate(runs)}
    left = min(190, max(120, width // 6))
    traces = [_span(board, places, shown, colours)]
    for column in reversed(shown):  # runs last, so that they lie on top
        if column.kind == "run":
            lift = _lift(runs, column.name)
            colour = paint[column.name]
            marker = {"color": colour, "size": 11, "line": {"width": 1.5, "color": colour}}
            traces.append(_dots(board, places, column, marker, lift))
        elif column.kind == "baseline":
            marker = {
                "symbol": _BASELINES.get(column.name, "circle-open"),
                "size": 9,
                "color": colours.muted,
                "line": {"width": 1.6, "color": colours.muted},
            }
            traces.append(_dots(board, places, column, marker))
        else:
            marker = {
                "symbol": _PUBLISHED.get(column.name, "diamond"),
                "size": 8,
                "color": colours.ink if column.name == "DNABERT-2" else colours.tints[0],
            }
            traces.append(_dots(board, places, column, marker))
    for name in runs:
        if name != against:
            traces.append(_gains(board, places, name, against, paint[name], _lift(runs, name)))
    values = [cell.score.value for cell in board.cells.values()]
    low = min([0.0, *(value for value in values if math.isfinite(value))])
    return make_figure(
        traces,
        colours,
        len(rows) * _ROW_PX + 118,
        margin={"l": left, "r": 16, "t": 62, "b": 46, "autoexpand": False},
        hovermode="closest",
        showlegend=True,
        legend={
            "orientation": "h",
            "x": 0,
            "y": 1,
            "yanchor": "bottom",
            "traceorder": "reversed",
            "font": font(11, colours.ink),
            "bgcolor": "rgba(0,0,0,0)",
        },
        xaxis=_axis(colours, (0.0, 0.63), [low - 0.04, 1.0], _what(board)),
        xaxis2=_axis(
            colours, (0.69, 1.0), _reach(board, runs, against), f"run minus {against}, 95% interval"
        )
        | {"zeroline": True, "zerolinecolor": colours.muted, "zerolinewidth": 1.2},
        yaxis=quiet_axis(
            colours,
            domain=[0, 1],
            range=[len(rows) - 0.4, -0.6],
            tickvals=list(range(len(rows))),
            ticktext=[row.title for row in rows],
            tickfont=font(11.5, colours.ink),
        ),
        # The mean is set apart.
        shapes=[
            level(place - 0.5, colours.muted, 1, yref="y")
            for name, place in places.items()
            if name == "mean"
        ],
    )


def _reference(board: Leaderboard, against: str) -> str:
    names = [column.name for column in board.columns]
    if against:
        if against not in names:
            raise InputError(f"the leaderboard has no {against!r}; expected {', '.join(names)}.")
        return against
    if _BEST_RULE in names:
        return _BEST_RULE
    baselines = [column.name for column in board.columns if column.kind == "baseline"]
    best = [name for name in baselines if name in board.means]
    if best:
        return max(best, key=lambda name: board.means[name].value)
    return baselines[-1] if baselines else names[-1]


def _rows(board: Leaderboard) -> list[_Row]:
    """Datasets under the heading of their task, and the mean."""
    from ...training.gue import DATASETS

    rows: list[_Row] = []
    heading = ""
    for name in board.datasets:
        dataset = DATASETS[name]
        task = dataset.task.replace(" detection", "s").replace("factor binding", "factors")
        title = f"{task}, {dataset.species}"
        if title != heading:
            rows.append(_Row("", f"<i>{title}</i>"))
            heading = title
        states = {cell.state for (one, _), cell in board.cells.items() if one == name}
        words = name + (" (F1)" if dataset.metric != "mcc" else "")
        reduced = states - {"published"} == {"reduced"}
        rows.append(_Row(name, words + (" · reduced" if reduced else "")))
    if board.shared:
        rows.append(_Row("mean", f"<b>mean of {len(board.shared)}</b>"))
    return rows


def _score(board: Leaderboard, name: str, dataset: str) -> Any:
    if dataset == "mean":
        return board.means.get(name)
    cell = board.cells.get((dataset, name))
    return None if cell is None else cell.score


def _comparable(board: Leaderboard, name: str, dataset: str) -> bool:
    """Tell whether a score may stand on a line: published ones beside full runs only."""
    if dataset == "mean":
        return True
    cell = board.cells.get((dataset, name))
    if cell is None or cell.state != "published":
        return cell is not None
    return any(other.state == "full" for (one, _), other in board.cells.items() if one == dataset)


def _points(board: Leaderboard, places: dict[str, int], name: str) -> list[tuple[str, int, Any]]:
    found = [(dataset, place, _score(board, name, dataset)) for dataset, place in places.items()]
    return [
        (dataset, place, score)
        for dataset, place, score in found
        if score is not None and math.isfinite(score.value) and _comparable(board, name, dataset)
    ]


def _dots(
    board: Leaderboard, places: dict[str, int], column: Any, marker: dict[str, Any], lift: float = 0
) -> dict[str, Any]:
    name = column.name
    # The legend shows the first point's symbol: not one of a reduced run.
    points = sorted(_points(board, places, name), key=lambda point: _reduced(board, name, point[0]))
    scores = [score for _, _, score in points]
    more: dict[str, Any] = {}
    if column.kind == "run":
        more["error_x"] = _bars(scores, marker["color"])
        reduced = [_reduced(board, name, dataset) for dataset, _, _ in points]
        marker = {**marker, "symbol": ["circle-open" if one else "circle" for one in reduced]}
    return dots(
        [score.value for score in scores],
        [place + lift for _, place, _ in points],
        marker["size"],
        marker["color"],
        marker=marker,
        name=name,
        cliponaxis=False,
        customdata=[_sentence(board, name, dataset, score) for dataset, _, score in points],
        hover="%{customdata}",
        **more,
    )


def _reduced(board: Leaderboard, name: str, dataset: str) -> bool:
    cell = board.cells.get((dataset, name))
    return cell is not None and cell.state == "reduced"


def _sentence(board: Leaderboard, name: str, dataset: str, score: Any) -> str:
    words = f"<b>{name}</b><br>{dataset}: {score.value:.3f}"
    if math.isfinite(score.low):
        words += f" ({score.low:.3f} to {score.high:.3f})"
    if _reduced(board, name, dataset):
        words += "<br>reduced: trained on dev"
    cell = board.cells.get((dataset, name))
    if cell is not None and cell.state == "published":
        words += "<br>published"
    return words


def _bars(scores: list[Any], colour: str, width: float = 1.6) -> dict[str, Any]:
    value, low, high = ([getattr(one, end) for one in scores] for end in ("value", "low", "high"))
    return whiskers(value, low, high, colour, width)


def _lift(runs: list[str], name: str) -> float:
    """Several runs on one line stand a little apart."""
    return (runs.index(name) - (len(runs) - 1) / 2) * min(0.22, 0.6 / max(len(runs), 1))


def _span(
    board: Leaderboard, places: dict[str, int], shown: list[Any], colours: Theme
) -> dict[str, Any]:
    """One thin line a dataset, from its least score to its largest."""
    x: list[float | None] = []
    y: list[float | None] = []
    for dataset, place in places.items():
        values = [
            score.value
            for column in shown
            if _comparable(board, column.name, dataset)
            and (score := _score(board, column.name, dataset)) is not None
            and math.isfinite(score.value)
        ]
        if values:
            x += [min(values), max(values), None]
            y += [place, place, None]
    return line(x, y, colours.grid, 5, name="", showlegend=False)


def _gains(
    board: Leaderboard, places: dict[str, int], name: str, against: str, colour: str, lift: float
) -> dict[str, Any]:
    found = [
        (places[one.dataset], one)
        for one in board.differences
        if (one.first, one.second) == (name, against) and one.dataset in places
    ]
    sure = [one.score.low > 0 or one.score.high < 0 for _, one in found]
    return dots(
        [one.score.value for _, one in found],
        [place + lift for place, _ in found],
        8,
        colour,
        name=f"{name} minus {against}",
        xaxis="x2",
        error_x=_bars([one.score for _, one in found], colour, 1.4),
        showlegend=False,
        customdata=[
            f"<b>{name}</b> minus {_rule(board, against, one.dataset)}<br>{one.dataset}: "
            f"{one.score.value:+.3f} "
            f"({one.score.low:+.3f} to {one.score.high:+.3f})<br>"
            + ("paired by sequence" if one.paired else "published score taken as exact")
            for _, one in found
        ],
        hover="%{customdata}",
        marker={"symbol": ["circle" if one else "circle-open" for one in sure]},
    )


def _rule(board: Leaderboard, against: str, dataset: str) -> str:
    """Name what is taken from a run; the best rule is another on each dataset."""
    known = board.rules.get(dataset) if against == _BEST_RULE else None
    return against if known is None else f"{against} ({known})"


def _reach(board: Leaderboard, runs: list[str], against: str) -> list[float]:
    """Range of the right panel: all intervals, and always 0."""
    found = [one.score for one in board.differences if one.first in runs and one.second == against]
    ends = [
        end for score in found for end in (score.value, score.low, score.high) if math.isfinite(end)
    ]
    low, high = min([0.0, *ends]), max([0.0, *ends])
    room = 0.06 * (high - low) or 0.1
    return [low - room, high + room]


def _what(board: Leaderboard) -> str:
    from ...training.gue import DATASETS

    metrics = {DATASETS[name].metric for name in board.datasets}
    if metrics == {"f1_macro"}:
        return "macro F1 on test"
    more = "; macro F1 for covid" if "f1_macro" in metrics else ""
    return f"Matthews correlation on test{more}"


def _axis(
    colours: Theme, domain: tuple[float, float], span: list[float], title: str
) -> dict[str, Any]:
    return {
        "domain": list(domain),
        "anchor": "y",
        "title": axis_title(title, colours, 12, 6),
        "tickfont": font(11, colours.muted),
        "gridcolor": colours.grid,
        "zeroline": False,
        "fixedrange": True,
        "nticks": 7,
        "range": span,
    }
