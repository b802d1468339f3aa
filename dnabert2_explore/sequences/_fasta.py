"""FASTA, record by record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..errors import InputError
from ._letters import check_letters, strip_space
from .sequence import Sequence

__all__ = ["parse_fasta"]


def parse_fasta(lines: Iterable[str], source: str) -> Iterator[Sequence]:
    """Yield the records of FASTA text.

    Parameters
    ----------
    lines : iterable of str
        Lines with any line end.
    source : str
        What to call the text in messages.

    Raises
    ------
    InputError
        For text before the first ``>``, a header without a name, a name that comes twice, a
        record without bases, letters that are no nucleotide codes, or no record at all.
    """
    seen: dict[str, int] = {}
    header: tuple[int, str] | None = None
    body: list[str] = []
    for number, line in enumerate(lines, start=1):
        if line.lstrip().startswith(">"):  # indented where pasted from code
            if header is not None:
                yield _record(header, body, seen, source)
            header, body = (number, line), []
        elif header is not None:
            body.append(line)
        elif line.strip():
            raise InputError(
                f"{source}, line {number} ({line.strip()[:30]!r}) stands before the first header; "
                "expected a FASTA header that begins with '>': add one, for example '>my_sequence'."
            )
    if header is None:
        raise InputError(
            f"{source} is empty; expected at least one FASTA record: give a '>' header and bases."
        )
    yield _record(header, body, seen, source)


def _record(
    header: tuple[int, str], body: list[str], seen: dict[str, int], source: str
) -> Sequence:
    number, line = header
    words = line.lstrip()[1:].split(maxsplit=1)
    if not words:
        raise InputError(
            f"{source}, line {number} is a header without a name; expected '>name': name it."
        )
    name = words[0]
    if name in seen:
        raise InputError(
            f"{source} names two records {name!r} (lines {seen[name]} and {number}); expected "
            "every name once: rename one of them or remove the copy."
        )
    seen[name] = number
    bases = strip_space("".join(body))
    where = f"{source}, record {name!r}"
    if not bases:
        where = f"{where} (line {number})"
    check_letters(bases, where, enumerate(body, start=number + 1))
    description = words[1].rstrip() if len(words) > 1 else ""
    return Sequence(name=name, bases=bases, description=description)
