"""FASTA, line by line and record by record: the one place that says what its lines are.

Read by `parse_fasta`, by the index of a genome and by pre-training, so that a file holds the same
records whoever opens it: a byte-order mark, LF, CR LF or CR at line ends, blank lines, white space
within and around lines, ``;`` comments, and headers indented by pasting.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import Enum

from ...errors import InputError
from ..sequence import Sequence
from .letters import SourceWarnings, check_letters, read_words

__all__ = ["Line", "fasta_lines", "header_words", "parse_fasta", "starts_fasta"]


class Line(Enum):
    """What a line of a FASTA file is."""

    header = ">"
    bases = "bases"
    nothing = ""  # blank, or a comment


def starts_fasta(text: str) -> bool:
    """Tell whether the first line that says anything is a header."""
    for line in text.lstrip("\ufeff").splitlines():
        bare = line.strip()
        if bare and not bare.startswith(";"):
            return bare.startswith(">")
    return False


def fasta_lines(lines: Iterable[str], source: str) -> Iterator[tuple[int, Line, str]]:
    """Say of every line, with any line end, what it is.

    Its number from 1, its kind, and the text without white space around it; of a header without
    ``>``. Text before the first header, a header without a name, and no header at all are an
    `InputError`, which calls the text `source`.
    """
    begun = False
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if number == 1:
            text = text.lstrip("\ufeff").lstrip()
        if text.startswith(">"):
            begun = True
            text = text[1:].lstrip()
            if not text:
                raise InputError(
                    f"{source}, line {number} is a header without a name; expected '>name': name "
                    "it."
                )
            yield number, Line.header, text
        elif not text or text.startswith(";"):
            yield number, Line.nothing, ""
        elif begun:
            yield number, Line.bases, text
        else:
            raise InputError(
                f"{source}, line {number} ({text[:30]!r}) stands before the first header; "
                "expected a FASTA header that begins with '>': add one, for example '>my_sequence'."
            )
    if not begun:
        raise InputError(
            f"{source} is empty; expected at least one FASTA record: give a '>' header and bases."
        )


def header_words(text: str) -> tuple[str, str]:
    """Part a header into name and description.

    Examples
    --------
    >>> header_words("chr1 the first")
    ('chr1', 'the first')
    """
    name, *rest = text.split(maxsplit=1)
    return name, rest[0] if rest else ""


def parse_fasta(lines: Iterable[str], source: str) -> Iterator[Sequence]:
    """Yield the records of FASTA text, whose lines have any line end.

    A name that an earlier record has gets a number behind it, and a warning says so. What
    `fasta_lines` refuses, a record without bases, and letters that are no nucleotide codes are an
    `InputError`, which calls the text `source`.
    """
    told = SourceWarnings(source)
    header: tuple[int, str] | None = None
    body: list[str] = []
    for number, kind, text in fasta_lines(lines, source):
        if kind is Line.header:
            if header is not None:
                yield _record(header, body, told)
            header, body = (number, text), []
        elif header is not None:
            body.append(text)  # nothings too, so that places in the body tell the line
    assert header is not None  # fasta_lines refuses a text without one
    yield _record(header, body, told)


def _record(header: tuple[int, str], body: list[str], told: SourceWarnings) -> Sequence:
    number, text = header
    name, description = header_words(text)
    where = f"{told.source}, record {name!r}"
    bases = "".join(body)
    # Looked at without a copy: a chromosome is large.
    if not all(line.isprintable() and " " not in line for line in body):
        bases = read_words(" ".join(body), told, f", record {name!r}")
    if not bases:
        where = f"{where} (line {number})"
    check_letters(bases, where, enumerate(body, start=number + 1))
    return Sequence(name=told.unique(name, number), bases=bases, description=description)
