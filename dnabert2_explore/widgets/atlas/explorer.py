"""The atlas: sequences as points, near when the model finds them alike."""

from __future__ import annotations

from collections.abc import Sequence as Items
from functools import partial
from typing import Any

import numpy as np
from ipywidgets import VBox

from ...encoder import ATLAS_MODEL, POOLINGS, Encoder, load
from ...errors import InputError
from ...figures.atlas import atlas_scatter
from ...figures.cloud import point_cloud
from ...figures.core.parts import Figure
from ...sequences import Sequence
from ...stores import EmbeddedSequences
from ..core.controls import choice, menu, show, toggle
from ..core.explorer import ARROWS
from ..core.state import MINE, Selection
from ..examples import SPLICE, WINDOWS, fill
from .cards import card_of
from .chosen.panel import SelectionPanel
from .chosen.words import caption_of, selected_line, table_of
from .cloud import CloudView
from .code import code_of
from .content import OWN, AtlasContent
from .growth import Growth
from .legend import Legend
from .mapping.judgement import Judgement
from .mapping.maps import LAYERS, METHODS, Maps
from .mapping.spaces import GIVEN, SPACES, Spaces, layer_name

__all__ = ["AtlasExplorer"]

_PANEL, _LOWEST = 170, 215  # pixels that the panel takes from the map, and what it leaves it


