"""The feature view: sparse directions of a layer, where they are active, and what explains them."""

from __future__ import annotations

from collections.abc import Callable, Sequence as Items
from dataclasses import replace
from html import escape
from typing import Any

import numpy as np
from ipywidgets import VBox, Widget

from ....analysis.features import EDGE, FeatureEnrichment, FeatureReadings, Features
from ....common.costs import duration
from ....encoder import Encoder, load
from ....errors import InputError
from ....figures.core.parts import Figure
from ....figures.core.style import touching
from ....figures.inside.features import common_feature, feature_track
from ....sequences import Sequence
from ...core.code import frame_csv, opening, sequence_code
from ...core.controls import (
    TRAINED,
    UNTRAINED,
    button,
    choice,
    menu,
    row,
    show,
    twin_choice,
    twin_key,
)
from ...core.explorer import ARROWS, guarded
from ...core.rows import Column, RowTable
from ...core.state import Selection
from ...examples import CODE, OTHERS
from ..tokens.explorer import select_token, step_token
from .kept import enrichment_cost
from .reading import ReadingExplorer

__all__ = ["FeatureExplorer"]

_FIGURE = "from dnabert2_explore.figures import feature_track\n"
COMMON, HERE, WORDS, LEARNT = "common first", "active here first", "least a token", "most learnt"
TRACK, TOP, ENRICHED = "track", "windows", "enriched"
_WINDOWS = 12
#: Pixels of the line of choices, and of the lists where they stand below the track.
_BAR, _LISTS = 30, 130
_ROWS = 200


