"""``dnabert2-explore predict``: what a fine-tuned model says of the sequences of a file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from ...common.names import DType
from ..common import DEVICE, FORCE, GENOME, progress_bar, told_in_one_line
from ..output import check_output

__all__ = ["predict"]

#: Which strands a prediction is made of.
Strands = Literal["one", "both"]


def predict(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL", help="A fine-tuned model: a folder, pocket-splice, or a hub id."
        ),
    ],
    data: Annotated[
        Path,
        typer.Argument(
            metavar="DATA",
            help="CSV, TSV, Parquet, FASTA and what else sequences come in, or BED with "
            "--genome; labels are scored.",
        ),
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "--out", "-o", help="What to write: .csv, .tsv or .parquet."),
    ],
    genome: GENOME = None,
    device: DEVICE = "auto",
    dtype: Annotated[
        DType, typer.Option(help="Type of numbers; scores are computed in float32.")
    ] = "float32",
    batch_tokens: Annotated[
        int | None, typer.Option(min=1, help="Tokens in one batch; lower needs less memory.")
    ] = None,
    strands: Annotated[
        Strands | None,
        typer.Option(
            help="Predict the sequence as given, or the mean with its reverse complement.",
            show_default="as the model was saved",
        ),
    ] = None,
    segmentations: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Average over so many further segmentations, each a pass more.",
            show_default="as the model was saved",
        ),
    ] = None,
    force: FORCE = False,
) -> None:
    """Predict classes or values for every sequence of a file.

    A row for each: its number, name, label if the file has one, what is
    predicted, and the probability of each class. Where there are labels, their
    scores are printed, and written beside as NAME.scores.json. Memory does
    not grow with the file.

    [bold]Examples[/bold]

      dnabert2-explore predict runs/tf2/model windows.csv -o predicted.csv

      dnabert2-explore predict pocket-splice sites.fa -o sites.parquet

      dnabert2-explore predict runs/tf2/model peaks.bed --genome hg38.2bit -o peaks.csv

      dnabert2-explore predict runs/tf2/model a.csv -o quick.csv --strands one --segmentations 0
    """
    check_output(output, force)
    from ...training.predict import predict_table

    with told_in_one_line(), progress_bar("Predicting") as progress:
        summary = predict_table(
            model,
            data,
            output,
            device=device,
            dtype=dtype,
            batch_tokens=batch_tokens,
            progress=progress,
            genome=genome,
            strands=strands,
            segmentations=segmentations,
        )
    print(summary, file=sys.stderr)
