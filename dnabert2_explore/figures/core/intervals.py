"""Figures of scores: dots with their intervals, rates of two sets, histograms, windows."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence as Items
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ..training.curves import Interval, metric_name
from .colours import Theme, theme_of
from .parts import Figure, dots, font, line, make_figure, plain_axis, whiskers
from .style import value_axis

if TYPE_CHECKING:
    from ...analysis.enrichment import Enrichment
    from ...analysis.maps import Clusters, MapJudgement
    from ...analysis.motifs import Differential
    from ...analysis.tokenizers import MotifFragments
    from ...analysis.variants import Calibration, VariantScores
    from ...encoder.vectors.long import LongEmbedding
    from ...training.finetune import FinetuneResult
    from ...training.finetune.seeds import SeedsResult
    from ...training.scores.metrics import Scores
    from ...training.scores.rules import RuleComparison

__all__ = [
    "calibration_intervals",
    "cluster_stability",
    "differential_rates",
    "finetune_intervals",
    "fragment_intervals",
    "judgement_intervals",
    "rule_intervals",
    "score_histogram",
    "score_intervals",
    "seed_dots",
    "window_cosines",
    "window_likeness",
    "word_rates",
]

_ROW_PX = 26
_MOST = 30  # rows


def _intervals(rows: Iterable[Interval], title: str, theme: str) -> Figure:
    """Draw values as dots on lines, the first on top; the model's own in its colour."""
    colours = theme_of(theme)
    kept = [row for row in rows if math.isfinite(row.value)][::-1]
    own = [colours.positive if row.own else colours.muted for row in kept]
    value, low, high = ([getattr(row, end) for row in kept] for end in ("value", "low", "high"))
    bars = whiskers(value, low, high, colours.muted)
    seen: Counter[str] = Counter()
    names = []
    for row in kept[::-1]:  # of two rows of one name each has its line
        seen[row.name] += 1
        names.append(row.name if seen[row.name] == 1 else f"{row.name} ({seen[row.name]})")
    names.reverse()
    marks = dots(value, names, 9, own, error_x=bars, hover="%{y}: %{x:.4~g}")
    return _rows_figure([marks], colours, len(kept), title)


def _rows_figure(
    data: Any, colours: Theme, rows: int, title: str, top: int = 10, **more: Any
) -> Figure:
    return make_figure(
        data,
        colours,
        _ROW_PX * rows + 70,
        margin={"l": 10, "r": 30, "t": top, "b": 46},
        xaxis=plain_axis(colours, title),
        yaxis={
            "automargin": True,
            "tickfont": font(12, colours.ink),
            "showgrid": False,
            "type": "category",
            "range": [-0.7, max(rows, 1) - 0.3],
        },
        **more,
    )


def _dotted(figure: Figure, x: float, theme: str, **more: Any) -> Figure:
    """Draw a dotted line upright at `x`."""
    line = {"dash": "dot", "color": theme_of(theme).muted, "width": 1}
    return figure.add_vline(x, line=line, **more)


def _of(scores: Scores, split: str, own: bool = True) -> list[Interval]:
    return [
        Interval(f"{metric_name(name)}{split}", one.value, one.low, one.high, own)
        for name, one in scores.values.items()
        if name != "rmse"
    ]


def score_intervals(result: Scores, *, theme: str = "light") -> Figure:
    """Draw scores with their 95% intervals (RMSE, which has a unit, is left out)."""
    return _intervals(_of(result, ""), "score, with 95% intervals", theme)


def finetune_intervals(result: FinetuneResult, *, theme: str = "light") -> Figure:
    """Draw a run's scores on dev and test beside the best rule without a neural network."""
    rows = _of(result.dev, ", dev", own=result.test is None)
    if result.test is not None:
        rows = _of(result.test, ", test") + rows
    if result.rule is not None:
        one = result.rule.score
        rows.append(Interval(f"MCC of {result.rule.title}", one.value, one.low, one.high))
    return _intervals(rows, "score, with 95% intervals", theme)


