"""The species table: which genome files belong to whom, and how often each is drawn."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError

__all__ = ["SPLITS", "GenomeFile", "list_files", "read_table"]

SPLITS = ("train", "heldout", "skip")

_COLUMNS = {"file", "category"}
_OPTIONAL = {"species", "split", "weight"}
# Columns of the genome manifest that say nothing about sampling; anything else is a typing error.
_IGNORED = {"name", "records", "bp", "acgt_bp", "gc", "source", "licence", "license", "note"}

#: Suffixes of sequence files, looked for in a folder without a table (also compressed).
_SUFFIXES = (".fa", ".fasta", ".fna", ".csv", ".tsv")
_PACKED = (".gz", ".bz2", ".xz")
_USER = "user"


@dataclass(frozen=True, slots=True)
class GenomeFile:
    """One row of the species table.

    Parameters
    ----------
    path : pathlib.Path
        The sequence file.
    category : str
        Group that is balanced first (``bacteria``, ``mammal`` …).
    species : str
        Files of one species are sampled as one; a species has one category, split and weight.
    split : str
        ``train``, ``heldout`` or ``skip``.
    weight : float or None
        How often the species is drawn, relative to the others; None where the table has no
        weights.
    """

    path: Path
    category: str
    species: str
    split: str
    weight: float | None = None


def read_table(table: str | Path, folder: str | Path) -> list[GenomeFile]:
    """Read a species table (tab-separated, with a header).

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
    table, folder = Path(table), Path(folder)
    try:
        text = table.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{table}: cannot be read ({error}); expected a species table.") from error
    rows = csv.DictReader(text.splitlines(), delimiter="\t")
    header = set(rows.fieldnames or ())
    if missing := _COLUMNS - header:
        raise InputError(
            f"{table}, line 1: no column {_quoted(missing)}; expected a tab-separated header "
            "with file, category, and optionally species, split and weight."
        )
    if unknown := header - _COLUMNS - _IGNORED - _OPTIONAL:
        raise InputError(
            f"{table}, line 1: unknown column {_quoted(unknown)}; expected only file, category, "
            f"species, split, weight, {', '.join(sorted(_IGNORED))}: rename or remove it."
        )
    files: list[GenomeFile] = []
    seen: dict[Path, int] = {}
    home: dict[str, tuple[GenomeFile, int]] = {}
    for line, row in enumerate(rows, start=2):
        where = f"{table}, line {line}"
        if not row["file"] or not row["category"]:
            raise InputError(f"{where}: file or category is empty; fill both.")
        path = folder / row["file"]
        species = row.get("species") or row.get("name") or path.name.split(".")[0]
        split = row.get("split") or "train"
        if split not in SPLITS:
            raise InputError(f"{where}: split is {split!r}; expected one of {', '.join(SPLITS)}.")
        if not path.is_file():
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

    Each file counts as a species, all in one category.

    Raises
    ------
    InputError
        If there is no such file or folder, or no sequence file in the folder.
    """
    source = Path(source).expanduser()
    if source.is_file():
        return [GenomeFile(source, _USER, source.name.split(".")[0], split)]
    if not source.is_dir():
        raise InputError(f"{source} is neither a file nor a folder; check the path.")
    endings = tuple(s + packed for s in _SUFFIXES for packed in ("", *_PACKED))
    found = sorted(path for path in source.iterdir() if path.name.lower().endswith(endings))
    if not found:
        raise InputError(
            f"{source} holds no sequence file ({', '.join(_SUFFIXES)}, also compressed); give "
            "another folder, or a species table that names the files."
        )
    # Whole names: two files may share what stands before the dot.
    return [GenomeFile(path, _USER, path.name, split) for path in found]


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
