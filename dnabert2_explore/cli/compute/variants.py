"""``dnabert2-explore variants``: score a VCF, and write a VCF and a table."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ...common.names import Strands
from ...errors import InputError
from ..common import (
    ATTENTION,
    DEVICE,
    DTYPE,
    FORCE,
    MODEL,
    progress_bar,
    stop_between_steps,
    told_in_one_line,
)
from ..output import check_output

if TYPE_CHECKING:
    from ...analysis.variants import VariantLabels, VcfSummary

__all__ = ["variants"]


class Score(StrEnum):  # typer takes no list of a Literal
    """Kinds of scores."""

    llr = "llr"
    pll = "pll"
    distance = "distance"
    prediction = "prediction"


def variants(
    calls: Annotated[
        str,
        typer.Argument(
            metavar="CALLS",
            help="Variants: .vcf, .vcf.gz, .bcf; or .csv, .tsv with contig, position, ref, alt.",
        ),
    ],
    genome: Annotated[
        Path,
        typer.Option(
            "--genome", "-g", help="FASTA that they were called on (also compressed), or 2bit."
        ),
    ],
    output: Annotated[
        list[Path] | None,
        typer.Option(
            "--output",
            "-o",
            help=".vcf, .vcf.gz or .parquet; repeat it for a VCF and a table. By default both, "
            "CALLS.scored.vcf.gz and CALLS.scored.parquet, in this folder.",
        ),
    ] = None,
    model: MODEL = "pocket",
    head: Annotated[
        str | None,
        typer.Option(help="A fine-tuned model whose predictions are compared too."),
    ] = None,
    score: Annotated[
        list[Score] | None,
        typer.Option(
            help="llr, pll, distance, prediction; repeat it. By default all that the models can "
            "give but pll, which takes some 100 times as long."
        ),
    ] = None,
    window: Annotated[
        int | None,
        typer.Option(min=16, help="Bases around each variant; 512 by default."),
    ] = None,
    layer: Annotated[
        list[int] | None,
        typer.Option(help="For distances: 0 the embeddings, ..., -1 the last (the default)."),
    ] = None,
    strands: Annotated[Strands, typer.Option(help="both: means over the two strands.")] = "both",
    pll_within: Annotated[
        int | None,
        typer.Option(min=0, help="For pll: only tokens within so many bases of the variant's."),
    ] = None,
    rename: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FROM=TO",
            help="Contig names of CALLS and of the genome, such as chr1=1; repeat it, or name a "
            "file with two columns (as bcftools takes).",
        ),
    ] = None,
    labels: Annotated[
        str | None,
        typer.Option(
            metavar="LABELS",
            help="What is known of the variants, to say how well each score tells it: INFO/KEY, "
            "or a CSV/TSV with contig, position, ref, alt, label.",
        ),
    ] = None,
    positive: Annotated[
        list[str] | None,
        typer.Option(help="The label that high scores should mean; repeat it for several."),
    ] = None,
    negative: Annotated[
        list[str] | None,
        typer.Option(help="The label of the other class; all others are left out."),
    ] = None,
    device: DEVICE = "auto",
    dtype: DTYPE = "auto",
    attention: ATTENTION = "auto",
    batch_tokens: Annotated[
        int | None,
        typer.Option(min=1, help="Tokens in one batch; lower needs less memory."),
    ] = None,
    force: FORCE = False,
) -> None:
    r"""Score variants: what the model makes of each alternative allele beside the reference.

    SNVs, insertions, deletions and any exchange of bases; each alternative
    allele of a record by itself. Formulas: docs/variants.md.

    The VCF holds all records of CALLS in their order, with INFO fields DX_...;
    an allele without scores has the reason in DX_NOTE. The table has a row for
    each alternative allele, with further columns and the reason as a sentence.

    [bold]Examples[/bold]

      dnabert2-explore variants calls.vcf --genome ref.fa
      dnabert2-explore variants calls.vcf -g ref.fa -o scored.parquet \
          --head pocket-splice --score llr --score prediction
      dnabert2-explore variants clinvar.vcf.gz -g ref.fa -o scored.parquet \
          --labels INFO/CLNSIG --positive Pathogenic --negative Benign
    """
    output = output or _beside(calls)
    vcf, table = _outputs(output, force)
    names = _renames(rename or [])
    if labels is not None and table is None:
        raise InputError(
            "--labels compares the scores of a table: give -o with a name that ends in .parquet too"
        )
    from ...sequences.reading.genome import Genome
    from ...sequences.variants.tables import open_calls
    from ...sequences.variants.vcf import check_contigs

    with told_in_one_line(), Genome(genome) as opened:
        # What is wrong with the files is told before a model is loaded, or downloaded.
        reader = open_calls(calls)
        check_contigs(reader, opened.names, names)
        known = _known(calls, labels, positive, negative)
        if known is not None:
            print(f"{labels}: {known}", file=sys.stderr)
        from ...analysis.variants import VariantScorer, score_vcf
        from ...encoder import load

        encoder = load(model, device=device, dtype=dtype, attention=attention, cache=False)
        second = load(head, device=device, dtype=dtype, cache=False) if head else None
        scorer = VariantScorer.make(
            encoder,
            opened,
            window=window,
            scores=[one.value for one in score] if score else None,
            layers=layer or -1,
            strands=strands,
            head=second,
            pll_within=pll_within,
            rename=names,
            batch_tokens=batch_tokens,
        )
        with progress_bar("Scoring", "records") as bar, stop_between_steps(bar) as report:
            summary = score_vcf(scorer, calls, vcf, table, progress=report)
    print(f"{', '.join(map(str, output))}: {summary}, {encoder.info}", file=sys.stderr)
    _tell(calls, summary)
    if known is not None and table is not None:
        from ...analysis.variants import calibrate_table

        print(calibrate_table(table, known.known))
    if summary.problem or (summary.alleles and not summary.scored):
        raise typer.Exit(1)


def _beside(calls: str) -> list[Path]:
    name = Path(calls).name
    for ending in (".gz", ".vcf", ".bcf", ".csv", ".tsv", ".txt"):
        name = name.removesuffix(ending)
    return [Path(f"{name}.scored.vcf.gz"), Path(f"{name}.scored.parquet")]


def _outputs(output: list[Path], force: bool) -> tuple[Path | None, Path | None]:
    vcf = [path for path in output if path.name.endswith((".vcf", ".vcf.gz"))]
    table = [path for path in output if path.suffix == ".parquet"]
    for path in output:
        if path not in vcf and path not in table:
            raise InputError(
                f"{path}: a name ending in .vcf, .vcf.gz or .parquet says what to write"
            )
        check_output(path, force)
    if len(vcf) > 1 or len(table) > 1:
        raise InputError("-o was given twice for the same kind of file: give one VCF and one table")
    return next(iter(vcf), None), next(iter(table), None)


def _renames(pairs: list[str]) -> dict[str, str]:
    names: dict[str, str] = {}
    for pair in pairs:
        old, equals, new = pair.partition("=")
        if equals:
            if not old or not new:
                raise InputError(f"--rename {pair}: expected FROM=TO, such as chr1=1")
            names[old] = new
            continue
        try:
            text = Path(pair).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(
                f"--rename {pair}: expected FROM=TO, such as chr1=1, or a file with two columns "
                f"({error})"
            ) from error
        for number, line in enumerate(text.splitlines(), start=1):
            columns = line.split()
            if len(columns) not in (0, 2):
                raise InputError(
                    f"{pair}, line {number} has {len(columns)} columns; expected two, the name in "
                    "the VCF and the name in the genome: mend the line"
                )
            if columns:
                names[columns[0]] = columns[1]
    return names


def _known(
    calls: str, labels: str | None, positive: list[str] | None, negative: list[str] | None
) -> VariantLabels | None:
    if labels is None:
        if positive or negative:
            raise InputError("--positive and --negative say which of the --labels are meant")
        return None
    from ...analysis.variants import read_labels

    return read_labels(labels, calls, positive or (), negative or ())


def _tell(calls: str, summary: VcfSummary) -> None:
    """Say what was not scored, and why."""
    for message in summary.messages:
        print(f"  {message}", file=sys.stderr)
    more = sum(summary.reasons.values()) - len(summary.messages)
    if more > 0:
        print(f"  and {more:,} more: see DX_NOTE, or the table's 'message'", file=sys.stderr)
    if not summary.records:
        print(f"{calls} has a header and no records", file=sys.stderr)
    for problem in (summary.unindexed, summary.problem):
        if problem:
            print(f"dnabert2-explore: {problem}", file=sys.stderr)
