"""A feature along a sequence, and the windows in which it is most active."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...errors import InputError
from ..core.colours import theme_of
from ..core.columns import edges_of, legend, spread, steps
from ..core.parts import (
    Figure,
    base_figure,
    colour_bar,
    heading,
    heat,
    line,
    make_figure,
    numbered,
    plain_axis,
)
from ..core.style import MARGIN, MONO, span_text, touching, value_axis, whole

if TYPE_CHECKING:
    from ...analysis.features import FeatureReadings, Features

__all__ = ["common_feature", "feature_directions", "feature_track", "feature_windows"]


#: Tokens up to which each has words on hover: more would be megabytes.
_WORDS = 1500
#: Directions that are compared with all others.
_DIRECTIONS = 2000


def feature_track(
    found: FeatureReadings,
    *,
    feature: int | None = None,
    sequence: int = 0,
    shown: str = "trained",
    alike: int | None = None,
    others: int = 6,
    view: tuple[int, int] | None = None,
    selected: tuple[int, int] | None = None,
    height: int = 300,
    theme: str = "light",
) -> Figure:
    """Draw a feature's activation along a sequence, above the features most active in sight.

    Dotted: the feature of the other network that goes with this one best (or `alike`), scaled to
    the same mean. `feature` is `common_feature` by default, and one of the network that is `shown`,
    ``"trained"`` or ``"untrained"``; `sequence` is counted from 0; the map below has `others` rows,
    the features with the largest activations in sight. InputError if there is no such feature or
    sequence, none is active, or the twin was not read; ValueError if `shown` is unknown.
    """
    colours = theme_of(theme)
    found, other = _shown(found, shown)
    feature = common_feature(found) if feature is None else feature
    found.track(feature, sequence)  # says what is not there
    mine = np.flatnonzero(found.owner == sequence)
    n = len(found.sequences[sequence].bases)
    visible = whole(view, n)
    spans = found.spans[mine]
    values = found.values[mine].toarray()
    data = []
    top = float(values[:, feature].max(initial=0))
    if found.twin is not None:
        best = int(found.correlations()[feature].argmax()) if alike is None else alike
        theirs = found.twin.values[:, [best]].toarray().ravel()
        mean = float(found.values[:, [feature]].sum()) / max(float(theirs.sum()), 1e-12)
        # Higher than twice as high it may end beyond the panel.
        top = max(top, min(2 * top, mean * float(theirs[mine].max(initial=0))))
        data.append(
            steps(spans, theirs[mine] * mean, colours.muted, f"{other}, most alike", "dot",
                  "%{y:.3g}")
        )  # fmt: skip
    data.append(
        steps(
            spans, values[:, feature], colours.negative, f"feature {feature}", "solid", "%{y:.3g}"
        )
        | {"fill": "tozeroy"}
    )
    strongest = values[touching(spans, visible)].max(axis=0, initial=0)
    rows = [int(i) for i in np.argsort(-strongest, kind="stable")[:others] if strongest[i] > 0]
    edges, columns = edges_of(spans)
    text = None
    if len(spans) <= _WORDS:
        bases = found.sequences[sequence].bases
        words = [f"{bases[a:b]} · bases {span_text(a, b)}" for a, b in spans.tolist()]
        text = [
            [f"feature {i}: {values[c, i]:.3g}<br>{words[c]}" if c >= 0 else "" for c in columns]
            for i in rows
        ]
    data.append(
        heat(
            edges,
            np.arange(len(rows) + 1) - 0.5,
            np.round(spread(values[:, rows].T, columns), 3),
            colours.sequential,
            0,
            None,
            hoverongaps=False,
            text=text,
            hover="%{text}" if text else "%{z:.3g}",
            colorbar=colour_bar(colours, "activation", 0.24, 0.56, nticks=3),
        )
    )
    return base_figure(
        data,
        colours,
        height,
        visible,
        n,
        selected,
        mark="above",
        yaxis=value_axis(
            colours,
            "feature",
            (0.0, 0.48),
            range=[max(len(rows), 1) - 0.5, -0.5],
            tickvals=list(range(len(rows))),
            ticktext=[str(row) for row in rows],
            showgrid=False,
        ),
        yaxis2=value_axis(
            colours, "activation", (0.58, 1.0), range=[0, max(top, 1e-6) * 1.08], nticks=3
        ),
        margin={**MARGIN, "t": 24},
        showlegend=True,
        legend=legend(colours, 1.01),
    )


def _shown(found: FeatureReadings, shown: str) -> tuple[FeatureReadings, str]:
    """Return the readings that are drawn, the other network's beside them, and its name."""
    if shown not in ("trained", "untrained"):
        raise ValueError(f"shown {shown!r} is unknown; expected 'trained' or 'untrained'")
    return (found, "untrained") if shown == "trained" else (found.turned(), "trained")


