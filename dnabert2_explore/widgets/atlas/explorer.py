"""The atlas: sequences as points, near when the model finds them alike."""

from __future__ import annotations

from collections.abc import Sequence as Items
from typing import TYPE_CHECKING, Any

import numpy as np
from ipywidgets import Dropdown, ToggleButton, ToggleButtons, VBox
from numpy.typing import NDArray

from ...encoder import ATLAS_MODEL, POOLINGS, Encoder, load
from ...errors import InputError
from ...figures.atlas import atlas_scatter
from ...figures.cloud import point_cloud
from ...sequences import Sequence
from ...stores import EmbeddedSequences
from ..examples import SPLICE, WINDOWS, fill
from ..explorer import LONGEST, Explorer, sentence
from ..state import MINE, Selection
from .cards import card_of
from .choice import RADIUS, colour_options, colour_values, point_options, reference_and_placed
from .cloud import CloudView
from .code import code_of
from .judgement import Judgement
from .legend import Legend
from .maps import LAYERS, METHODS, MadeMap, Maps
from .panel import SelectionPanel
from .points import Points
from .spaces import GIVEN, SPACES, Spaces
from .words import caption_of, selected_line, table_of

if TYPE_CHECKING:
    import plotly.graph_objects as go

__all__ = ["AtlasExplorer"]

_CHEAP = 1000  # points of which UMAP is made without being asked for
_PANEL, _LOWEST = 170, 215  # pixels that the panel takes from the map, and what it leaves it


#: Chosen in the menu of layers; None there would be nothing chosen.
_OWN = "own"


