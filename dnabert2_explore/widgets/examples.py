"""The examples that ship with the package, as sets of a selection."""

from __future__ import annotations

from collections.abc import Sequence as Items
from dataclasses import dataclass

from ..sequences import Sequence
from .core.state import MINE, Selection

__all__ = ["CODE", "LOCUS", "MOTIF", "OTHERS", "SPLICE", "WINDOWS", "Site", "fill", "shipped_set"]

WINDOWS = "Genome windows"
SPLICE = "Splice sites"
LOCUS = "Gene locus"
MOTIF = "Planted motif"

#: The sequences of a set, as one writes them in Python.
CODE = {
    WINDOWS: "dx.demo.windows()",
    SPLICE: "dx.demo.splice()",
    LOCUS: "[dx.demo.locus().sequence]",
    MOTIF: "dx.demo.motif()",
}
#: Those of any other set.
OTHERS = "list(dx.read_sequences('your_file.fa'))"


@dataclass(frozen=True, slots=True)
class Site:
    """A site of an example, in the shape of an annotated feature; 0-based half-open."""

    start: int
    end: int
    strand: str
    kind: str
    name: str


def shipped_set(name: str) -> list[Sequence]:
    """Return the sequences of a set that ships; none where the name is another."""
    from .. import demo

    made = {
        WINDOWS: demo.windows,
        SPLICE: demo.splice,
        LOCUS: lambda: [demo.locus().sequence],
        MOTIF: demo.motif,
    }
    return made[name]() if name in made else []


def fill(
    selection: Selection,
    sequences: Items[Sequence] | None = None,
    *,
    sets: Items[str] = (WINDOWS, SPLICE, LOCUS),
    first: str = "",
) -> None:
    """Put `sequences` into an empty selection, or the examples of `sets` where None are given.

    They may be given in any way that `embed` takes them. The first sequence of the set `first` is
    looked at, else the first of all.
    """
    if sequences is not None:
        selection.add(sequences, MINE)
        return
    from .. import demo

    with selection.together():
        if MOTIF in sets:
            planted = demo.motif()
            marked = {i: (_planted(one),) for i, one in enumerate(planted)}
            selection.add(planted, MOTIF, marked, look=False)
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
        if selection.sequences:
            selection.update(index=next(iter(selection.members(first)), 0))


def _planted(sequence: Sequence) -> Site:
    """Return the site that was written into the sequence, as :func:`demo.motif` says."""
    place, strand = sequence.fields, sequence.fields["strand"]
    name = "NFE2" if sequence.label == "planted" else "NFE2 shuffled"
    return Site(int(place["start"]), int(place["end"]), strand, f"{sequence.label} site", name)


def _sites(sequence: Sequence) -> tuple[Site, ...]:
    """Exon, intron and the two bases between them, as :func:`demo.splice` places them."""
    site = (98, 100) if sequence.label == "acceptor" else (100, 102)
    pair = sequence.bases[site[0] : site[1]]
    if sequence.label == "donor":
        return (
            Site(0, 100, "+", "exon", "exon"),
            Site(100, len(sequence), "+", "intron", "intron"),
            Site(*site, "+", "splice site", f"{pair} donor"),
        )
    if sequence.label == "acceptor":
        return (
            Site(0, 100, "+", "intron", "intron"),
            Site(100, len(sequence), "+", "exon", "exon"),
            Site(*site, "+", "splice site", f"{pair} acceptor"),
        )
    # A look-alike has its GT or AG where a site would have it.
    if sequence.bases[98:100] == "AG" and pair != "GT":
        site, pair = (98, 100), "AG"
    return (Site(*site, "+", "look-alike", f"{pair}, no site"),)
