"""VCF in, line by line with line numbers, and out again with nothing lost but what was added.

Records keep their text: a header that a strict parser would refuse or mend in silence (contigs that
are not declared, unknown INFO keys) stays as it was. BCF is read through pysam; compression and
indices of what is written are pysam's too.
"""

from __future__ import annotations

import gzip
import io
import os
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

from ...common.files import expanded
from ...errors import InputError
from ..reading.letters import whole_number
from ..reading.opening import open_binary
from .variant import Skipped, Variant

__all__ = ["PREFIX", "Info", "VcfReader", "VcfRecord", "VcfWriter", "check_contigs"]

#: Begins the INFO keys that are ours: found in an input, they are replaced.
PREFIX = "DX_"

_COLUMNS = ("#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO")
_BGZF_END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
_PYSAM = "BCF needs pysam, which does not exist for Windows: write the file as VCF first."


@dataclass(frozen=True, slots=True)
class VcfRecord:
    """One line of a VCF, as it was without the line end.

    Lines count from 1, header included; of a BCF, in the text it stands for. There is a variant for
    each alternative allele; none where ALT is ``.`` or the line is malformed. `problem` is what is
    wrong with the line as a whole.
    """

    line: int
    text: str
    variants: tuple[Variant, ...]
    problem: Skipped | None

    @property
    def stand_in(self) -> Variant:
        """A variant to name the line by where it has none."""
        cells = [*self.text.split("\t"), "", "", "", "", ""]
        position = (whole_number(cells[1]) or 0) - 1
        name = "" if cells[2] == "." else cells[2]
        return Variant(cells[0], position, cells[3], cells[4], name, f"line {self.line}")


class Calls(Protocol):
    """What a header is taken from: a `VcfReader`, or a table read as one."""

    name: str
    header: tuple[str, ...]
    contigs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Info:
    """Declaration of an INFO field with a "Float" or "String" for each alternative allele."""

    key: str
    kind: str
    meaning: str

    def __str__(self) -> str:
        text = self.meaning.replace('"', "'")
        return f'##INFO=<ID={self.key},Number=A,Type={self.kind},Description="{text}">'


class _Unpacked(io.RawIOBase):
    """Gzip data as it comes: where it breaks off, all that lies before has been given out."""

    def __init__(self, raw: io.BufferedReader) -> None:
        self._gzip = gzip.GzipFile(fileobj=raw)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._gzip.read1(len(buffer))
        buffer[: len(data)] = data
        return len(data)


