"""The windows in which a feature is most active, one below the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError
from .colours import theme_of
from .style import MONO, layout

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from ..analysis.features import FeatureReadings

__all__ = ["feature_windows"]


def feature_windows(
    found: FeatureReadings,
    *,
    feature: int | None = None,
    n: int = 10,
    flank: int = 20,
    theme: str = "light",
) -> go.Figure:
    """Draw the places where a feature is most active, aligned at its token.

    Parameters
    ----------
    found : FeatureReadings
    feature : int, optional
        The most common one that is not mostly a single token by default.
    n : int
        Places at most.
    flank : int
        Bases on either side of the token's first.
    theme : str
        ``"light"`` or ``"dark"``.

    Returns
    -------
    plotly.graph_objects.Figure
        Letters are bases, colour is the activation of their token; the title has the nulls.

    Raises
    ------
    InputError
        If there is no such feature, or none is active.
    """
    import plotly.graph_objects as go

    colours = theme_of(theme)
    data = found.table()
    if not len(data):
        raise InputError("No feature is active in these sequences: read others.")
    if feature is None:
        several = data[data["token_share"] <= 0.5]
        feature = int((several if len(several) else data)["feature"].iloc[0])
    top = found.top(feature, n, flank)
    row = data[data["feature"] == feature]
    title = f"Feature {feature}: not active here"
    if len(row):
        one = row.iloc[0]
        title = (
            f"Feature {feature}: at {one['frequency']:.2%} of tokens · {one['token']} is "
            f"{one['token_share']:.0%} of it"
        )
        if np.isfinite(one["edge"]):
            title += f" · first 15 bp ×{one['edge']:.2f}"
        if "twin" in row:
            title += f" · untrained r = {one['twin']:.2f}"
    values = np.full((len(top), 2 * flank + 8), np.nan)
    letters = np.full(values.shape, "", dtype=object)
    labels = []
    for line, place in enumerate(top.itertuples()):
        number = place.number
        bases, track = found.sequences[number].bases, found.track(feature, number)
        begin = place.start - flank
        for column in range(values.shape[1]):
            if 0 <= begin + column < len(bases):
                values[line, column] = track[begin + column]
                letters[line, column] = bases[begin + column]
        labels.append(f"{place.sequence} · {place.start + 1:,}")
    places = np.arange(values.shape[1]) - flank
    figure = go.Figure(
        go.Heatmap(
            z=values,
            x=places,
            y=list(range(len(top))),
            text=letters,
            texttemplate="%{text}",
            textfont={"family": MONO, "size": 11},
            colorscale=[[0, colours.paper], [1, colours.select]],
            zmin=0,
            xgap=0,
            ygap=3,
            colorbar={"title": {"text": "activation", "side": "right"}, "thickness": 10},
            hovertemplate="%{y}: base %{x:+d}, %{text}, activation %{z:.3g}<extra></extra>",
            hoverongaps=False,
        )
    )
    figure.update_layout(
        **layout(
            colours,
            90 + 24 * max(len(top), 1),
            title={"text": title, "font": {"size": 13}, "x": 0, "xref": "paper"},
        )
    )
    figure.update_layout(margin={"l": 170, "r": 96, "t": 34, "b": 44, "autoexpand": False})
    figure.update_xaxes(
        title="bases from the start of the token", zeroline=False, showgrid=False,
        color=colours.muted,
    )  # fmt: skip
    figure.update_yaxes(
        autorange="reversed", tickvals=list(range(len(top))), ticktext=labels, showgrid=False,
        zeroline=False, color=colours.ink,
    )  # fmt: skip
    return figure
