"""Displays of maps of sequences: where they lie, and what the map is worth."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from . import plain
from .card import Card
from .drawing.canvas import PAGE, WIDTH, Canvas, Panel
from .drawing.grids import matrix
from .drawing.rows import dots

if TYPE_CHECKING:
    from ...analysis.maps import AlignedMaps, Clusters, MapJudgement, SpaceComparison
    from ...analysis.project import Projection

_POINTS = 1500
_MAPS = 4


def _cloud(canvas: Canvas, points: NDArray[np.float64], box: tuple[float, float, float, float],
           titles: tuple[str, str]) -> None:  # fmt: skip
    """Draw points, their two axes on one scale; of many, so many spread evenly over the rows."""
    flat = points[:, :2][:: -(-len(points) // _POINTS)]
    middle = (flat.min(axis=0) + flat.max(axis=0)) / 2
    width, height = box[2] - box[0], box[3] - box[1]
    reach = np.ptp(flat, axis=0)
    half = 0.54 * max(reach[0] / width, reach[1] / height, 1e-12)
    panel = Panel(
        canvas, box, (middle[0] - half * width, middle[0] + half * width),
        (middle[1] - half * height, middle[1] + half * height),
    )  # fmt: skip
    panel.y_axis(titles[1], 5)
    panel.x_axis(titles[0], count=4)
    d = "".join(f"M{panel.x(a):.1f} {panel.y(b):.1f}h0" for a, b in flat)
    canvas.path(d, stroke=PAGE.negative, **{"stroke-width": "4.5", "stroke-linecap": "round",
                                            "stroke-opacity": "0.55"})  # fmt: skip


def projection(result: Projection) -> Card:
    """Show where the points lie."""
    name = "component" if result.method == "pca" else f"{result.method.upper()} axis"
    canvas = Canvas(440, 330, f"map of {len(result)} points")
    _cloud(canvas, result.plane, (54, 8, 432, 290), (f"{name} 1", f"{name} 2"))
    more = f" Of {result.dimensions} axes the first two." if result.dimensions > 2 else ""
    some = f" {_POINTS:,} of the points at most are drawn." if len(result) > _POINTS else ""
    unit = "" if result.method == "pca" else " Its axes have no unit, and far apart means little."
    return Card(
        result._line(),
        f"Each point is a vector, in the order they were given in.{more}{some}{unit} "
        "dx.plot(result, names=names, values=labels) colours them.",
        pictures=(str(canvas),),
    )


def aligned_maps(result: AlignedMaps) -> Card:
    """Show the maps beside one another."""
    shown = result.names[:_MAPS]
    canvas = Canvas(264 * len(shown), 270, "maps of the same points")
    for place, name in enumerate(shown):
        x = 264.0 * place
        canvas.text(x + 48, 12, name, fill=PAGE.muted)
        _cloud(canvas, result.planes[place], (x + 48, 20, x + 248, 226), ("axis 1", "axis 2"))
    far = zip(result.names[1:], result.moved[1:], strict=True)
    moved = ", ".join(f"{name} {value:.2f}" for name, value in far)
    more = len(result.names) - len(shown)
    how = "turned onto the map before" if result.method == "pca" else "by AlignedUMAP"
    depth = result.planes.shape[-1]
    axes = f"; the first two of {depth} axes" if depth > 2 else ""
    return Card(
        result._line(),
        f"The same points in each space, {how}{axes}. How far they are from the map "
        f"before (1: as far as a point is from the middle; 1.4: nothing in common): {moved}."
        + (f" {more} maps more in dx.plot(result)." if more else ""),
        pictures=(str(canvas),),
    )


def map_judgement(result: MapJudgement) -> Card:
    """Show what explains the map, and what its label is worth beside simple counting."""
    nan = math.nan
    shares = [
        (name, share, nan, nan, PAGE.positive if name == result.label else PAGE.muted)
        for name, (_, share) in result.axes.items()
    ]
    pictures = [dots(shares, "share of the map's variance that it explains (R²)")]
    probes = [
        (one.space, one.probe.score, one.probe.low, one.probe.high,
         PAGE.positive if one.space == "model" else PAGE.muted)
        for one in result.scores if math.isfinite(one.probe.score)
    ]  # fmt: skip
    if probes:
        pictures.append(dots(probes, f"balanced accuracy of a probe of {result.label}"))
    return Card(result._line(), " ".join(str(result).splitlines()), pictures=tuple(pictures))


def space_comparison(result: SpaceComparison) -> Card:
    """Show how alike the spaces are, and how many neighbours they share."""
    kept_title = f"shared among {result.n_neighbors} neighbours"
    return plain(
        result,
        "Stronger is more, 0 to 1; columns in the order of rows. Shared by chance: "
        f"{result.by_chance:.0%}.",
        matrix({"linear CKA": result.cka, kept_title: result.kept}, result.names),
    )


def clusters(result: Clusters) -> Card:
    """Show how large every cluster is, and how surely it is there."""
    shown = min(len(result.sizes), 12)
    if not shown:
        return plain(result)
    canvas = Canvas(WIDTH, 26 + shown * 20 + 44, "clusters: stability")
    panel = Panel(canvas, (150, 20, WIDTH - 40, 24 + shown * 20), (0, 1), (0, 1))
    for row in range(shown):
        y = 34.0 + row * 20
        canvas.text(144, y + 4, f"cluster {row}, {int(result.sizes[row]):,} rows", "end")
        panel.interval(y, float(result.stability[row]), np.nan, np.nan, PAGE.positive)
    # Of two lines that are near, each name stands on its own side.
    left = not result.null > 0.75
    sides = ((0.75, "there", not left), (result.null, "columns shuffled", left))
    for value, name, before in sides:
        if np.isfinite(value):
            at = panel.x(value)
            canvas.line(at, 6, at, panel.bottom, **{"stroke-dasharray": "4 3"})
            canvas.text(at + (-4 if before else 4), 14, name, "end" if before else "start",
                        PAGE.muted)  # fmt: skip
    panel.x_axis("stability (mean Jaccard overlap)", (0, 0.25, 0.5, 0.75, 1))
    return plain(
        result,
        f"How much of a cluster is found again in four fifths of the rows, mean of {result.draws} "
        "draws: above 0.75 it is there, below 0.6 it is not to be trusted."
        + (f" The {shown} largest are drawn." if shown < len(result.sizes) else ""),
        canvas,
    )
