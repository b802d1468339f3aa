"""Genomes on disk -> balanced random windows, the same ones for the same seed and step."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...common.files import expanded
from ...common.progress import Progress
from ...errors import InputError
from ...sequences import reverse_complement
from .exclude import Excluded
from .species import SPLITS, GenomeFile, list_files, read_table
from .stretches import CUTS, SpeciesBases, open_species

__all__ = ["SPLITS", "STRANDS", "Corpus", "GenomeFile", "SpeciesBases", "Window", "read_table"]

STRANDS = ("both", "forward")


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of A, C, G and T drawn from a genome, already turned to its strand.

    The strand is ``+`` as in the file, ``-`` for the reverse complement.
    """

    bases: str
    category: str
    species: str
    strand: str


class Corpus:
    """Species (one byte a base) and the probabilities they are drawn with.

    A window is drawn as: category, then species within it, then position, then strand (each with
    probability one half; with `strands` "forward" windows are read as they stand in the file). A
    category's probability is proportional to its bases to the power `category_power` (0: uniform,
    1: by size); a species' likewise within its category. Where the species table has weights,
    species are drawn in proportion to them, and to nothing else.

    A position is, by the species' `cut`: "random", any base that leaves room for the shortest
    window; "segments", one of the segments of equal length, laid end to end from the start of each
    stretch without unknown bases (its rest is left out); "records", one of the stretches, each as
    likely, as a whole.
    """

    def __init__(
        self,
        species: list[SpeciesBases],
        category_power: float = 0.5,
        species_power: float = 0.5,
        strands: str = "both",
    ) -> None:
        if not species:
            raise InputError("the corpus has no species; expected at least one in the table.")
        for name, power in (("category_power", category_power), ("species_power", species_power)):
            if not 0.0 <= power <= 1.0:
                raise InputError(f"{name} is {power}; expected a number from 0 to 1.")
        if strands not in STRANDS:
            raise InputError(f"strands is {strands!r}; expected {' or '.join(STRANDS)}.")
        self.species = tuple(species)
        #: Species of which nothing was left beside what is kept out.
        self.emptied: tuple[str, ...] = ()
        self.strands = strands
        self.categories = tuple(sorted({one.category for one in species}))
        if empty := [one.species for one in species if not len(one.lengths)]:
            raise InputError(
                f"species {empty[0]!r} has no stretch of A, C, G, T long enough for a window; "
                "shorten the windows, or mark its rows skip in the table."
            )
        weights = [one.weight for one in species if one.weight is not None]
        self.weighted = len(weights) == len(species)
        if self.weighted:
            shares = np.array(weights, dtype=np.float64)
            self.probabilities: NDArray[np.float64] = shares / shares.sum()
        else:
            sizes = np.array([len(one) for one in species], dtype=np.float64)
            category = np.array([self.categories.index(one.category) for one in species])
            weight = sizes**species_power
            within = weight / np.bincount(category, weights=weight)[category]
            across = np.bincount(category, weights=sizes) ** category_power
            self.probabilities = within * (across / across.sum())[category]
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
        progress: Progress | None = None,
        *,
        cut: str = "random",
        strands: str = "both",
        cache: str | Path | None = None,
        exclude: Excluded | None = None,
        genome: str | Path | None = None,
    ) -> Corpus:
        """Read every species of one split.

        Parameters
        ----------
        folder, table : path
            The genomes and their species table (:func:`~.species.read_table`). With an empty
            `table`, `folder` is a sequence file or a folder of them, and each is a species.
        split : str
            ``train`` or ``heldout``.
        shortest : int
            Shortest window; stretches between unknown bases that are shorter are left out. For the
            cut "segments", the length of every segment.
        category_power, species_power : float
            See the class.
        progress : callable, optional
            Called as ``progress(done, total)`` after each species.
        cut : {"random", "segments", "records"}
            See the class.
        strands : {"both", "forward"}
            See the class.
        cache : path, optional
            Folder that keeps the bases as memory-mapped files, so that a corpus may be larger than
            the memory, and is read once. By default the corpus is held in memory.
        exclude : Excluded, optional
            Sequences that no window may come near to.
        genome : path, optional
            What the stretches are of, where files are BED.

        Raises
        ------
        InputError
            For a bad table, an unreadable file, or a species without a usable stretch.
        """
        if cut not in CUTS:
            raise InputError(f"windows is {cut!r}; expected {' or '.join(CUTS)}.")
        if shortest < 1:
            raise InputError(f"the shortest window is {shortest} bases; expected at least 1.")
        listed = read_table(table, folder) if str(table) else list_files(folder, split)
        if genome:
            listed = [replace(file, genome=expanded(genome)) for file in listed]
        groups: dict[str, list[GenomeFile]] = {}
        for file in listed:
            if file.split == split:
                groups.setdefault(file.species, []).append(file)
        if not groups:
            raise InputError(f"{table}: no row has split {split!r}; mark at least one.")
        kept = Path(cache) if cache else None
        loaded: list[SpeciesBases] = []
        emptied: list[str] = []
        for done, files in enumerate(groups.values(), start=1):
            one = open_species(files, shortest, kept, cut)
            left = one if exclude is None else exclude.cut_out(one)
            if left is None:
                emptied.append(one.species)
            else:
                loaded.append(left)
            if progress is not None:
                progress(done, len(groups))
        if emptied and not loaded:
            raise InputError(
                f"nothing is left of the genomes beside {exclude.source if exclude else ''}; make "
                "exclude_margin smaller, or exclude fewer sequences."
            )
        corpus = cls(loaded, category_power, species_power, strands)
        corpus.emptied = tuple(emptied)
        return corpus

    def __len__(self) -> int:
        return sum(len(one) for one in self.species)

    @property
    def fingerprint(self) -> str:
        """Digest of what determines the draws: species, stretches and probabilities."""
        digest = hashlib.sha256()
        for one in self.species:
            digest.update(f"{one.species}/{one.cut}/{one.shortest}".encode())
            digest.update(one.lengths.tobytes())
        digest.update(self.probabilities.tobytes())
        return digest.hexdigest()[:16]

    @property
    def content_sha256(self) -> str:
        """Digest of the bases that are drawn from, whatever files they come in."""
        digests = "".join(one.sha256 for one in self.species)
        return hashlib.sha256(digests.encode()).hexdigest()[:16]

    def choose(self, rng: np.random.Generator) -> int:
        """Index into `species` of one draw by the sampling probabilities."""
        return int(rng.choice(len(self.species), p=self.probabilities))

    def window(self, rng: np.random.Generator, longest: int, index: int | None = None) -> Window:
        """Draw one window of at most `longest` bases (fewer only where its stretch ends).

        Segments have their own length; of a record that is longer, a random part is drawn. The
        species is `index`, or drawn too. The same state of `rng` gives the same window.
        """
        if index is None:
            index = self.choose(rng)
        one = self.species[index]
        if longest < one.shortest:
            raise InputError(f"windows of {longest} bases; expected at least {one.shortest}.")
        stretch, offset = self._place(rng, index)
        length = int(one.lengths[stretch])
        if one.cut == "segments":
            offset, longest = offset * one.shortest, one.shortest
        elif one.cut == "records" and length > longest:
            offset = int(rng.integers(length - longest + 1))
        return self._window(rng, one, stretch, offset, longest)

    def windows_together(
        self,
        rng: np.random.Generator,
        count: int,
        shortest: int,
        longest: int,
        index: int,
        within: int = 0,
    ) -> list[str]:
        """Draw windows of one species that belong together, each on a strand of its own.

        Their lengths are drawn evenly from `shortest` to `longest`. All lie in one stretch and
        start at most `within` bases from the first (they may overlap where the stretch is short);
        with 0 they lie anywhere in the species.
        """
        one = self.species[index]
        found: list[str] = []
        stretch, first = self._place(rng, index)
        for number in range(count):
            offset = first
            if number and within:
                last = int(one.lengths[stretch]) - one.shortest
                offset = int(rng.integers(max(0, first - within), min(last, first + within) + 1))
            elif number:
                stretch, offset = self._place(rng, index)
            size = int(rng.integers(shortest, longest + 1))
            found.append(self._window(rng, one, stretch, offset, size).bases)
        return found

    def _place(self, rng: np.random.Generator, index: int) -> tuple[int, int]:
        """Draw a stretch of a species and a position in it."""
        positions = self._starts[index]
        draw = int(rng.integers(positions[-1]))
        stretch = int(np.searchsorted(positions, draw, side="right"))
        return stretch, draw - (int(positions[stretch - 1]) if stretch else 0)

    def _window(
        self, rng: np.random.Generator, one: SpeciesBases, stretch: int, offset: int, longest: int
    ) -> Window:
        start = int(one.starts[stretch]) + offset
        end = min(start + longest, int(one.starts[stretch]) + int(one.lengths[stretch]))
        bases = one.bases[start:end].tobytes().decode("ascii")
        strand = "+" if rng.integers(2) or self.strands == "forward" else "-"
        if strand == "-":
            bases = reverse_complement(bases)
        return Window(bases, one.category, one.species, strand)
