"""Variants from CSV and TSV, in the form in which those of a VCF come."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from ...common.files import expanded
from ...errors import InputError
from ..reading.letters import whole_number
from ..reading.opening import open_path
from ..reading.read import suffix_of
from ..reading.table import Table
from .variant import Skipped, Variant, parse_variant
from .vcf import VcfReader, VcfRecord

__all__ = ["VariantTable", "as_variants", "column_names", "open_calls", "variants_in"]

#: What each column may be called, in any case.
COLUMNS = {
    "contig": ("contig", "chrom", "#chrom", "chromosome", "chr"),
    "position": ("position", "pos"),
    "ref": ("ref", "reference", "reference_allele"),
    "alt": ("alt", "alternative", "alternate", "alternate_allele"),
    "name": ("name", "id", "rsid", "variant_id"),
    "variant": ("variant",),
}
_OWN = {name for names in COLUMNS.values() for name in names}
_SUFFIXES = (".csv", ".tsv", ".txt")
_EXPECTED = "expected variants: a VCF, or a table with contig, position, ref and alt"


def column_names(columns: Iterable[str], source: str) -> dict[str, str]:
    """Find the columns of a table of variants.

    From ``contig``, ``position``, ``ref``, ``alt`` and ``name`` (or ``variant`` alone, such as
    ``chr1:1234 A>G``) to what the table calls them; one that is missing is an `InputError`.
    """
    lower = {column.lower(): column for column in columns}
    found = {
        ours: lower[next(name for name in names if name in lower)]
        for ours, names in COLUMNS.items()
        if any(name in lower for name in names)
    }
    missing = [name for name in ("contig", "position", "ref", "alt") if name not in found]
    if missing and "variant" not in found:
        raise InputError(
            f"{source} has no column {', '.join(missing)}; expected contig (or chrom), position "
            "(or pos, from 1), ref and alt, or variant such as 'chr1:1234 A>G': name them so."
        )
    return found


class VariantTable:
    """The variants of a CSV or TSV file, also compressed, read as `VcfReader` reads a VCF.

    Columns are contig (or chrom), position (or pos; from 1), ref, alt and, optionally, name (or
    id); or one column ``variant`` such as ``chr1:1234 A>G``. A file that cannot be read or has no
    such columns is an `InputError`. Attributes are those of a `VcfReader`; the header is that of an
    empty VCF.
    """

    contigs: tuple[str, ...] = ()
    problem = ""
    header: tuple[str, ...] = (
        "##fileformat=VCFv4.2",
        "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO",
    )

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = expanded(path)
        self.name = str(path)
        with open_path(self.path, _EXPECTED) as text:
            column_names(Table(text, self.name, _OWN, _OWN).columns, self.name)

    def __iter__(self) -> Iterator[VcfRecord]:
        with open_path(self.path, _EXPECTED) as text:
            table = Table(text, self.name, _OWN, _OWN)
            names = column_names(table.columns, self.name)
            for number, cells in table:
                where = f"{self.name}, line {number}"
                yield _record(cells, names, number, where)

    def count(self) -> int:
        """Count the rows."""
        return sum(1 for _ in self)


def _record(
    cells: Mapping[str, Any], names: Mapping[str, str], number: int, where: str
) -> VcfRecord:
    try:
        variant: Variant | None = _variant(cells, names, where)
        wrong = None
    except InputError as error:
        variant, wrong = None, Skipped("malformed", str(error))
    if variant is None:
        line = "\t".join(" ".join(str(cell).split()) for cell in cells.values())
        return VcfRecord(number, line, (), wrong)
    # A VCF has no empty cells or alleles, and no blanks within cells.
    texts = (variant.contig, variant.name, variant.ref or "-", variant.alt or "-")
    contig, name, ref, alt = ("_".join(text.split()) for text in texts)
    line = f"{contig}\t{variant.position + 1}\t{name or '.'}\t{ref}\t{alt}\t.\t.\t."
    return VcfRecord(number, line, (variant,), None)


def _variant(cells: Mapping[str, Any], names: Mapping[str, str], where: str) -> Variant:
    def cell(name: str) -> str:
        value = cells[names[name]] if name in names else ""
        return "" if value is None or value != value else str(value).strip()

    name = cell("name")
    name = "" if name == "." else name
    if "position" not in names:
        made = parse_variant(cell("variant"), where=where)
        return Variant(made.contig, made.position, made.ref, made.alt, name, where)
    written = cell("position")
    position = whole_number(written.replace(",", "").removesuffix(".0"))
    if not position:
        raise InputError(
            f"{where}: position {written!r} is no number from 1 on: mend the line, or leave it out."
        )
    if not cell("contig"):
        raise InputError(f"{where} has no contig: mend the line, or leave it out.")
    ref, alt = ("" if allele == "-" else allele for allele in (cell("ref"), cell("alt")))
    return Variant(cell("contig"), position - 1, ref, alt, name, where)


def open_calls(path: str | os.PathLike[str]) -> VcfReader | VariantTable:
    """Open a VCF, BCF, CSV or TSV of variants, told by what it is called and holds.

    One that is missing or none of these is an `InputError`.
    """
    if suffix_of(str(path)) not in _SUFFIXES:
        return VcfReader(path)
    with open_path(path, _EXPECTED) as text:
        first = next((line for line in text if line.strip()), "")
    return VcfReader(path) if first.startswith("##fileformat=VCF") else VariantTable(path)


def variants_in(given: Any) -> list[tuple[Variant, Skipped | None]]:
    """Return what `as_variants` takes, and what a file holds, each with what is wrong with it.

    A str that names no file and is written as a variant is one. What `as_variants` refuses, and a
    file that is missing or no such file, are an `InputError`.
    """
    if isinstance(given, str) and not expanded(given).exists():
        with suppress(InputError):  # else it is the path of a file, which says that it is missing
            return [(parse_variant(given), None)]
    if not isinstance(given, str | os.PathLike):
        return as_variants(given)
    found: list[tuple[Variant, Skipped | None]] = []
    for record in open_calls(given):
        found += [(one, None) for one in record.variants]
        if record.problem is not None:
            found.append((record.stand_in, record.problem))
    return found


def as_variants(given: Any) -> list[tuple[Variant, Skipped | None]]:
    """Return variants in memory, each with what is wrong with it.

    A Variant, or an iterable of them and of str such as ``"chr1:1234 A>G"``; or a pandas or polars
    DataFrame with the columns of a `VariantTable`. An item that is something else, or a str that is
    no variant, is an `InputError`.
    """
    columns = getattr(given, "columns", None)
    if columns is not None and not isinstance(given, Mapping):
        names = column_names([str(column) for column in columns], "The table")
        rows = given.to_dict("records") if hasattr(given, "to_dict") else given
        if hasattr(given, "iter_rows"):
            rows = given.iter_rows(named=True)
        found = [
            _record(cells, names, number, f"The table, row {number}")
            for number, cells in enumerate(rows, start=1)
        ]
        return [(one.variants[0] if one.variants else one.stand_in, one.problem) for one in found]
    made: list[tuple[Variant, Skipped | None]] = []
    many = hasattr(given, "__iter__") and not isinstance(given, Mapping | bytes)
    if not many and not isinstance(given, Variant):
        raise InputError(
            f"Variants were given as {type(given).__name__}; expected a file's path, a Variant, a "
            "list of these or of str such as 'chr1:1234 A>G' (position from 1), or a table: give "
            "one."
        )
    for number, one in enumerate([given] if isinstance(given, Variant) else given, start=1):
        if isinstance(one, str):
            one = parse_variant(one)
        if not isinstance(one, Variant):
            raise InputError(
                f"Variant {number} was given as {type(one).__name__}; expected a Variant, or a str "
                "such as 'chr1:1234 A>G' (position from 1): give one."
            )
        made.append((one, None))
    return made
