"""Gene annotation: one lane per strand, blocks for exons and sites, a line for the gene."""

from __future__ import annotations

from collections.abc import Sequence as Items
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ...errors import InputError
from .colours import Theme, theme_of
from .parts import Figure, bars, dots, font, heading, make_figure, words
from .style import MARGIN, SANS, base_axis, span_text, value_axis, whole

if TYPE_CHECKING:
    from ...sequences.annotation.annotations import Annotation

__all__ = ["FeatureLike", "annotation_lanes", "annotation_track", "feature_traces"]


class FeatureLike(Protocol):
    """What is drawn of an annotation."""

    @property
    def start(self) -> int:
        """First base, 0-based."""

    @property
    def end(self) -> int:
        """One past the last base."""

    @property
    def strand(self) -> str:
        """``"+"``, ``"-"`` or ``"."``."""

    @property
    def kind(self) -> str:
        """Sequence Ontology term, e.g. ``"exon"``."""

    @property
    def name(self) -> str:
        """What to call it."""


#: Features that are drawn of one sequence of a file: more are megabytes, and narrower than a pixel.
_MOST = 3000

# Kinds from thin to thick: (height, colour index); a kind not listed is a block of its own.
_HEIGHTS = {
    "gene": 0.08,
    "transcript": 0.08,
    "mRNA": 0.08,
    "intron": 0.08,
    "exon": 0.42,
    "five_prime_utr": 0.42,
    "three_prime_utr": 0.42,
    "UTR": 0.42,
    "CDS": 0.74,
}
_COLOURS = {"light": ("#4a5a73", "#2f6f73"), "dark": ("#9fb0cb", "#7fc4c8")}


def _lane(strand: str) -> float:
    return 0.0 if strand == "-" else 1.0


def feature_traces(
    features: Items[FeatureLike],
    view: tuple[int, int],
    theme: Theme,
    *,
    yaxis: str = "y",
    width: int = 900,
) -> list[dict[str, Any]]:
    """Traces of a gene annotation: blocks, direction arrows and names. Always three traces.

    `yaxis` reaches from -1.25 to 2.25: minus strand at 0, plus strand at 1. Names that would not
    fit into a figure of `width` pixels are left to the hover.
    """
    colour = _COLOURS[theme.name]
    order = sorted(features, key=lambda f: _HEIGHTS.get(f.kind, 0.74))
    heights = np.array([_HEIGHTS.get(f.kind, 0.74) for f in order])
    lanes = np.array([_lane(f.strand) for f in order])
    blocks = bars(
        np.array([(f.start + f.end) / 2 + 0.5 for f in order]),
        heights,
        np.array([f.end - f.start for f in order]),
        [colour[0] if f.kind in _HEIGHTS else colour[1] for f in order],
        base=lanes - heights / 2,
        yaxis=yaxis,
        hover=[
            f"<b>{f.name or f.kind}</b> · {f.kind} ({f.strand} strand)"
            f"<br>bases {span_text(f.start, f.end)}"
            for f in order
        ],
    )
    genes = [f for f in features if f.end > f.start and f.kind in ("gene", "transcript", "mRNA")]
    pixel = max(view[1] - view[0], 1) / max(width - MARGIN["l"] - MARGIN["r"], 1)  # in bases
    arrows = [
        (float(x) + 0.5, _lane(f.strand), "triangle-left" if f.strand == "-" else "triangle-right")
        for f in genes
        for x in np.arange(
            max(f.start, view[0]) + 14 * pixel, min(f.end, view[1]) - 6 * pixel, 60 * pixel
        )
    ]
    signs = {"symbol": [symbol for _, _, symbol in arrows]}
    named = _named(genes or order, view, pixel)
    return [
        blocks,
        dots(
            [x for x, _, _ in arrows],
            [y for _, y, _ in arrows],
            6,
            colour[0],
            yaxis=yaxis,
            marker=signs,
        ),
        words(
            [x for x, _, _ in named],
            [y for _, y, _ in named],
            [text for _, _, text in named],
            font(11, theme.ink, family=SANS),
            yaxis=yaxis,
            textposition="middle center",
        ),
    ]


def _named(
    features: Items[FeatureLike], view: tuple[int, int], pixel: float
) -> list[tuple[float, float, str]]:
    """Names above and below the lanes, each once per place, where they fit without touching."""
    taken: list[tuple[float, float, float]] = []
    named = []
    for f in features:
        start, end = max(f.start, view[0]), min(f.end, view[1])
        if end <= start or not f.name:
            continue
        centre, half = (start + end) / 2, (len(f.name) * 6.4 + 10) * pixel / 2
        centre = float(np.clip(centre, view[0] + half, max(view[1] - half, view[0] + half)))
        y = -0.8 if f.strand == "-" else 1.8
        if any(y == row and a < centre + half and centre - half < b for a, b, row in taken):
            continue
        taken.append((centre - half, centre + half, y))
        arrow = "◂ " if f.strand == "-" else ""
        named.append((centre + 0.5, y, f"{arrow}{f.name}{' ▸' if f.strand == '+' else ''}"))
    return named


def feature_axis(theme: Theme, domain: tuple[float, float]) -> dict[str, Any]:
    """Make the y axis of a gene annotation: two lanes, named by strand."""
    return value_axis(
        theme,
        "",
        domain,
        range=[-1.25, 2.25],
        tickvals=[0, 1],
        ticktext=["− strand", "+ strand"],
        showgrid=False,
    )


def annotation_track(
    features: Items[FeatureLike],
    n_bases: int,
    *,
    view: tuple[int, int] | None = None,
    width: int = 900,
    theme: str = "light",
) -> Figure:
    """Draw a gene annotation alone, such as ``demo.locus().features`` of `n_bases` bases."""
    colours = theme_of(theme)
    shown = whole(view, n_bases)
    return make_figure(
        feature_traces(features, shown, colours, width=width),
        colours,
        120,
        barmode="overlay",
        xaxis=base_axis(colours, shown, n_bases),
        yaxis=feature_axis(colours, (0, 1)),
    )


def annotation_lanes(
    found: Annotation,
    *,
    sequence: str = "",
    view: tuple[int, int] | None = None,
    width: int = 900,
    theme: str = "light",
) -> Figure:
    """Draw what a file annotates of one sequence, by default the one with the most features.

    Of more than 3,000 features in view the longest are drawn, and the figure says so. InputError if
    the file has nothing on that sequence.
    """
    name = sequence or max(found.features, key=lambda one: len(found.features[one]), default="")
    if name not in found.features:
        some = list(found.features)
        names = ", ".join(some[:5]) + (f" and {len(some) - 5:,} more" if len(some) > 5 else "")
        raise InputError(
            f"{found.source} annotates nothing on {name!r}: choose of {names}."
            if some
            else f"{found.source} holds no feature to draw."
        )
    features = found.features[name]
    n_bases = max(found.lengths.get(name, 0), *(one.end for one in features))
    shown = whole(view, n_bases)
    inside = [one for one in features if one.start < shown[1] and one.end > shown[0]]
    text = f"{name}, {found.source}"
    if len(inside) > _MOST:
        text += f": the {_MOST:,} longest of {len(inside):,} features in view"
        inside = sorted(inside, key=len, reverse=True)[:_MOST]
    figure = annotation_track(inside, n_bases, view=shown, width=width, theme=theme)
    return figure.update_layout(height=146, margin_t=34, title=heading(text))
