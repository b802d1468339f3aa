"""``dnabert2-explore attribute``: how much each token and base speaks for a prediction."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from ...analysis.methods import METHODS, find_method
from ...analysis.settings import AttributionSettings
from ...common.delimited import cell, rows_writer
from ...errors import InputError
from ...results.rich_display import counted
from ..common import (
    DEVICE,
    DTYPE,
    FORCE,
    GENOME,
    SOURCE,
    progress_bar,
    read_source,
    stop_between_steps,
)
from ..output import check_output, replacing
from ..settings import with_options

if TYPE_CHECKING:
    from ...analysis.attribution import Attribution
    from ...encoder import Encoder
    from ...sequences import Sequence

__all__ = ["TARGET", "attribute", "find_target"]

#: Suffixes of tracks.
SUFFIXES = (".bedgraph", ".bw", ".bigwig")

TARGET = Annotated[
    str | None,
    typer.Option(
        "--target",
        "-t",
        help="Class name or index; for a pre-trained model the bases START-END (from 1, both "
        "included) whose masked log-likelihood is explained. By default the predicted class.",
    ),
]


def _list_methods(wanted: bool) -> None:
    """Print the methods, before a source is asked for."""
    if wanted:
        for name, info in METHODS.items():
            words = f"{info.title}: {info.score}; {info.cost}; {info.reference}"
            print(f"{name:28}{words.replace('`', '')}")
        raise typer.Exit


@with_options(AttributionSettings, {"output": "explain"}, without=("groups",))
def attribute(
    source: SOURCE,
    genome: GENOME = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help=".tsv, .parquet, .bedgraph or .bw (bigWig).",
            show_default="stdout, as .tsv",
        ),
    ] = None,
    model: Annotated[
        str, typer.Option("--model", "-m", help="pocket-splice, a folder, or a hub id.")
    ] = "pocket-splice",
    target: TARGET = None,
    per: Annotated[str, typer.Option(help="Rows of the table: base or token.")] = "base",
    methods: Annotated[
        bool,
        typer.Option(
            "--methods", help="List the methods and stop.", callback=_list_methods, is_eager=True
        ),
    ] = False,
    device: DEVICE = "auto",
    dtype: DTYPE = "auto",
    force: FORCE = False,
    *,
    settings: AttributionSettings,
) -> None:
    """Attribute a prediction to the tokens and bases of each sequence, through Captum.

    Coordinates in tables are 0-based, half-open, on the sequence; tracks are
    in those of the genome where a BED or a name such as chr1:100-140 has them.
    What methods, baselines and spreads mean, and how far to trust them:
    docs/attribution.md.

    [bold]Examples[/bold]

      dnabert2-explore attribute sites.fa --target donor -o scores.tsv

      dnabert2-explore attribute peaks.bed --genome hg38.2bit -o scores.bw

      dnabert2-explore attribute sites.fa --method saturation_mutagenesis -o scores.bedgraph

      dnabert2-explore attribute genes.fa -m pocket --target 101-112 --per token
    """
    from ...analysis.attribution import attribute as explain
    from ...analysis.attribution.trust.checks import thresholds
    from ...encoder import load
    from ...sequences.known import check_known

    if per not in ("base", "token"):
        raise InputError(f"--per {per}: expected base or token")
    if output is not None:
        if output.suffix not in (".tsv", ".parquet", *SUFFIXES):
            raise InputError(
                f"{output}: a name ending in .tsv, .parquet, .bedgraph or .bw says what to write"
            )
        check_output(output, force)
    sequences = read_source(source, genome)
    if output is not None and output.suffix in SUFFIXES:
        from ...sequences.annotation.tracks import places_of

        places_of(sequences)  # what cannot be written is told before it is computed
    check_known(sequences)

    enc = load(model, device=device, dtype=dtype)
    wanted = find_target(enc, target)
    results = []
    info = find_method(settings.method)
    with progress_bar(info.title.capitalize()) as bar, stop_between_steps(bar) as report:
        for number, sequence in enumerate(sequences):
            report(number, len(sequences))
            results.append(explain(enc, sequence, wanted, settings=settings))
        report(len(sequences), len(sequences))
    _write(output, sequences, results, per, genome)
    deltas = [
        abs(one.delta) / abs(one.change) for one in results if one.delta is not None and one.change
    ]
    limit = thresholds()["convergence"]
    far = sum(delta > limit for delta in deltas)
    mend = ": take more --n-steps" if info.integral else ""
    print(
        f"{counted(len(results), 'sequence')}, {info.title}, {enc.info}"
        + (f"; delta is above {limit:.0%} of the change in {far:,}{mend}" if far else ""),
        file=sys.stderr,
    )


def find_target(enc: Encoder, target: str | None) -> int | str | tuple[int, int] | None:
    """Read a target as typed: a class, or a stretch of bases for a model without classes."""
    from ...sequences.reading.letters import whole_number

    if target is None and enc.has_masked_lm and not enc.has_head:
        raise InputError(
            f"model {enc.name!r} has no classes: name the bases whose masked log-likelihood is "
            "explained, such as --target 101-112"
        )
    if target is None or enc.has_head:
        number = None if target is None or target in enc.classes else whole_number(target)
        return target if number is None else number
    first, _, last = target.replace(",", "").partition("-")
    start, end = whole_number(first), whole_number(last)
    if not start or not end or start > end:
        raise InputError(
            f"--target {target}: model {enc.name!r} has no classes; expected bases such as 101-112"
        )
    return start - 1, end


def _write(
    output: Path | None,
    sequences: list[Sequence],
    results: list[Attribution],
    per: str,
    genome: Path | None,
) -> None:
    if output is not None and output.suffix in SUFFIXES:
        from ...sequences.annotation.tracks import write_track
        from ...sequences.reading.genome import Genome

        sizes = None
        if genome is not None:
            with Genome(genome) as opened:
                sizes = dict(zip(opened.names, opened.lengths, strict=True))
        write_track(output, sequences, [one.base_scores for one in results], sizes)
        return
    if output is not None and output.suffix == ".parquet":
        import pandas as pd

        with replacing(output) as temporary:
            pd.DataFrame(list(_rows(sequences, results, per)), columns=_HEADER[per]).to_parquet(
                temporary, index=False
            )
        return
    if output is None:
        _table(sys.stdout, sequences, results, per)
        return
    with replacing(output) as temporary, temporary.open("w", encoding="utf-8") as handle:
        _table(handle, sequences, results, per)


_HEADER = {
    "base": ["sequence", "position", "base", "score", "target", "unit"],
    "token": ["sequence", "start", "end", "token", "score", "target", "unit"],
}


def _rows(
    sequences: list[Sequence], results: list[Attribution], per: str
) -> Iterator[tuple[object, ...]]:
    for sequence, result in zip(sequences, results, strict=True):
        told = (result.target_name, result.unit)
        if per == "base":
            for place, score in enumerate(result.base_scores):
                yield sequence.name, place, sequence.bases[place], float(score), *told
            continue
        tokens = result.tokens
        for token, (start, end), score in zip(
            tokens.tokens, tokens.spans, result.token_scores, strict=True
        ):
            yield sequence.name, int(start), int(end), token, float(score), *told


def _table(handle: TextIO, sequences: list[Sequence], results: list[Attribution], per: str) -> None:
    writer = rows_writer(handle, "\t")
    writer.writerow(_HEADER[per])
    for row in _rows(sequences, results, per):
        writer.writerow(f"{one:.6g}" if isinstance(one, float) else cell(one) for one in row)