def rule_intervals(result: RuleComparison, *, theme: str = "light") -> Figure:
    """Draw the rules' Matthews correlations, and the model's."""
    nan = math.nan
    rows = [Interval("the model", result.score.value + result.minus.value, nan, nan, True)]
    rows.append(Interval(result.title, result.score.value, result.score.low, result.score.high))
    rows += [Interval(k, v, nan, nan) for k, v in result.others.items() if k != result.rule]
    return _intervals(rows, "Matthews correlation on test", theme)


def calibration_intervals(result: Calibration, *, theme: str = "light") -> Figure:
    """Draw the AUROC of scores of variants and of baselines with their 95% intervals."""
    rows = [
        Interval(one.score, one.auroc, one.low, one.high, one.kind == "model")
        for one in result.rows
    ]
    return _dotted(_intervals(rows, "AUROC, with 95% intervals", theme), 0.5, theme)


def fragment_intervals(result: MotifFragments, *, theme: str = "light") -> Figure:
    """Draw how many more tokens share a motif's site than other places, by tokenizer."""
    rows = [
        Interval(f"{motif}, {name}", float(result.pieces[i, j] - result.chance[i, j]),
                 float(result.low[i, j]), float(result.high[i, j]), i == 0)
        for j, motif in list(enumerate(result.motifs))[:_MOST]
        for i, name in enumerate(result.tokenizers)
    ]  # fmt: skip
    title = "tokens a site, more than at other places, 95% intervals"
    return _dotted(_intervals(rows, title, theme), 0, theme)


def judgement_intervals(result: MapJudgement, *, theme: str = "light") -> Figure:
    """Draw how well a label is told in the model's space, in simpler ones, and by chance.

    InputError if the map was judged without a label.
    """
    if not result.scores:
        raise InputError(
            "There is no score to draw: judge the map with a label of more than one class."
        )
    rows = [
        Interval(one.space, one.probe.score, one.probe.low, one.probe.high, one.space == "model")
        for one in result.scores
    ]
    title = f"balanced accuracy of {result.label}, with 95% intervals"
    return _dotted(_intervals(rows, title, theme), 1 / max(result.n_classes, 1), theme)


def cluster_stability(result: Clusters, *, theme: str = "light") -> Figure:
    """Draw how stable each cluster is; dotted, clusters of shuffled columns.

    InputError if there is no cluster.
    """
    if not len(result):
        raise InputError("There is no cluster to draw: all rows belong to none.")
    rows = [
        Interval(f"cluster {i} ({int(size):,})", float(one), math.nan, math.nan, one > 0.75)
        for i, (size, one) in enumerate(zip(result.sizes, result.stability, strict=True))
    ]
    figure = _intervals(rows[:_MOST], "stability (mean overlap, Jaccard)", theme)
    figure.update_xaxes(range=[-0.02, 1.04])
    small = font(10.5, theme_of(theme).muted)
    for at, text in ((result.null, "shuffled columns"), (0.75, "stable")):
        if not math.isnan(at):
            above = {"y": 1, "yanchor": "bottom", "xanchor": "center"}
            _dotted(figure, at, theme, annotation={"text": text, "font": small, **above})
    return figure.update_layout(margin_t=26)


def seed_dots(result: SeedsResult, *, theme: str = "light") -> Figure:
    """Draw a run's scores by seed: the mean as a dot, the smallest and the largest as its line."""
    rows = [
        Interval(metric_name(name), result.mean(name), min(values), max(values), True)
        for name in (result.results[0].test or result.results[0].dev).values
        if name != "rmse"
        for values in [result.values(name)]
    ]
    title = f"score on {result.split}: mean, smallest and largest of {len(result.seeds)} seeds"
    return _intervals(rows, title, theme)


