"""Which sequences are points, and what they can be coloured by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence as Items

from ...figures.colours import NOT_GIVEN, OTHERS
from ...sequences import Sequence, gc_content
from ..state import MINE, Selection

__all__ = [
    "MARK",
    "RADIUS",
    "colour_options",
    "colour_values",
    "point_options",
    "reference_and_placed",
]

#: Words and key of a densMAP's local radius.
RADIUS = ("local radius (log)", "radius")
#: Before the name of numbers that another view gave the sequences.
MARK = "marked: "

_FOLLOW = "set looked at"
_FEWEST = 3  # sequences that make a map
_CLASSES = 40  # told apart by colour; a column with more is names, a label with more has others


def point_options(selection: Selection) -> list[tuple[str, str]]:
    """Return the sets that can be the points: words and name; "" follows what is looked at."""
    names = dict.fromkeys(selection.sets)
    large = [s for s in names if selection.sets.count(s) >= _FEWEST]
    return [(_FOLLOW, ""), *((s, s) for s in large)]


def reference_and_placed(
    selection: Selection, wanted: str, before: str
) -> tuple[str, tuple[int, ...], tuple[int, ...]]:
    """Choose what the map is made of, and what is placed in it.

    A person's own sequences are placed in a map of others, where there are any: they are marked in
    it, and do not move it.

    Parameters
    ----------
    selection : Selection
    wanted : str
        Name of a set; empty for the one looked at.
    before : str
        The set that the map was made of last.

    Returns
    -------
    name : str
        The set it is made of.
    reference, placed : tuple of int
        Indices; none of them are in both.
    """
    if selection.current is None:
        return "", (), ()
    own = selection.members(MINE)
    looked = selection.sets[selection.index]
    name = wanted or looked
    if not wanted and (looked == MINE or selection.sets.count(looked) < _FEWEST):
        names = [s for s in dict.fromkeys(selection.sets) if s != MINE]
        large = [s for s in names if selection.sets.count(s) >= _FEWEST]
        if large:
            name = before if before in large else large[0]
            if looked not in (MINE, name):
                own = tuple(sorted({*own, selection.index}))
    reference = selection.members(name)
    inside = set(reference)
    return name, reference, tuple(i for i in own if i not in inside)


def colour_options(sequences: Items[Sequence]) -> list[tuple[str, str]]:
    """Return the columns that tell classes apart, then GC, length and set."""
    names = list(dict.fromkeys(name for s in sequences for name in s.fields))
    texts = [
        name
        for name in names
        if 1 < len({s.fields.get(name, "") for s in sequences}) <= _CLASSES
        and name not in ("name", "description")
    ]
    if len({s.label for s in sequences if s.label is not None}) > 1:
        texts.append("label")
    preferred = [n for n in ("category", "label", "species") if n in texts]
    every = [*preferred, *(n for n in texts if n not in preferred)]
    return [
        *((n, n) for n in every),
        ("GC content (%)", "gc"),
        ("length (bp)", "length"),
        ("set", "set"),
    ]


def colour_values(
    colour: str, sequences: Items[Sequence], sets: Items[str]
) -> tuple[str, list[str] | list[float]]:
    """Return name, with unit, and values of what the points are coloured by.

    Of a label with more than 40 classes the most frequent have colours, and the rest is one.
    """
    if colour == "gc":
        return "GC content (%)", [100 * gc_content(s.bases) for s in sequences]
    if colour == "length":
        return "length (bp)", [float(len(s)) for s in sequences]
    if colour == "set":
        return "set", list(sets)
    if colour == "label":
        values = [s.label if s.label is not None else NOT_GIVEN for s in sequences]
    else:
        values = [s.fields.get(colour, NOT_GIVEN) for s in sequences]
    counts = Counter(values)
    if len(counts) > _CLASSES + 1:
        kept = {value for value, _ in counts.most_common(_CLASSES)}
        values = [v if v in kept or v == NOT_GIVEN else OTHERS for v in values]
    return colour, values
