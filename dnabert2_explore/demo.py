"""Real sequences that ship with the package, for a first look without any file of one's own.

``data/SOURCES.md`` lists the origin and licence of each; ``scripts/build_demo_data.py`` builds
them.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files

from .results.rich_display import RichDisplay, counted
from .sequences import Sequence, read_sequences
from .sequences.annotation.annotations import Feature, read_annotation

__all__ = ["Feature", "Locus", "locus", "motif", "splice", "windows"]


@dataclass(frozen=True, slots=True, repr=False)
class Locus(RichDisplay):
    """A stretch of genome with its annotation.

    Parameters
    ----------
    sequence : Sequence
        Forward strand; ``fields["position"]`` says where it lies (1-based, inclusive).
    features : tuple of Feature
        As the annotation lists them, gene by gene.
    organism, source : str
        What it is and the package it was taken from.
    """

    sequence: Sequence
    features: tuple[Feature, ...]
    organism: str
    source: str

    def _line(self) -> str:
        bases, features = len(self.sequence), len(self.features)
        return f"{self.sequence.name}, {counted(bases, 'base')}, {counted(features, 'feature')}"

    def of_kind(self, kind: str) -> tuple[Feature, ...]:
        """Return the features of one kind, e.g. ``"exon"``."""
        return tuple(feature for feature in self.features if feature.kind == kind)


def windows() -> list[Sequence]:
    """Return 500 windows of 1,000 bp from 20 species in 7 categories.

    Returns
    -------
    list of Sequence
        ``label`` is the category; ``fields`` hold ``species``, ``category``, ``source`` and
        ``position`` (record and 1-based, inclusive span). A, C, G and T only.

    Examples
    --------
    >>> first = windows()[0]
    >>> first.label, first.fields["species"], len(first)
    ('bacteria', 'Escherichia coli 536', 1000)
    """
    return _read("windows.csv.gz")


def splice() -> list[Sequence]:
    """Return 60 windows of 200 bp around splice sites and look-alikes, in transcription direction.

    An intron's first base stands at index 100 of a ``donor`` (GT at 100-101) and its last base at
    index 99 of an ``acceptor`` (AG at 98-99); windows of ``neither`` have GT or AG at the same
    place. They come from chromosomes that ``pocket-splice`` was not fine-tuned on.

    Returns
    -------
    list of Sequence
        ``label`` is ``donor``, ``acceptor`` or ``neither``; ``fields`` hold ``chromosome``,
        ``strand`` and ``position``, the window's 0-based start on the forward strand.

    Examples
    --------
    >>> donor = splice()[0]
    >>> donor.label, donor.bases[100:102]
    ('donor', 'GT')
    """
    return _read("splice.csv")


def motif() -> list[Sequence]:
    """Return 200 windows of 100 bp with a site of NFE2 (JASPAR), or with a decoy of it, planted.

    They are test sequences of ``pocket-motif``. A decoy is a site of the same motif with its
    positions shuffled.

    Returns
    -------
    list of Sequence
        ``label`` is ``planted`` or ``decoy``; ``fields`` hold ``start`` and ``end`` of the site
        (0-based, half-open) and its ``strand``.

    Examples
    --------
    >>> first = motif()[0]
    >>> first.label, len(first), int(first.fields["end"]) - int(first.fields["start"])
    ('planted', 100, 9)
    """
    return _read("motif.csv")


def locus() -> Locus:
    """Return 10 kb of a fungal chromosome with five genes on both strands.

    Returns
    -------
    Locus

    Examples
    --------
    >>> example = locus()
    >>> example.organism, len(example.sequence), len(example.of_kind("gene"))
    ('Zymoseptoria tritici IPO323', 10000, 5)
    """
    (record,) = _read("locus.fa")
    about = dict(part.split("=", 1) for part in record.description.split("; "))
    sequence = Sequence(
        name=record.name,
        bases=record.bases,
        description=about["organism"],
        fields={"position": about["position"]},
    )
    with (files(__package__) / "data" / "locus.gff3").open("rb") as handle:
        features = read_annotation(handle, name="locus.gff3").features[sequence.name]
    return Locus(sequence, features, about["organism"], about["source"])


def _read(name: str) -> list[Sequence]:
    with (files(__package__) / "data" / name).open("rb") as handle:
        return read_sequences(handle, name=name)
