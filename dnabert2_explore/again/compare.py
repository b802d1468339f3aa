"""Two tables beside each other: the same, or where they differ most."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..results.digests import sha256_of

__all__ = ["Comparison", "compare_input", "compare_models", "compare_numbers", "compare_tables"]

#: What of a model's entry is told of where it is another.
_OF_MODEL = {
    "sha256": "model: the weights' sha256",
    "dtype": "dtype",
    "attention": "attention backend",
    "device": "device",
}


def compare_input(file: Path, name: str, entry: Mapping[str, Any]) -> list[str]:
    """Say whether an input of `file` has other bytes than its entry tells; gone, an InputError."""
    place = Path(entry["path"])
    if not place.exists():
        raise InputError(f"{file} was made from {place}, which is not there: bring it back.")
    digest = entry.get("sha256")
    other = digest and place.is_file() and sha256_of(place) != digest
    return [f"input: {name} {place.name} has other bytes than it had"] if other else []


def compare_models(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Say in what two entries of a model differ."""
    return [
        f"{what} {before[name][:24]}, now {now[name][:24]}"
        for name, what in _OF_MODEL.items()
        if before[name] != now[name]
    ]


@dataclass
class Comparison:
    """What differs between two tables, in words, where anything does.

    `largest` is the largest difference of two numbers in the same place, and `where` that place:
    row, from 1, and column.
    """

    said: list[str] = field(default_factory=list)
    largest: float = 0.0
    where: str = ""

    def number(self, before: float, after: float, where: str) -> None:
        """Take in two numbers."""
        if before == after or (math.isnan(before) and math.isnan(after)):
            return
        apart = abs(before - after)
        apart = math.inf if math.isnan(apart) else apart
        if apart > self.largest:
            self.largest, self.where = apart, f"{where}: {before:.6g}, now {after:.6g}"


def compare_tables(before: str, after: str, delimiter: str = ",") -> Comparison:
    r"""Compare two tables cell by cell; lines that begin with ``#`` are remarks and left out.

    Examples
    --------
    >>> found = compare_tables("x,y\n1,a\n", "x,y\n1.5,a\n")
    >>> found.largest, found.where
    (0.5, 'row 1, column x: 1, now 1.5')
    """
    old, new = (_rows(text, delimiter) for text in (before, after))
    found = Comparison()
    if not old or not new:
        if old != new:
            found.said.append("one of the tables is empty")
        return found
    if old[0] != new[0]:
        gone = [name for name in old[0] if name not in new[0]]
        come = [name for name in new[0] if name not in old[0]]
        found.said.append(f"columns: without {gone}, with {come}" if gone or come else "columns")
        return found
    if len(old) != len(new):
        found.said.append(f"{len(old) - 1:,} rows, now {len(new) - 1:,}")
    words, first = 0, ""
    for number, (one, other) in enumerate(zip(old[1:], new[1:], strict=False), start=1):
        if len(one) != len(other):
            found.said.append(f"row {number}: {len(one)} cells, now {len(other)}")
            break
        for name, a, b in zip(old[0], one, other, strict=False):
            if a == b:
                continue
            where = f"row {number:,}, column {name}"
            try:
                found.number(float(a), float(b), where)
            except ValueError:
                words += 1
                first = first or f"{where}: {a[:40]!r}, now {b[:40]!r}"
    if words:
        found.said.append(f"{words:,} cells of text; {first}")
    return found


def _rows(text: str, delimiter: str) -> list[list[str]]:
    lines = (line for line in io.StringIO(text, newline="") if not line.startswith("#"))
    return list(csv.reader(lines, delimiter=delimiter))


def compare_numbers(name: str, before: object, after: object, found: Comparison) -> None:
    """Compare two arrays of a file, whatever they hold."""
    import numpy as np

    old, new = np.asarray(before), np.asarray(after)
    if old.shape != new.shape:
        found.said.append(f"{name}: shape {old.shape}, now {new.shape}")
        return
    if not np.issubdtype(old.dtype, np.number) or not np.issubdtype(new.dtype, np.number):
        apart = int(np.sum(old != new))
        if apart:
            found.said.append(f"{name}: {apart:,} entries")
        return
    same = (old == new) | (np.isnan(old) & np.isnan(new)) if old.dtype.kind == "f" else old == new
    if same.all():
        return
    gap = np.where(same, 0.0, np.abs(old.astype(float) - new.astype(float)))
    place = np.unravel_index(int(np.nanargmax(gap)), gap.shape)
    at = ", ".join(str(int(i)) for i in place)
    found.number(float(old[place]), float(new[place]), f"{name}[{at}]")
