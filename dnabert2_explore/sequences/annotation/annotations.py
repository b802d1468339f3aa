"""Annotation: genes, exons, sites and other stretches from GFF3, GTF, BED and GenBank."""

from __future__ import annotations

import io
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import IO, TYPE_CHECKING
from urllib.parse import unquote

from ...errors import InputError, silenced, warn
from ...results.origins import recorded
from ...results.rich_display import RichDisplay, counted
from ..reading.formats import FAULTS
from ..reading.letters import ReadingWarning, whole_number
from ..reading.opening import open_bytes, open_path
from ..sequence import Sequence
from .regions import place_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Annotation", "Feature", "read_annotation"]

_EXPECTED = "expected annotation: GFF3, GTF, BED or GenBank"
#: Attributes that name a feature, the first one that is there.
_NAMES = ("Name", "gene_name", "gene", "label", "locus_tag", "transcript_id", "gene_id", "ID")
_GTF = re.compile(r'\s*(\w+)\s+(?:"([^"]*)"|([^;"\s]+))\s*(?:;|$)')
#: Lines that head a genome browser's file, and say nothing of a stretch.
_HEADS = ("track", "browser")


@dataclass(frozen=True, slots=True)
class Feature:
    """One annotated stretch of a sequence.

    Parameters
    ----------
    start, end : int
        0-based, half-open.
    strand : str
        ``+``, ``-`` or ``.`` where it has none.
    kind : str
        Sequence Ontology term, such as ``gene``, ``mRNA``, ``exon`` or ``CDS``.
    name : str
        What to call it; the gene model it belongs to.
    """

    start: int
    end: int
    strand: str
    kind: str
    name: str

    def __len__(self) -> int:
        return self.end - self.start


@dataclass(frozen=True, slots=True, repr=False)
class Annotation(RichDisplay):
    """Features of one or more sequences, as a file lists them.

    Attributes
    ----------
    features : mapping of str to tuple of Feature
        By the name of the sequence they lie on.
    lengths : mapping of str to int
        Of those sequences whose length the file says.
    source : str
    """

    features: Mapping[str, tuple[Feature, ...]]
    lengths: Mapping[str, int]
    source: str

    def _line(self) -> str:
        count = Counter(one.kind for of in self.features.values() for one in of)
        kinds = ", ".join(f"{number:,} {kind}" for kind, number in count.most_common(5))
        return f"{self.source}: {counted(len(self.features), 'sequence')}, {kinds or 'no feature'}"

    def of(self, sequence: Sequence) -> tuple[Feature, ...]:
        """Return the features of a sequence, or of the stretch of a genome that it is.

        A name such as ``chr1:100-299``, or what a BED said, tells where a stretch lies; features
        are cut at its ends, and turned where it is the other strand.

        Parameters
        ----------
        sequence : Sequence

        Returns
        -------
        tuple of Feature
            In the coordinates of the sequence; none where the file has nothing on it.

        Warns
        -----
        ReadingWarning
            If features of that name end beyond the sequence; they are left out.
        """
        whole = self.features.get(sequence.name)
        if whole is not None:
            inside = tuple(one for one in whole if one.end <= len(sequence))
            if len(inside) < len(whole):
                warn(
                    f"{len(whole) - len(inside):,} of {len(whole):,} features of {sequence.name!r} "
                    f"in {self.source} end beyond its {len(sequence):,} bases and are left out: "
                    "is it the same sequence?",
                    ReadingWarning,
                )
            return inside
        place = place_of(sequence)
        if place is None:
            return ()
        found = []
        for one in self.features.get(place.contig, ()):
            start, end = max(one.start, place.start), min(one.end, place.end)
            if start >= end:
                continue
            if place.strand == "+":
                moved = replace(one, start=start - place.start, end=end - place.start)
            else:
                strand = {"+": "-", "-": "+"}.get(one.strand, one.strand)
                moved = replace(one, start=place.end - end, end=place.end - start, strand=strand)
            found.append(moved)
        return tuple(found)

    def match(self, sequences: Iterable[Sequence]) -> dict[int, tuple[Feature, ...]]:
        """Return the features of many sequences, each as `of` returns them.

        Parameters
        ----------
        sequences : iterable of Sequence

        Returns
        -------
        dict of int to tuple of Feature
            By the place of the sequence in the list; those without features are left out.

        Raises
        ------
        InputError
            If none of them is one that the file speaks of; it says both names, and which sequence
            is as long.
        """
        every = list(sequences)
        found = {i: features for i, one in enumerate(every) if (features := self.of(one))}
        if found or any(self._knows(one) for one in every):
            return found
        theirs, mine = _some(self.features), _some(one.name for one in every)
        by_length = {length: name for name, length in self.lengths.items()}
        alike = [(one.name, by_length[len(one)]) for one in every if len(one) in by_length]
        mend = (
            f"{alike[0][0]!r} is as long as {alike[0][1]!r} there: rename one of them"
            if alike
            else "rename the sequences, or one column of the file"
        )
        raise InputError(f"{self.source} annotates {theirs}, and the sequences are {mine}: {mend}.")

    def _knows(self, sequence: Sequence) -> bool:
        place = place_of(sequence)
        return sequence.name in self.features or (
            place is not None and place.contig in self.features
        )

    def table(self) -> pd.DataFrame:
        """Return a row a feature.

        Returns
        -------
        pandas.DataFrame
            ``sequence``, ``start``, ``end`` (0-based, half-open), ``strand``, ``kind``, ``name``.
        """
        import pandas as pd

        rows = [
            (sequence, one.start, one.end, one.strand, one.kind, one.name)
            for sequence, of in self.features.items()
            for one in of
        ]
        return pd.DataFrame(rows, columns=["sequence", "start", "end", "strand", "kind", "name"])