class AtlasExplorer(AtlasContent):
    """See sequences as points, near each other when their embeddings are.

    PCA stands at once; UMAP is computed beside it and waits to be chosen. Click a point to look at
    its sequence, draw a lasso to choose several, Esc to let go; rest on a point to read its tokens.
    A class of the legend that is pressed is hidden, from the lasso and the comparisons too. A panel
    below the map compares what is chosen with the rest
    (:class:`~dnabert2_explore.widgets.atlas.chosen.panel.SelectionPanel`).

    Class ``dx-atlas``; parts ``dx-projection``, ``dx-three``, ``dx-colour``, ``dx-space``,
    ``dx-embedding-layer``, ``dx-embedding-pooling``, ``dx-legend``, ``dx-judged``; in the map
    ``dx-cloud-lasso`` (pan, rotate, whole), ``dx-card``, ``dx-frame`` (the slider of layers).

    Parameters
    ----------
    enc : Encoder, optional
        The model that ships for embeddings by default (`dnabert2_explore.ATLAS_MODEL`).
    sequences : sequence of Sequence, or EmbeddedSequences, optional
        The examples by default. With vectors of their own (`read_embedded`: a store, AnnData),
        these are laid out, and nothing is embedded.
    selection : Selection, optional
        Shared with other views.
    points : str
        Name of the set whose sequences are the points; by default the set looked at.
    classifier : Encoder, optional
        Asked for the motifs of what is chosen.
    """

    title = "Atlas"
    kind = "atlas"
    help = (
        "Every point is a sequence: the mean of its tokens' vectors, laid out in a plane. PCA "
        "keeps the directions of largest variance; UMAP keeps neighbours together, and its "
        "distances between groups mean little; densMAP keeps dense places dense as well; 'layers' "
        "shows every layer of the model, one after the other. Colour by GC content before reading "
        "groups as biology: much of what separates species is base composition. Ctrl and the wheel "
        "zoom, so do + and −; Shift and a lasso add, Alt and a lasso take away. "
        "<cite>McInnes et al. 2018 (UMAP); Narayan et al. 2021 (densMAP).</cite>"
    )
    reacts_to = frozenset({"sequences", "index", "chosen", "kept", "theme", "marks"})

    def __init__(
        self,
        enc: Encoder | None = None,
        sequences: Items[Sequence] | EmbeddedSequences | None = None,
        *,
        selection: Selection | None = None,
        points: str = "",
        classifier: Encoder | None = None,
    ) -> None:
        self.enc = enc if enc is not None else load(ATLAS_MODEL)
        n_layers = self.enc.config.num_hidden_layers
        self.points = menu("dx-points", [("set looked at", "")], "Which sequences are the points")
        self.projection = choice("dx-projection", list(METHODS), [
                "Largest variance", "Neighbourhoods", "Neighbourhoods and densities",
                "PCA of every layer, laid over each other, with a slider",
            ])  # fmt: skip
        self.three = toggle("3-D", "dx-three", "In space: drag to turn")
        self.colour = menu("dx-colour", [], "Colour by")
        layers = [(layer_name(i), i) for i in range(n_layers, -1, -1)]
        self.layer = menu(
            "dx-embedding-layer", [*_own(self.enc), *layers], "Hidden states of which layer"
        )
        self.pooling = menu("dx-embedding-pooling", list(POOLINGS), "Pooling over tokens")
        given = sequences if isinstance(sequences, EmbeddedSequences) else None
        own = [] if given is None else [("from the file", GIVEN)]
        self.space = menu(
            "dx-space", [*own, *SPACES], "Whose vectors: the model's, or what it is compared with"
        )
        self._shown: tuple[int, ...] = ()
        self._shown_key: tuple[Any, ...] = ()
        self._left_out = self._not_finite = self._n_reference = self._version = self._frame = 0
        self._recalled: int | None = None
        self._made_of = ""
        self._spaces = Spaces(self.enc, given)
        self._valued: tuple[Any, ...] = ()
        self._sent: tuple[Any, ...] = ()
        self.height = 460
        self._legend = Legend().add_class("dx-legend")
        self._legend.observe(lambda _change: self._guarded(self._draw), names="hidden")
        self._classifier = classifier
        super().__init__(
            selection,
            [
                self.projection, self.three, self.points, self.colour, self.space, self.layer,
                self.pooling,
            ],
        )  # fmt: skip
        self._when(self._project, self.projection, self.three)
        self._when(self._draw, self.colour)
        self._when(
            lambda: self._changed({"sequences"}), self.points, self.layer, self.pooling, self.space
        )
        if selection is None:
            fill(
                self.selection,
                given.sequences if given is not None else sequences,  # type: ignore[arg-type]
                sets=(WINDOWS, SPLICE),
            )
        self._offer_points()
        with self.points.hold_trait_notifications():
            self.points.value = points
        self._guarded(lambda: self._changed({"sequences"}))

    def _make_plot(self) -> CloudView:
        return CloudView()

    def _above(self) -> list[Any]:
        self._growth = Growth(lambda wanted: self._guarded(lambda: self._grow(wanted)))
        #: The button that computes what was left out because it takes long.
        self.compute = self._growth.every
        return [self._growth]

    def _below(self) -> list[Any]:
        self._maps = Maps(
            self._mapped,
            partial(self.say, error=True),
            self._map_cancelled,
            self.selection.lock,
            self._guarded,
        )
        self.panel = SelectionPanel(
            self.selection, self.enc, self.plot, self._classifier, self.say, self._guarded
        )
        self.judgement = Judgement(self.selection, self._twin, self._guarded)
        # What comes and goes stands below the map, which would move under a lasso otherwise.
        return [self._legend, self._maps.bar, self.judgement]

    def _foot(self) -> Any:
        return VBox([self._read_out, self.panel])

    def use_classifier(self, classifier: Encoder) -> None:
        """Ask another model for motifs from now on."""
        self.panel.finder.use(classifier)

    # Drawing ------------------------------------------------------------------------------------

    def _figure_alone(self) -> Figure | None:
        # On the page the legend is a line of its own; in a picture it stands beside the points.
        figure = self._figure()
        if figure is not None and any(trace.showlegend for trace in figure.data):
            figure.update_layout(
                showlegend=True,
                margin_r=170,
                legend={"orientation": "v", "x": 1.02, "y": 1, "yanchor": "top"},
            )
        return figure

    def _figure(self) -> Figure | None:
        if not self._maps:
            return None
        selection = self.selection
        field, values = self.values()
        rows = np.flatnonzero(self._seen)
        place = {self._shown[row]: at for at, row in enumerate(rows)}
        starred = set(self._starred())
        return atlas_scatter(
            self.plane[rows],
            [selection.sequences[self._shown[i]].name for i in rows],
            [values[i] for i in rows],  # type: ignore[arg-type]
            field=field,
            axis=self._method,
            current=place.get(selection.index),
            chosen=[place[i] for i in selection.chosen if i in place],
            starred=[at for at, row in enumerate(rows) if row in starred],
            starred_name=MINE,
            height=self._drawn_height,
            legend=False,
            theme=selection.theme,
        )

    def _starred(self) -> list[int]:
        """Points that are the person's own, where there are others to stand out from."""
        sets = self.selection.sets
        own = [at for at, i in enumerate(self._shown) if sets[i] == MINE]
        return own if len(own) < len(self._shown) else []

    @property
    def _drawn_height(self) -> int:
        """Height of the map, which leaves room for what is chosen."""
        return max(self.height - _PANEL, _LOWEST) if self.panel.shown else self.height

    def _draw(self) -> None:
        selection = self.selection
        if selection.current is None:
            self._show(None, "Choose examples, or add sequences of your own.")
            return
        if len(self._shown) < 3:
            few = "An atlas needs at least 3 sequences: add more, or choose an example set."
            self._show(None, few)
            return
        if not self._maps:
            return
        show(self.layer, self._method != LAYERS)
        field, values = self.values()
        starred = self._starred()
        self._legend.show(values, field, MINE, len(starred), selection.theme)
        points, seen = self._points(), self._seen
        self.panel.follow(points)
        (self.add_class if self.panel.shown else self.remove_class)("dx-with-chosen")
        self.judgement.follow(
            points, self.plane[seen], f"{self._method} {self._dimensions} {self._frame}",
            self.space.value, pca=self._method in ("PCA", LAYERS),
        )  # fmt: skip
        self._read_out.value = selected_line(selection, self._shown, field, values)
        self._send_points(starred)
        self._show_caption(int((~seen).sum()))

    def _send_points(self, starred: list[int]) -> None:
        """Tell the page what to draw: the points, where they are others, and what is marked."""
        made, theme, values = self._made, self.selection.theme, self.values()[1]
        key = f"{self._version} {self._method} {self._dimensions}"
        asked = (key, values, theme, self._drawn_height)
        cloud = point_cloud(made.planes, values, theme)
        place = {index: at for at, index in enumerate(self._shown)}
        off = set(self._legend.hidden)
        show(self.plot, True)
        self.plot.mark(
            chosen=(place[i] for i in self.selection.chosen if i in place),
            current=place.get(self.selection.index, -1),
            starred=starred,
            hidden=[code for code, name in enumerate(cloud.classes) if name in off],
        )
        if len(self._sent) != len(asked) or any(
            a is not b and a != b for a, b in zip(self._sent, asked, strict=True)
        ):
            self._sent = asked
            self.plot.cloud = cloud.spec(
                key, height=self._drawn_height, frames=made.frames,
                axis="PCA" if self._method == LAYERS else self._method,
                frame=min(self._frame, len(made.frames) - 1), theme=theme,
            )  # fmt: skip

    def _show_caption(self, n_hidden: int) -> None:
        self._caption_line.value = caption_of(
            method=self._method,
            wanted=str(self.projection.value),
            dimensions=self._dimensions,
            n=len(self._shown),
            whole=self._growth.whole,
            space=self._spaces.words(self.space.value, *self._shown_setting),
            field=self.values()[0],
            umap_is_ready=self._maps.get("UMAP", self._dimensions) is not None,
            pending=self._maps.pending is not None,
            too_long=self._left_out,
            not_finite=self._not_finite,
            placed=0 if self._method in ("densMAP", LAYERS) else len(self._parts()[1]),
            hidden=n_hidden,
            model=str(self.enc.info),
        )

    # A person did something ---------------------------------------------------------------------

    def _project(self) -> None:
        wanted = str(self.projection.value)
        there = self._maps.get(wanted, self._dimensions) is not None
        if self._maps and not there and self._maps.pending != (wanted, self._dimensions):
            self.say("")
            self._start_map(wanted)
        self._offer_colours()
        self._draw()

    def _handle(self, event: dict[str, Any]) -> None:
        kind = event["event"]
        if kind == "click":
            at = event.get("data")
            if at is not None and 0 <= int(at) < len(self._shown):
                self.selection.update(index=self._shown[int(at)])
        elif kind == "chosen":
            points = {int(p) for p in event["points"] if p is not None}
            self.selection.update(
                chosen=tuple(self._shown[p] for p in sorted(points) if p < len(self._shown))
            )
        elif kind == "hover":
            self._tell(int(event["data"]))
        elif kind == "frame":
            self._frame = int(event["frame"])
            self._draw()
        elif kind == "deselect":
            self.selection.update(chosen=())
        elif kind == "key" and event["key"] in ARROWS:
            self._step(ARROWS[event["key"]])
        elif kind == "key" and event["key"] == "Escape":
            self.selection.clear()

    def _tell(self, point: int) -> None:
        """Show what a point is, beside it."""
        if 0 <= point < len(self._shown):
            field, values = self.values()
            sequence = self.selection.sequences[self._shown[point]]
            self.plot.tell(point, card_of(sequence, self.enc, field, values[point]))

    def _step(self, by: int) -> None:
        """Look at the next of the chosen points, or of all."""
        ring = [i for i in self._shown if i in set(self.selection.chosen)] or list(self._shown)
        if not ring:
            return
        at = ring.index(self.selection.index) + by if self.selection.index in ring else 0
        self.selection.update(index=ring[at % len(ring)])

    def _cancelled(self) -> None:
        if self._growth.n:
            self.say(f"Cancelled; {self._growth.n:,} sequences stay on the map.")
            return
        self._shown_key = ()
        super()._cancelled()

    def _on_width(self, _change: Any) -> None:
        """Width changes no detail here; the browser lays out again by itself."""

    # Export -------------------------------------------------------------------------------------

    def _needs(self) -> tuple[int, ...]:
        return (*self._shown, *super()._needs())

    def _memory(self) -> dict[str, Any]:
        return {"frame": self._frame} if self._method == LAYERS else {}

    def _recall(self, more: dict[str, Any]) -> None:
        frame = more.get("frame")
        if frame is None:
            return
        if self._method == LAYERS:
            self._frame = int(frame)
            self._draw()
        else:  # for when its map is there
            self._recalled = int(frame)

    def _stem(self) -> str:
        return f"atlas-{self._method.lower()}"

    def _code(self) -> str:
        field, values = self.values()
        return code_of(
            self.enc.source,
            list(dict.fromkeys(self.selection.sets[i] for i in self._shown)),
            layer=self._shown_setting[0],
            pooling=self.pooling.value,
            space=self.space.value,
            method=self._method,
            dimensions=self._dimensions,
            field=field,
            colour=str(self.colour.value),
            numeric=bool(values) and not isinstance(values[0], str),
        )

    def _table(self) -> str:
        if not self._maps:
            raise InputError("There are no points yet: choose at least 3 sequences.")
        shown = self._shown, self.plane, self._method, self.values()
        return table_of(self.selection, *shown, self.caption, self._made.radii)


def _own(enc: Encoder) -> list[tuple[str, int | str]]:
    """Offer the model's own vector, of several layers side by side, where it has one."""
    layers = enc.embedding_layers
    if len(layers) == 1:
        return []
    return [(f"layers {'+'.join(map(str, layers))}", OWN)]  # short: the menu is narrow
