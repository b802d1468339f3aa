"""The atlas: sequences as points, near when the model finds them alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence as Items
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from ipywidgets import HTML, Dropdown, ToggleButtons, VBox
from numpy.typing import NDArray

from ...analysis.project import project
from ...delimited import csv_line, csv_lines, remark
from ...encoder import ATLAS_MODEL, POOLINGS, Encoder, load
from ...errors import InputError
from ...figures.atlas import atlas_scatter
from ...figures.colours import NOT_GIVEN
from ...sequences import Sequence, gc_content
from ..examples import SPLICE, WINDOWS, fill
from ..explorer import LONGEST, Explorer, sentence
from ..jobs import Job, JobBar
from ..projection import project_apart
from ..state import MINE, Selection
from .code import code_of
from .judgement import Judgement
from .legend import legend_line
from .panel import SelectionPanel
from .points import Points
from .spaces import SPACES, Spaces

if TYPE_CHECKING:
    import plotly.graph_objects as go

__all__ = ["AtlasExplorer"]

_FOLLOW = "set looked at"
_PANEL, _LOWEST = 170, 300  # pixels that the panel takes from the map, and what it leaves it


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
            options=[(_FOLLOW, "")], tooltip="Which sequences are the points"
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
        self._left_out = 0
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

    def _members(self) -> tuple[int, ...]:
        """Return the set looked at (the first large one if that is small) and the person's own."""
        selection = self.selection
        if selection.current is None:
            return ()
        own = selection.members(MINE)
        if self.points.value:
            # What is looked at may lie outside: adding it would move all other points.
            return tuple(sorted({*selection.members(self.points.value), *own}))
        members = selection.members(selection.sets[selection.index])
        if len(members) < 3:
            names = dict.fromkeys(selection.sets)
            large = [s for s in names if s != MINE and selection.sets.count(s) >= 3]
            if large:
                members = selection.members(large[0])
                own = tuple(sorted({*own, selection.index}))
        return tuple(sorted({*members, *own}))

    def _offer_points(self) -> None:
        names = dict.fromkeys(self.selection.sets)
        options = [(_FOLLOW, ""), *((s, s) for s in names if self.selection.sets.count(s) >= 3)]
        if tuple(self.points.options) == tuple(options):
            return
        before = self.points.value
        with self.points.hold_trait_notifications():
            self.points.options = options
            self.points.value = before if before in [value for _, value in options] else ""

    def _changed(self, changed: set[str]) -> None:
        self._offer_points()
        every = self._members()
        members = tuple(i for i in every if len(self.selection.sequences[i]) <= LONGEST)
        self._left_out = len(every) - len(members)
        key = (members, self.space.value, self._layer, self.pooling.value)
        if key == self._shown_key:
            self._draw()
            return
        self._shown_key, self._shown = key, members
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
        if len(self._shown) < 3:
            self._planes = {}
            self._draw()
            return
        vectors = self.vectors
        self._planes["PCA"] = project(vectors, method="pca")
        self.plot.stale = False
        self._draw()
        self._start_umap(vectors)

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

    def _start_umap(self, vectors: NDArray[np.float32]) -> None:
        def work(progress: Any) -> NDArray[np.float64]:
            return project_apart(vectors, 0, lambda: progress(0, 0))

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
            what=f"UMAP of {len(vectors):,} sequences (the first one takes about 20 s)",
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
        sequences = [self.selection.sequences[i] for i in self._shown]
        names = list(dict.fromkeys(name for s in sequences for name in s.fields))
        texts = [
            name
            for name in names
            if 1 < len({s.fields.get(name, "") for s in sequences}) <= 40
            and name not in ("name", "description")
        ]
        if len({s.label for s in sequences if s.label is not None}) > 1:
            texts.append("label")
        preferred = [n for n in ("category", "label", "species") if n in texts]
        options = [*preferred, *(n for n in texts if n not in preferred)]
        offered = [(n, n) for n in options]
        offered += [("GC content (%)", "gc"), ("length (bp)", "length"), ("set", "set")]
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
        sequences = [self.selection.sequences[i] for i in self._shown]
        field = self.colour.value
        if field == "gc":
            return "GC content (%)", [100 * gc_content(s.bases) for s in sequences]
        if field == "length":
            return "length (bp)", [float(len(s)) for s in sequences]
        if field == "set":
            return "set", [self.selection.sets[i] for i in self._shown]
        if field == "label":
            return "label", [s.label if s.label is not None else NOT_GIVEN for s in sequences]
        return str(field), [s.fields.get(field, NOT_GIVEN) for s in sequences]

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
        starred = [place[i] for i in self._shown if selection.sets[i] == MINE]
        if len(starred) == len(place):  # nothing to stand out from
            starred = []
        return atlas_scatter(
            plane,
            [selection.sequences[i].name for i in self._shown],
            values,
            field=field,
            axis=self._method,
            current=place.get(selection.index),
            chosen=[place[i] for i in selection.chosen if i in place],
            starred=starred,
            height=self._drawn_height,
            legend=False,
            theme=selection.theme,
        )

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
        self.judgement.follow(points, self._planes[self._method], self._method, self.space.value)
        self._read_out.value = self._selected_line()
        self._legend.value = legend_line(self.values()[1])
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

    def _selected_line(self) -> str:
        selection = self.selection
        current = selection.current
        if current is None:
            return ""
        line = f"Looking at <b>{escape(current.name)}</b>"
        fields = current.fields
        detail = [escape(fields[name]) for name in ("species", "category") if name in fields]
        if not detail and current.label:
            detail = [escape(current.label)]
        if detail:
            line += f" ({', '.join(dict.fromkeys(detail))})"
        if selection.index not in self._shown:
            line += ", which is not among these points"
        if selection.chosen:
            field, values = self.values()
            place = {index: at for at, index in enumerate(self._shown)}
            inside = [values[place[i]] for i in selection.chosen if i in place]
            line += f". {len(inside):,} chosen"
            if inside and isinstance(inside[0], str):
                counts = Counter(inside).most_common()
                top = ", ".join(f"{n} {escape(str(v))}" for v, n in counts[:4])
                line += f": {top}{' …' if len(counts) > 4 else ''}"
            elif inside:
                line += f": {field} {np.mean(np.array(inside, dtype=float)):.4g} on average"
        return line + "."

    # A person did something ---------------------------------------------------------------------

    def _on_projection(self, change: Any) -> None:
        def act() -> None:
            idle = self._umap_job is None or not self._umap_job.running
            if change["new"] == "UMAP" and "UMAP" not in self._planes and self._planes and idle:
                self.say("")
                self._start_umap(self.vectors)
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
        field, values = self.values()
        lines = [
            remark(self.caption),
            csv_line(
                ["name", "set", f"{self._method}1", f"{self._method}2", field, "current", "chosen"]
            ),
        ]
        selection = self.selection
        lines += csv_lines(
            (
                selection.sequences[i].name, selection.sets[i], f"{x:.6g}", f"{y:.6g}", v,
                int(i == selection.index), int(i in selection.chosen),
            )
            for i, (x, y), v in zip(self._shown, plane, values, strict=True)
        )  # fmt: skip
        return "\n".join(lines) + "\n"


def _own(enc: Encoder) -> list[tuple[str, int | str]]:
    """Offer the model's own vector, of several layers side by side, where it has one."""
    layers = enc.embedding_layers
    if len(layers) == 1:
        return []
    return [(f"layers {', '.join(map(str, layers[:-1]))} and {layers[-1]}", _OWN)]
