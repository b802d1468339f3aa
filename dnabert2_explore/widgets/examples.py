"""The examples that ship with the package, as sets of a selection."""

from __future__ import annotations

from collections.abc import Sequence as Items
from dataclasses import dataclass
from typing import Any

from ..sequences import Sequence
from .state import MINE, Selection

__all__ = ["LOCUS", "SPLICE", "WINDOWS", "Site", "fill"]

WINDOWS = "Genome windows"
SPLICE = "Splice sites"
LOCUS = "Gene locus"


@dataclass(frozen=True, slots=True)
class Site:
    """A site of an example, in the shape of an annotated feature; 0-based half-open."""

    start: int
    end: int
    strand: str
    kind: str
    name: str


def fill(
    selection: Selection,
    sequences: Items[Sequence] | None = None,
    *,
    sets: Items[str] = (WINDOWS, SPLICE, LOCUS),
) -> None:
    """Put `sequences` into an empty selection, or the examples of `sets` where None are given."""
    if sequences is not None:
        selection.add(list(sequences), MINE)
        return
    from .. import demo

    with selection.together():
        if WINDOWS in sets:
            selection.add(demo.windows(), WINDOWS, look=False)
        if SPLICE in sets:
            splice = demo.splice()
            selection.add(
                splice,
                SPLICE,
                {i: site for i, s in enumerate(splice) if (site := _sites(s))},
                look=False,
            )
        if LOCUS in sets:
            locus = demo.locus()
            selection.add([locus.sequence], LOCUS, {0: tuple(locus.features)}, look=False)
        if selection.index < 0 and selection.sequences:
            selection.update(index=0)


def _sites(sequence: Any) -> tuple[Site, ...]:
    position = str(sequence.fields.get("position", ""))
    if not position.isdigit() or not int(position) < len(sequence) - 1:
        return ()
    start = int(position)
    return (Site(start, start + 2, "+", "splice site", sequence.label or ""),)
