"""From a VCF to a VCF and a Parquet table, some records at a time."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar

from ...common.files import replacing
from ...common.progress import Progress, quiet, within
from ...errors import InputError
from ...results.rich_display import RichDisplay, counted
from ...sequences.variants.tables import VariantTable, open_calls
from ...sequences.variants.variant import REASONS, Skipped, Variant
from ...sequences.variants.vcf import PREFIX, Info, VcfReader, VcfRecord, VcfWriter, check_contigs
from ...version import __version__
from .scorer import VariantScorer
from .scores import Column, VariantScores, chunks

__all__ = ["VcfSummary", "info_key", "score_vcf"]

T = TypeVar("T")

#: Messages that a summary keeps.
_KEPT = 10

_NOTE = Info(
    f"{PREFIX}NOTE",
    "String",
    "Why the allele has no scores; the words are explained in ##dnabert2_exploreNotes",
)
#: In the Parquet table only; `ref_` and `alt_` columns too.
_TABLE_ONLY = {
    "llr_forward",
    "llr_reverse",
    "content_cells",
    "content_exact",
    "tokens_ref",
    "tokens_alt",
    "length_change",
    "gc_change",
    "cpg_change",
    "unknown",
}


@dataclass(frozen=True, slots=True, repr=False)
class VcfSummary(RichDisplay):
    """What became of a VCF; `str` of it is a line to print.

    Attributes
    ----------
    records, alleles, scored : int
        Lines, alternative alleles in them, and how many of these have scores.
    reasons : dict of str to int
        How many have none, by reason (lines without a usable allele count once).
    messages : tuple of str
        The first ten reasons as sentences.
    problem : str
        What is wrong with the file as a whole; empty if nothing is.
    unindexed : str
        Why a ``.vcf.gz`` has no index; empty if it has one.
    """

    records: int
    alleles: int
    scored: int
    reasons: dict[str, int]
    messages: tuple[str, ...]
    problem: str
    unindexed: str

    def __str__(self) -> str:
        skipped = "".join(f"; {n:,} not: {REASONS[why]}" for why, n in self.reasons.items())
        return (
            f"{self.scored:,} of {self.alleles:,} alternative alleles in "
            f"{counted(self.records, 'record')} "
            f"scored{skipped}"
        )


def info_key(column: Column) -> str:
    """INFO key of a column.

    Examples
    --------
    >>> info_key(Column("llr_per_base", "nats", -1, ""))
    'DX_LLR_PER_BASE'
    """
    return PREFIX + column.name.upper()


def score_vcf(
    scorer: VariantScorer,
    source: str | PathLike[str],
    vcf: str | PathLike[str] | None = None,
    parquet: str | PathLike[str] | None = None,
    chunk: int = 256,
    progress: Progress | None = None,
) -> VcfSummary:
    """Score a VCF of any size and write what was found, in constant memory.

    The source is a ``.vcf``, ``.vcf.gz`` or ``.bcf``, or a CSV or TSV with contig, position, ref
    and alt; a ``.vcf.gz`` that is written gets a tabix index if it is sorted. The VCF that is
    written holds every record of the input but malformed lines, in its order, with INFO fields
    added. The table has a row for each alternative allele, and for each line without one. Both
    appear whole or not at all; `chunk` alleles, at least, are in memory at once. Progress is told
    in records.

    Where the file breaks off, what lies before is scored and written, and the summary's `problem`
    says so. Raises InputError where the source is no VCF, shares no contig with the genome, nothing
    is to be written, or an output cannot be (a full disk).
    """
    if vcf is None and parquet is None:
        raise InputError("Nothing is to be written: name a VCF or a Parquet file.")
    if chunk < 1:
        raise InputError(f"chunk is {chunk}: give at least 1 variant.")
    reader = open_calls(source)
    check_contigs(reader, scorer.genome.names, scorer.rename)
    total = reader.count()
    shown = [c for c in scorer.columns if c.name not in _TABLE_ONLY]
    shown = [c for c in shown if not c.name.startswith(("ref_", "alt_"))]
    tally = _Tally()
    with ExitStack() as stack:
        # Both files are closed before either is given its name.
        places = [Path(path) if path is not None else None for path in (vcf, parquet)]
        for_vcf, for_table = (p and stack.enter_context(replacing(p)) for p in places)
        writer = table = None
        if vcf is not None and for_vcf is not None:
            opened = _open_vcf(for_vcf, reader, scorer, shown)
            writer = stack.enter_context(_closing(vcf, opened))
        if parquet is not None and for_table is not None:
            table = stack.enter_context(_closing(parquet, _Table(for_table, scorer)))
        for records in chunks(reader, chunk):
            inside = within(progress, tally.records, len(records), total)
            scores = _score(scorer, records, inside)
            if vcf is not None and writer is not None:
                with _naming(vcf):
                    _write_records(writer, records, scores, shown)
            if parquet is not None and table is not None:
                with _naming(parquet):
                    table.write(scores)
            tally.add(records, scores)
            (progress or quiet)(tally.records, total)
    unindexed = _index(Path(vcf)) if vcf is not None else ""
    return tally.summary(reader.problem, unindexed)


@contextmanager
def _naming(path: str | PathLike[str]) -> Iterator[None]:
    """Name the file that cannot be written, where the system only says why."""
    try:
        yield
    except OSError as error:
        raise InputError(
            f"{path} cannot be written ({error.strerror or error}), and nothing of it is kept: "
            "make room, or name another output."
        ) from error


@contextmanager
def _closing(path: str | PathLike[str], file: AbstractContextManager[T]) -> Iterator[T]:
    """Open and close an output; after an error of the block, one on closing is of no interest."""
    with _naming(path):
        sink = file.__enter__()
    try:
        yield sink
    except BaseException:
        with suppress(OSError):
            file.__exit__(None, None, None)
        raise
    with _naming(path):
        file.__exit__(None, None, None)


class _Tally:
    """Counts over the chunks."""

    def __init__(self) -> None:
        self.records = self.alleles = self.scored = 0
        self.reasons: Counter[str] = Counter()
        self.messages: list[str] = []

    def add(self, records: list[VcfRecord], scores: VariantScores) -> None:
        self.records += len(records)
        self.alleles += sum(len(record.variants) for record in records)
        self.scored += scores.scored
        self.reasons.update(scores.reasons)
        self.messages += scores.messages[: _KEPT - len(self.messages)]

    def summary(self, problem: str, unindexed: str) -> VcfSummary:
        counts = self.records, self.alleles, self.scored, dict(self.reasons)
        return VcfSummary(*counts, tuple(self.messages), problem, unindexed)


def _score(scorer: VariantScorer, records: list[VcfRecord], progress: Progress) -> VariantScores:
    variants: list[Variant] = []
    problems: list[Skipped | None] = []
    for record in records:
        if record.problem is not None:
            variants.append(record.stand_in)
            problems.append(record.problem)
        variants += record.variants
        problems += [None] * len(record.variants)
    return scorer.score(variants, progress=progress, problems=problems)


def _open_vcf(
    path: Path, reader: VcfReader | VariantTable, scorer: VariantScorer, columns: list[Column]
) -> VcfWriter:
    fields = [Info(info_key(c), "Float", f"{c.meaning} ({c.unit})") for c in columns]
    words = "; ".join(f"{word}: {meaning}" for word, meaning in REASONS.items())
    notes = [
        f"##dnabert2_exploreVersion={__version__}",
        f"##dnabert2_exploreSettings={json.dumps(scorer.about)}",
        f"##dnabert2_exploreNotes={words}",
    ]
    backwards = {new: old for old, new in scorer.rename.items()}
    contigs = {
        backwards.get(name, name): length
        for name, length in zip(scorer.genome.names, scorer.genome.lengths, strict=True)
    }
    return VcfWriter(path, reader, [*fields, _NOTE], notes, contigs)


def _write_records(
    writer: VcfWriter, records: list[VcfRecord], scores: VariantScores, columns: list[Column]
) -> None:
    place = 0
    for record in records:
        count = max(len(record.variants), 1)  # a line without an allele has one row too
        rows = slice(place, place + count)
        place += count
        if record.problem is not None:
            if record.problem.reason != "malformed":
                writer.write(record, {})
            continue
        values = {
            info_key(column): [_number(value) for value in scores[column.name][rows].tolist()]
            for column in columns
        }
        values[_NOTE.key] = ["." if one is None else one.reason for one in scores.skipped[rows]]
        writer.write(record, values)


def _number(value: float) -> str:
    return "." if math.isnan(value) else f"{value:.5g}"


def _index(path: Path) -> str:
    """Index a compressed VCF through pysam; say why, where that cannot be."""
    if path.suffix != ".gz":
        return ""
    import pysam

    index = path.with_name(f"{path.name}.tbi")
    index.unlink(missing_ok=True)  # of an earlier file of that name
    loud = pysam.set_verbosity(0)  # htslib would print what is said below
    try:
        pysam.tabix_index(str(path), preset="vcf", force=True)
    except (OSError, ValueError) as error:
        index.unlink(missing_ok=True)
        return (
            f"{path} has no index ({error}): sort it by position first, for example with "
            "'bcftools sort', and run 'tabix'."
        )
    finally:
        pysam.set_verbosity(loud)
    return ""


class _Table:
    """A Parquet file that grows by row groups."""

    def __init__(self, path: Path, scorer: VariantScorer) -> None:
        import pyarrow as pa

        names = ("contig", "position", "ref", "alt", "name", "skipped", "message")
        fields = [(n, pa.int64() if n == "position" else pa.string()) for n in names]
        about = {**scorer.about, "version": __version__}
        columns = {
            c.name: {"unit": c.unit, "sign": c.sign, "meaning": c.meaning} for c in scorer.columns
        }
        self.schema = pa.schema(
            [*fields, *((c.name, pa.float32()) for c in scorer.columns)],
            metadata={"about": json.dumps(about), "columns": json.dumps(columns)},
        )
        self.path = path
        self._writer: Any = None

    def __enter__(self) -> _Table:
        import pyarrow.parquet as pq

        self._writer = pq.ParquetWriter(self.path, self.schema)
        return self

    def __exit__(self, *error: object) -> None:
        self._writer.close()

    def write(self, scores: VariantScores) -> None:
        """Add the rows of a chunk."""
        import pyarrow as pa

        frame = scores.table()
        frame["message"] = ["" if one is None else one.message for one in scores.skipped]
        # NaN means that there is no value; Parquet can say so.
        columns = [
            pa.array(frame[name], type=self.schema.field(name).type, from_pandas=True)
            for name in self.schema.names
        ]
        self._writer.write_table(pa.table(columns, schema=self.schema))