@recorded
def read_annotation(
    source: str | os.PathLike[str] | IO[bytes],
    *,
    name: str = "",
) -> Annotation:
    r"""Read annotated stretches: GFF3, GTF, BED or GenBank, also compressed.

    What it is, the lines tell. GFF3 and GTF count from 1 and include the end, BED counts from 0 and
    does not; here all count from 0, half-open. Exons of a joined GenBank location are features of
    their own.

    Parameters
    ----------
    source : path or binary file
    name : str
        What to call an open file in messages.

    Returns
    -------
    Annotation

    Raises
    ------
    InputError
        If the file cannot be read, a line is none of these, or there is no feature; the line is
        named.

    References
    ----------
    GFF3: Sequence Ontology, specification 1.26. GTF: Ensembl, GFF2.2. BED: GA4GH, BED 1.0.

    Examples
    --------
    >>> lines = b"chr1\tme\texon\t11\t20\t.\t-\t.\tName=one"
    >>> read_annotation(io.BytesIO(lines), name="a.gff3").features
    {'chr1': (Feature(start=10, end=20, strand='-', kind='exon', name='one'),)}
    """
    if isinstance(source, str | os.PathLike):
        shown, opened = str(source), open_path(source, _EXPECTED)
    else:
        shown = name or str(getattr(source, "name", "the annotation"))
        opened = open_bytes(source.read(), shown, _EXPECTED)
    with opened as text:
        lines = text.read().splitlines()
    first = next((line for line in lines if line.strip() and not line.startswith("#")), "")
    lengths: dict[str, int] = {}
    if first.startswith("LOCUS"):
        rows = _genbank(lines, shown, lengths)
    else:
        rows = _lines(lines, shown, lengths)
    features: dict[str, list[Feature]] = {}
    for sequence, feature in rows:
        features.setdefault(sequence, []).append(feature)
    if not features:
        raise InputError(f"{shown} holds no feature; {_EXPECTED}: choose another file.")
    return Annotation({key: tuple(of) for key, of in features.items()}, lengths, shown)


