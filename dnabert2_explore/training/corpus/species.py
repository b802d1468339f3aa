"""The species table: which genome files belong to whom, and how often each is drawn."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from ...common.files import expanded
from ...errors import InputError
from ...sequences.reading.opening import open_path
from ...sequences.reading.read import SUFFIXES, suffix_of
from ...sequences.reading.table import Table

__all__ = ["SPLITS", "GenomeFile", "list_files", "read_table"]

SPLITS = ("train", "heldout", "skip")

_COLUMNS = {"file", "category"}
_OPTIONAL = {"species", "split", "weight"}
# Columns of the genome manifest that say nothing about sampling; anything else is a typing error.
_IGNORED = {"name", "records", "bp", "acgt_bp", "gc", "source", "licence", "license", "note"}

_USER = "user"


@dataclass(frozen=True, slots=True)
class GenomeFile:
    """One row of the species table.

    Files of one `species` are sampled as one; a species has one `category` (the group that is
    balanced first: ``bacteria``, ``mammal`` …), one `split` (``train``, ``heldout`` or ``skip``)
    and one `weight` (how often it is drawn, relative to the others; None where the table has no
    weights). `genome` is what the stretches are of, where the file is BED.
    """

    path: Path
    category: str
    species: str
    split: str
    weight: float | None = None
    genome: Path | None = None


def read_table(table: str | Path, folder: str | Path) -> list[GenomeFile]:
    """Read a species table (tab- or comma-separated, with a header).

    Parameters
    ----------
    table : path
        Columns: ``file`` (relative to `folder`), ``category``, and optionally ``species``
        (default: column ``name``, else the file's name), ``split`` (``train`` by default;
        ``heldout`` is never trained on; ``skip`` is not used at all) and ``weight`` (the share
        with which the species is drawn, relative to the others of its split, in place of the
        balance by size). The further columns of a genome manifest (``records``, ``bp``,
        ``acgt_bp``, ``gc``, ``source``, ``licence``, ``note``) are allowed and ignored.
    folder : path
        Where the files lie.

    Raises
    ------
    InputError
        For an unknown or missing column, a missing file, an unknown split, a file listed twice, a
        weight that is no positive number, or a species with two categories, splits or weights. The
        message names the line.
    """
    table, folder = expanded(table), expanded(folder)
    known = _COLUMNS | _OPTIONAL | _IGNORED
    with open_path(table, "expected a species table") as text:
        reader = Table(text, str(table), ("file", "category"), known)
        rows = list(reader)
    header = {column for column in reader.columns if column}
    if missing := _COLUMNS - header:
        raise InputError(
            f"{table}, line {reader.line}: no column {_quoted(missing)}; expected a tab-separated "
            "header with file, category, and optionally species, split and weight."
        )
    if unknown := header - _COLUMNS - _IGNORED - _OPTIONAL:
        raise InputError(
            f"{table}, line {reader.line}: unknown column {_quoted(unknown)}; expected only "
            "file, category, species, split, weight, "
            f"{', '.join(sorted(_IGNORED))}: rename or remove it."
        )
    files: list[GenomeFile] = []
    seen: dict[Path, int] = {}
    home: dict[str, tuple[GenomeFile, int]] = {}
    for line, row in rows:
        where = f"{table}, line {line}"
        if not row["file"] or not row["category"]:
            raise InputError(f"{where}: file or category is empty; fill both.")
        path = folder / row["file"]
        species = row.get("species") or row.get("name") or path.name.split(".")[0]
        split = row.get("split") or "train"
        if split not in SPLITS:
            raise InputError(f"{where}: split is {split!r}; expected one of {', '.join(SPLITS)}.")
        if not _is_file(path):
            raise InputError(f"{where}: no file {path}; correct the table or the genome folder.")
        if path in seen:
            raise InputError(f"{where}: {row['file']} is also on line {seen[path]}; list it once.")
        weight = _weight(row["weight"], where) if "weight" in header else None
        file = GenomeFile(path, row["category"], species, split, weight)
        first, its_line = home.setdefault(species, (file, line))
        if (first.category, first.split) != (file.category, split):
            raise InputError(
                f"{where}: {species} is {file.category}/{split} here and "
                f"{first.category}/{first.split} on line {its_line}; a species has one category "
                "and one split."
            )
        if first.weight != weight:
            raise InputError(
                f"{where}: {species} weighs {weight:g} here and {first.weight:g} on line "
                f"{its_line}; the weight is the species': write the same on all of its lines."
            )
        seen[path] = line
        files.append(file)
    if not files:
        raise InputError(f"{table}: no rows below the header; list at least one file.")
    return files


def list_files(source: str | Path, split: str = "train") -> list[GenomeFile]:
    """List sequence files that come without a species table: one file, or those in a folder.

    Each file counts as a species, all in one category. Where there is no such file or folder, or no
    sequence file in it, it is an `InputError`.
    """
    source = expanded(source)
    if _is_file(source):
        return [GenomeFile(source, _USER, source.name.split(".")[0], split)]
    if not source.is_dir():
        raise InputError(f"{source} is neither a file nor a folder; check the path.")
    found = sorted(path for path in source.iterdir() if suffix_of(path.name) in SUFFIXES)
    if not found:
        raise InputError(
            f"{source} holds no sequence file ({', '.join(SUFFIXES)}, also compressed); give "
            "another folder, or a species table that names the files."
        )
    # Whole names: two files may share what stands before the dot.
    return [GenomeFile(path, _USER, path.name, split) for path in found]


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that no file can have
        return False


def _weight(text: str | None, where: str) -> float:
    try:
        weight = float(text or "")
    except ValueError:
        weight = math.nan
    if not (math.isfinite(weight) and weight > 0):
        raise InputError(
            f"{where}: weight is {text or ''!r}; expected a number above 0 (or split skip for a "
            "species that is not to be drawn)."
        )
    return weight


def _quoted(names: set[str]) -> str:
    return ", ".join(repr(name) for name in sorted(names))
