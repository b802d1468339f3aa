"""Which sequences are points, and what they can be coloured by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence as Items

from ...figures.core.colours import NOT_GIVEN, OTHERS
from ...sequences import Sequence, gc_content
from ..core.state import MINE, Selection

__all__ = [
    "MARK",
    "RADIUS",
    "colour_options",
    "colour_values",
    "column_of",
    "numbers_of",
    "point_options",
    "reference_and_placed",
]

#: Words and key of a densMAP's local radius.
RADIUS = ("local radius (log)", "radius")
#: Before the name of numbers that another view gave the sequences.
MARK = "marked: "

_FOLLOW = "set looked at"
_FEWEST = 3  # sequences that make a map
_CLASSES = 40  # told apart by colour; where there are more, the rare ones are others
_FEW_NUMBERS = 12  # so many different ones are read as classes, such as those of clusters
#: What is no column of the sequences, or not only.
_OURS = ("gc", "length", "set", "label", RADIUS[1])
_COLUMN = "column "


def point_options(selection: Selection) -> list[tuple[str, str]]:
    """Return the sets that can be the points: words and name; "" follows what is looked at."""
    names = dict.fromkeys(selection.sets)
    large = [s for s in names if selection.sets.count(s) >= _FEWEST]
    return [(_FOLLOW, ""), *((s, s) for s in large)]


def reference_and_placed(
    selection: Selection, wanted: str, before: str
) -> tuple[str, tuple[int, ...], tuple[int, ...]]:
    """Choose the set that the map is made of, its members, and what is placed in it: none in both.

    A person's own sequences are placed in a map of others, where there are any: they are marked in
    it, and do not move it. `wanted` names a set, or is empty for the one looked at; `before` is the
    set that the map was made of last.
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


def column_of(colour: str) -> str:
    """Return the name of the column that a choice of colour stands for."""
    return colour.removeprefix(_COLUMN)


def numbers_of(values: Items[str]) -> list[float] | None:
    """Read a column of text as numbers, NaN where it is empty; None where it holds classes.

    Examples
    --------
    >>> numbers_of([str(i / 2) for i in range(20)])[:2], numbers_of(["1", "2"]), numbers_of(["a"])
    ([0.0, 0.5], None, None)
    """
    given = {value for value in values if value.strip()}
    if len(given) <= _FEW_NUMBERS:
        return None
    try:
        read = {value: float(value) for value in given}
    except ValueError:
        return None
    if len(given) <= _CLASSES and all(number.is_integer() for number in read.values()):
        return None
    return [read.get(value, float("nan")) for value in values]


def colour_options(sequences: Items[Sequence]) -> list[tuple[str, str]]:
    """Return the columns that tell sequences apart, then GC, length and set.

    Left out are columns of one value, and those in which every sequence has a text of its own.
    """
    names = list(dict.fromkeys(name for s in sequences for name in s.fields))
    texts = []
    for name in names:
        values = [s.fields.get(name, "") for s in sequences]
        n = len(set(values))
        tells = n <= _CLASSES or n < len(values) or numbers_of(values) is not None
        if n > 1 and tells and name not in ("name", "description"):
            texts.append((name, _COLUMN + name if name in _OURS else name))
    if len({s.label for s in sequences if s.label is not None}) > 1:
        texts.append(("label", "label"))
    first = ("category", "label", "species")
    texts.sort(key=lambda one: first.index(one[1]) if one[1] in first else len(first))
    return [*texts, ("GC content (%)", "gc"), ("length (bp)", "length"), ("set", "set")]


def colour_values(
    colour: str, sequences: Items[Sequence], sets: Items[str]
) -> tuple[str, list[str] | list[float]]:
    """Return name, with unit, and values of what the points are coloured by.

    A column of numbers gives numbers. Of a column with more than 40 classes the most frequent have
    colours, and the rest is one.
    """
    if colour == "gc":
        return "GC content (%)", [100 * gc_content(s.bases) for s in sequences]
    if colour == "length":
        return "length (bp)", [float(len(s)) for s in sequences]
    if colour == "set":
        return "set", list(sets)
    name = column_of(colour)
    if colour == "label":
        values = [s.label if s.label is not None else NOT_GIVEN for s in sequences]
    else:
        given = [s.fields.get(name, "") for s in sequences]
        numbers = numbers_of(given)
        if numbers is not None:
            return name, numbers
        values = [s.fields.get(name, NOT_GIVEN) for s in sequences]
    counts = Counter(values)
    if len(counts) > _CLASSES + 1:
        kept = {value for value, _ in counts.most_common(_CLASSES)}
        values = [v if v in kept or v == NOT_GIVEN else OTHERS for v in values]
    return name, values
