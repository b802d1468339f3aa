"""The atlas: sequences as points, near when the model finds them alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence as Items
from html import escape
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
from ipywidgets import HTML, Dropdown, ToggleButtons
from numpy.typing import NDArray

from ..analysis.project import project
from ..delimited import csv_line, csv_lines, remark
from ..encoder import ATLAS_MODEL, POOLINGS, Encoder, load
from ..errors import InputError
from ..figures.atlas import atlas_scatter
from ..figures.colours import NOT_GIVEN, SYMBOLS, class_colours
from ..sequences import Sequence, gc_content
from .examples import SPLICE, WINDOWS, fill
from .explorer import LONGEST, Explorer, sentence
from .jobs import Job, JobBar
from .projection import project_apart
from .state import MINE, Selection

if TYPE_CHECKING:
    import plotly.graph_objects as go

__all__ = ["AtlasExplorer"]

# Embeddings of a model, by bases, layer and pooling: two atlases do not compute them twice.
_Key = tuple[str, int, str]
_known: WeakKeyDictionary[Encoder, dict[_Key, NDArray[np.float32]]] = WeakKeyDictionary()
_FOLLOW = "set looked at"
_CHUNK = 8  # sequences per hold of the network: other views wait no longer than this takes


class AtlasExplorer(Explorer):
    """See sequences as points, near each other when their embeddings are.

    PCA stands at once; UMAP is computed beside it and waits to be chosen. Click a point to look at
    its sequence, draw a lasso to choose several, Esc to let go.

    Class ``dx-atlas``; parts ``dx-projection``, ``dx-colour``, ``dx-embedding-layer``,
    ``dx-embedding-pooling``.

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
    reacts_to = frozenset({"sequences", "index", "chosen", "theme"})

    def __init__(
        self,
        enc: Encoder | None = None,
        sequences: Items[Sequence] | None = None,
        selection: Selection | None = None,
        points: str = "",
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
                (f"layer {i}" if i else "layer 0, the embeddings", i)
                for i in range(n_layers, -1, -1)
            ],
            tooltip="Hidden states of which layer",
        ).add_class("dx-embedding-layer")
        self.pooling = Dropdown(options=list(POOLINGS), tooltip="Pooling over tokens").add_class(
            "dx-embedding-pooling"
        )
        self._planes: dict[str, NDArray[np.float64]] = {}
        self._shown: tuple[int, ...] = ()
        self._shown_key: tuple[Any, ...] = ()
        self._left_out = 0
        self._umap_job: Job[Any] | None = None
        self._umap_bar = JobBar(self._umap_cancelled)
        self._quiet_colour = False
        self._height = 460
        self._legend = HTML().add_class("dx-legend")
        super().__init__(
            selection, [self.projection, self.points, self.colour, self.layer, self.pooling]
        )
        self.points.observe(self._on_embedding, names="value")
        self.projection.observe(self._on_projection, names="value")
        self.colour.observe(self._on_colour, names="value")
        self.layer.observe(self._on_embedding, names="value")
        self.pooling.observe(self._on_embedding, names="value")
        if selection is None:
            fill(self.selection, sequences, sets=(WINDOWS, SPLICE))
        self._offer_points()
        with self.points.hold_trait_notifications():
            self.points.value = points
        self._guarded(lambda: self._changed({"sequences"}))

    def _above(self) -> list[Any]:
        return [self._umap_bar]

    def _below(self) -> list[Any]:
        return [self._legend]

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
        key = (members, self.layer.value, self.pooling.value)
        if key == self._shown_key:
            self._draw()
            return
        self._shown_key, self._shown = key, members
        self._planes = {}
        self._offer_colours()
        self._stop_umap()
        layer, pooling = self.layer.value, self.pooling.value
        known = _known.setdefault(self.enc, {})
        texts = [self.selection.sequences[i].bases for i in members]
        if all((text, layer, pooling) in known for text in texts):
            self._embedded()
            return

        def work(progress: Any) -> None:
            for start in range(0, len(texts), _CHUNK):
                progress(start, len(texts))
                batch = texts[start : start + _CHUNK]
                part = [text for text in batch if (text, layer, pooling) not in known]
                if part:
                    vectors = self.enc.embed(part, pooling=pooling, layer=layer)
                    known.update(
                        ((t, layer, pooling), v) for t, v in zip(part, vectors, strict=True)
                    )

        self.plot.stale = True
        self._start("embedding sequences", work, lambda _nothing: self._embedded())

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

    @property
    def vectors(self) -> NDArray[np.float32]:
        """Embeddings of the points on show, shape (n, hidden)."""
        layer, pooling = self.layer.value, self.pooling.value
        known, sequences = _known[self.enc], self.selection.sequences
        return np.stack([known[sequences[i].bases, layer, pooling] for i in self._shown])

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
            height=self._height,
            legend=False,
            theme=selection.theme,
        )

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
        self._read_out.value = self._selected_line()
        self._legend.value = self._legend_line()
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
            f"{how} of {len(self._shown):,} sequences: {self.pooling.value} over the tokens of "
            f"{'the embeddings' if self.layer.value == 0 else f'layer {self.layer.value}'}, "
            f"coloured by {escape(self.values()[0])}. {state} "
            f"<span class='dx-model'>{escape(str(self.enc.info))}</span>",
            config={
                "modeBarButtons": [["lasso2d", "zoom2d", "pan2d", "resetScale2d"]],
                "scrollZoom": False,
            },
        )

    def _legend_line(self) -> str:
        """Classes with their colour and marker: laid out by the page, however many there are."""
        _, values = self.values()
        classes = [v for v in values if isinstance(v, str)]
        return "".join(
            f"<span>{marker_svg(colour, SYMBOLS[i % len(SYMBOLS)])}{escape(name)} "
            f"<i class='dx-hint'>{classes.count(name):,}</i></span>"
            for i, (name, colour) in enumerate(class_colours(classes).items())
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
        selection = self.selection
        names = list(dict.fromkeys(selection.sets[i] for i in self._shown))
        source = {
            "Genome windows": "dx.demo.windows()",
            "Splice sites": "dx.demo.splice()",
            "Gene locus": "[dx.demo.locus().sequence]",
        }
        parts = [source.get(n, "dx.read_sequences('your_file.fa')") for n in names]
        field, _ = self.values()
        colour = str(self.colour.value)
        value = {
            "gc": "[100 * gc_content(s.bases) for s in sequences]",
            "length": "[float(len(s)) for s in sequences]",
            "label": "[s.label or 'not given' for s in sequences]",
        }.get(colour, f"[s.fields.get({colour!r}, 'not given') for s in sequences]")
        more = "from dnabert2_explore.sequences import gc_content\n" if colour == "gc" else ""
        return (
            "import dnabert2_explore as dx\nfrom dnabert2_explore.figures import atlas_scatter\n"
            f"{more}\n"
            f"enc = dx.load({self.enc.source!r})\n"
            f"sequences = {' + '.join(parts)}\n"
            f"vectors = enc.embed(sequences, pooling={self.pooling.value!r}, "
            f"layer={self.layer.value})\n"
            f"plane = dx.project(vectors, method={self._method.lower()!r}, seed=0)\n"
            f"atlas_scatter(plane, [s.name for s in sequences], {value}, field={field!r}, "
            f"axis={self._method!r})"
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


_SHAPES = {
    "circle": "<circle cx='6' cy='6' r='5'/>",
    "square": "<rect x='1.5' y='1.5' width='9' height='9'/>",
    "diamond": "<path d='M6 0L12 6L6 12L0 6Z'/>",
    "triangle-up": "<path d='M6 1L11.5 11H.5Z'/>",
    "cross": "<path d='M4 0H8V4H12V8H8V12H4V8H0V4H4Z'/>",
    "pentagon": "<path d='M6 .5L11.7 4.7L9.5 11.3H2.5L.3 4.7Z'/>",
    "star": "<path d='M6 0L7.5 4.2H12L8.4 6.9L9.7 11.4L6 8.7L2.3 11.4L3.6 6.9L0 4.2H4.5Z'/>",
    "hexagram": "<path d='M6 0L8 3H12L10 6L12 9H8L6 12L4 9H0L2 6L0 3H4Z'/>",
}


def marker_svg(colour: str, symbol: str) -> str:
    """Draw a marker of the plot as a small inline picture."""
    return f"<svg viewBox='0 0 12 12' fill='{colour}' aria-hidden='true'>{_SHAPES[symbol]}</svg>"
