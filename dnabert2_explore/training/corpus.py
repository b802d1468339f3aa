"""Genomes on disk -> balanced random windows, the same ones for the same seed and step."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..sequences._open import open_path

__all__ = ["SPLITS", "Corpus", "GenomeFile", "SpeciesBases", "Window", "read_table"]

SPLITS = ("train", "heldout", "skip")

_COLUMNS = {"file", "category"}
# Columns of the genome manifest that say nothing about sampling; anything else is a typing error.
_IGNORED = {"name", "records", "bp", "acgt_bp", "gc", "source", "licence", "license", "note"}

_IS_ACGT = np.zeros(256, dtype=bool)
_IS_ACGT[np.frombuffer(b"ACGT", dtype=np.uint8)] = True
_UPPER = np.arange(256, dtype=np.uint8)
_UPPER[ord("a") : ord("z") + 1] -= 32
_UPPER[ord("U")] = _UPPER[ord("u")] = ord("T")
_COMPLEMENT = np.arange(256, dtype=np.uint8)
_COMPLEMENT[np.frombuffer(b"ACGT", dtype=np.uint8)] = np.frombuffer(b"TGCA", dtype=np.uint8)


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
        Files of one species are sampled as one; a species has one category and one split.
    split : str
        ``train``, ``heldout`` or ``skip``.
    """

    path: Path
    category: str
    species: str
    split: str


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of A, C, G and T drawn from a genome, already turned to its strand.

    Parameters
    ----------
    bases : str
        Upper-case bases.
    category, species : str
        Where it comes from.
    strand : str
        ``+`` as in the file, ``-`` reverse complement.
    """

    bases: str
    category: str
    species: str
    strand: str


@dataclass(frozen=True, slots=True, eq=False)
class SpeciesBases:
    """All usable stretches of one species, laid end to end.

    Parameters
    ----------
    category, species : str
        Names from the table.
    bases : (n,) uint8
        ASCII codes of A, C, G and T.
    starts, lengths : (stretches,) int64
        Every stretch between two unknown bases or record ends, at least ``shortest`` long.
    shortest : int
        Windows start no closer than this to the end of their stretch.
    """

    category: str
    species: str
    bases: NDArray[np.uint8]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    shortest: int

    @property
    def positions(self) -> NDArray[np.int64]:
        """Cumulative number of possible window starts, one entry a stretch."""
        return np.cumsum(self.lengths - self.shortest + 1)

    def __len__(self) -> int:
        return len(self.bases)


def read_table(table: str | Path, folder: str | Path) -> list[GenomeFile]:
    """Read a species table (tab-separated, with a header).

    Parameters
    ----------
    table : path
        Columns: ``file`` (relative to `folder`), ``category``, and optionally ``species``
        (default: column ``name``, else the file's name) and ``split`` (``train`` by default;
        ``heldout`` is never trained on; ``skip`` is not used at all). The further columns of a
        genome manifest (``records``, ``bp``, ``acgt_bp``, ``gc``, ``source``, ``licence``,
        ``note``) are allowed and ignored.
    folder : path
        Where the files lie.

    Raises
    ------
    InputError
        For an unknown or missing column, a missing file, an unknown split, a file listed twice,
        or a species with two categories or two splits. The message names the line.
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
            "with file, category, and optionally species and split."
        )
    if unknown := header - _COLUMNS - _IGNORED - {"species", "split"}:
        raise InputError(
            f"{table}, line 1: unknown column {_quoted(unknown)}; expected only file, category, "
            f"species, split, {', '.join(sorted(_IGNORED))}: rename or remove it."
        )
    files: list[GenomeFile] = []
    seen: dict[Path, int] = {}
    home: dict[str, tuple[str, str, int]] = {}
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
        category, its_split, first = home.setdefault(species, (row["category"], split, line))
        if (category, its_split) != (row["category"], split):
            raise InputError(
                f"{where}: {species} is {row['category']}/{split} here and {category}/{its_split} "
                f"on line {first}; a species has one category and one split."
            )
        seen[path] = line
        files.append(GenomeFile(path, row["category"], species, split))
    if not files:
        raise InputError(f"{table}: no rows below the header; list at least one file.")
    return files


def _quoted(names: set[str]) -> str:
    return ", ".join(repr(name) for name in sorted(names))


def _records(path: Path) -> Iterator[str]:
    """Bases of every record of a FASTA file.

    Looser than :func:`~dnabert2_explore.sequences.read_sequences` on purpose: names do not matter
    here (alignment blocks repeat them), and whatever is not A, C, G or T, gaps included, merely
    ends a stretch.
    """
    body: list[str] | None = None
    with open_path(path) as lines:
        for line in lines:
            if line.startswith(">"):
                if body:
                    yield "".join(body)
                body = []
            elif body is None:
                raise InputError(f"{path} is no FASTA: line 1 must be a header; begin it with '>'.")
            else:
                body.append(line.rstrip())
    if body:
        yield "".join(body)


def _stretches(codes: NDArray[np.uint8], shortest: int) -> Iterator[NDArray[np.uint8]]:
    """Yield the runs of A, C, G, T of at least `shortest` bases."""
    edges = np.diff(np.concatenate(([False], _IS_ACGT[codes], [False])).astype(np.int8))
    for start, end in zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1), strict=True):
        if end - start >= shortest:
            yield codes[start:end]


