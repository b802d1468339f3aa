"""What a model expects at every base: a logo, its uncertainty, and the bases that are there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ...sequences import in_place
from ...sequences.motifs.motif import ALPHABET
from ..attribution.marks import Sight
from ..core.colours import theme_of
from ..core.columns import legend, shown_of
from ..core.parts import Figure, bars, base_figure, line, note
from ..core.style import MONO, value_axis, whole
from ..motifs.logo import letter_stacks

if TYPE_CHECKING:
    from ...analysis.inside.nucleotides import NucleotideProbabilities

__all__ = ["nucleotide_figure"]


def nucleotide_figure(
    found: NucleotideProbabilities,
    *,
    view: tuple[int, int] | None = None,
    selected: tuple[int, int] | None = None,
    shown: str = "trained",
    width: int = 900,
    height: int = 300,
    theme: str = "light",
) -> Figure:
    """Draw the predicted logo above the entropy of each base.

    Letters are as high as their probability times the information of their base; where a base is
    too narrow for one, the information is a bar. Below, entropy in bits, with the untrained twin's
    where there is one. The region is in view by default. `shown` says whose logo it is, and whose
    line is full: ``"trained"`` or ``"untrained"``; ValueError for another, or a twin that was not
    computed.
    """
    colours = theme_of(theme)
    given, found = found, shown_of(found, shown)
    n = len(found.sequence.bases)
    visible = whole(view or found.region, n)
    sight = Sight(visible, n, width)
    first, last = found.region
    place = np.arange(first, last) + 1
    information = (2 - found.entropy).astype(np.float64)
    letters = in_place(found.sequence.bases)[first:last]
    data: list[dict[str, Any]] = []
    if sight.letters:
        data += letter_stacks(found.probabilities * information[:, None], colours, first)
    top = max(float(np.nanmax(information, initial=0.1)), 0.1) * 1.08
    data.append(
        bars(
            place,
            np.nan_to_num(information),
            1.0,
            colours.tints[0],
            opacity=0.0 if sight.letters else 1.0,
            hovertext=[
                f"<b>{base}</b> here · "
                + " ".join(f"{b} {p:.2f}" for b, p in zip(ALPHABET, row, strict=True))
                for base, row in zip(letters, found.probabilities, strict=True)
            ],
            hover="base %{x:,.0f}: %{hovertext}<br>%{y:.3f} bits of information",
        )
    )

    for trace in data:
        trace["showlegend"] = False

    def entropy(values: Any, colour: str, name: str, dash: str) -> dict[str, Any]:
        return line(
            place,
            values,
            colour,
            1.6,
            dash=dash,
            shape="hvh",
            yaxis="y2",
            name=name,
            hover=f"base %{{x:,.0f}}: %{{y:.3f}} bits, {name}",
        )

    if found is not given:
        data.append(entropy(given.entropy, colours.muted, "trained", "dot"))
    elif found.twin is not None:
        data.append(entropy(found.twin.entropy, colours.muted, "untrained", "dot"))
    name = "entropy" if found is given else "entropy, untrained"
    data.append(entropy(found.entropy, colours.negative, name, "solid"))
    annotations = []
    if sight.letters and last - first <= 400:
        mono: dict[str, Any] = {
            "xref": "x",
            "yref": "paper",
            "yanchor": "middle",
            "font_family": MONO,
        }
        annotations = [
            note(letter, at, 0.42, colours.bases.get(letter, colours.muted), **mono)
            for at, letter in zip(place, letters, strict=True)
            if visible[0] < at <= visible[1]
        ]
    return base_figure(
        data,
        colours,
        height,
        visible,
        n,
        selected,
        anchor="y2",
        yaxis=value_axis(colours, "expected (bits)", (0.48, 1.0), range=[0, top]),
        yaxis2=value_axis(colours, "entropy (bits)", (0.0, 0.36), range=[0, 2.1], dtick=1),
        showlegend=given.twin is not None,
        legend=legend(colours, 0.0, traceorder="reversed"),
        annotations=annotations,
    )
