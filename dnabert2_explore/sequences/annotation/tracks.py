"""A value for each base, as genome browsers read it: bedGraph and bigWig."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence as Items
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from ...common.delimited import word
from ...common.files import replacing
from ...errors import InputError
from ..sequence import Sequence
from .regions import Place, place_of

__all__ = ["SUFFIXES", "places_of", "write_track"]

#: What the name of a track ends in.
SUFFIXES = (".bedgraph", ".bw", ".bigwig")


def places_of(sequences: Items[Sequence]) -> list[Place]:
    """Say where each sequence lies, on the genome where it tells, else on itself.

    If two of them share bases, for which a track has one value, it is an `InputError`.

    Examples
    --------
    >>> [p.contig for p in places_of([Sequence("chr1:3-6", "ACGT"), Sequence("my own", "ACGT")])]
    ['chr1', 'my_own']
    """
    places = []
    for sequence in sequences:
        found = place_of(sequence) or Place(sequence.name, 0, len(sequence))
        places.append(Place(word(found.contig), found.start, found.end, found.strand))
    before: dict[str, tuple[int, str]] = {}
    order = sorted(range(len(places)), key=lambda i: (places[i].contig, places[i].start))
    for i in order:
        place, name = places[i], sequences[i].name
        end, other = before.get(place.contig, (0, ""))
        if other and place.start < end:
            raise InputError(
                f"{other!r} and {name!r} share bases of {place.contig}, for which a track has one "
                "value: write a table (.tsv), or give sequences that do not overlap."
            )
        before[place.contig] = place.end, name
    return places


def write_track(
    path: Path,
    sequences: Items[Sequence],
    values: Items[ArrayLike],
    sizes: Mapping[str, int] | None = None,
    name: str = "attribution",
) -> None:
    """Write a value for each base of sequences that do not overlap, whole or not at all.

    Sequences that say where they lie (a BED's, or names such as ``chr1:100-140``) are written in
    the coordinates of the genome, others in their own, under their name with ``_`` for blanks.
    Bases without a value (NaN) are left out.

    The path ends in ``.bedgraph``, or in ``.bw`` or ``.bigwig`` (needs pybigtools, extra
    ``[bigwig]``); `values` are (len(sequence),) each. `sizes` are lengths of contigs, which a
    bigWig holds, by default as far as there are values; `name` is that of a bedGraph's track.
    Sequences that overlap, a name that says no format, and pybigtools that is not installed are an
    `InputError`.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(
            f"{path} says no format; expected a name that ends in {', '.join(SUFFIXES)}: give one."
        )
    places = places_of(sequences)
    order = sorted(range(len(places)), key=lambda i: (places[i].contig, places[i].start))

    def rows() -> Iterator[tuple[str, int, int, float]]:
        for i in order:
            place = places[i]
            track = np.asarray(values[i], dtype=np.float64)
            for at, value in enumerate(track if place.strand == "+" else track[::-1]):
                if np.isfinite(value):
                    yield place.contig, place.start + at, place.start + at + 1, float(value)

    if path.suffix.lower() == ".bedgraph":
        with replacing(path) as temporary, temporary.open("w", encoding="utf-8") as handle:
            handle.write(f'track type=bedGraph name="{word(name)}"\n')
            for contig, start, end, value in rows():
                handle.write(f"{contig}\t{start}\t{end}\t{value:.6g}\n")
        return
    try:
        import pybigtools
    except ImportError as error:
        raise InputError(
            f"{path}: bigWig needs pybigtools, which is not installed: pip install "
            '-c constraints.txt -e ".[bigwig]", or write .bedgraph.'
        ) from error
    ends: dict[str, int] = {}
    for place in places:
        ends[place.contig] = max(ends.get(place.contig, 0), place.end)
    known = {contig: max(end, (sizes or {}).get(contig, 0)) for contig, end in ends.items()}
    with replacing(path) as temporary:
        # pybigtools opens by name and adds to what is there.
        part = temporary.with_name(f"{temporary.name}.bw")
        try:
            pybigtools.open(str(part), "w").write(known, rows())
            part.replace(temporary)
        finally:
            part.unlink(missing_ok=True)