def common_feature(found: FeatureReadings) -> int:
    """Find the most common feature that is not mostly a single token.

    InputError if none is active.
    """
    data = found.table()
    if not len(data):
        raise InputError("No feature is active in these sequences: read others.")
    several = data[data["token_share"] <= 0.5]
    return int((several if len(several) else data)["feature"].iloc[0])


def feature_windows(
    found: FeatureReadings,
    *,
    feature: int | None = None,
    shown: str = "trained",
    n: int = 10,
    flank: int = 20,
    theme: str = "light",
) -> Figure:
    """Draw the `n` places where a feature is most active, aligned at its token.

    Letters are bases, `flank` of them on either side of the token's first; colour is the activation
    of their token; the title has the nulls. `feature` is `common_feature` by default, and one of
    the network that is `shown`, ``"trained"`` or ``"untrained"``. InputError if there is no such
    feature, none is active, or the twin was not read; ValueError if `shown` is unknown.
    """
    colours = theme_of(theme)
    found, other = _shown(found, shown)
    feature = common_feature(found) if feature is None else feature
    data = found.table()
    top = found.top(feature, n=n, flank=flank)
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
            title += f" · {other} r = {one['twin']:.2f}"
    values = np.full((len(top), 2 * flank + 8), np.nan)
    letters = np.full(values.shape, "", dtype=object)
    labels = []
    for row_at, place in enumerate(top.itertuples()):
        number = place.number
        bases, track = found.sequences[number].bases, found.track(feature, number)
        begin = place.start - flank
        for column in range(values.shape[1]):
            if 0 <= begin + column < len(bases):
                values[row_at, column] = track[begin + column]
                letters[row_at, column] = bases[begin + column]
        labels.append(f"{place.sequence} · {place.start + 1:,}")
    cells = numbered(
        values,
        np.arange(values.shape[1]) - flank,
        list(range(len(top))),
        letters,
        [(0, colours.paper), (1, colours.select)],
        (0, None),
        {"title": {"text": "activation", "side": "right"}},
        textfont={"family": MONO, "size": 11},
        xgap=0,
        ygap=3,
        hover="%{y}: base %{x:+d}, %{text}, activation %{z:.3g}",
        hoverongaps=False,
    )
    bare = {"showgrid": False, "zeroline": False}
    return make_figure(
        [cells],
        colours,
        90 + 24 * max(len(top), 1),
        title=heading(title, 13),
        margin={"l": 170, "r": 96, "t": 34, "b": 44, "autoexpand": False},
        xaxis={**bare, "title": {"text": "bases from the start of the token"},
               "color": colours.muted},
        yaxis={**bare, "autorange": "reversed", "tickvals": list(range(len(top))),
               "ticktext": labels, "color": colours.ink},
    )  # fmt: skip


def feature_directions(found: Features, *, height: int = 300, theme: str = "light") -> Figure:
    """Draw how alike the directions are that features write: each beside the one most like it.

    How many of the features (2,000 of them, evenly, where there are more) have their nearest other
    at which cosine; dotted, as many random directions; dashed, an untrained network's. Far right
    are features that say the same.
    """
    colours = theme_of(theme)
    kinds = [("trained", found.alike(_DIRECTIONS), colours.negative, "solid")]
    if found.twin is not None:
        kinds.append(("untrained", found.twin.alike(_DIRECTIONS), colours.ink, "dash"))
    kinds.append(("random directions", found.alike_by_chance(_DIRECTIONS), colours.muted, "dot"))
    low = min(float(one[1].min()) for one in kinds)
    high = max(float(one[1].max()) for one in kinds)
    edges = np.linspace(low, max(high, low + 0.01), 41)
    data = []
    for name, values, colour, dash in kinds:
        share = np.histogram(values, edges)[0] / max(len(values), 1)
        data.append(
            line(
                (edges[:-1] + edges[1:]) / 2,
                share,
                colour,
                2,
                dash=dash,
                shape="hvh",
                name=name,
                fill="tozeroy" if name == "trained" else None,
                hover=f"{name}, cosine %{{x:.2f}}: %{{y:.1%}}",
            )
        )
    return make_figure(
        data,
        colours,
        height,
        margin={"l": 62, "r": 30, "t": 28, "b": 46, "autoexpand": False},
        hovermode="closest",
        xaxis=plain_axis(
            colours,
            "cosine with the nearest other feature",
            range=[low - 0.02, min(high + 0.05, 1.02)],
        ),
        yaxis=value_axis(colours, "share of features", (0.0, 1.0), tickformat=".0%"),
        showlegend=True,
        legend=legend(colours, 1.01),
    )
