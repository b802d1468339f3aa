"""Stretches of a genome: from a BED file to sequences, and from a sequence to where it lies."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import IO

from ..errors import InputError
from ._letters import Told, whole_number
from ._open import open_bytes, open_path
from .genome import Genome
from .sequence import Sequence
from .transform import reverse_complement

__all__ = ["Place", "iter_bed", "place_of", "read_bed"]

_EXPECTED = "expected BED: contig, start and end in each line"
_SKIPPED = ("#", "track", "browser")
_NAMED = re.compile(
    r"(?:.*::)?(?P<contig>[^\s:]+(?::[^\s:]+)*):(?P<start>\d[\d,]*)-(?P<end>\d[\d,]*)"
    r"(?:\((?P<strand>[+-])\)|/rc)?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sequence lies on a genome.

    Attributes
    ----------
    contig : str
    start, end : int
        0-based, half-open.
    strand : str
        ``"+"`` or ``"-"``; the latter where the sequence is the reverse complement.
    """

    contig: str
    start: int
    end: int
    strand: str = "+"

    def base(self, index: int) -> int:
        """Return the place on the genome (0-based) of a base of the sequence (0-based)."""
        return self.start + index if self.strand == "+" else self.end - 1 - index


def read_bed(
    source: str | os.PathLike[str] | IO[bytes], genome: str | os.PathLike[str] | Genome
) -> list[Sequence]:
    """Read the stretches of a genome that a BED file names.

    Parameters
    ----------
    source : str, path-like or open binary file
        BED, also compressed: contig, start and end (0-based, half-open), then name, score and
        strand where there are any. A stretch on the strand ``-`` is reverse-complemented.
    genome : str, path-like or Genome
        FASTA (also compressed), 2bit, …: see `Genome`.

    Returns
    -------
    list of Sequence
        In the order of the file. The name is that of the BED, or ``chr1:99-200(+)`` as bedtools
        calls it; `Sequence.fields` holds ``contig``, ``start``, ``end`` and ``strand``.

    Raises
    ------
    InputError
        If a file cannot be read, or a line is no stretch of the genome; it is named.

    Examples
    --------
    >>> import io
    >>> genome = Genome.from_records([Sequence("chr1", "AACCGGTT")])
    >>> read_bed(io.BytesIO(b"chr1 2 6 peak 0 -"), genome)[0].bases
    'CCGG'
    """
    return list(iter_bed(source, genome))


def iter_bed(
    source: str | os.PathLike[str] | IO[bytes], genome: str | os.PathLike[str] | Genome
) -> Iterator[Sequence]:
    """Yield what `read_bed` returns, one stretch in memory at a time."""
    if hasattr(source, "read"):
        shown = str(getattr(source, "name", "The BED"))
        opened = open_bytes(bytes(source.read()), shown, _EXPECTED)
    else:
        shown, opened = os.fspath(source), open_path(source, _EXPECTED)
    held = nullcontext(genome) if isinstance(genome, Genome) else Genome(genome)
    empty = True
    with opened as lines, held as records:
        for sequence in _stretches(lines, shown, records):
            empty = False
            yield sequence
    if empty:
        raise InputError(f"{shown} names no stretch; {_EXPECTED}: choose another file.")


def _stretches(lines: Iterable[str], shown: str, genome: Genome) -> Iterator[Sequence]:
    told = Told(shown)
    for number, line in enumerate(lines, start=1):
        text = line.strip().lstrip("\ufeff")
        if not text or text.startswith(_SKIPPED):
            continue
        where = f"{shown}, line {number}"
        cells = [cell.strip() for cell in (text.split("\t") if "\t" in text else text.split())]
        numbers = [whole_number(cell) for cell in cells[1:3]]
        start, end = numbers if len(numbers) == 2 else (None, None)
        if start is None or end is None or not start < end:
            raise InputError(
                f"{where} ({text[:40]!r}) is no stretch; {_EXPECTED} (0-based, start below end): "
                "correct it."
            )
        contig = cells[0]
        if contig not in genome:
            some = ", ".join(genome.names[:4]) + (", …" if len(genome) > 4 else "")
            raise InputError(
                f"{where}: the genome has no record {contig!r} (it has {some}): give the genome "
                "that the file was made for."
            )
        length = genome.length(contig)
        if end > length:
            raise InputError(
                f"{where}: {contig} ends at {length:,}, before {end:,}: give the genome that the "
                "file was made for."
            )
        strand = cells[5] if len(cells) > 5 and cells[5] in ("+", "-") else "+"
        bases = genome.fetch(contig, start, end)
        name = cells[3] if len(cells) > 3 and cells[3] not in ("", ".") else ""
        place = {"contig": contig, "start": str(start), "end": str(end), "strand": strand}
        yield Sequence(
            told.unique(name or f"{contig}:{start}-{end}({strand})", number, "region"),
            reverse_complement(bases) if strand == "-" else bases,
            fields=place,
        )


def place_of(sequence: Sequence) -> Place | None:
    """Tell where a sequence lies, from its fields or its name.

    Names are read as samtools (``chr1:100-140``, from 1) and bedtools (``chr1:99-140(+)``, from 0)
    write them; which of the two it is, the length tells. None where nothing fits.

    Parameters
    ----------
    sequence : Sequence

    Examples
    --------
    >>> place_of(Sequence("chr1:100-103", "ACGT"))
    Place(contig='chr1', start=99, end=103, strand='+')
    >>> place_of(Sequence("peak::chr1:99-103(-)", "ACGT"))
    Place(contig='chr1', start=99, end=103, strand='-')
    >>> place_of(Sequence("chr1", "ACGT")) is None
    True
    """
    fields = sequence.fields
    start, end = (whole_number(str(fields.get(key, ""))) for key in ("start", "end"))
    contig, n = fields.get("contig", ""), len(sequence)
    if contig and start is not None and end == start + n:
        strand = fields.get("strand", "+")
        return Place(contig, start, end, strand if strand in ("+", "-") else "+")
    found = _NAMED.fullmatch(sequence.name)
    if found is None:
        return None
    first, last = (whole_number(found[key].replace(",", "")) for key in ("start", "end"))
    strand = found["strand"] or ("-" if sequence.name.endswith("/rc") else "+")
    if first is None or last is None:
        return None
    if last - first == n:
        return Place(found["contig"], first, last, strand)
    if last - first + 1 == n and first:
        return Place(found["contig"], first - 1, last, strand)
    return None