def _load_species(files: list[GenomeFile], shortest: int) -> SpeciesBases:
    pieces: list[NDArray[np.uint8]] = []
    for file in files:
        for text in _records(file.path):
            # latin-1: one byte a character whatever stands in the file; odd ones are not ACGT
            codes = np.frombuffer(text.encode("latin-1", "replace"), dtype=np.uint8)
            pieces.extend(_stretches(_UPPER[codes], shortest))
    lengths = np.array([len(piece) for piece in pieces], dtype=np.int64)
    bases = np.concatenate(pieces) if pieces else np.empty(0, dtype=np.uint8)
    starts = np.cumsum(lengths) - lengths
    return SpeciesBases(files[0].category, files[0].species, bases, starts, lengths, shortest)


class Corpus:
    """Species in memory (one byte a base) and the probabilities they are drawn with.

    A window is drawn as: category, then species within it, then position, then strand (each with
    probability one half). A category's probability is proportional to its bases to the power
    `category_power` (0: uniform, 1: by size); a species' likewise within its category.

    Parameters
    ----------
    species : sequence of SpeciesBases
        At least one, each with at least one stretch.
    category_power, species_power : float
        Tempering exponents, 0 to 1.
    """

    def __init__(
        self,
        species: list[SpeciesBases],
        category_power: float = 0.5,
        species_power: float = 0.5,
    ) -> None:
        if not species:
            raise InputError("the corpus has no species; expected at least one in the table.")
        for name, power in (("category_power", category_power), ("species_power", species_power)):
            if not 0.0 <= power <= 1.0:
                raise InputError(f"{name} is {power}; expected a number from 0 to 1.")
        self.species = tuple(species)
        self.categories = tuple(sorted({one.category for one in species}))
        sizes = np.array([len(one) for one in species], dtype=np.float64)
        category = np.array([self.categories.index(one.category) for one in species])
        if empty := [one.species for one in species if not len(one.lengths)]:
            raise InputError(
                f"species {empty[0]!r} has no stretch of A, C, G, T long enough for a window; "
                "shorten the windows, or mark its rows skip in the table."
            )
        weight = sizes**species_power
        within = weight / np.bincount(category, weights=weight)[category]
        across = np.bincount(category, weights=sizes) ** category_power
        self.probabilities: NDArray[np.float64] = within * (across / across.sum())[category]
        self._starts = [one.positions for one in species]

    @classmethod
    def load(
        cls,
        folder: str | Path,
        table: str | Path,
        split: str = "train",
        shortest: int = 640,
        category_power: float = 0.5,
        species_power: float = 0.5,
        progress: Callable[[int, int], None] | None = None,
    ) -> Corpus:
        """Read every species of one split into memory.

        Parameters
        ----------
        folder, table : path
            The genomes and their species table (:func:`read_table`).
        split : str
            ``train`` or ``heldout``.
        shortest : int
            Shortest window; stretches between unknown bases that are shorter are left out.
        category_power, species_power : float
            See the class.
        progress : callable, optional
            Called as ``progress(done, total)`` after each species.

        Raises
        ------
        InputError
            For a bad table, an unreadable file, or a category without a usable stretch.
        """
        groups: dict[str, list[GenomeFile]] = {}
        for file in read_table(table, folder):
            if file.split == split:
                groups.setdefault(file.species, []).append(file)
        if not groups:
            raise InputError(f"{table}: no row has split {split!r}; mark at least one.")
        loaded = []
        for done, files in enumerate(groups.values(), start=1):
            loaded.append(_load_species(files, shortest))
            if progress is not None:
                progress(done, len(groups))
        return cls(loaded, category_power, species_power)

    def __len__(self) -> int:
        return sum(len(one) for one in self.species)

    def choose(self, rng: np.random.Generator) -> int:
        """Index into `species` of one draw by the sampling probabilities."""
        return int(rng.choice(len(self.species), p=self.probabilities))

    def window(self, rng: np.random.Generator, longest: int, index: int | None = None) -> Window:
        """Draw one window of at most `longest` bases (fewer only where its stretch ends).

        Parameters
        ----------
        rng : numpy.random.Generator
            Consumed: the same state gives the same window.
        longest : int
            Bases.
        index : int, optional
            Species to draw from, an index into `species`; drawn when not given.
        """
        if index is None:
            index = self.choose(rng)
        one, positions = self.species[index], self._starts[index]
        if longest < one.shortest:
            raise InputError(f"windows of {longest} bases; expected at least {one.shortest}.")
        draw = int(rng.integers(positions[-1]))
        stretch = int(np.searchsorted(positions, draw, side="right"))
        offset = draw - (int(positions[stretch - 1]) if stretch else 0)
        start = int(one.starts[stretch]) + offset
        end = min(start + longest, int(one.starts[stretch] + one.lengths[stretch]))
        codes = one.bases[start:end]
        strand = "+" if rng.integers(2) else "-"
        if strand == "-":
            codes = _COMPLEMENT[codes[::-1]]
        return Window(codes.tobytes().decode("ascii"), one.category, one.species, strand)
