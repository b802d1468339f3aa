"""Which species the demo windows come from, and where each lies in which Debian package."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from debian_sources import Package

from dnabert2_explore import Sequence
from dnabert2_explore.sequences import iter_fasta

__all__ = ["SPECIES", "Source", "Species", "records"]

_DOC = "/usr/share/doc"
_R = "/usr/lib/R/site-library"


@dataclass(frozen=True, slots=True)
class Source:
    """A file of one package; ``record`` is a pattern its records' headers must match."""

    package: str
    path: str
    record: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Species:
    """One species (with its strain where known) and the files that hold it."""

    name: str
    category: str
    sources: tuple[Source, ...]


def _one(name: str, category: str, *source: str) -> Species:
    return Species(name, category, (Source(*source),))


_AUGUSTUS = f"{_DOC}/augustus/tutorial/data"
_CGP = f"{_DOC}/augustus/tutorial-cgp/data/genomes"
_RAGOUT = f"{_DOC}/ragout/examples"
_SMALT = f"{_DOC}/smalt/test/data"
_MAFFILTER = f"{_DOC}/maffilter/examples"

SPECIES = (
    _one(
        "Escherichia coli 536",
        "bacteria",
        "bowtie-examples",
        f"{_DOC}/bowtie/examples/genomes/NC_008253.fna.gz",
        "Escherichia coli 536",
        "NC_008253.1",
    ),
    _one(
        "Staphylococcus aureus N315",
        "bacteria",
        "ragout-examples",
        f"{_RAGOUT}/S.Aureus/references/N315.fasta.gz",
        "Staphylococcus aureus .*N315",
        "NC_002745.2",
    ),
    _one(
        "Helicobacter pylori G27",
        "bacteria",
        "ragout-examples",
        f"{_RAGOUT}/H.Pylori/references/G27.fasta.gz",
        "Helicobacter pylori G27",
        "NC_011333.1",
    ),
    _one(
        "Vibrio cholerae O395",
        "bacteria",
        "ragout-examples",
        f"{_RAGOUT}/V.Cholerae/references/O395.fasta.gz",
        "Vibrio cholerae O395",
        "CP001235.1, CP001236.1",
    ),
    _one(
        "Klebsiella pneumoniae HS11286",
        "bacteria",
        "kleborate-examples",
        f"{_DOC}/kleborate/examples/data/Klebs_HS11286.fna.xz",
        "HS11286, complete genome",
        "CP003200.1, plasmids left out",
    ),
    _one(
        "Chlamydia trachomatis",
        "bacteria",
        "r-cran-seqinr",
        f"{_R}/seqinr/sequences/ct.fasta.gz",
        "CHLTCG",
        "Stephens et al. 1998",
    ),
    _one(
        "Zymoseptoria tritici IPO323",
        "fungi",
        "maffilter-examples",
        f"{_MAFFILTER}/Ztritici/tba_refIPO323.maf.gz",
        "",
        "reference rows of the alignment; test chromosomes of scripts/zymoseptoria.py only",
    ),
    _one(
        "Ustilago maydis",
        "fungi",
        "maffilter-examples",
        f"{_MAFFILTER}/Umaydis/Umaydis.fasta.gz",
    ),
    _one(
        "Plasmodium falciparum 3D7",
        "protozoa",
        "smalt-examples",
        f"{_SMALT}/genome_1.fa.gz",
        "MAL",
        "chromosomes 1 to 14",
    ),
    _one(
        "Plasmodium knowlesi",
        "protozoa",
        "smalt-examples",
        f"{_SMALT}/cigar_ref.fa.gz",
        "Pk",
        "contigs",
    ),
    _one(
        "Caenorhabditis elegans",
        "invertebrate",
        "r-bioc-bsgenome",
        f"{_R}/BSgenome/extdata/ce2chrX.fa.gz",
        "chrX",
        "UCSC ce2",
    ),
    _one(
        "Drosophila melanogaster",
        "invertebrate",
        "augustus-doc",
        f"{_AUGUSTUS}/chr2R.fa",
        "chr2R",
        "UCSC dm3",
    ),
    Species(
        "Homo sapiens",
        "mammal",
        (
            Source("smalt-examples", f"{_SMALT}/hs37chrXtrunc.fa.gz", "X", "GRCh37, 1 to 70 Mb"),
            Source("augustus-doc", f"{_AUGUSTUS}/chr3.42M.fa", "chr3", "chr3, 42 to 44 Mb"),
            Source("augustus-doc", f"{_AUGUSTUS}/chr4.103M.fa", "chr4", "chr4, 103 to 105 Mb"),
            Source("augustus-doc", f"{_AUGUSTUS}/chr5.124M.fa", "chr5", "chr5, 124 to 126 Mb"),
        ),
    ),
    _one("Mus musculus", "mammal", "augustus-doc", f"{_CGP}/mm10.fa", "chr17", "mm10, 178 kb"),
    _one("Bos taurus", "mammal", "augustus-doc", f"{_CGP}/bosTau8.fa", "chr25", "bosTau8, 156 kb"),
    _one(
        "Canis lupus familiaris",
        "mammal",
        "augustus-doc",
        f"{_CGP}/canFam3.fa",
        "chr6",
        "canFam3, 185 kb",
    ),
    _one(
        "Monodelphis domestica",
        "mammal",
        "augustus-doc",
        f"{_CGP}/monDom5.fa",
        "chr6",
        "monDom5, 541 kb",
    ),
    _one("Gallus gallus", "vertebrate", "augustus-doc", f"{_CGP}/galGal4.fa", "", "150 kb, chr14"),
    _one(
        "Danio rerio",
        "vertebrate",
        "r-bioc-cner",
        f"{_R}/CNEr/extdata/danRer10.hg38.net.axt",
        "",
        "danRer10; blocks that align to human, so conserved stretches are over-represented",
    ),
    _one(
        "Escherichia phage Lambda",
        "virus",
        "bowtie2-examples",
        f"{_DOC}/bowtie2/examples/reference/lambda_virus.fa.gz",
        "phage lambda",
        "NC_001416.1",
    ),
)


def records(source: Source, package: Package) -> Iterator[Sequence]:
    """Yield the records of a FASTA file or the target rows of an axt alignment that match."""
    path = package.path(source.path)
    read = _axt_targets(path) if path.suffix == ".axt" else iter_fasta(path)
    for record in read:
        if re.search(source.record, f"{record.name} {record.description}"):
            yield record


def _axt_targets(path: Path) -> Iterator[Sequence]:
    """Yield the first sequence of every block, named by its place (1-based, as axt has it)."""
    lines = (line for line in path.read_text(encoding="ascii").splitlines() if line.strip())
    for header, target, _query in zip(lines, lines, lines, strict=True):
        _, chromosome, start, end, *_ = header.split()
        yield Sequence(f"{chromosome}:{start}-{end}", target.replace("-", ""))
