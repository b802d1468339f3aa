"""Build the demo data that the package ships: windows, splice sites and one annotated locus.

    python scripts/build_demo_data.py --cache ../cache

Everything comes from Debian packages that anyone can download (``debian_sources.py``) and is the
same on every run. Splice examples and locus come from test chromosomes of *Zymoseptoria tritici*,
which ``pocket-splice`` never sees in fine-tuning.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import build_jaspar
import build_splice_data
import numpy as np
import zymoseptoria
from debian_sources import Package, fetch
from demo_species import SPECIES, Source, Species, records
from zymoseptoria import Transcript

from dnabert2_explore import reverse_complement
from dnabert2_explore.sequences import windows

DATA = Path(__file__).resolve().parents[1] / "dnabert2_explore" / "data"
WINDOW = 1000
PER_SPECIES = 25
SPLICE_PER_CLASS = 20
LIMIT = 2_000_000  # bytes in all
# Five whole genes with 17 introns on both strands, all GT..AG; checked again in locus().
LOCUS = ("chr_8", 1_335_000, 1_345_000)

Row = tuple[str, ...]
Genome = dict[str, str]


def window_rows(species: Species, packages: dict[str, Package], genome: Genome) -> Iterator[Row]:
    """Yield windows of A, C, G and T, one from each of ``PER_SPECIES`` parts of the genome."""
    tiles: list[tuple[str, str, Source]] = []
    for source in species.sources:
        for name, bases in _bases(source, packages, genome):
            for start, window in windows(bases, WINDOW):
                if re.fullmatch("[ACGT]+", window):
                    tiles.append((f"{name}:{start + 1}-{start + WINDOW}", window, source))
    rng = np.random.default_rng([ord(letter) for letter in species.name])
    edges = np.linspace(0, len(tiles), PER_SPECIES + 1).astype(int)
    for number, (first, last) in enumerate(pairwise(edges.tolist()), start=1):
        position, window, source = tiles[rng.integers(first, last)]
        package = packages[source.package]
        genus, epithet = species.name.split()[:2]
        yield (
            window,
            species.category,
            f"{genus[0]}. {epithet} {number}",
            species.name,
            species.category,
            f"{package.name} {package.version} {Path(source.path).name}",
            position,
        )


def _bases(
    source: Source, packages: dict[str, Package], genome: Genome
) -> Iterator[tuple[str, str]]:
    if source.path == zymoseptoria.GENOME_PATH:  # rebuilt from the alignment already
        yield from ((name, genome[name]) for name in zymoseptoria.SPLITS["test"])
        return
    for record in records(source, packages[source.package]):
        yield record.name, record.bases.upper()


def splice_rows(genome: Genome, transcripts: list[Transcript]) -> Iterator[Row]:
    """Yield the first windows of each class among the fine-tuning test set."""
    splits, _ = build_splice_data.build(genome, transcripts, build_splice_data.SEED)
    for label in ("donor", "acceptor", "neither"):
        chosen = [window for window in splits["test"] if window.label == label]
        for window in chosen[:SPLICE_PER_CLASS]:
            yield (
                window.sequence,
                window.label,
                window.name,
                window.chromosome,
                window.strand,
                str(window.position),
            )


def locus(genome: Genome, transcripts: list[Transcript]) -> tuple[str, list[Transcript]]:
    """Return the bases of the locus and its genes, after checking that it is a fair example."""
    chromosome, start, end = LOCUS
    bases = genome[chromosome][start:end]
    genes = [
        t for t in transcripts if t.chromosome == chromosome and t.start < end and t.end > start
    ]
    _require(zymoseptoria.split_of(chromosome) == "test", "the locus lies on a training chromosome")
    _require(set(bases) == set("ACGT"), "the locus holds other letters than A, C, G, T")
    _require(all(start <= t.start and t.end <= end for t in genes), "the locus cuts a gene")
    for strand in "+-":
        spliced = [t for t in genes if t.strand == strand and t.introns]
        _require(len(spliced) > 1, f"fewer than two genes with introns on strand {strand}")
    for gene in genes:
        for first, last in gene.introns:
            intron = genome[chromosome][first:last]
            intron = intron if gene.strand == "+" else reverse_complement(intron)
            _require(
                intron.startswith("GT") and intron.endswith("AG"), f"{gene.name} is not GT..AG"
            )
    return bases, genes


def _require(condition: bool, fault: str) -> None:
    if not condition:
        raise ValueError(f"{LOCUS}: {fault}")


def gff3(genes: Iterable[Transcript]) -> str:
    """Write the genes in the coordinates of the locus (1-based, inclusive, as GFF3 asks)."""
    chromosome, start, end = LOCUS
    seqid = f"{chromosome}_{start + 1}_{end}"
    lines = ["##gff-version 3", f"##sequence-region {seqid} 1 {end - start}"]
    for gene in genes:
        parts = [("gene", gene.start, gene.end), ("mRNA", gene.start, gene.end)]
        parts += [("exon", *span) for span in gene.exons]
        parts += [("CDS", *span) for span in gene.cds]
        parts += [("intron", *span) for span in gene.introns]
        phases = _phases(gene)
        for kind, first, last in parts:
            attributes = {
                "gene": f"ID=gene:{gene.name};Name={gene.name}",
                "mRNA": f"ID=mRNA:{gene.name};Parent=gene:{gene.name};Name={gene.name}",
                # The stretches of one coding sequence share their ID.
                "CDS": f"ID=CDS:{gene.name};Parent=mRNA:{gene.name};Name={gene.name}",
            }.get(kind, f"Parent=mRNA:{gene.name};Name={gene.name}")
            phase = phases[(first, last)] if kind == "CDS" else "."
            columns = (seqid, "JGI", kind, first - start + 1, last - start, ".", gene.strand, phase)
            lines.append("\t".join(map(str, columns)) + f"\t{attributes}")
    return "\n".join(lines) + "\n"


def _phases(gene: Transcript) -> dict[tuple[int, int], int]:
    """Return how many bases to skip to the next codon, for each stretch of coding sequence."""
    done, phases = 0, {}
    for first, last in gene.cds if gene.strand == "+" else gene.cds[::-1]:
        phases[(first, last)] = -done % 3
        done += last - first
    return phases


def fasta(bases: str, package: Package) -> str:
    """Write the locus; its description holds what ``demo.locus`` reports."""
    chromosome, start, end = LOCUS
    header = (
        f">{chromosome}_{start + 1}_{end} organism={zymoseptoria.ORGANISM}; "
        f"position={chromosome}:{start + 1}-{end}; source={package.name} {package.version}"
    )
    lines = [bases[i : i + 60] for i in range(0, len(bases), 60)]
    return "\n".join([header, *lines]) + "\n"


def sources(packages: dict[str, Package]) -> str:
    """Write SOURCES.md: every item with its package, version, path, organism and licence."""
    lines = [
        "# Where the demo data come from",
        "",
        "Built by `scripts/build_demo_data.py` from Debian packages; nothing else went in. The",
        "sequences themselves are from public databases; the licence named is that of the package",
        "that distributes the file (its `/usr/share/doc/<package>/copyright`).",
        "",
        "| item | organism | package | file | licence of the package | remark |",
        "|---|---|---|---|---|---|",
    ]
    for species in SPECIES:
        for source in species.sources:
            lines.append(_source_line("windows.csv.gz", species.name, source, packages))
    genome = Source(zymoseptoria.PACKAGE, zymoseptoria.GENOME_PATH, "", "reference rows")
    genes = Source(zymoseptoria.PACKAGE, zymoseptoria.GENES_PATH, "", "gene models (JGI, 2008)")
    for item in ("splice.csv", "locus.fa, locus.gff3"):
        for source in (genome, genes):
            lines.append(_source_line(item, zymoseptoria.ORGANISM, source, packages))
    lines += [
        "",
        f"`windows.csv.gz`: {PER_SPECIES} windows of {WINDOW} bp from each of {len(SPECIES)} "
        "species, A, C, G, T only, one from",
        "each of as many equal parts of what the package holds. `position` is 1-based and",
        "inclusive, within the named record of the file. The pieces of mouse, cow, dog, opossum",
        "and chicken are one orthologous region (alignable to human chr16), so they share",
        "homologous sequence.",
        "",
        "`motif.csv`: 200 windows of 100 bp, cut from the last 50 windows of `windows.csv.gz` in a",
        "random order, with a site of NFE2 (JASPAR MA0841.2, CC BY 4.0), or one with its positions",
        "shuffled, written over them; built by `scripts/release_motif.py`.",
        "",
        f"`splice.csv`: {SPLICE_PER_CLASS} windows of 200 bp for each class, from the test "
        "chromosomes of the split in",
        "`scripts/zymoseptoria.py` (" + ", ".join(zymoseptoria.SPLITS["test"]) + "). `position` "
        "is the 0-based start on the forward strand.",
        "",
        f"`locus.fa`, `locus.gff3`: {LOCUS[0]}:{LOCUS[1] + 1}-{LOCUS[2]} (1-based, inclusive), "
        "a test chromosome too.",
        "",
        build_jaspar.ABOUT,
    ]
    return "\n".join(lines)


# As the copyright files name the licence of the upstream files ("Files: *").
LICENCE = re.compile(r"^Files: \*\n(?:.*\n)*?License: (.+)$", re.MULTILINE)


def _source_line(item: str, organism: str, source: Source, packages: dict[str, Package]) -> str:
    package = packages[source.package]
    match = LICENCE.search(package.copyright)
    if match is None:
        raise ValueError(f"{package.name} names no licence for its files")
    cells = (
        f"`{item}`" if "," not in item else "`locus.fa`, `locus.gff3`",
        organism,
        f"{package.name} {package.version}",
        f"`{source.path}`",
        match[1].strip(),
        source.note,
    )
    return f"| {' | '.join(cells)} |"


def _csv(header: Sequence[str], rows: Iterable[Row]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def main() -> None:
    """Build everything and check the size."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cache", type=Path, required=True, help="folder for Debian packages")
    parser.add_argument("--out", type=Path, default=DATA, help="default: the package's data folder")
    arguments = parser.parse_args()
    names = {source.package for species in SPECIES for source in species.sources}
    packages = {name: fetch(name, arguments.cache) for name in sorted(names)}
    package, genome, transcripts = zymoseptoria.load(arguments.cache)
    rows = [row for species in SPECIES for row in window_rows(species, packages, genome)]
    header = ("sequence", "label", "name", "species", "category", "source", "position")
    bases, genes = locus(genome, transcripts)
    splice_header = ("sequence", "label", "name", "chromosome", "strand", "position")
    files = {
        # mtime=0: the same bytes on every run
        "windows.csv.gz": gzip.compress(_csv(header, rows).encode("ascii"), 9, mtime=0),
        "splice.csv": _csv(splice_header, splice_rows(genome, transcripts)).encode("ascii"),
        "locus.fa": fasta(bases, package).encode("ascii"),
        "locus.gff3": gff3(genes).encode("ascii"),
        "SOURCES.md": sources(packages).encode("utf-8"),
    }
    total = sum(map(len, files.values()))
    if total > LIMIT:
        raise ValueError(f"the demo data take {total:,} bytes, more than {LIMIT:,}")
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (arguments.out / name).write_bytes(content)
        print(f"{len(content):>9,} bytes  {name}")
    print(f"{total:>9,} bytes in all: {len(rows)} windows of {len(SPECIES)} species")


if __name__ == "__main__":
    main()
