"""GenBank, EMBL and FASTQ through Biopython, and formats that are told by name only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ...errors import InputError, silenced
from ..sequence import Sequence
from .letters import SourceWarnings, check_letters, strip_space, whole_number

__all__ = ["FORMATS", "foreign_format", "parse_format", "told_format"]

#: Suffixes of the formats that Biopython reads, and its names of them.
FORMATS = {
    ".gb": "genbank",
    ".gbk": "genbank",
    ".gbff": "genbank",
    ".genbank": "genbank",
    ".embl": "embl",
    ".fq": "fastq",
    ".fastq": "fastq",
}
_NAMES = {"genbank": "GenBank", "embl": "EMBL", "fastq": "FASTQ"}
#: What its parsers raise for a file that is damaged.
FAULTS = (
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    AssertionError,
    NotImplementedError,
    OverflowError,
    RuntimeError,
)
_NEEDS = "expected sequences: give FASTA, a table with a 'sequence' column, GenBank or EMBL."


def told_format(first: str, suffix: str) -> str:
    """Return Biopython's name of the format that a first line begins, or ""."""
    if first.startswith("LOCUS "):
        return "genbank"
    if first.startswith("ID  "):
        return "embl"
    if first.startswith("@") and not first.startswith(("@HD\t", "@SQ\t", "@RG\t", "@PG\t")):
        return "fastq"
    return FORMATS.get(suffix, "")


def foreign_format(first: str) -> str:
    """Return what a first line says a file is, where that holds no sequences we read; else ""."""
    if first.startswith("CLUSTAL"):
        return "is a CLUSTAL alignment; expected unaligned sequences: save them as FASTA."
    if first.startswith("##gff"):
        return f"is GFF3, which holds features; {_NEEDS[:-1]}, such as what follows its '##FASTA'."
    if first.startswith("##fileformat=VCF"):
        return f"is a VCF, which holds variants; {_NEEDS[:-1]}, or score it with 'variants'."
    if first.startswith(("@HD\t", "@SQ\t", "@RG\t", "@PG\t")):
        return f"is SAM, which holds alignments; {_NEEDS}"
    if first.startswith(("#NEXUS", "# STOCKHOLM")):
        return "is an alignment; expected unaligned sequences: save them as FASTA."
    cells = first.split()
    numbers = [whole_number(cell) for cell in cells[1:3]]
    if first.startswith(("track ", "browser ")) or (len(numbers) == 2 and None not in numbers):
        return (
            "looks like BED, intervals without bases; expected sequences: give the genome too "
            "(--genome, read_bed(path, genome), or genome: in the settings of a pre-training)."
        )
    return ""


def parse_format(lines: Iterable[str], kind: str, source: str) -> Iterator[Sequence]:
    """Yield the records of GenBank, EMBL or FASTQ text; features and qualities are left out.

    What cannot be read as that, or a record without bases (a GenBank record may name the records it
    is made of instead), is an `InputError`.
    """
    told = SourceWarnings(source)
    count = 0
    for count, (name, description, bases) in enumerate(_records(lines, kind, source), start=1):
        where = f"{source}, record {name!r}"
        bases = strip_space(bases)
        check_letters(bases, where)
        name = told.unique(name, count, unit="records")
        yield Sequence(name, bases, description=description)
    if not count:
        raise InputError(
            f"{source} holds no {_NAMES[kind]} record; expected at least one: download it again."
        )


def _records(lines: Iterable[str], kind: str, source: str) -> Iterator[tuple[str, str, str]]:
    from Bio import BiopythonWarning, SeqIO
    from Bio.Seq import UndefinedSequenceError
    from Bio.SeqIO.QualityIO import FastqGeneralIterator

    count = 0
    text: Any = _Lines(lines)
    try:
        if kind == "fastq":
            for title, bases, _ in FastqGeneralIterator(text):
                count += 1
                name, *rest = title.split(maxsplit=1) or [f"read {count}"]
                yield name, "".join(rest), bases
            return
        with silenced(BiopythonWarning):
            records = list(SeqIO.parse(text, kind))
        for record in records:
            count += 1
            name = record.id if record.id not in ("", ".", "<unknown id>") else record.name
            yield (name or f"record {count}").split()[0], record.description, str(record.seq)
    except UndefinedSequenceError:
        raise InputError(
            f"{source}, record {count} holds no bases, only what it is made of; expected them "
            "under ORIGIN: download it as 'GenBank (full)'."
        ) from None
    except FAULTS as error:
        said = " ".join(str(error).split())[:100] or type(error).__name__
        raise InputError(
            f"{source} cannot be read as {_NAMES[kind]} after record {count} ({said}): download "
            "or copy it again."
        ) from error


class _Lines:
    """Lines as the open file that Biopython's parsers want, without a byte-order mark."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self._first = True

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        while self._first and not line.strip("\ufeff \t\r\n"):
            line = next(self._lines)
        line = line.lstrip("\ufeff") if self._first else line
        self._first = False
        return line.rstrip("\r\n") + "\n"

    def readline(self) -> str:
        return next(self, "")

    def read(self, size: int = -1) -> str:
        """Return nothing for 0, which is how a text file is told from a binary one."""
        return "" if size == 0 else "".join(self)