class FeatureExplorer(ReadingExplorer):
    """See which sparse features of a layer are active along a sequence, and what explains them.

    A TopK autoencoder is trained on all sequences of the set that is looked at, when ``dx-compute``
    is pressed, and one on the states of an untrained network. Below the track stand the windows in
    which a feature is most active, or the annotation and motifs it is enriched in. Press a row of
    the map or of a table; keys: N for the next feature, P for the one before, U for the untrained
    network's feature that is most like this one, T back, arrows from token to token.

    Class ``dx-features``; parts ``dx-shown``, ``dx-layer``, ``dx-feature``, ``dx-order``,
    ``dx-tab``, ``dx-compute``, ``dx-enrich``, ``dx-paint`` (colours the atlas), ``dx-rows``.

    Parameters
    ----------
    enc : Encoder, optional
        The pocket model by default.
    sequences : sequence of Sequence, optional
        The examples by default.
    selection : Selection, optional
        Shared with other views.
    features : Features, optional
        Trained already; `enc` is the model they were trained on.
    active : bool
        Read sequences now; otherwise when `activate` is called.
    """

    title = "Features"
    kind = "features"
    help = (
        "A sparse autoencoder puts every token's state after a layer together from a few of many "
        "directions, its <i>features</i>. Whether one means anything is another question: "
        "<i>token</i> is what its commonest token makes up of all its activation (100%: it is that "
        f"token), <i>edge</i> its activation in the first {EDGE} bp of sequences over that "
        "elsewhere, <i>untrained</i> its largest correlation with a feature of a network that has "
        "learnt nothing. q is by turning the stretches round each sequence, over all features and "
        "kinds. <cite>Gao et al. 2024 (TopK autoencoders).</cite>"
    )

    def __init__(
        self,
        enc: Encoder | None = None,
        sequences: Items[Sequence] | None = None,
        *,
        selection: Selection | None = None,
        features: Features | None = None,
        active: bool = True,
    ) -> None:
        self.enc = enc if enc is not None else load()
        layers = self.enc.config.num_hidden_layers
        if features is not None and not 0 <= features.layer <= layers:
            raise InputError(
                f"These features are of layer {features.layer}, and {self.enc.name} has layers 0 "
                f"(the embeddings) to {layers}: give the model they were trained on."
            )
        self.layer = menu(
            "dx-layer",
            [(f"layer {i}" if i else "embeddings", i) for i in range(layers + 1)],
            "Whose hidden states: after which layer",
            min((layers + 1) // 2, layers) if features is None else features.layer,
        )
        self.order = menu(
            "dx-order", [COMMON, HERE, WORDS, LEARNT], "Which features come first in the list"
        )
        self.shown = twin_choice()
        self.feature = menu("dx-feature", [], "Which feature")
        self.tab = choice(
            "dx-tab",
            [TOP, ENRICHED],
            ["Where this feature is most active", "Annotation and JASPAR motifs, with q"],
        )
        self.enrich = button(
            "Look up", "dx-enrich", "Compare with annotation and JASPAR motifs", self._look_up
        )
        self.paint = button(
            "Colour the atlas",
            "dx-paint",
            "By the largest activation in each sequence",
            self._colour,
        )
        self.rows = RowTable(self._pressed_row)
        self._places: list[tuple[int, int, int]] = []
        super().__init__(features, sequences, selection, active)
        self._when(self._ask, self.layer)
        self._when(self._other, self.shown)
        self._when(self._draw, self.order, self.feature, self.tab)
        self._guarded(self._ask)

    def _above(self) -> list[Widget]:
        self._choices = row("dx-feature-bar", self.tab, self.order, self.enrich, self.paint)
        return [self.compute, self._choices]

    def _below(self) -> list[Widget]:
        self._lists = VBox([self.rows]).add_class("dx-feature-rows")
        return [self._lists]

    def compact(self, lower: Callable[[Figure], Figure]) -> None:
        """Take little room from now on: track and lists stand in each other's place."""
        self.tab.options, self.tab.tooltips = (
            [TRACK, TOP, ENRICHED],
            ["Along the sequence looked at", *self.tab.tooltips],
        )
        self.tab.value = TRACK
        super().compact(lower)

    def set_height(self, height: int) -> None:
        """Draw `height` pixels high, the lists included."""
        if height != self.height:
            self.height = height
            self._lists.layout.max_height = f"{height - _BAR}px"
            self._guarded(self._draw)

    # What is shown -----------------------------------------------------------------------------

    def _order_list(self) -> None:
        """Fill the list of features, in the order that is chosen."""
        data, readings = self._data(), self.readings
        if data is None or readings is None or not len(data):
            return
        ordered = data
        if self.order.value == WORDS:
            ordered = data.sort_values("token_share", kind="stable")
        elif self.order.value == LEARNT and "twin" in data:
            ordered = data.sort_values("twin", kind="stable")
        elif self.order.value == HERE:
            here = self._strengths()
            ordered = data.iloc[np.argsort(-here[data["feature"]], kind="stable")]
        options = [
            (f"{row.feature} · {row.frequency:.1%} of tokens", int(row.feature))
            for row in ordered.itertuples()
        ]
        if list(self.feature.options) == options and self._wish is None:
            return
        wish = self._wish if self._wish is not None else self.feature.value
        known = {value for _, value in options}
        with self._silently():
            self.feature.options = options
            self.feature.value = wish if wish in known else common_feature(readings)
        self._wish = None

    def _strengths(self) -> np.ndarray[Any, Any]:
        """Largest activation of each feature in the selected bases, or in sight."""
        current, readings = self.selection.current, self.readings
        assert readings is not None
        here = None if current is None else self._here(current)
        if here is None or current is None:
            return np.zeros(len(readings.features))
        found, place = here
        start, end = self.selection.bases or self.selection.view or (0, len(current))
        inside = (found.owner == place) & touching(found.spans, (start, end))
        if not inside.any():
            return np.zeros(len(readings.features))
        strongest: np.ndarray[Any, Any] = found.values[inside].max(axis=0).toarray().ravel()
        return strongest

    def _figure(self) -> Figure | None:
        current = self.selection.current
        here = None if current is None else self._holding(current)
        if here is None or self.feature.value is None:
            return None
        figure = feature_track(
            here[0],
            feature=self.feature.value,
            sequence=here[1],
            shown=UNTRAINED if self._untrained else TRAINED,
            alike=self._alike(),
            view=self.selection.view,
            selected=self.selection.bases,
            height=max(self.height - (_BAR if self._compact else _LISTS), 170),
            theme=self.selection.theme,
        )
        return figure.update_layout(dragmode=self.selection.drag)

    def _draw(self) -> None:
        if not self.active:
            return
        current, readings = self.selection.current, self.readings
        there = current is not None and readings is not None
        show(self._lists, there and self.tab.value != TRACK)
        show(self._choices, there)
        show(self.feature, there)
        show(self.order, there)
        show(self.shown, there and self.features is not None and self.features.twin is not None)
        if current is None:
            self._show(None, "Choose an example, or add a sequence of your own.")
            return
        if self._refuses():
            return
        if readings is None:
            self._show(None, f"<b>{escape(current.name)}</b>: no features yet.")
            return
        self._order_list()
        self._list()
        figure = self._figure()
        self._read_out.value = self._cell(current)
        if figure is None:
            self._show(None, f"<b>{escape(current.name)}</b>: not read yet.")
            return
        self._show_on_bases(
            figure,
            f"{self._words()} in <b>{escape(current.name)}</b>. {escape(self._line(readings))}. "
            f"<span class='dx-model'>{escape(readings.model)}</span>",
            typed="NPTU",
        )
        if self._compact:
            show(self.plot, self.tab.value == TRACK)

    def _words(self) -> str:
        """Say what the feature is beside its nulls."""
        data, feature = self._data(), self.feature.value
        assert data is not None
        rows = data[data["feature"] == feature]
        if not len(rows):
            return f"Feature {feature}, not active in this set,"
        row = rows.iloc[0]
        nulls = [f"token <code>{escape(str(row['token'])[:24])}</code> {row['token_share']:.0%}"]
        if np.isfinite(row["edge"]):
            nulls.append(f"edge ×{row['edge']:.2f}")
        if "twin" in row:
            nulls.append(f"{TRAINED if self._untrained else UNTRAINED} r {row['twin']:.2f}")
        who = " of an untrained network" if self._untrained else ""
        return f"Feature {feature}{who} ({', '.join(nulls)})"

    def _line(self, readings: FeatureReadings) -> str:
        # Of the untrained network nothing is said to be "in an untrained network too".
        return (replace(readings, twin=None) if self._untrained else readings)._line()

    def _cell(self, current: Sequence) -> str:
        """Say which features are active in the selected bases."""
        here = self._here(current)
        if here is None or self.selection.bases is None:
            return ""
        strengths = self._strengths()
        top = [int(i) for i in np.argsort(-strengths, kind="stable")[:6] if strengths[i] > 0]
        said = ", ".join(f"{i} ({strengths[i]:.2g})" for i in top)
        return f"{self._words()}. Active at the selection: {said or 'none'}"

    def _list(self) -> None:
        """Fill the table below the track."""
        readings, feature, found = self.readings, self.feature.value, self.enrichment
        enriched = self.tab.value == ENRICHED
        show(self.enrich, enriched and found is None)
        show(self.paint, not enriched)
        if readings is None or feature is None:
            return
        if enriched:
            self._list_enriched(found)
            return
        top = readings.top(feature, n=_WINDOWS)
        members = self._known.members[self.layer.value]
        rows = list(top.itertuples())
        self._places = [(members[int(r.number)], int(r.start), int(r.end)) for r in rows]
        self.rows.show(
            [
                Column("sequence"),
                Column("base", "whole", "Where the token begins, counted from 1"),
                Column("activation", "number"),
                Column("bases", tip="The token in capitals", mono=True),
            ],
            [(r.sequence, int(r.start) + 1, float(r.activation), r.bases) for r in rows],
        )

    def _list_enriched(self, found: FeatureEnrichment | None) -> None:
        if found is None:
            readings = self.readings
            assert readings is not None
            seconds = enrichment_cost(readings)
            self.enrich.description = f"Look up (about {duration(max(seconds, 1))})"
            self.rows.show([Column("annotation and motifs: not looked up yet")], [])
            return
        data = found.table()
        data = data[np.isfinite(data["fold"])].head(_ROWS)
        tip = "Largest of an untrained network's features with q < 0.05 there; – for none"
        more = [Column("untrained fold", "number", tip)] if "twin_fold" in data else []
        self.rows.show(
            [
                Column("stretches", tip="Kinds of annotation, and JASPAR motifs"),
                Column("feature", "whole"),
                Column("fold", "number", "Activation there over that in stretches turned round"),
                Column("q", "p", "Benjamini and Hochberg over all features and kinds"),
                *more,
            ],
            [
                (r.stretches, int(r.feature), float(r.fold), float(r.q))
                + ((float(r.twin_fold),) if more else ())
                for r in data.itertuples()
            ],
            keys=data["feature"],
        )

    # Pressing and typing -----------------------------------------------------------------------

    @guarded
    def _pressed_row(self, key: int) -> None:
        if self.tab.value == ENRICHED:
            self._choose(key)
        elif 0 <= key < len(self._places):
            index, start, end = self._places[key]
            self.selection.update(index=index)
            self.selection.update(bases=(start, end))

    def _choose(self, feature: int) -> None:
        if feature in [value for _, value in self.feature.options]:
            self.feature.value = feature

    def _press(self, event: dict[str, Any]) -> None:
        current = self.selection.current
        here = None if current is None else self._here(current)
        if here is None:
            return
        found, place = here
        if event.get("panel", "y") == "y":  # a row of the map
            figure = self._figure()
            assert figure is not None
            rows = figure.layout.yaxis.ticktext
            row = round(event["y"])
            if 0 <= row < len(rows):
                self._choose(int(rows[row]))
        tokens = found.tokens[place]
        select_token(self.selection, tokens, event["x"], bool(event.get("shift")))

    def _key(self, key: str, shift: bool) -> None:
        current = self.selection.current
        here = None if current is None else self._here(current)
        if twin_key(self.shown, key):
            return
        if key in "NP" and self.feature.options:
            values = [value for _, value in self.feature.options]
            at = values.index(self.feature.value) + (1 if key == "N" else -1)
            if 0 <= at < len(values):
                self.feature.value = values[at]
        elif key in ARROWS and here is not None:
            step_token(self.selection, here[0].tokens[here[1]], ARROWS[key])
        else:
            super()._key(key, shift)

    # Export ------------------------------------------------------------------------------------

    def _needs(self) -> tuple[int, ...]:
        members = self._known.members.get(self.layer.value, ())
        return tuple(sorted({*members, *super()._needs()}))

    def _settings(self) -> dict[str, Widget]:
        settings = super()._settings()
        settings.pop("feature", None)  # its list is there once it is trained
        return settings

    def _memory(self) -> dict[str, Any]:
        return {} if self.feature.value is None else {"feature": int(self.feature.value)}

    def _recall(self, more: dict[str, Any]) -> None:
        if more.get("feature") is not None:
            self._wish = int(more["feature"])
        self._changed(set())

    def _code(self) -> str:
        readings = self.readings
        if readings is None:
            raise InputError("There are no features yet: train them first.")
        name = self.selection.sets[self._known.members[self.layer.value][0]]
        made = (
            "dx.features.load('folder')  # as Features.save wrote it"
            if self._known.given
            else f"dx.features.train(enc, sequences, {self.layer.value})"
        )
        sequences, shown = CODE.get(name, OTHERS), UNTRAINED if self._untrained else TRAINED
        return (
            f"{opening(self.enc, imports=_FIGURE)}"
            f"sequences = {sequences}\n"
            f"features = {made}\n"
            f"{sequence_code(self.selection)}"
            "found = features.read(enc, bases)\n"
            f"feature_track(found, feature={self.feature.value!r}, shown={shown!r}, "
            f"view={self.selection.view!r}, selected={self.selection.bases!r})"
        )

    def _table(self) -> str:
        data, current = self._data(), self.selection.current
        if data is None or current is None:
            raise InputError("There are no features yet: train them first.")
        found = self.enrichment
        if self.tab.value == ENRICHED and found is not None:
            data = found.table()
        return frame_csv(data, f"{current.name}: {self.caption}")
