"""The sweeps: which sites stand where in each cell, and the bases that come of it."""

from __future__ import annotations

from collections.abc import Sequence as Items
from dataclasses import dataclass
from typing import NamedTuple

from ...common.names import check_name
from ...errors import InputError
from ...sequences import reverse_complement
from ...sequences.motifs.plant import plant

__all__ = ["MOVING", "SWEEPS", "Axis", "Design", "Place"]

#: Sweep -> what it varies, in words.
SWEEPS = {
    "position": "position and strand",
    "orientation": "position and orientation",
    "copies": "copies and the gap between them",
    "spacing": "spacing and strands of two motifs",
    "indel": "insertions and deletions",
}

#: Sweeps that move the site: their columns are positions.
MOVING = ("position", "orientation")

# Of each sweep's rows and columns: name, title; the rows' values, where they are the same in all.
_POSITION = ("position", "first base of the site (bp, counted from 1)")
_ROWS = {
    "position": ("strand", "strand", ("+", "-")),
    "orientation": ("orientation", "orientation", ("+", "-", "reversed", "complement")),
    "copies": ("copies", "copies", ()),
    "spacing": ("strands", "strands of the two", ("++", "+-", "-+", "--")),
    "indel": ("where", "where", ("before", "inside", "behind")),
}
_COLUMNS = {
    "position": _POSITION,
    "orientation": _POSITION,
    "copies": ("gap", "gap between copies (bp)"),
    "spacing": ("gap", "gap between the two sites (bp)"),
    "indel": ("change", "bases inserted (above 0) or deleted (below 0), bp"),
}
# Where nothing is asked for.
_GAPS, _SPACINGS, _INDELS = 20, 40, 10


@dataclass(frozen=True, slots=True)
class Axis:
    """One of the two things a sweep varies.

    Attributes
    ----------
    name : str
        As columns of a table are called.
    title : str
        As an axis of a figure is called, with its unit.
    values : tuple of int or str
        Positions are 0-based.
    """

    name: str
    title: str
    values: tuple[int, ...] | tuple[str, ...]

    def __len__(self) -> int:
        return len(self.values)


class Place(NamedTuple):
    """Where a site stands: bases [start, end), 0-based; which word (0 or 1), and turned how."""

    start: int
    end: int
    word: int
    turn: str