def word_rates(result: Enrichment, *, theme: str = "light") -> Figure:
    """Draw the share of selected sequences with a word, beside what others like them have.

    InputError if no word was tested.
    """
    if not len(result):
        raise InputError("There is no word to draw: none was common enough to be tested.")
    return _rates(
        result.words,
        (("selected", result.selected_rate), ("expected of them", result.expected_rate)),
        "share of sequences with the word",
        theme,
    )


def differential_rates(result: Differential, *, theme: str = "light") -> Figure:
    """Draw the share of sequences with a hit in both sets, for the surest differences."""
    return _rates(
        [one.label for one in result.motifs],
        (("first set", result.first_rate), ("second set", result.second_rate)),
        "share of sequences with a hit",
        theme,
    )


def _rates(
    every: Items[str], two: Items[tuple[str, NDArray[np.float64]]], title: str, theme: str
) -> Figure:
    """Draw two shares a row, the first rows on top."""
    colours = theme_of(theme)
    names = list(every[:_MOST])[::-1]
    looks = (("circle", colours.positive), ("circle-open", colours.negative))
    data = [
        dots(
            rates[:_MOST][::-1].tolist(),
            names,
            10,
            colour,
            name=name,
            hover=f"%{{y}}, {name}: %{{x:.1%}}",
            marker={"symbol": symbol, "line": {"width": 2}},
        )
        for (name, rates), (symbol, colour) in zip(two, looks, strict=True)
    ]
    legend = {"orientation": "h", "y": 1.02, "yanchor": "bottom"}
    return _rows_figure(data, colours, len(names), title, 36, showlegend=True, legend=legend)


def score_histogram(result: VariantScores, *, score: str = "", theme: str = "light") -> Figure:
    """Draw how a score of variants is spread: the column `score`, the first by default.

    Of up to 30 variants, which are no distribution, each. InputError if there is no such score.
    """
    colours = theme_of(theme)
    if not result.columns or not result.scored:
        raise InputError("There are no scores to draw: no variant was scored.")
    name = score or result.columns[0].name
    values = result[name]
    units = {column.name: column.unit for column in result.columns}
    title = f"{name} ({units[name]})"
    if len(result) <= _MOST:
        rows = [
            Interval(str(variant), float(value), math.nan, math.nan, True)
            for variant, value in zip(result.variants, values, strict=True)
        ]
        return _dotted(_intervals(rows, title, theme), 0, theme)
    return make_figure(
        [
            {
                "type": "histogram",
                "x": values[np.isfinite(values)],
                "nbinsx": 60,
                "marker": {"color": colours.tints[0], "line": {"width": 0}},
                "hovertemplate": "%{x}: %{y:,} variants<extra></extra>",
            }
        ],
        colours,
        280,
        bargap=0.04,
        xaxis=plain_axis(colours, title),
        yaxis=value_axis(colours, "variants", (0, 1)),
    )


def window_cosines(result: LongEmbedding) -> NDArray[np.float64]:
    """Cosine of each window's vector and that of the whole; NaN where one is 0."""
    vectors, whole = result.vectors.astype(float), result.vector.astype(float)
    with np.errstate(invalid="ignore", divide="ignore"):
        cosines: NDArray[np.float64] = (
            vectors @ whole / (np.linalg.norm(vectors, axis=1) * np.linalg.norm(whole))
        )
    return cosines


def window_likeness(result: LongEmbedding, *, theme: str = "light") -> Figure:
    """Draw the cosine of each window's vector and that of the whole sequence."""
    colours = theme_of(theme)
    alike = window_cosines(result)
    gaps = np.full(len(alike), np.nan)
    x = np.stack([result.spans[:, 0] + 1, result.spans[:, 1], gaps], 1).ravel()
    y = np.stack([alike, alike, gaps], 1).ravel()
    return make_figure(
        [line(x, y, colours.positive, 3, hover="base %{x:,d}: cosine %{y:.3f}")],
        colours,
        260,
        xaxis=plain_axis(colours, "position (bp, counted from 1)"),
        yaxis=value_axis(colours, "cosine with the whole", (0, 1)),
    )
