"""Variants on a genome: checked, brought to one form, and put into windows of both alleles."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from operator import index

from ...errors import InputError, warn
from ...results.rich_display import RichDisplay
from ..reading.genome import Genome
from ..reading.letters import ReadingWarning, whole_number
from ..transform import as_dna, reverse_complement

__all__ = [
    "REASONS",
    "Placement",
    "Skipped",
    "Variant",
    "Windows",
    "parse_variant",
    "place",
    "windows_of",
]

#: Why a variant is not scored, and what is to be done about it.
REASONS = {
    "symbolic": "the alternative allele is symbolic (<DEL>, *, a breakend), and has no bases",
    "no_alt": "there is no alternative allele",
    "ambiguous": "an allele holds letters other than A, C, G and T",
    "no_record": "the genome has no record of that name",
    "outside": "the position lies outside of the record",
    "mismatch": "REF is not what the genome holds there",
    "same": "REF and ALT are the same",
    "long": "an allele is longer than half of the window",
    "malformed": "the line is no VCF record",
}

_ALLELES = r"(?P<ref>[A-Za-z]*|-)", r"(?P<alt>[A-Za-z]*|-|\*|<[^>]+>)"
_POSITION = r"(?P<position>\d[\d,]*)"
_FORMS = tuple(
    re.compile(form, re.ASCII)
    for form in (
        rf"(?P<contig>.*[^ :])[ :] ?{_POSITION}[ :]? ?{_ALLELES[0]} ?[>/: ] ?{_ALLELES[1]}",
        rf"(?P<contig>.+)([-_]){_POSITION}\2{_ALLELES[0]}\2{_ALLELES[1]}",
        rf"(?P<contig>.+):g\.{_POSITION}{_ALLELES[0]}>{_ALLELES[1]}",
    )
)
#: An accession with its version, and nothing but colons between.
_SPDI = re.compile(r"[A-Z]{2}_[A-Z0-9]+\.\d+:\d+:[A-Za-z]*:[A-Za-z]*", re.ASCII)

_AMBIGUITY = {
    "R": "AG", "Y": "CT", "S": "CG", "W": "AT", "K": "GT", "M": "AC",
    "B": "CGT", "D": "AGT", "H": "ACT", "V": "ACG", "N": "ACGT",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Variant(RichDisplay):
    """One alternative allele.

    Parameters
    ----------
    contig : str
        Record of the genome.
    position : int
        Of the first base of `ref`, 0-based (a VCF's POS minus 1).
    ref, alt : str
        As in a VCF: bases, with the base before an insertion or deletion in both. They may also
        be written without it, one of them empty.
    name : str
        The ID, if any.
    where : str
        What messages call it, such as ``"calls.vcf, line 12"``; by default its coordinates.

    Raises
    ------
    InputError
        If the position is no whole number, or the contig or an allele no str.

    Examples
    --------
    >>> str(Variant("chr1", 99, "A", "G"))
    'chr1:100 A>G'
    """

    contig: str
    position: int
    ref: str
    alt: str
    name: str = ""
    where: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "position", index(self.position))
        except TypeError:
            raise InputError(
                f"A variant's position was given as {self.position!r}; expected a whole number, "
                "counted from 0: give one."
            ) from None
        for kind in ("contig", "ref", "alt"):
            if not isinstance(getattr(self, kind), str):
                raise InputError(
                    f"A variant's {kind} was given as {getattr(self, kind)!r}; expected a str: "
                    "give one ('' for an allele without bases)."
                )

    def _line(self) -> str:
        return str(self)

    def __str__(self) -> str:
        ref, alt = (_short(allele) or "-" for allele in (self.ref, self.alt))
        return f"{self.contig}:{self.position + 1} {ref}>{alt}"


@dataclass(frozen=True, slots=True)
class Skipped:
    """Why a variant is not scored: a key of `REASONS`, and a sentence with the mend."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Placement:
    """A variant in the one form that does not depend on how it was written.

    What both alleles share at their ends is left out. An insertion or deletion that could stand at
    several places of a repeat with the same result is written over all of them: the "fully
    justified" form of Holmes et al. 2020 (SPDI, Bioinformatics 36:1902).

    Attributes
    ----------
    contig : str
    start : int
        0-based.
    ref, alt : str
        Upper case; the genome holds `ref` at `start`.

    Examples
    --------
    A deletion of one AT out of three is the same wherever it is written:

    >>> from dnabert2_explore import Sequence
    >>> genome = Genome.from_records([Sequence("c", "GGATATATCC")])
    >>> one = place(Variant("c", 1, "GAT", "G"), genome, 40)
    >>> other = place(Variant("c", 6, "AT", ""), genome, 40)
    >>> one == other, one.start, one.ref, one.alt
    (True, 2, 'ATATAT', 'ATAT')
    """

    contig: str
    start: int
    ref: str
    alt: str


@dataclass(frozen=True, slots=True)
class Windows:
    """Both alleles with the same flanks, upper case, in the direction of one strand.

    The alleles begin at `start` in both (0-based, in that direction); `first` is the 0-based
    position on the record of the leftmost base (forward strand) of `ref`.
    """

    ref: str
    alt: str
    start: int
    strand: str
    first: int


def parse_variant(text: str, *, where: str = "", contig: str = "") -> Variant:
    """Read ``chr1:1,234 A>G``; also ``chr1-1234-A-G``, ``chr1:1234:A:G``, ``chr1:g.1234A>G``.

    Positions count from 1, but of SPDI (``NC_000001.11:1233:A:G``: an accession with its version,
    and colons) from 0, with a :class:`ReadingWarning`. An allele without bases is ``-``.

    Parameters
    ----------
    text : str
    where : str
        What messages call the variant; by default its coordinates.
    contig : str
        Where it is given, ``1,234 A>G`` is enough.

    Returns
    -------
    Variant

    Raises
    ------
    InputError
        If it is none of these, or the position is 0.

    Examples
    --------
    >>> parse_variant("chr1:1,234 A>GT")
    Variant(contig='chr1', position=1233, ref='A', alt='GT', name='', where='')
    """
    bare = " ".join(str(text).split())
    found = next(filter(None, (form.fullmatch(bare) for form in _FORMS)), None)
    if found is None and contig:
        found = _FORMS[0].fullmatch(f"{contig}:{bare}")
    position = whole_number(found["position"].replace(",", "")) if found else None
    if found is None or position is None:
        raise InputError(
            f"{str(text)[:60]!r} is no variant; expected for example 'chr1:1234 A>G' (position "
            "from 1): write it so."
        )
    ref, alt = ("" if allele == "-" else allele for allele in (found["ref"], found["alt"]))
    if _SPDI.fullmatch(bare):
        warn(
            f"{bare!r} is read as SPDI, whose positions count from 0: base {position + 1:,} of "
            f"{found['contig']}. Where {position:,} counts from 1, write '{found['contig']}:"
            f"{position} {ref or '-'}>{alt or '-'}'.",
            ReadingWarning,
        )
        position += 1
    if position < 1:
        raise InputError(
            f"{bare!r} has position 0; expected positions from 1, as in 'chr1:1234 A>G': correct "
            "it."
        )
    return Variant(found["contig"], position - 1, ref, alt, where=where)


def place(
    variant: Variant,
    genome: Genome,
    longest: int,
    rename: Mapping[str, str] | None = None,
) -> Placement | Skipped:
    """Check a variant against a genome and bring it to one form.

    `longest` is how many bases the longest allele that is taken has. An insertion or deletion is
    followed through repeats for a quarter of it to each side; in longer ones its form depends on
    where it was written. `rename` goes from the variant's contig names to the genome's.
    """
    where = variant.where or str(variant)
    contig = (rename or {}).get(variant.contig, variant.contig)
    ref, alt = as_dna(variant.ref), as_dna(variant.alt)
    if alt == ".":
        return Skipped("no_alt", f"{where}: {REASONS['no_alt']}: there is nothing to score.")
    # "C." and ".C" are single breakends.
    if alt in ("*", "<*>") or set(alt) & set("<>[]."):
        return Skipped(
            "symbolic",
            f"{where}: ALT {_short(variant.alt)} is symbolic and has no bases: write the bases of "
            "both alleles, or leave it out.",
        )
    strange = sorted(set(ref + alt) - set("ACGT"))
    if strange:
        return Skipped(
            "ambiguous",
            f"{where}: an allele holds {', '.join(strange)}; expected A, C, G and T: write one "
            "record for each base that is meant.",
        )
    if contig not in genome:
        return Skipped("no_record", f"{where}: {_no_record(contig, genome)}")
    length = genome.length(contig)
    start = variant.position
    if not 0 <= start <= start + len(ref) <= length:
        return Skipped(
            "outside",
            f"{where}: position {start + 1:,} with {len(ref)} bases of REF leaves {contig}, which "
            f"has {length:,}: is this the genome that the variants were called on?",
        )
    held = _held(genome, contig, start, start + len(ref))
    if not _agree(ref, held.replace("U", "T")):
        mend = (
            ", which is ALT: were REF and ALT exchanged?"
            if _starts(genome, contig, start, alt)
            else ": is this the genome that the variants were called on?"
        )
        return Skipped(
            "mismatch",
            f"{where}: REF is {_short(ref)}, and the genome holds {_short(held)} there{mend}",
        )
    if ref == alt:
        return Skipped("same", f"{where}: REF and ALT are both {_short(ref)}: leave it out.")
    start, ref, alt = _trim(start, ref, alt)
    if max(len(ref), len(alt)) > longest:
        return Skipped(
            "long",
            f"{where}: an allele of {max(len(ref), len(alt)):,} bases does not fit; at most "
            f"{longest:,} do, half of the window: take a wider window.",
        )
    if not ref or not alt:
        start, ref, alt = _justify(genome, contig, start, ref, alt, longest // 4)
    return Placement(contig, start, ref, alt)


def windows_of(placement: Placement, genome: Genome, window: int, strand: str = "+") -> Windows:
    """Put both alleles between the same flanks; for strand "-", their reverse complements.

    Each flank has half of what `window`, the bases of the longer one, leaves beside the longer
    allele, and is cut where the record ends.
    """
    flank = max(0, (window - max(len(placement.ref), len(placement.alt))) // 2)
    length = genome.length(placement.contig)
    first, end = placement.start, placement.start + len(placement.ref)
    low, high = max(0, first - flank), min(length, end + flank)
    left = _held(genome, placement.contig, low, first)
    right = _held(genome, placement.contig, end, high)
    ref, alt = left + placement.ref + right, left + placement.alt + right
    if strand == "-":
        return Windows(reverse_complement(ref), reverse_complement(alt), len(right), "-", low)
    return Windows(ref, alt, len(left), "+", low)


def _held(genome: Genome, contig: str, start: int, end: int) -> str:
    """Bases of a stretch in upper case; an empty one has none."""
    return genome.fetch(contig, start, end).upper() if start < end else ""


def _short(bases: str) -> str:
    return bases if len(bases) <= 20 else f"{bases[:12]}… ({len(bases)} bases)"


def _agree(ref: str, held: str) -> bool:
    """Whether REF may be what the genome holds: VCF writes one base for an ambiguity code."""
    return len(ref) == len(held) and all(
        a == b or a in _AMBIGUITY.get(b, "") for a, b in zip(ref, held, strict=True)
    )


def _starts(genome: Genome, contig: str, start: int, alt: str) -> bool:
    end = start + len(alt)
    return bool(alt) and end <= genome.length(contig) and _held(genome, contig, start, end) == alt


def _no_record(contig: str, genome: Genome) -> str:
    names = genome.names
    bare = contig[3:] if contig.lower().startswith("chr") else contig
    other = f"chr{bare}" if bare == contig else bare
    mitochondria = {"M": ("MT", "chrMT"), "MT": ("M", "chrM")}.get(bare, ())
    for candidate in (other, *mitochondria):
        if candidate in genome:
            return (
                f"the genome has no record {contig!r}, but it has {candidate!r}: if that is meant, "
                f"say so with rename {contig}={candidate}."
            )
    close = get_close_matches(contig, names[:10_000], n=1)
    some = f"did you mean {close[0]!r}?" if close else f"it has {', '.join(names[:4])}"
    more = ", …" if not close and len(names) > 4 else ""
    return (
        f"the genome has no record {contig!r} ({some}{more}): give the genome that the variants "
        "were called on, or rename the contig."
    )


def _trim(start: int, ref: str, alt: str) -> tuple[int, str, str]:
    """Leave out what both alleles share, at the end and then at the start."""
    end = 0
    while end < min(len(ref), len(alt)) and ref[-1 - end] == alt[-1 - end]:
        end += 1
    ref, alt = ref[: len(ref) - end], alt[: len(alt) - end]
    head = 0
    while head < min(len(ref), len(alt)) and ref[head] == alt[head]:
        head += 1
    return start + head, ref[head:], alt[head:]


def _justify(
    genome: Genome, contig: str, start: int, ref: str, alt: str, reach: int
) -> tuple[int, str, str]:
    """Write a pure insertion or deletion over all places where it would do the same."""
    unit = ref or alt
    end = start + len(ref)
    length = genome.length(contig)
    low, high = max(0, start - reach), min(length, end + reach)
    left, right = _held(genome, contig, low, start), _held(genome, contig, end, high)
    n = len(unit)
    before = 0
    while before < len(left) and left[-1 - before] == unit[-1 - before % n]:
        before += 1
    after = 0
    while after < len(right) and right[after] == unit[after % n]:
        after += 1
    head, tail = left[len(left) - before :], right[:after]
    return start - before, head + ref + tail, head + alt + tail
