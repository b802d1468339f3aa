"""Genome, introns and the split by chromosome of *Zymoseptoria tritici* IPO323.

Both the fine-tuning data (``build_splice_data.py``) and the demo shipped in the package
(``build_demo_data.py``) come through here, so that the demo is taken from test chromosomes only.
"""

from __future__ import annotations

import gzip
import re
from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from debian_sources import Package, fetch, maf_reference

from dnabert2_explore.sequences import iter_fasta

__all__ = ["ORGANISM", "PACKAGE", "SPLITS", "Transcript", "load", "split_of"]

ORGANISM = "Zymoseptoria tritici IPO323"
PACKAGE = "maffilter-examples"
GENOME_PATH = "/usr/share/doc/maffilter/examples/Ztritici/tba_refIPO323.maf.gz"
GENES_PATH = (
    "/usr/share/doc/maffilter/examples/Ztritici/Mgraminicolav2.FrozenGeneCatalog20080910.gff.gz"
)

# Whole chromosomes, large and small and accessory (chr_14 to chr_21) in every part; about 70, 10
# and 20 % of the introns. Everything that is not named here is training data.
SPLITS = {
    "dev": ("chr_10", "chr_11", "chr_17"),
    "test": ("chr_3", "chr_8", "chr_13", "chr_16"),
}


@dataclass(frozen=True, slots=True)
class Transcript:
    """One gene model; coordinates are 0-based and half-open on the forward strand.

    Parameters
    ----------
    name, chromosome, strand : str
        ``strand`` is ``+`` or ``-``.
    exons, cds : tuple of (int, int)
        Ascending; exons hold the untranslated parts too.
    """

    name: str
    chromosome: str
    strand: str
    exons: tuple[tuple[int, int], ...]
    cds: tuple[tuple[int, int], ...]

    @property
    def start(self) -> int:
        """First base of the first exon."""
        return self.exons[0][0]

    @property
    def end(self) -> int:
        """One past the last base of the last exon."""
        return self.exons[-1][1]

    @property
    def introns(self) -> tuple[tuple[int, int], ...]:
        """What lies between consecutive exons, ascending."""
        return tuple((left[1], right[0]) for left, right in pairwise(self.exons))


def split_of(chromosome: str) -> str:
    """Return ``train``, ``dev`` or ``test``."""
    for split, chromosomes in SPLITS.items():
        if chromosome in chromosomes:
            return split
    return "train"


def load(cache: Path) -> tuple[Package, dict[str, str], list[Transcript]]:
    """Return the package, the genome in upper case, and the gene models in genome order."""
    package = fetch(PACKAGE, cache)
    fasta = cache / "ztritici_ipo323.fa"  # the alignment is 60 MB packed and slow to read
    if not fasta.exists():
        rebuilt = maf_reference(package.path(GENOME_PATH), "Ztritici_IPO323")
        partial = fasta.with_suffix(".partial")
        partial.write_text("".join(f">{name}\n{bases}\n" for name, bases in rebuilt.items()))
        partial.rename(fasta)
    genome = {record.name: record.bases.upper() for record in iter_fasta(fasta)}
    return package, genome, _transcripts(package.path(GENES_PATH))


def _transcripts(path: Path) -> list[Transcript]:
    """Read JGI's GFF 2: rows of one gene model share ``name "…"``."""
    parts: dict[str, dict[str, list[tuple[int, int]]]] = defaultdict(lambda: defaultdict(list))
    places: dict[str, set[tuple[str, str]]] = defaultdict(set)
    with gzip.open(path, "rt", encoding="ascii") as handle:
        for number, line in enumerate(handle, start=1):
            chromosome, _, kind, start, end, _, strand, _, attributes = line.rstrip("\n").split(
                "\t"
            )
            match = re.match(r'name "([^"]+)"', attributes)
            if match is None:
                raise ValueError(f"{path}, line {number} names no gene model: {attributes!r}")
            if kind in ("exon", "CDS"):
                parts[match[1]][kind].append((int(start) - 1, int(end)))
                places[match[1]].add((chromosome, strand))
    transcripts = []
    for name, kinds in parts.items():
        if len(places[name]) != 1:
            raise ValueError(f"{path}: gene model {name} lies in more than one place")
        ((chromosome, strand),) = places[name]
        exons = tuple(sorted(kinds["exon"]))
        if any(left[1] >= right[0] for left, right in pairwise(exons)):
            raise ValueError(f"{path}: the exons of gene model {name} overlap")
        transcripts.append(Transcript(name, chromosome, strand, exons, tuple(sorted(kinds["CDS"]))))
    return sorted(transcripts, key=lambda t: (int(t.chromosome.split("_")[1]), t.start, t.name))
