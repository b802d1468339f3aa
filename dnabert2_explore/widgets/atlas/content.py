"""What an atlas shows: which points, their vectors, maps and colours."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...common.costs import LONG, duration
from ...common.names import Pooling
from ...encoder import Encoder
from ...errors import InputError
from ..core.controls import offer
from ..core.explorer import LONGEST, Explorer
from ..core.limits import limits
from .choice import MARK, RADIUS, colour_options, colour_values, point_options, reference_and_placed
from .chosen.panel import SelectionPanel
from .cloud import CloudView
from .growth import Growth
from .legend import Legend
from .mapping.judgement import Judgement
from .mapping.maps import LAYERS, MadeMap, Maps
from .mapping.spaces import GIVEN, Spaces
from .points import Points

if TYPE_CHECKING:
    from ipywidgets import Dropdown, ToggleButton, ToggleButtons

__all__ = ["OWN", "AtlasContent"]

#: Chosen in the menu of layers; None there would be nothing chosen.
OWN = "own"

_CHEAP = 1000  # points of which UMAP is made without being asked for


class AtlasContent(Explorer):
    """The part of `AtlasExplorer` that knows no page: points, vectors, maps, colours."""

    enc: Encoder
    plot: CloudView
    points: Dropdown
    colour: Dropdown
    space: Dropdown
    layer: Dropdown
    pooling: Dropdown
    projection: ToggleButtons
    three: ToggleButton
    panel: SelectionPanel
    judgement: Judgement
    _growth: Growth
    _legend: Legend
    _maps: Maps
    _spaces: Spaces
    _shown: tuple[int, ...]
    _shown_key: tuple[Any, ...]
    _valued: tuple[Any, ...]
    _left_out: int
    _not_finite: int
    _n_reference: int
    _version: int
    _frame: int
    _recalled: int | None
    _made_of: str

    # Which points -------------------------------------------------------------------------------

    def _offer_points(self) -> None:
        with self.points.hold_trait_notifications():
            offer(self.points, point_options(self.selection))

    def _changed(self, changed: set[str]) -> None:
        self._offer_points()
        if "marks" in changed:
            self._valued = ()
            self._offer_colours(newest=True)
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
        self._shown_key = key
        self._growth.show(0, 0, 0.0)
        self._take((*both[0], *both[1]))
        if self._spaces.ready(key[1], self._texts, *key[2:]):
            self._embedded()
            return
        self.plot.stale = True
        order = self._growth.order(*both)

        def work(progress: Any) -> int:
            import_module("sklearn.decomposition")  # 2 s the first time: not while others wait
            return self._spaces.begin(*self._asked(order), progress, LONG)

        self._start("embedding sequences", work, lambda n: self._begun(order[:n]))

    def _asked(self, indices: list[int]) -> tuple[str, tuple[str, ...], int | None, Pooling]:
        """Return what `Spaces` is asked for."""
        texts = tuple(self.selection.sequences[i].bases for i in indices)
        _, space, layer, pooling = self._shown_key
        return space, texts, layer, pooling

    def _take(self, indices: tuple[int, ...]) -> None:
        """Let these be the points; what was made of others goes."""
        wanted = set(indices)
        reference, placed = (tuple(i for i in part if i in wanted) for part in self._shown_key[0])
        self._shown = (*reference, *placed)
        self._n_reference, self._not_finite = len(reference), 0
        self._version += 1
        self._valued = ()
        self._maps.clear()
        self._offer_colours()
        self.judgement.stop()

    def _begun(self, some: list[int]) -> None:
        """Show the sequences that are embedded; say what the others take."""
        whole = len(self._shown_key[0][0]) + len(self._shown_key[0][1])
        if len(some) != len(self._shown):
            self._take(tuple(some))
        self._growth.show(len(some), whole, self._spaces.seconds_each)
        self._embedded()

    def _grow(self, wanted: int) -> None:
        """Add sequences to the map, twice as many at a time."""
        order = self._growth.order(*self._shown_key[0])
        target = min(2 * self._growth.n, wanted)
        asked = self._asked(order[:target])

        def work(progress: Any) -> None:
            self._spaces.fill(*asked, progress)

        def done(_nothing: None) -> None:
            self._begun(order[:target])
            if target < wanted:
                self._grow(wanted)

        self._start(f"embedding {target - self._growth.n:,} more sequences", work, done)

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
        growing = self._growth.n < self._growth.whole
        if len(fit) <= _CHEAP and wanted == "PCA" and not limits().room and not growing:
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
        return None if self.layer.value == OWN else int(self.layer.value)

    @property
    def _setting(self) -> tuple[str, int | None, Pooling]:
        return self.space.value, self._layer, self.pooling.value

    @property
    def _shown_setting(self) -> tuple[int | None, Pooling]:
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
        cost = self._spaces.seconds_each * len(texts)
        self._maps.start(
            method, self._dimensions, *self._parts(), spaces,
            f"about {duration(cost)}" if cost > LONG else "",
        )  # fmt: skip

    def _mapped(self) -> None:
        if self._method == LAYERS:
            last = self._made.planes.shape[0] - 1
            self._frame = last if self._recalled is None else min(self._recalled, last)
            self._recalled = None
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

    def _offer_colours(self, newest: bool = False) -> None:
        """Fill the list of colours; `newest` chooses what was marked last."""
        offered = colour_options([self.selection.sequences[i] for i in self._shown])
        if self._radii is not None:
            offered = [*offered, RADIUS]
        marked = [name for name, of in self.selection.marks.items() if {*self._shown} <= {*of}]
        offered += [(name, MARK + name) for name in marked]
        values = [value for _, value in offered]
        wanted = MARK + marked[-1] if newest and marked else self.colour.value
        if tuple(self.colour.options) == tuple(offered) and wanted == self.colour.value:
            return
        with self._silently():
            self.colour.options = offered
            self.colour.value = wanted if wanted in values else values[0]

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
            mark = selection.marks.get(colour.removeprefix(MARK))
            if colour.startswith(MARK) and mark is not None:
                found: Any = (colour.removeprefix(MARK), [mark[i] for i in self._shown])
            elif colour == RADIUS[1] and radii is not None:
                found = (RADIUS[0], radii[:, 0].tolist())
            else:
                found = colour_values(
                    colour,
                    [selection.sequences[i] for i in self._shown],
                    [selection.sets[i] for i in self._shown],
                )
            self._valued = (colour, found)
        name, values = self._valued[1]
        return name, values

    # Which map ----------------------------------------------------------------------------------

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