def _lines(lines: list[str], shown: str, lengths: dict[str, int]) -> Iterator[tuple[str, Feature]]:
    """GFF3, GTF and BED, told apart by their columns."""
    for number, line in enumerate(lines, start=1):
        if line.startswith("##FASTA") or line.startswith(">"):
            return  # the sequences themselves, at the end of a GFF3
        if line.startswith("##sequence-region"):
            parts = line.split()
            if len(parts) == 4 and (end := whole_number(parts[3])) is not None:
                lengths[parts[1]] = end
            continue
        if not line.strip() or line.startswith("#") or line.split()[0] in _HEADS:
            continue
        columns = line.rstrip("\r").split("\t")
        if len(columns) < 3:
            columns = line.split()
        where = f"{shown}, line {number}"
        # A BED's name and score may be numbers too; a GFF's source and kind never both are.
        if len(columns) >= 3 and _numbers(columns[1:3]):
            yield columns[0], _bed(columns, where)
        elif len(columns) in (8, 9) and _numbers(columns[3:5]):
            yield columns[0], _gff(columns, where)
        else:
            raise InputError(
                f"{where} is neither GFF3 or GTF (nine columns with tabs between them, start and "
                "end the fourth and fifth) nor BED (start and end the second and third): mend the "
                "line, or leave it out."
            )


def _numbers(cells: list[str]) -> bool:
    return all(whole_number(cell) is not None for cell in cells)


def _gff(columns: list[str], where: str) -> Feature:
    start, end = int(columns[3]) - 1, int(columns[4])
    _check(start, end, where, "from 1, the end included")
    text = columns[8] if len(columns) > 8 else ""
    if "=" in text.partition(";")[0]:
        pairs = [part.partition("=") for part in text.split(";") if "=" in part]
        said = {key.strip(): unquote(value.strip()) for key, _, value in pairs}
    else:
        said = {key: quoted or bare for key, quoted, bare in _GTF.findall(text)}
    name = next((said[key] for key in _NAMES if said.get(key)), said.get("Parent", columns[2]))
    return Feature(start, end, _strand(columns[6]), columns[2], name)


def _bed(columns: list[str], where: str) -> Feature:
    start, end = int(columns[1]), int(columns[2])
    _check(start, end, where, "from 0, the end left out")
    name = columns[3] if len(columns) > 3 and columns[3] != "." else "stretch"
    return Feature(start, end, _strand(columns[5] if len(columns) > 5 else "."), "region", name)


def _check(start: int, end: int, where: str, how: str) -> None:
    if not 0 <= start < end:
        raise InputError(f"{where} ends before it begins (positions count {how}): mend the line.")


def _strand(text: str) -> str:
    return text if text in ("+", "-") else "."


def _genbank(
    lines: list[str], shown: str, lengths: dict[str, int]
) -> Iterator[tuple[str, Feature]]:
    from Bio import BiopythonWarning, SeqIO

    try:
        with silenced(BiopythonWarning):
            records = list(SeqIO.parse(io.StringIO("\n".join(lines) + "\n"), "genbank"))
    except FAULTS as error:
        said = " ".join(str(error).split())[:100] or type(error).__name__
        raise InputError(
            f"{shown} cannot be read as GenBank ({said}): download or copy it again."
        ) from error
    for record in records:
        lengths[record.id] = len(record)
        for one in record.features:
            if one.type == "source" or one.location is None:
                continue
            name = next(
                (one.qualifiers[key][0] for key in _NAMES if one.qualifiers.get(key)), one.type
            )
            for part in one.location.parts:
                strand = {1: "+", -1: "-"}.get(part.strand, ".")
                if int(part.start) < int(part.end):
                    yield record.id, Feature(int(part.start), int(part.end), strand, one.type, name)


def _some(names: Iterable[str]) -> str:
    every = list(names)
    return ", ".join(every[:3]) + (f" and {len(every) - 3:,} more" if len(every) > 3 else "")
