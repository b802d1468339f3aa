"""How far methods agree: their rank correlations as a small matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..core.colours import theme_of
from ..core.parts import Figure, font, heat, make_figure, note, quiet_axis

if TYPE_CHECKING:
    from ...analysis.attribution.trust.agreement import RankCorrelations

__all__ = ["attribution_correlations"]

_CELL, _LEFT = 46, 172  # pixels


def attribution_correlations(found: RankCorrelations, *, theme: str = "light") -> Figure:
    """Draw the rank correlation of each two methods, the number in every cell.

    Rows are named; columns have the rows' numbers.
    """
    from ...analysis.attribution import METHODS

    colours = theme_of(theme)
    n = len(found.methods)
    titles = [METHODS[method].title for method in found.methods]
    below = np.tril(np.ones((n, n), dtype=bool), k=-1)
    rho = np.where(below, found.rho, np.nan)
    cells = [
        note("n/a" if np.isnan(rho[i, j]) else f"{rho[i, j]:.2f}".replace("-", "−")
            + ("*" if found.magnitudes[i, j] else ""), j, i, colours.ink, 12)
        for i in range(n)
        for j in range(i)
    ]  # fmt: skip
    paper = colours.paper
    return make_figure(
        [
            heat(
                list(range(n - 1)),
                list(range(n)),
                rho[:, : n - 1],
                [
                    (0, _mix(colours.negative, paper)),
                    (0.5, paper),
                    (1, _mix(colours.positive, paper)),
                ],
                -1,
                1,
                showscale=False,
                hoverongaps=False,
                xgap=2,
                ygap=2,
                customdata=[[f"{a} and {b}" for b in titles[:-1]] for a in titles],
                hover="%{customdata}: %{z:.3f}",
            )
        ],
        colours,
        _CELL * 2 // 3 * n + 34,
        margin={"l": _LEFT, "r": 8, "t": 26, "b": 8, "autoexpand": False},
        width=_LEFT + 8 + _CELL * 3 // 2 * (n - 1),
        xaxis=quiet_axis(
            colours,
            side="top",
            range=[-0.5, n - 1.5],
            tickvals=list(range(n - 1)),
            ticktext=[str(i + 1) for i in range(n - 1)],
        ),
        yaxis=quiet_axis(
            colours,
            range=[n - 0.5, -0.5],
            tickvals=list(range(n)),
            ticktext=[f"{title}  {i + 1}" for i, title in enumerate(titles)],
            tickfont=font(11, colours.ink),
        ),
        annotations=cells,
    )


def _mix(a: str, b: str) -> str:
    """Half of two hex colours."""
    pairs = zip(*(tuple(int(c[i : i + 2], 16) for i in (1, 3, 5)) for c in (a, b)), strict=True)
    return "#" + "".join(f"{(x + y) // 2:02x}" for x, y in pairs)