@dataclass(frozen=True, slots=True)
class Design:
    """Where sites of given lengths go in a background of a given length.

    Attributes
    ----------
    sweep : str
        One of `SWEEPS`.
    rows, columns : Axis
    at : int
        First base of the first site, where the sweep does not move it.
    lengths : tuple of int
        Of the words that are written: one, or two in the sweep of their spacing.
    """

    sweep: str
    rows: Axis
    columns: Axis
    at: int
    lengths: tuple[int, ...]

    @classmethod
    def make(
        cls,
        sweep: str,
        n_bases: int,
        lengths: tuple[int, ...],
        columns: Items[int] | None = None,
        copies: int = 5,
        at: int | None = None,
    ) -> Design:
        """Fill in what is not given; raise InputError without a cell, or where one does not fit."""
        check_name("Sweep", sweep, SWEEPS)
        if at is not None and sweep in MOVING:
            raise InputError(
                f"Sweep {sweep!r} moves the site, so at={at} has no part in it: give the positions "
                "as columns."
            )
        if columns is not None and not len(columns):
            raise InputError(
                "There is nothing to sweep: columns is empty; leave it out or give a number."
            )
        if copies < 1:
            raise InputError(f"{copies} copies are nothing to sweep: give at least 1.")
        name, title, rows = _ROWS[sweep]
        taken = lengths[0] * copies if sweep == "copies" else sum(lengths)
        if taken > n_bases:
            what = (
                f"{copies} copies of {lengths[0]} bp are"
                if sweep == "copies" and copies > 1
                else f"A motif of {lengths[0]} bp is"
                if len(lengths) == 1
                else f"Motifs of {lengths[0]} and {lengths[1]} bp are"
            )
            raise InputError(
                f"{what} longer than the background of {n_bases} bp: give a longer background."
            )
        if at is not None and not 0 <= at <= n_bases - taken:
            raise InputError(
                f"A site at position {at} (counted from 0) does not fit into a background of "
                f"{n_bases} bp: choose 0 to {n_bases - taken}."
            )
        values, at = _defaults(sweep, n_bases, lengths, columns, copies, at)
        varied = Axis(name, title, rows or tuple(range(1, copies + 1)))
        design = cls(sweep, varied, Axis(*_COLUMNS[sweep], values), at, lengths)
        design._check(n_bases)
        return design

    def places(self, row: int, column: int) -> tuple[Place, ...]:
        """Return where the sites of a cell stand, after insertions and deletions."""
        turn, value = self.rows.values[row], int(self.columns.values[column])
        first = self.lengths[0]
        if self.sweep == "copies":
            starts = [self.at + i * (first + value) for i in range(int(turn))]
            return tuple(Place(start, start + first, 0, "+") for start in starts)
        if self.sweep == "spacing":
            left, right = str(turn)[0], str(turn)[1]
            begin = self.at + first + value
            return (
                Place(self.at, self.at + first, 0, left),
                Place(begin, begin + self.lengths[1], 1, right),
            )
        if self.sweep == "indel":
            start, end = self.at, self.at + first
            shift = value if turn == "before" else 0
            grown = value if turn == "inside" else 0
            return (Place(start + shift, end + shift + grown, 0, "+"),)
        return (Place(value, value + first, 0, str(turn)),)

    def exists(self, row: int, column: int) -> bool:
        """Whether there is such a cell: no more bases can be deleted in a site than it has."""
        inside = self.sweep == "indel" and self.rows.values[row] == "inside"
        return not inside or -int(self.columns.values[column]) <= self.lengths[0]

    def write(
        self, bases: str, words: tuple[str, ...], row: int, column: int, only: int | None = None
    ) -> str:
        """Return a background with the sites of a cell in it, forward `words`, as long as before.

        `only` writes this one of two words alone.
        """
        if self.sweep == "indel":
            return self._moved(plant(bases, words[0], self.at), row, column)
        for place in self.places(row, column):
            if only is None or place.word == only:
                bases = plant(bases, _turned(words[place.word], place.turn), place.start)
        return bases

    def without(self, bases: str, row: int, column: int) -> str:
        """Return what a cell is compared with: the background, with its insertion or deletion."""
        return self._moved(bases, row, column) if self.sweep == "indel" else bases

    def _moved(self, bases: str, row: int, column: int) -> str:
        """Insert the last bases, or put bases that are taken out at the end.

        Bases are moved, never made: length and composition stay.
        """
        where, count = str(self.rows.values[row]), int(self.columns.values[column])
        length = self.lengths[0]
        if count >= 0:
            place = self.at + {"before": 0, "inside": length // 2, "behind": length}[where]
            kept = len(bases) - count
            return bases[:place] + bases[kept:] + bases[place:kept]
        gone = -count
        start = self.at + {"before": -gone, "inside": (length - gone) // 2, "behind": length}[where]
        return bases[:start] + bases[start + gone :] + bases[start : start + gone]

    def _check(self, n_bases: int) -> None:
        if self.sweep in ("copies", "spacing") and min(map(int, self.columns.values)) < 0:
            raise InputError("A gap is 0 bp or more: give gaps from 0.")
        reach = max(map(abs, map(int, self.columns.values))) if self.sweep == "indel" else 0
        for row in range(len(self.rows)):
            for column in range(len(self.columns)):
                places = self.places(row, column)
                low = min(place.start for place in places)
                high = max(place.end for place in places)
                if low < 0 or max(high, self.at + self.lengths[0] + reach) > n_bases:
                    raise InputError(
                        f"{self.columns.name.capitalize()} {self.columns.values[column]} does not "
                        f"fit into the background of {n_bases} bp: give smaller numbers or a "
                        "longer background."
                    )


def _turned(word: str, turn: str) -> str:
    if turn == "-":
        return reverse_complement(word)
    if turn == "reversed":
        return word[::-1]
    return reverse_complement(word)[::-1] if turn == "complement" else word


def _defaults(
    sweep: str,
    n_bases: int,
    lengths: tuple[int, ...],
    columns: Items[int] | None,
    copies: int,
    at: int | None,
) -> tuple[tuple[int, ...], int]:
    """Columns and place; the widest cell stands in the middle."""
    given = None if columns is None else tuple(sorted({int(value) for value in columns}))
    first = lengths[0]
    if sweep in MOVING:
        return given or tuple(range(n_bases - first + 1)), 0
    if sweep == "indel":
        at = (n_bases - first) // 2 if at is None else at
        most = min(_INDELS, at, n_bases - at - first)
        return given or tuple(range(-most, most + 1)), at
    gaps, taken = (copies - 1, copies * first) if sweep == "copies" else (1, sum(lengths))
    room = n_bases - (at or 0) - taken
    most = min(_GAPS if sweep == "copies" else _SPACINGS, room // gaps) if gaps else 0
    values = given or tuple(range(most + 1))
    widest = taken + gaps * max(values)
    return values, max(0, (n_bases - widest) // 2) if at is None else at