class AtlasExplorer(Explorer):
    """See sequences as points, near each other when their embeddings are.

    PCA stands at once; UMAP is computed beside it and waits to be chosen. Click a point to look at
    its sequence, draw a lasso to choose several, Esc to let go; rest on a point to read its tokens.
    A class of the legend that is pressed is hidden, from the lasso and the comparisons too. A panel
    below the map compares what is chosen with the rest
    (:class:`~dnabert2_explore.widgets.atlas.panel.SelectionPanel`).

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
    reacts_to = frozenset({"sequences", "index", "chosen", "kept", "theme"})

    def __init__(
        self,
        enc: Encoder | None = None,
        sequences: Items[Sequence] | EmbeddedSequences | None = None,
        selection: Selection | None = None,
        points: str = "",
        classifier: Encoder | None = None,
    ) -> None:
        self.enc = enc if enc is not None else load(ATLAS_MODEL)
        n_layers = self.enc.config.num_hidden_layers
        self.points = Dropdown(
            options=[("set looked at", "")], tooltip="Which sequences are the points"
        ).add_class("dx-points")
        self.projection = ToggleButtons(
            options=list(METHODS),
            tooltips=[
                "Largest variance", "Neighbourhoods", "Neighbourhoods and densities",
                "PCA of every layer, laid over each other, with a slider",
            ],
        ).add_class("dx-projection")  # fmt: skip
        self.three = ToggleButton(description="3-D", tooltip="In space: drag to turn")
        self.three.add_class("dx-three")
        self.colour = Dropdown(options=[], tooltip="Colour by").add_class("dx-colour")
        self.layer = Dropdown(
            options=[
                *_own(self.enc),
                *(
                    (f"layer {i}" if i else "layer 0, the embeddings", i)
                    for i in range(n_layers, -1, -1)
                ),
            ],
            tooltip="Hidden states of which layer",
        ).add_class("dx-embedding-layer")
        self.pooling = Dropdown(options=list(POOLINGS), tooltip="Pooling over tokens").add_class(
            "dx-embedding-pooling"
        )
        given = sequences if isinstance(sequences, EmbeddedSequences) else None
        own = [] if given is None else [("from the file", GIVEN)]
        self.space = Dropdown(
            options=[*own, *SPACES],
            tooltip="Whose vectors: the model's, or what it is compared with",
        ).add_class("dx-space")
        self._shown: tuple[int, ...] = ()
        self._shown_key: tuple[Any, ...] = ()
        self._left_out = self._not_finite = self._n_reference = self._version = self._frame = 0
        self._made_of = ""
        self._spaces = Spaces(self.enc, given)
        self._valued: tuple[Any, ...] = ()
        self._sent: tuple[Any, ...] = ()
        self._quiet = False
        self._height = 460
        self._legend = Legend().add_class("dx-legend")
        self._legend.observe(self._on_hidden, names="hidden")
        self._classifier = classifier
        super().__init__(
            selection,
            [
                self.projection, self.three, self.points, self.colour, self.space, self.layer,
                self.pooling,
            ],
        )  # fmt: skip
        self.points.observe(self._on_embedding, names="value")
        self.projection.observe(self._on_projection, names="value")
        self.three.observe(self._on_projection, names="value")
        self.colour.observe(self._on_colour, names="value")
        self.layer.observe(self._on_embedding, names="value")
        self.pooling.observe(self._on_embedding, names="value")
        self.space.observe(self._on_embedding, names="value")
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
        def failed(error: Exception) -> None:
            self.say(sentence(error), error=True)

        self._maps = Maps(
            lambda: self._guarded(self._mapped), failed, self._map_cancelled, self.selection.lock
        )
        return [self._maps.bar]

    def _below(self) -> list[Any]:
        self.panel = SelectionPanel(
            self.selection, self.enc, self.plot, self._classifier, self.say, self._guarded
        )
        self.judgement = Judgement(self.selection, self._twin, self._guarded)
        return [self._legend, self.judgement]

    def _foot(self) -> Any:
        return VBox([self._read_out, self.panel])

    def use_classifier(self, classifier: Encoder) -> None:
        """Ask another model for motifs from now on."""
        self.panel.finder.use(classifier)

    # Which points -------------------------------------------------------------------------------

    def _offer_points(self) -> None:
        options = point_options(self.selection)
        if tuple(self.points.options) == tuple(options):
            return
        before = self.points.value
        with self.points.hold_trait_notifications():
            self.points.options = options
            self.points.value = before if before in [value for _, value in options] else ""

    def _changed(self, changed: set[str]) -> None:
        self._offer_points()
        sequences = self.selection.sequences
        self._made_of, reference, placed = reference_and_placed(
            self.selection, self.points.value, self._made_of
        )
        both = tuple(
            tuple(i for i in part if len(sequences[i]) <= LONGEST) for part in (reference, placed)
        )
        self._left_out = len(reference) + len(placed) - len(both[0]) - len(both[1])
        key = (both, self.space.value, self._layer, self.pooling.value)
        if key == self._shown_key:
            self._draw()
            return
        self._shown_key, self._shown = key, (*both[0], *both[1])
        self._n_reference, self._not_finite = len(both[0]), 0
        self._version += 1
        self._valued = ()
        self._maps.clear()
        self._offer_colours()
        self.judgement.stop()
        if self._spaces.ready(key[1], self._texts, *key[2:]):
            self._embedded()
            return
        texts = self._texts

        def work(progress: Any) -> None:
            self._spaces.fill(key[1], texts, *key[2:], progress)

        self.plot.stale = True
        self._start("embedding sequences", work, lambda _nothing: self._embedded())

    @property
    def _texts(self) -> tuple[str, ...]:
        return tuple(self.selection.sequences[i].bases for i in self._shown)

    def _embedded(self) -> None:
        if len(self._shown) >= 3:
            self._leave_out_nan()
        if len(self._shown) < 3:
            self._maps.clear()
            self._draw()
            return
        fit, new = self._parts()
        self._maps.add_pca(fit, new)
        self.plot.stale = False
        self._draw()
        wanted = self.projection.value
        if len(fit) <= _CHEAP and wanted == "PCA":
            wanted = "UMAP"
        if wanted != "PCA":
            self._start_map(wanted)

    def _leave_out_nan(self) -> None:
        """Take out points whose vectors are not finite: nothing can be said of where they lie."""
        finite = np.asarray(np.isfinite(self.vectors).all(axis=1))
        if not finite.all():
            self._not_finite = int((~finite).sum())
            self._n_reference = int(finite[: self._n_reference].sum())
            self._shown = tuple(i for i, fits in zip(self._shown, finite, strict=True) if fits)
            self._valued = ()

    def _parts(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Vectors that the map is made of, and those that are placed in it."""
        # Fewer than three make no map: then all of them do.
        n = self._n_reference if self._n_reference >= 3 else len(self._shown)
        return self.vectors[:n], self.vectors[n:]

    def _points(self) -> Points:
        """Gather the points in sight: what the panels below compare and judge."""
        field, values = self.values()
        vectors = self._spaces.vectors(self.space.value, self._texts, *self._shown_setting)
        shown, seen = self._shown, self._seen
        if not seen.all():
            rows = np.flatnonzero(seen)
            shown = tuple(shown[i] for i in rows)
            values = [values[i] for i in rows]  # type: ignore[assignment]
            vectors = vectors[rows]
        return Points(
            indices=shown,
            sequences=tuple(self.selection.sequences[i] for i in shown),
            vectors=vectors,
            field=field,
            values=values,
            about=f"{self.enc.info}, {self._spaces.words(self.space.value, *self._shown_setting)}",
        )

    @property
    def _seen(self) -> NDArray[np.bool_]:
        """Which of the points are of a class that is not hidden."""
        hidden = set(self._legend.hidden)
        if not hidden:
            return np.ones(len(self._shown), dtype=bool)
        return np.array([v not in hidden for v in self.values()[1]], dtype=bool)

    @property
    def _layer(self) -> int | None:
        """The layer chosen; None for the vector that the model calls its own."""
        return None if self.layer.value == _OWN else int(self.layer.value)

    @property
    def _setting(self) -> tuple[str, int | None, str]:
        return self.space.value, self._layer, self.pooling.value

    @property
    def _shown_setting(self) -> tuple[int | None, str]:
        """Layer and pooling of what is on show: the slider's, where there is one."""
        layer = self._frame if self._method == LAYERS else self._layer
        return layer, self.pooling.value

    @property
    def vectors(self) -> NDArray[np.float32]:
        """Vectors of the points on show, shape (n, hidden)."""
        space, layer, pooling = self._setting
        return self._spaces.vectors(space, self._texts, layer, pooling)

    def _twin(self, points: Points, progress: Any, most: float) -> NDArray[np.float32] | float:
        """Vectors of the untrained twin, or the seconds they would take."""
        texts = tuple(s.bases for s in points.sequences)
        layer, pooling = self._shown_setting
        if self.space.value == GIVEN:  # of the model's own layers, which the file may not hold
            layer = None
        cost = self._spaces.fill("twin", texts, layer, pooling, progress, most)
        return cost or Spaces(self.enc).vectors("twin", texts, layer, pooling)

    def _start_map(self, method: str) -> None:
        def spaces(progress: Any) -> dict[str, NDArray[np.float32]]:
            return self._spaces.layers(space, texts, pooling, progress)

        space, texts, pooling = self.space.value, self._texts, self.pooling.value
        if method == LAYERS and space not in ("model", "twin"):
            raise InputError("Only the model and its twin have layers: choose one in the menu.")
        self._maps.start(method, self._dimensions, *self._parts(), spaces)

    def _mapped(self) -> None:
        if self._method == LAYERS:
            self._frame = self._made.planes.shape[0] - 1
        self._offer_colours()
        self._draw()

    def _map_cancelled(self) -> None:
        self.say(f"{self.projection.value if self.projection.value != 'PCA' else 'UMAP'} was "
                 "cancelled; PCA stays. Choose it to start it again.")  # fmt: skip
        with self.selection.lock:
            self._draw()

    def wait(self, timeout: float | None = None) -> None:
        """Block until embedding and maps are done (for scripts and tests)."""
        super().wait(timeout)
        self._maps.wait(timeout)
        self.panel.wait(timeout)
        self.judgement.wait(timeout)

    # Colours ------------------------------------------------------------------------------------

    def _offer_colours(self) -> None:
        offered = colour_options([self.selection.sequences[i] for i in self._shown])
        if self._radii is not None:
            offered = [*offered, RADIUS]
        if tuple(self.colour.options) == tuple(offered):
            return
        before = self.colour.value
        self._quiet = True
        try:
            self.colour.options = offered
            values = [value for _, value in offered]
            self.colour.value = before if before in values else values[0]
        finally:
            self._quiet = False

    @property
    def _radii(self) -> NDArray[np.float64] | None:
        made = self._maps.get("densMAP", self._dimensions)
        return None if made is None else made.radii

    def values(self) -> tuple[str, list[str] | list[float]]:
        """Name, with unit, and values of the field the points are coloured by."""
        colour = self.colour.value
        if not self._valued or self._valued[0] != colour:
            selection = self.selection
            radii = self._radii
            if colour == RADIUS[1] and radii is not None:
                found: Any = (RADIUS[0], radii[:, 0].tolist())
            else:
                found = colour_values(
                    colour,
                    [selection.sequences[i] for i in self._shown],
                    [selection.sets[i] for i in self._shown],
                )
            self._valued = (colour, found)
        name, values = self._valued[1]
        return name, values

    # Drawing ------------------------------------------------------------------------------------

    @property
    def _dimensions(self) -> int:
        return 3 if self.three.value else 2

    @property
    def _method(self) -> str:
        wanted = str(self.projection.value)
        return "PCA" if self._maps.get(wanted, self._dimensions) is None else wanted

    @property
    def _made(self) -> MadeMap:
        made = self._maps.get(self._method, self._dimensions)
        assert made is not None
        return made

    @property
    def plane(self) -> NDArray[np.float64]:
        """Places of the points on show, shape (n, 2) or (n, 3)."""
        planes = self._made.planes
        return planes[min(self._frame, len(planes) - 1)]

    def _figure_alone(self) -> go.Figure | None:
        # On the page the legend is a line of its own; in a picture it stands beside the points.
        figure = self._figure()
        if figure is not None and any(trace.showlegend for trace in figure.data):
            figure.update_layout(
                showlegend=True,
                margin_r=170,
                legend={"orientation": "v", "x": 1.02, "y": 1, "yanchor": "top"},
            )
        return figure

    def _figure(self) -> go.Figure | None:
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
        return max(self._height - _PANEL, _LOWEST) if self.panel.shown else self._height

    def set_height(self, height: int) -> None:
        """Draw the atlas `height` pixels high."""
        if height != self._height:
            self._height = height
            self._guarded(self._draw)

    def _draw(self) -> None:
        selection = self.selection
        if selection.current is None:
            self._show(None, "Choose examples, or add sequences of your own.")
            return
        if len(self._shown) < 3:
            self._show(
                None, "An atlas needs at least 3 sequences: add more, or choose an example set."
            )
            return
        if not self._maps:
            return
        self.layer.layout.display = "none" if self._method == LAYERS else ""
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
        self.plot.layout.display = ""
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

    def _on_projection(self, _change: Any) -> None:
        def act() -> None:
            wanted = str(self.projection.value)
            there = self._maps.get(wanted, self._dimensions) is not None
            if self._maps and not there and self._maps.pending != (wanted, self._dimensions):
                self.say("")
                self._start_map(wanted)
            self._offer_colours()
            self._draw()

        self._guarded(act)

    def _on_hidden(self, _change: Any) -> None:
        self._guarded(self._draw)

    def _on_colour(self, _change: Any) -> None:
        if not self._quiet:
            self._guarded(self._draw)

    def _on_embedding(self, _change: Any) -> None:
        self._guarded(lambda: self._changed({"sequences"}))

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
        elif kind == "key" and event["key"] in ("ArrowLeft", "ArrowRight"):
            self._step(-1 if event["key"] == "ArrowLeft" else 1)
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
        self._shown_key = ()
        super()._cancelled()

    def _on_width(self, _change: Any) -> None:
        """Width changes no detail here; the browser lays out again by itself."""

    # Export -------------------------------------------------------------------------------------

    def _stem(self) -> str:
        return f"atlas-{self._method.lower()}"

    def _code(self) -> str:
        return code_of(
            self.enc.source,
            list(dict.fromkeys(self.selection.sets[i] for i in self._shown)),
            layer=self._shown_setting[0],
            pooling=self.pooling.value,
            space=self.space.value,
            method=self._method,
            dimensions=self._dimensions,
            field=self.values()[0],
            colour=str(self.colour.value),
        )

    def _table(self) -> str:
        if not self._maps:
            raise InputError("There are no points yet: choose at least 3 sequences.")
        radii = self._made.radii
        return table_of(
            self.selection,
            self._shown,
            self.plane,
            self._method,
            self.values(),
            self.caption,
            radii,
        )


def _own(enc: Encoder) -> list[tuple[str, int | str]]:
    """Offer the model's own vector, of several layers side by side, where it has one."""
    layers = enc.embedding_layers
    if len(layers) == 1:
        return []
    return [(f"layers {'+'.join(map(str, layers))}", _OWN)]  # short: the menu is narrow
