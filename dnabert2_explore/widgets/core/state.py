"""What is selected: one object that all views of a workbench share."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence as Items
from contextlib import contextmanager
from inspect import ismethod
from typing import Any
from weakref import WeakMethod

import traitlets

from ...errors import InputError
from ...figures.core.locus import FeatureLike
from ...sequences import Sequence
from ...sequences.annotation.annotations import Annotation
from ...sequences.given import as_sequences

__all__ = ["MINE", "Selection"]

#: Name of the set that pasted and uploaded sequences join.
MINE = "My sequences"

_TRACKED = (
    "sequences", "index", "bases", "view", "chosen", "kept", "drag", "theme", "annotated", "marks",
)  # fmt: skip


class Selection(traitlets.HasTraits):
    """The sequences at hand, the one looked at, and what of it is selected.

    Pass one selection to several explorers and they follow each other. Coordinates are 0-based and
    half-open.

    Attributes
    ----------
    sequences : tuple of Sequence
    sets : tuple of str
        Name of the set each sequence belongs to.
    index : int
        The sequence looked at, -1 for none.
    bases : tuple of int or None
        Selected stretch of that sequence.
    view : tuple of int or None
        Visible stretch of that sequence; None is all of it.
    chosen : tuple of int
        Sequences chosen in the atlas.
    kept : dict of str to tuple of int
        Selections of sequences that were given a name.
    drag : str
        What dragging on the base axis does: ``"zoom"``, ``"select"`` or ``"pan"``.
    theme : str
        ``"light"`` or ``"dark"``.
    annotations : dict of int to tuple of features
        Annotated features of a sequence, by its index.
    annotated : int
        How often `annotate` added some.
    marks : dict of str to dict of int to float
        Numbers that views gave sequences, by what they are and the sequence's index: colours of
        the atlas.
    lock : threading.RLock
        Held while listeners run: results of background work arrive from other threads.

    Examples
    --------
    >>> selection = Selection()
    >>> selection.add([Sequence("probe", "ACGTACGT")])
    >>> selection.update(bases=(2, 5))
    >>> selection.current.name, selection.bases
    ('probe', (2, 5))
    """

    sequences = traitlets.Tuple()
    sets = traitlets.Tuple()
    index = traitlets.Int(-1)
    bases = traitlets.Any(None, allow_none=True)
    view = traitlets.Any(None, allow_none=True)
    chosen = traitlets.Tuple()
    kept = traitlets.Dict()
    drag = traitlets.Enum(["zoom", "select", "pan"], default_value="zoom")
    theme = traitlets.Enum(["light", "dark"], default_value="light")
    annotated = traitlets.Int(0)
    marks = traitlets.Dict()

    def __init__(self, sequences: Items[Sequence] = (), name: str = MINE) -> None:
        super().__init__()
        self.lock = threading.RLock()
        self.group = uuid.uuid4().hex
        self.annotations: dict[int, tuple[FeatureLike, ...]] = {}
        self._listeners: list[Callable[[], Callable[[set[str]], None] | None]] = []
        self._pending: set[str] = set()
        self._depth = 0
        self.observe(self._note, names=list(_TRACKED))
        if not isinstance(sequences, tuple) or sequences:
            self.add(sequences, name)

    @traitlets.validate("bases", "view")
    def _span(self, proposal: Mapping[str, Any]) -> tuple[int, int] | None:
        span = proposal["value"]
        if span is None or self.current is None:
            return None
        n = len(self.current)
        start = max(0, min(int(span[0]), n - 1))
        return start, max(start + 1, min(int(span[1]), n))

    @property
    def current(self) -> Sequence | None:
        """The sequence looked at."""
        return self.sequences[self.index] if 0 <= self.index < len(self.sequences) else None

    @property
    def features(self) -> tuple[FeatureLike, ...]:
        """Annotation of the sequence looked at."""
        return self.annotations.get(self.index, ())

    def subscribe(self, listener: Callable[[set[str]], None]) -> Callable[[], None]:
        """Call `listener` with the names of the traits that changed, once per update.

        A method is held weakly: it is called for as long as its object lives. What is returned ends
        it, and may be called more than once.
        """
        reference = WeakMethod(listener) if ismethod(listener) else lambda: listener
        self._listeners.append(reference)

        def unsubscribe() -> None:
            if reference in self._listeners:
                self._listeners.remove(reference)

        return unsubscribe

    @contextmanager
    def together(self) -> Iterator[None]:
        """Collect the changes made inside into one notification."""
        with self.lock:
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1
                if not self._depth:
                    self._tell()

    def update(self, **changes: Any) -> None:
        """Set several traits with one notification.

        A new `index` clears the stretch and the zoom, and, when it lies in another set, what was
        chosen in the atlas; unless they are given too.
        """
        with self.together():
            if "index" in changes and changes["index"] != self.index:
                before, self.index = self.index, changes.pop("index")
                if before >= 0 and self.sets[before] != self.sets[self.index]:
                    changes = {"chosen": (), **changes}
                changes = {"bases": None, "view": None, **changes}
            for name, value in changes.items():
                setattr(self, name, value)

    def clear(self) -> None:
        """Unselect the stretch of bases and the chosen sequences; the zoom stays."""
        self.update(bases=None, chosen=())

    def add(
        self,
        sequences: Items[Sequence],
        name: str = MINE,
        annotations: Mapping[int, tuple[FeatureLike, ...]] | None = None,
        *,
        look: bool = True,
    ) -> None:
        """Add sequences, whatever `embed` takes, as (a part of) the set `name`.

        `annotations` are features by position in `sequences`; `look` looks at the first of them.
        InputError if a sequence has no bases.
        """
        sequences = as_sequences(sequences, least=0)
        empty = [s.name for s in sequences if not s.bases.strip()]
        if empty:
            raise InputError(
                f"Sequence {empty[0]!r} has no bases; expected at least one: leave it out."
            )
        first = len(self.sequences)
        with self.together():
            for place, features in (annotations or {}).items():
                self.annotations[first + place] = tuple(features)
            self.sets = (*self.sets, *[name] * len(sequences))
            self.sequences = (*self.sequences, *sequences)
            if len(sequences) and (look or self.index < 0):
                self.update(index=first)

    def annotate(self, annotation: Annotation) -> int:
        """Give sequences the features that a file has on them, in place of what they have.

        Returns how many sequences got some; InputError if none is one that the file speaks of.
        """
        found = annotation.match(self.sequences)
        self.annotations.update(found)
        self.annotated += 1
        return len(found)

    def mark(self, name: str, values: Mapping[int, float]) -> None:
        """Give sequences a number each, by which the atlas can colour them."""
        self.update(marks={**self.marks, name: dict(values)})

    def members(self, name: str) -> tuple[int, ...]:
        """Return the indices of the sequences of a set."""
        return tuple(i for i, own in enumerate(self.sets) if own == name)

    @property
    def peers(self) -> tuple[int, ...]:
        """Indices of the set of the sequence looked at; none without one."""
        return () if self.current is None else self.members(self.sets[self.index])

    def _note(self, change: Mapping[str, Any]) -> None:
        with self.lock:
            self._pending.add(change["name"])
            if not self._depth:
                self._tell()

    def _tell(self) -> None:
        # A listener may change the selection; what it changes is told in a next round.
        while self._pending:
            changed, self._pending = self._pending, set()
            self._depth += 1
            try:
                for reference in tuple(self._listeners):
                    listener = reference()
                    if listener is not None:
                        listener(changed)
                    elif reference in self._listeners:
                        self._listeners.remove(reference)
            finally:
                self._depth -= 1
