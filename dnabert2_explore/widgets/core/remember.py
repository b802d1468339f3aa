"""What views and selections remember: plain values that files and sessions hold, and back again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from itertools import groupby, islice
from typing import TYPE_CHECKING, Any

from ipywidgets import Checkbox, Dropdown, Text, ToggleButton, ToggleButtons, Widget
from traitlets import TraitError

from ...encoder.model_entry import model_entry
from ...errors import InputError
from ...results.records import packed, unpacked
from ...sequences import Sequence
from ..examples import Site, shipped_set
from .state import Selection

if TYPE_CHECKING:
    from .explorer import Explorer

__all__ = [
    "choices",
    "file_record",
    "recall",
    "recall_selection",
    "remembered",
    "remembered_selection",
]

_CHOICES = (Checkbox, Dropdown, Text, ToggleButton, ToggleButtons)
#: Buttons of every view that open a line below its heading.
_PASSING = ("help_button", "export_button")


def choices(parts: Mapping[str, Any]) -> dict[str, Widget]:
    """Pick the controls among the attributes of something, by their names."""
    return {
        name: one
        for name, one in parts.items()
        if isinstance(one, _CHOICES) and not name.startswith("_") and name not in _PASSING
    }


def remembered(view: Explorer) -> dict[str, Any]:
    """Return how a view is set: what JSON holds."""
    return {
        "settings": {
            name: one.value
            for name, one in view._settings().items()
            if isinstance(one.value, str | bool | int | float | None)
        },
        "more": view._memory(),
    }


def recall(view: Explorer, state: Mapping[str, Any]) -> list[str]:
    """Set a view as `remembered` found it; return, in words, what could not be set."""
    left = dict(state.get("settings", {}))
    controls = view._settings()
    # What one control offers may hang on another: as long as something fits, go round again.
    while left:
        failed = {}
        for name, value in left.items():
            control = controls.get(name)
            try:
                if control is None:
                    raise TraitError(name)
                if control.value != value:
                    control.value = value
            except TraitError:
                failed[name] = value
        if len(failed) == len(left):
            break
        left = failed
    view._guarded(lambda: view._recall(dict(state.get("more", {}))))
    return [f"{view.kind}: {name} cannot be {value!r} here" for name, value in left.items()]


def remembered_selection(
    selection: Selection, wanted: Iterable[int] | None = None
) -> dict[str, Any]:
    """Return a selection, or what concerns the `wanted` sequences of it, as JSON holds it."""
    kept = list(range(len(selection.sequences))) if wanted is None else sorted(set(wanted))
    place = {index: at for at, index in enumerate(kept)}

    def moved(indices: Iterable[int]) -> list[int]:
        return [place[i] for i in indices if i in place]

    runs, written, every = [], [], []
    for name, members in groupby(kept, key=lambda i: selection.sets[i]):
        own = [selection.sequences[i] for i in members]
        shipped = own == shipped_set(name)
        rows = [[s.name, s.bases, s.label, s.description, dict(s.fields)] for s in own]
        runs.append([name, len(own), shipped])
        every += rows
        written += [] if shipped else rows  # the package has them too
    return {
        "sequences": packed(json.dumps(written)),
        "sha256": hashlib.sha256(json.dumps(every).encode()).hexdigest(),
        "count": len(kept),
        "sets": runs,
        "annotations": {
            str(place[i]): [[f.start, f.end, f.strand, f.kind, f.name] for f in features]
            for i, features in selection.annotations.items()
            if i in place
        },
        "index": place.get(selection.index, -1),
        "bases": selection.bases,
        "view": selection.view,
        "chosen": moved(selection.chosen),
        "kept": {name: moved(members) for name, members in selection.kept.items()},
        "drag": selection.drag,
    }


def recall_selection(selection: Selection, state: Mapping[str, Any]) -> None:
    """Put what `remembered_selection` wrote in place of what a selection holds.

    InputError if the sequences were too many to be written down, or are no sequences.
    """
    if not isinstance(state.get("sequences"), str):
        raise InputError(
            f"The {state.get('count', 0):,} sequences were too long to be kept in the file: give "
            "them again."
        )
    try:
        written = iter(
            Sequence(str(name), str(bases), label, str(description), dict(fields))
            for name, bases, label, description, fields in json.loads(unpacked(state["sequences"]))
        )
        sequences: tuple[Sequence, ...] = ()
        for name, count, shipped in state["sets"]:
            own = shipped_set(name)[:count] if shipped else list(islice(written, count))
            sequences += tuple(own)
        sets = tuple(str(name) for name, count, _ in state["sets"] for _ in range(count))
        annotations: dict[int, tuple[Any, ...]] = {
            int(i): tuple(Site(int(a), int(b), *map(str, rest)) for a, b, *rest in features)
            for i, features in state["annotations"].items()
        }
        if len(sets) != len(sequences):
            raise ValueError("as many sets as sequences")
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"What was kept of the sequences cannot be read ({error}).") from error
    with selection.together():
        selection.update(bases=None, view=None, chosen=(), index=-1)
        selection.annotations.clear()
        selection.annotations.update(annotations)
        selection.sets = sets
        selection.sequences = sequences
        selection.update(
            index=int(state["index"]),
            bases=_pair(state["bases"]),
            view=_pair(state["view"]),
            chosen=tuple(state["chosen"]),
            kept={name: tuple(members) for name, members in state["kept"].items()},
            drag=state["drag"],
        )


def _pair(span: Any) -> tuple[int, int] | None:
    return None if span is None else (int(span[0]), int(span[1]))


def file_record(view: Explorer) -> dict[str, Any]:
    """Say where an exported figure or table comes from, and what it takes to make it again."""
    try:
        table = view.table
    except InputError:  # a figure may be there before any number is
        table = ""
    return {
        "what": "view",
        "view": view.kind,
        "models": {name: model_entry(enc) for name, enc in view._models().items()},
        "seed": 0,
        "parameters": remembered(view),
        "input": remembered_selection(view.selection, view._needs()),
        "table": packed(table),
        "table_sha256": hashlib.sha256(table.encode()).hexdigest(),
    }
