"""Stretches of a genome: from a BED file to sequences, and from a sequence to where it lies."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import IO

from ...common.kinds import checked
from ...errors import InputError
from ..reading.genome import Genome
from ..reading.letters import SourceWarnings, whole_number
from ..reading.opening import open_bytes, open_path
from ..sequence import Sequence
from ..transform import reverse_complement

__all__ = ["Place", "is_bed", "iter_bed", "place_of", "read_bed"]

_EXPECTED = "expected BED: contig, start and end in each line"
_SKIPPED = ("#", "track", "browser")
_BED = {"contig": 0, "start": 1, "end": 2, "name": 3, "strand": 5}
#: What the header of a table may call them, in lower case; the first one counts.
_HEADERS = {
    "contig": ("contig", "chrom", "chr", "chromosome", "seqid", "seqname"),
    "start": ("start", "chromstart", "chrom_start"),
    "end": ("end", "chromend", "chrom_end", "stop"),
    "name": ("name",),
    "strand": ("strand",),
    "label": ("label",),
}
_NAMED = re.compile(
    r"(?:.*::)?(?P<contig>[^\s:]+(?::[^\s:]+)*):(?P<start>\d[\d,]*)-(?P<end>\d[\d,]*)"
    r"(?:\((?P<strand>[+-])\)|/rc)?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sequence lies on a genome, 0-based and half-open.

    The strand is ``"-"`` where the sequence is the reverse complement.
    """

    contig: str
    start: int
    end: int
    strand: str = "+"

    def base(self, index: int) -> int:
        """Return the place on the genome (0-based) of a base of the sequence (0-based)."""
        return self.start + index if self.strand == "+" else self.end - 1 - index


@checked
def read_bed(
    source: str | os.PathLike[str] | IO[bytes],
    genome: str | os.PathLike[str] | Genome,
    *,
    labels: bool = False,
) -> list[Sequence]:
    """Read the stretches of a genome that a BED file, or a table, names.

    Parameters
    ----------
    source : str, path-like or open binary file
        BED, also compressed: contig, start and end (0-based, half-open), then name, score and
        strand where there are any. A stretch on the strand ``-`` is reverse-complemented. Or a
        table (tabs or commas) whose header names these columns (``chrom`` or ``contig``, ``start``,
        ``end``; ``name``, ``strand`` and ``label`` where there are any; others are left alone).
    genome : str, path-like or Genome
        FASTA (also compressed), 2bit, …: see `Genome`.
    labels : bool
        Take the names of a BED as labels, as a table's column ``label`` always is.

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
    return list(iter_bed(source, genome, labels=labels))


def iter_bed(
    source: str | os.PathLike[str] | IO[bytes],
    genome: str | os.PathLike[str] | Genome,
    *,
    labels: bool = False,
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
        for sequence in _stretches(lines, shown, records, labels):
            empty = False
            yield sequence
    if empty:
        raise InputError(f"{shown} names no stretch; {_EXPECTED}: choose another file.")


def is_bed(head: str) -> bool:
    """Tell whether text begins as BED does, or as a table of stretches."""
    for line in head.lstrip("\ufeff").splitlines():
        text = line.strip()
        if not text or (_columns(text) is None and text.startswith(_SKIPPED)):
            continue
        numbers = [whole_number(cell) for cell in _cells(text)[1:3]]
        numbered = len(numbers) == 2 and None not in numbers and text[0] not in ">;@"
        return numbered or _columns(text) is not None
    return False


def _cells(text: str, delimiter: str | None = None) -> list[str]:
    """Cells of a line: between tabs where there is one, else between blanks, as BED allows."""
    delimiter = delimiter or ("\t" if "\t" in text else None)
    return [cell.strip().strip('"') for cell in text.split(delimiter)]


def _columns(text: str) -> tuple[dict[str, int], str | None] | None:
    """Places of the columns that a header names, and what stands between them; None if it is none.

    Its column ``sequence`` makes a table one of sequences, whatever else it names.
    """
    delimiter = next((mark for mark in "\t,;" if mark in text), None)
    cells = [cell.lower() for cell in _cells(text.lstrip("#"), delimiter)]
    found = {
        name: cells.index(one)
        for name, ones in _HEADERS.items()
        for one in ones[::-1]
        if one in cells
    }
    if "sequence" in cells or not {"contig", "start", "end"} <= set(found):
        return None
    return found, delimiter


def _stretches(
    lines: Iterable[str], shown: str, genome: Genome, labels: bool
) -> Iterator[Sequence]:
    told = SourceWarnings(shown)
    columns, delimiter, table = _BED, None, False
    begun = False
    for number, line in enumerate(lines, start=1):
        text = line.strip("\ufeff \r\n") if table else line.strip("\ufeff \t\r\n")
        header = None if begun or not text else _columns(text)
        if header is not None:
            (columns, delimiter), table, begun = header, True, True
            continue
        if not text.strip() or text.startswith(_SKIPPED):
            continue
        begun = True
        where = f"{shown}, line {number}"
        cells = _cells(text, delimiter)
        row = {name: cells[at] for name, at in columns.items() if at < len(cells)}
        start, end = (whole_number(row.get(name, "")) for name in ("start", "end"))
        if start is None or end is None or not start < end:
            raise InputError(
                f"{where} ({text[:40]!r}) is no stretch; {_EXPECTED} (0-based, start below end): "
                "correct it."
            )
        contig = row["contig"]
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
        strand = row["strand"] if row.get("strand") in ("+", "-") else "+"
        bases = genome.fetch(contig, start, end)
        name = row.get("name", "")
        name = "" if name == "." else name
        label = row.get("label", "") or None
        if labels and label is None and name:
            label, name = name, ""
        place = {"contig": contig, "start": str(start), "end": str(end), "strand": strand}
        yield Sequence(
            told.unique(name or f"{contig}:{start}-{end}({strand})", number, "region"),
            reverse_complement(bases) if strand == "-" else bases,
            label=label,
            fields=place,
        )


def place_of(sequence: Sequence) -> Place | None:
    """Tell where a sequence lies, from its fields or its name.

    Names are read as samtools (``chr1:100-140``, from 1) and bedtools (``chr1:99-140(+)``, from 0)
    write them; which of the two it is, the length tells. None where nothing fits.

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
