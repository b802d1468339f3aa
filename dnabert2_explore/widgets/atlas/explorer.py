"""The atlas: sequences as points, near when the model finds them alike."""

from __future__ import annotations

from collections.abc import Sequence as Items
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from ipywidgets import HTML, Dropdown, ToggleButtons, VBox
from numpy.typing import NDArray

from ...analysis.project import fit_projection
from ...encoder import ATLAS_MODEL, POOLINGS, Encoder, load
from ...errors import InputError
from ...figures.atlas import atlas_scatter
from ...sequences import Sequence
from ..examples import SPLICE, WINDOWS, fill
from ..explorer import LONGEST, Explorer, sentence
from ..jobs import Job, JobBar
from ..limits import limits
from ..projection import project_apart
from ..state import MINE, Selection
from .choice import colour_options, colour_values, point_options, reference_and_placed
from .code import code_of
from .judgement import Judgement
from .legend import legend_line
from .panel import SelectionPanel
from .points import Points
from .spaces import SPACES, Spaces
from .words import selected_line, table_of

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
    its sequence, draw a lasso to choose several, Esc to let go. A panel below the map compares what
    is chosen with the rest (:class:`~dnabert2_explore.widgets.atlas.panel.SelectionPanel`).

    Class ``dx-atlas``; parts ``dx-projection``, ``dx-colour``, ``dx-space``,
    ``dx-embedding-layer``, ``dx-embedding-pooling``, ``dx-judged``.

    Parameters
    ----------
    enc : Encoder, optional
        The model that ships for embeddings by default (`dnabert2_explore.ATLAS_MODEL`).
    sequences : sequence of Sequence, optional
        The examples by default.
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
        "distances between groups mean little. Colour by GC content before reading groups as "
        "biology: much of what separates species is base composition. "
        "<cite>McInnes et al. 2018 (UMAP).</cite>"
    )
    reacts_to = frozenset({"sequences", "index", "chosen", "kept", "theme"})

    def __init__(
        self,
        enc: Encoder | None = None,
        sequences: Items[Sequence] | None = None,
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
            options=["PCA", "UMAP"], tooltips=["Largest variance", "Neighbourhoods"]
        ).add_class("dx-projection")
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
        self.space = Dropdown(
            options=list(SPACES), tooltip="Whose vectors: the model's, or what it is compared with"
        ).add_class("dx-space")
        self._planes: dict[str, NDArray[np.float64]] = {}
        self._shown: tuple[int, ...] = ()
        self._shown_key: tuple[Any, ...] = ()
        self._left_out = self._not_finite = self._n_reference = 0
        self._made_of = ""
        self._spaces = Spaces(self.enc)
        self._umap_job: Job[Any] | None = None
        self._umap_bar = JobBar(self._umap_cancelled)
        self._quiet_colour = False
        self._height = 460
        self._legend = HTML().add_class("dx-legend")
        self._classifier = classifier
        super().__init__(
            selection,
            [self.projection, self.points, self.colour, self.space, self.layer, self.pooling],
        )
        self.points.observe(self._on_embedding, names="value")
        self.projection.observe(self._on_projection, names="value")
        self.colour.observe(self._on_colour, names="value")
        self.layer.observe(self._on_embedding, names="value")
        self.pooling.observe(self._on_embedding, names="value")
        self.space.observe(self._on_embedding, names="value")
        if selection is None:
            fill(self.selection, sequences, sets=(WINDOWS, SPLICE))
        self._offer_points()
        with self.points.hold_trait_notifications():
            self.points.value = points
        self._guarded(lambda: self._changed({"sequences"}))

    def _above(self) -> list[Any]:
        return [self._umap_bar]

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
        self._planes = {}
        self._offer_colours()
        self._stop_umap()
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
            self._planes = {}
            self._draw()
            return
        fit, new = self._parts()
        made = fit_projection(fit, method="pca")
        self._planes["PCA"] = np.concatenate([made.plane, made.transform(new)])
        self.plot.stale = False
        self._draw()
        if (len(fit) <= _CHEAP and not limits().room) or self.projection.value == "UMAP":
            self._start_umap()

    def _leave_out_nan(self) -> None:
        """Take out points whose vectors are not finite: nothing can be said of where they lie."""
        finite = np.asarray(np.isfinite(self.vectors).all(axis=1))
        if not finite.all():
            self._not_finite = int((~finite).sum())
            self._n_reference = int(finite[: self._n_reference].sum())
            self._shown = tuple(i for i, fits in zip(self._shown, finite, strict=True) if fits)

    def _parts(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Vectors that the map is made of, and those that are placed in it."""
        # Fewer than three make no map: then all of them do.
        n = self._n_reference if self._n_reference >= 3 else len(self._shown)
        return self.vectors[:n], self.vectors[n:]

    def _points(self) -> Points:
        field, values = self.values()
        return Points(
            indices=self._shown,
            sequences=tuple(self.selection.sequences[i] for i in self._shown),
            vectors=self.vectors,
            field=field,
            values=values,
            about=f"{self.enc.info}, {self._spaces.words(*self._setting)}",
        )

    @property
    def _layer(self) -> int | None:
        """The layer chosen; None for the vector that the model calls its own."""
        return None if self.layer.value == _OWN else int(self.layer.value)

    @property
    def _setting(self) -> tuple[str, int | None, str]:
        return self.space.value, self._layer, self.pooling.value

    @property
    def vectors(self) -> NDArray[np.float32]:
        """Vectors of the points on show, shape (n, hidden)."""
        space, layer, pooling = self._setting
        return self._spaces.vectors(space, self._texts, layer, pooling)

    def _twin(self, points: Points, progress: Any, most: float) -> NDArray[np.float32] | float:
        """Vectors of the untrained twin, or the seconds they would take."""
        texts = tuple(s.bases for s in points.sequences)
        _, layer, pooling = self._setting
        cost = self._spaces.fill("twin", texts, layer, pooling, progress, most)
        return cost or Spaces(self.enc).vectors("twin", texts, layer, pooling)

    def _start_umap(self) -> None:
        fit, new = self._parts()

        def work(progress: Any) -> NDArray[np.float64]:
            return project_apart(fit, new, 0, lambda: progress(0, 0))

        def done(plane: NDArray[np.float64]) -> None:
            self._planes["UMAP"] = plane
            self._draw()

        def failed(error: Exception) -> None:
            self.say(sentence(error), error=True)

        self._umap_job = Job(
            work,
            lambda plane: self._guarded(lambda: done(plane)),
            failed,
            bar=self._umap_bar,
            what=f"UMAP of {len(fit):,} ({_umap_cost(len(fit))})",
            lock=self.selection.lock,
        ).start()

    def _stop_umap(self) -> None:
        if self._umap_job is not None:
            self._umap_job.cancel()
            self._umap_job = None

    def _umap_cancelled(self) -> None:
        self._umap_job = None
        self.say("UMAP was cancelled; PCA stays. Choose UMAP to start it again.")
        with self.selection.lock:
            self._draw()

    def wait(self, timeout: float | None = None) -> None:
        """Block until embedding and UMAP are done (for scripts and tests)."""
        super().wait(timeout)
        if self._umap_job is not None:
            self._umap_job.wait(timeout)
        self.panel.wait(timeout)
        self.judgement.wait(timeout)

    # Colours ------------------------------------------------------------------------------------

    def _offer_colours(self) -> None:
        offered = colour_options([self.selection.sequences[i] for i in self._shown])
        if tuple(self.colour.options) == tuple(offered):
            return
        before = self.colour.value
        self._quiet_colour = True
        try:
            self.colour.options = offered
            values = [value for _, value in offered]
            self.colour.value = before if before in values else values[0]
        finally:
            self._quiet_colour = False

    def values(self) -> tuple[str, list[str] | list[float]]:
        """Name, with unit, and values of the field the points are coloured by."""
        selection = self.selection
        return colour_values(
            self.colour.value,
            [selection.sequences[i] for i in self._shown],
            [selection.sets[i] for i in self._shown],
        )

    # Drawing ------------------------------------------------------------------------------------

    @property
    def _method(self) -> str:
        wanted = self.projection.value
        return wanted if wanted in self._planes else "PCA"

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
        plane = self._planes.get(self._method)
        if plane is None:
            return None
        selection = self.selection
        field, values = self.values()
        place = {index: at for at, index in enumerate(self._shown)}
        return atlas_scatter(
            plane,
            [selection.sequences[i].name for i in self._shown],
            values,
            field=field,
            axis=self._method,
            current=place.get(selection.index),
            chosen=[place[i] for i in selection.chosen if i in place],
            starred=self._starred(),
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
        if not self._planes:
            return
        points = self._points()
        self.panel.follow(points)
        (self.add_class if self.panel.shown else self.remove_class)("dx-with-chosen")
        self.judgement.follow(points, self._planes[self._method], self._method, self.space.value)
        self._read_out.value = selected_line(selection, self._shown, *self.values())
        self._legend.value = legend_line(self.values()[1], MINE, len(self._starred()))
        waiting = self.projection.value == "UMAP" and "UMAP" not in self._planes
        running = self._umap_job is not None and self._umap_job.running
        if "UMAP" in self._planes:
            state = "UMAP is ready." if self._method == "PCA" else ""
        elif running:
            state = "UMAP is being computed; until then this is PCA." if waiting else ""
        else:
            state = ""
        if self._left_out:
            state += f" {self._left_out:,} longer than {LONGEST:,} bp are left out."
        if self._not_finite:
            state += f" {self._not_finite:,} whose vectors hold NaN are left out."
        if n_placed := len(self._parts()[1]):
            state += f" {n_placed:,} of them are placed in the map of the others."
        how = {
            "PCA": "PCA",
            "UMAP": "UMAP (cosine distance, 15 neighbours, seed 0)",
        }[self._method]
        self._show(
            self._figure(),
            f"{how} of {len(self._shown):,} sequences: {self._spaces.words(*self._setting)}, "
            f"coloured by {escape(self.values()[0])}. {state} "
            f"<span class='dx-model'>{escape(str(self.enc.info))}</span>",
            config={
                "modeBarButtons": [["lasso2d", "zoom2d", "pan2d", "resetScale2d"]],
                "scrollZoom": False,
            },
        )

    # A person did something ---------------------------------------------------------------------

    def _on_projection(self, change: Any) -> None:
        def act() -> None:
            idle = self._umap_job is None or not self._umap_job.running
            if change["new"] == "UMAP" and "UMAP" not in self._planes and self._planes and idle:
                self.say("")
                self._start_umap()
            self._draw()

        self._guarded(act)

    def _on_colour(self, _change: Any) -> None:
        if not self._quiet_colour:
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
        elif kind == "deselect":
            self.selection.update(chosen=())
        elif kind == "key" and event["key"] in ("ArrowLeft", "ArrowRight"):
            self._step(-1 if event["key"] == "ArrowLeft" else 1)
        elif kind == "key" and event["key"] == "Escape":
            self.selection.clear()

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

    def _needs(self) -> tuple[int, ...]:
        return (*self._shown, *super()._needs())

    def _stem(self) -> str:
        return f"atlas-{self._method.lower()}"

    def _code(self) -> str:
        return code_of(
            self.enc.source,
            list(dict.fromkeys(self.selection.sets[i] for i in self._shown)),
            layer=self._layer,
            pooling=self.pooling.value,
            space=self.space.value,
            method=self._method,
            field=self.values()[0],
            colour=str(self.colour.value),
        )

    def _table(self) -> str:
        plane = self._planes.get(self._method)
        if plane is None:
            raise InputError("There are no points yet: choose at least 3 sequences.")
        return table_of(
            self.selection, self._shown, plane, self._method, self.values(), self.caption
        )


def _umap_cost(n: int) -> str:
    """Say what a UMAP takes: compiling it, and some 3 ms a point on one core."""
    return f"first time about {20 + n * 0.003:,.0f} s"


def _own(enc: Encoder) -> list[tuple[str, int | str]]:
    """Offer the model's own vector, of several layers side by side, where it has one."""
    layers = enc.embedding_layers
    if len(layers) == 1:
        return []
    return [(f"layers {'+'.join(map(str, layers))}", _OWN)]  # short: the menu is narrow
