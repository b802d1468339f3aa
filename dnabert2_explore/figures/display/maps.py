"""Displays of maps of sequences: the points, what explains them, and how spaces compare."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from .canvas import PAGE, WIDTH, Canvas, Panel, number
from .card import Card, plain

if TYPE_CHECKING:
    from ...analysis.maps import AlignedMaps, Clusters, MapJudgement, SpaceComparison
    from ...analysis.project import Projection

_POINTS = 3000  # more are more than a small picture can part
_SHOWN = 5


def _scatter(
    canvas: Canvas,
    points: ArrayLike,
    box: tuple[float, float, float, float],
    half: float | None = None,
) -> Panel:
    """Draw the first two numbers of each row, both axes on one scale; `half` of it is given."""
    plane = np.asarray(points, float)[:, :2]
    if len(plane) > _POINTS:
        plane = plane[np.random.default_rng(0).choice(len(plane), _POINTS, replace=False)]
    middle = (plane.max(axis=0) + plane.min(axis=0)) / 2
    half = half or max(float(np.ptp(plane, axis=0).max()) * 0.54, 1e-9)
    low, high = middle - half, middle + half
    panel = Panel(canvas, box, (low[0], high[0]), (low[1], high[1]))
    d = "".join(f"M{panel.x(a):.1f} {panel.y(b):.1f}h0" for a, b in plane)
    canvas.path(
        d, stroke=PAGE.positive,
        **{"stroke-width": "4.5", "stroke-linecap": "round", "stroke-opacity": "0.55"},
    )  # fmt: skip
    return panel


def projection(result: Projection) -> Card:
    """Show where every row lies."""
    name = {"pca": "PCA", "umap": "UMAP", "densmap": "densMAP"}[result.method]
    n = len(result.plane)
    canvas = Canvas(400, 372, f"{name} of {n:,} rows")
    panel = _scatter(canvas, result.plane, (58, 8, 392, 328))
    panel.x_axis(f"{name} 1")
    panel.y_axis(f"{name} 2", 5)
    told = "A dot is a row" + (f"; {_POINTS:,} of them at random" if n > _POINTS else "")
    return plain(result, f"{told}. dx.plot(result, values=labels) colours and names them.", canvas)


def aligned_maps(result: AlignedMaps) -> Card:
    """Show the maps side by side, each turned onto the one before."""
    places = np.unique(np.linspace(0, len(result.names) - 1, _SHOWN).astype(int))
    side, half = 128.0, float(np.ptp(result.planes[places], axis=1).max()) * 0.54
    canvas = Canvas(len(places) * (side + 8), side + 44, "maps, each turned onto the one before")
    for column, place in enumerate(places):
        left = column * (side + 8)
        canvas.rect(left, 18, side, side, "none", stroke=PAGE.grid)
        _scatter(canvas, result.planes[place], (left, 18, left + side, side + 18), half)
        canvas.text(left, 12, result.names[place])
        moved = f"moved {number(float(result.moved[place]), 2)}" if place else ""
        canvas.text(left, side + 34, moved, fill=PAGE.muted)
    return plain(
        result,
        "A dot is a sequence, at the same scale in every map. Moved: from the map before (root "
        "mean square; two maps with nothing in common are about 1.4 apart).",
        canvas,
    )


def space_comparison(result: SpaceComparison) -> Card:
    """Show how alike the spaces are, and how many neighbours they share."""
    n, side, left, gap = len(result.names), 220.0, 96.0, 34.0
    canvas = Canvas(left + 2 * side + gap + 4, side + 40, "spaces beside each other")
    kept_title = f"shared among {result.n_neighbors} neighbours"
    for place, (title, values) in enumerate(
        (("linear CKA", result.cka), (kept_title, result.kept))
    ):
        x, step = left + place * (side + gap), side / n
        canvas.text(x, 12, title, fill=PAGE.muted)
        canvas.cells(values, x, 20, side, side, (PAGE.bases["C"], PAGE.bases["C"]), half=1.0)
        for row in range(n if n <= 7 else 0):
            for column in range(n):
                canvas.text(
                    x + (column + 0.5) * step, 24 + (row + 0.5) * step,
                    f"{values[row, column]:.2f}", "middle",
                    PAGE.paper if values[row, column] > 0.6 else PAGE.ink,
                )  # fmt: skip
        for row, name in enumerate(result.names if place == 0 else ()):
            canvas.text(left - 6, 24 + (row + 0.5) * step, name[:16], "end", PAGE.muted)
    return plain(
        result,
        "Stronger is more, 0 to 1; columns in the order of rows. Shared by chance: "
        f"{result.by_chance:.0%}.",
        canvas,
    )


def map_judgement(result: MapJudgement) -> Card:
    """Show what explains the map, and how well its label is told by what."""
    names = list(result.axes)
    rows = max(len(names), len(result.scores), 1)
    canvas = Canvas(WIDTH, 24 + rows * 22 + 44, "what explains the map, and what tells its label")
    bottom = 24.0 + rows * 22
    canvas.text(100, 12, "share of the map's variance explained", fill=PAGE.muted)
    left = Panel(canvas, (100, 20, 310, bottom), (0, 1), (0, 1))
    left.x_axis("R² (cross-validated)", (0, 0.5, 1))
    for row, name in enumerate(names):
        y, share = 34.0 + row * 22, result.axes[name][1]
        canvas.text(94, y + 4, name[:16], "end")
        canvas.rect(left.x(0), y - 7, left.x(max(share, 0)) - left.x(0), 14, PAGE.tints[1])
        canvas.text(left.x(max(share, 0)) + 4, y + 4, f"{share:.0%}", fill=PAGE.muted)
    if result.scores:
        canvas.text(450, 12, f"{result.label or 'label'} told by a linear probe", fill=PAGE.muted)
        right = Panel(canvas, (450, 20, WIDTH - 16, bottom), (0, 1), (0, 1))
        right.x_axis("balanced accuracy", (0, 0.5, 1))
        for row, one in enumerate(result.scores):
            y = 34.0 + row * 22
            colour = PAGE.positive if row == 0 else PAGE.muted
            canvas.text(444, y + 4, one.space, "end")
            right.interval(y, one.probe.score, one.probe.low, one.probe.high, colour)
    return plain(result, f"{result.verdict} Lines are 95% intervals.", canvas)


def clusters(result: Clusters) -> Card:
    """Show how large every cluster is, and how surely it is there."""
    shown = min(len(result.sizes), 12)
    canvas = Canvas(WIDTH, 26 + shown * 20 + 44, "clusters: stability")
    panel = Panel(canvas, (150, 20, WIDTH - 40, 24 + shown * 20), (0, 1), (0, 1))
    for row in range(shown):
        y = 34.0 + row * 20
        canvas.text(144, y + 4, f"cluster {row}, {int(result.sizes[row]):,} rows", "end")
        panel.interval(y, float(result.stability[row]), np.nan, np.nan, PAGE.positive)
    for value, name in ((0.75, "there"), (result.null, "columns shuffled")):
        if np.isfinite(value):
            at = panel.x(value)
            canvas.line(at, 18, at, panel.bottom, **{"stroke-dasharray": "4 3"})
            canvas.text(at, 12, name, "middle", PAGE.muted)
    panel.x_axis("stability (mean Jaccard overlap)", (0, 0.25, 0.5, 0.75, 1))
    return plain(
        result,
        f"How much of a cluster is found again in four fifths of the rows, mean of {result.draws} "
        "draws: above 0.75 it is there, below 0.6 it is not to be trusted.",
        canvas,
    )