class VcfReader:
    """The records of a VCF, ``.vcf.gz`` or BCF, in constant memory.

    Messages call the file by its `name`; `header` are all lines that begin with ``#``, and
    `contigs` those that it declares. `problem` is set when the end is reached: what is wrong with
    the file as a whole, such as that it breaks off; empty if nothing is. A file that is missing,
    empty, or no VCF is an `InputError`.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = expanded(path)
        self.name = str(path)
        self.problem = ""
        self.header = self._read_header()
        declared = (re.match(r"##contig=<(?:.*,)?ID=([^,>]+)", line) for line in self.header)
        self.contigs = tuple(found[1] for found in declared if found)

    def __iter__(self) -> Iterator[VcfRecord]:
        self.problem = ""
        columns = self.header[-1].count("\t") + 1
        for number, text in self._record_lines():
            yield self._record(number, text, columns)

    def count(self) -> int:
        """Count the records, without looking into them."""
        return sum(1 for _ in self._record_lines())

    def _record_lines(self) -> Iterator[tuple[int, str]]:
        return (one for one in self._lines() if one[1].strip() and not one[1].startswith("#"))

    def _read_header(self) -> tuple[str, ...]:
        header: list[str] = []
        for number, text in self._lines():
            if not header and not text.strip():
                continue
            if not header and not text.startswith("##fileformat=VCF"):
                raise InputError(
                    f"{self.name}, line {number} begins with {text[:20]!r}; expected "
                    "'##fileformat=VCF...': give a VCF, or put its header back."
                )
            if not text.startswith("#"):
                break
            header.append(text)
            if not text.startswith("##"):
                break
        if self.problem and not (header and header[-1].startswith("#CHROM")):
            raise InputError(self.problem)
        if not header:
            raise InputError(
                f"{self.name} is empty; expected a VCF: check the program that wrote it."
            )
        if tuple(header[-1].split("\t")[:8]) != _COLUMNS:
            raise InputError(
                f"{self.name}, line {len(header)}: the header has no line '#CHROM POS ID REF ALT "
                "QUAL FILTER INFO' with tabs between: put it back."
            )
        return tuple(header)

    def _record(self, number: int, text: str, columns: int) -> VcfRecord:
        where = f"{self.name}, line {number}"
        cells = text.split("\t")
        wrong = ""
        if len(cells) < 8:
            wrong = f"has {len(cells)} columns; expected the 8 or more of a VCF, with tabs between"
        elif len(cells) != columns:
            wrong = f"has {len(cells)} columns and the header {columns}"
        elif whole_number(cells[1]) is None:
            wrong = f"has POS {cells[1][:30]!r}; expected a number"
        elif not (cells[0] and cells[3] and cells[4]):
            wrong = "has an empty CHROM, REF or ALT"
        if wrong:
            malformed = Skipped("malformed", f"{where} {wrong}: mend the line.")
            return VcfRecord(number, text, (), malformed)
        contig, written, name, ref, alts = cells[:5]
        if alts == ".":
            none = Skipped("no_alt", f"{where}: there is no alternative allele to score.")
            return VcfRecord(number, text, (), none)
        position = (whole_number(written) or 0) - 1
        name = "" if name == "." else name
        variants = [Variant(contig, position, ref, alt, name, where) for alt in alts.split(",")]
        return VcfRecord(number, text, tuple(variants), None)

    def _lines(self) -> Iterator[tuple[int, str]]:
        """Yield every line with its number; where the file breaks off, say so in `problem`."""
        number = 0
        try:
            with open_binary(self.path) as raw:
                head = raw.peek(18)[:18]
                if not head:
                    return
                packed = head[:2] == b"\x1f\x8b"
                buffered = io.BufferedReader(_Unpacked(raw), 1 << 16) if packed else raw
                if buffered.peek(5)[:3] == b"BCF":
                    yield from self._bcf_lines()
                    return
                # Odd bytes come out as they went in.
                text = io.TextIOWrapper(buffered, "utf-8", "surrogateescape", newline="\n")
                for line in text:
                    number += 1
                    yield number, line.rstrip("\r\n").removeprefix("\ufeff")
                text.detach()
            if head[:4] == b"\x1f\x8b\x08\x04" and head[12:14] == b"BC" and not self._ended():
                self.problem = (
                    f"{self.name} lacks the block that ends a BGZF file, after line {number:,}: "
                    "records may be missing; download or copy it again."
                )
        except EOFError:
            self.problem = (
                f"{self.name} breaks off after line {number:,}, in the middle of its gzip data: "
                "records are missing; download or copy it again."
            )
        except (gzip.BadGzipFile, zlib.error) as error:
            self.problem = (
                f"{self.name} is damaged after line {number:,} ({error}): records are missing; "
                "download or copy it again."
            )

    def _ended(self) -> bool:
        with self.path.open("rb") as file:
            file.seek(0, os.SEEK_END)
            size = file.tell()
            file.seek(max(0, size - len(_BGZF_END)))
            return file.read() == _BGZF_END

    def _bcf_lines(self) -> Iterator[tuple[int, str]]:
        try:
            import pysam
        except ImportError as error:
            raise InputError(f"{self.name}: {_PYSAM}") from error
        number = 0
        with pysam.VariantFile(str(self.path)) as file:
            for line in str(file.header).splitlines():
                number += 1
                yield number, line
            try:
                for record in file:
                    number += 1
                    yield number, str(record).rstrip("\n")
            except OSError as error:
                self.problem = (
                    f"{self.name} breaks off after record {number:,} ({error}): records are "
                    "missing; download or copy it again."
                )


def check_contigs(reader: Calls, names: Iterable[str], rename: Mapping[str, str]) -> None:
    """Refuse a VCF of which the header declares no contig that the genome has.

    The `InputError` has the names of both, and what would mend it.
    """
    known = set(names)
    declared = [rename.get(name, name) for name in reader.contigs]
    if not declared or known.intersection(declared):
        return
    first = declared[0]
    bare = first.removeprefix("chr")
    other = bare if first.startswith("chr") else f"chr{first}"
    mend = (
        f"if {first} is {other}, say so with rename {first}={other} (and so on)"
        if other in known
        else "give the genome that the variants were called on"
    )
    raise InputError(
        f"{reader.name}: its header declares {', '.join(declared[:3])}"
        f"{', …' if len(declared) > 3 else ''}, and the genome has "
        f"{', '.join(sorted(known)[:3])}{', …' if len(known) > 3 else ''}: no name is in both; "
        f"{mend}."
    )


class VcfWriter:
    """Writes records with INFO fields added; use it in a ``with`` block.

    The path ends in ``.vcf``, or in ``.vcf.gz`` (compressed with BGZF, through pysam). The header
    of `source` is kept; what the input had under the keys of `fields` is left out. `notes` are
    further header lines, beginning with ``##``; `contigs`, names and lengths (bp), are declared
    where the header declares none.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        source: Calls,
        fields: Sequence[Info],
        notes: Sequence[str] = (),
        contigs: Mapping[str, int] | None = None,
    ) -> None:
        self.path = Path(path)
        self._fields = tuple(fields)
        self._file: Any = None
        ours = tuple(f"##INFO=<ID={field.key}," for field in fields)
        prefixes = tuple(note.partition("=")[0] + "=" for note in notes)
        kept = [line for line in source.header[:-1] if not line.startswith((*ours, *prefixes))]
        if not source.contigs:
            kept += [f"##contig=<ID={n},length={size}>" for n, size in (contigs or {}).items()]
        self._header = [*kept, *map(str, fields), *notes, source.header[-1]]

    def __enter__(self) -> VcfWriter:
        if self.path.suffix == ".gz":
            try:
                from pysam import BGZFile
            except ImportError as error:
                raise InputError(
                    f"{self.path}: compressing a VCF needs pysam, which does not exist for "
                    "Windows: write .vcf instead."
                ) from error
            self._file = BGZFile(str(self.path), "wb", None)
        else:
            self._file = self.path.open("wb")
        for line in self._header:
            self._put(line)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def write(self, record: VcfRecord, values: Mapping[str, Sequence[str]]) -> None:
        """Write a record, with a value by INFO key for each alternative allele, "." for none."""
        cells = record.text.split("\t")
        keys = {field.key for field in self._fields}
        kept = [
            part
            for part in cells[7].split(";")
            if part not in ("", ".") and part.partition("=")[0] not in keys
        ]
        kept += [
            f"{field.key}={','.join(values[field.key])}"
            for field in self._fields
            if any(value != "." for value in values.get(field.key, ()))
        ]
        cells[7] = ";".join(kept) or "."
        self._put("\t".join(cells))

    def _put(self, line: str) -> None:
        self._file.write(line.encode("utf-8", "surrogateescape") + b"\n")
