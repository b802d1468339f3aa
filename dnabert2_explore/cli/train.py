"""``train-tokenizer`` and ``pretrain``: a model of your own from genomes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from .common import FORCE, progress_bar, stop_between_steps
from .output import check_output

__all__ = ["pretrain", "train_tokenizer"]

GENOMES = Annotated[
    Path, typer.Argument(help="Folder with the sequence files that the table names.")
]
TABLE = Annotated[
    Path,
    typer.Option(
        "--table", "-t", help="TSV with the columns file, category, and optionally species, split."
    ),
]


def train_tokenizer(
    genomes: GENOMES,
    table: TABLE,
    output: Annotated[
        Path, typer.Option("--output", "--out", "-o", help="Folder that receives tokenizer.json.")
    ],
    vocabulary: Annotated[int, typer.Option(help="Entries, special ones included.")] = 4096,
    windows: Annotated[int, typer.Option(min=1, help="Windows to draw.")] = 80_000,
    window_bases: Annotated[int, typer.Option(min=2, help="Bases in a window.")] = 256,
    seed: Annotated[int, typer.Option(help="Seed of the sampling.")] = 0,
    force: FORCE = False,
) -> None:
    """Train a byte-pair encoding on DNA, in the form of DNABERT-2's.

    Windows are drawn from both strands, balanced over categories and species;
    N is left out. Rows of the table whose split is not train are not read.

    [bold]Example[/bold]

      dnabert2-explore train-tokenizer genomes/ -t species.tsv -o runs/bpe
    """
    output.mkdir(parents=True, exist_ok=True)
    check_output(output / "tokenizer.json", force)
    from ..training.tokenizer import train_tokenizer as train

    with progress_bar("Drawing windows") as progress:
        numbers = train(
            genomes,
            table,
            output,
            vocabulary=vocabulary,
            windows=windows,
            window_bases=window_bases,
            seed=seed,
            progress=progress,
        )
    print(
        f"{output}/tokenizer.json: {numbers['vocabulary']:.0f} entries from "
        f"{numbers['bases']:.0f} bases, {numbers['bases_per_token']:.2f} bases a token",
        file=sys.stderr,
    )


def pretrain(
    config: Annotated[Path, typer.Argument(metavar="CONFIG", help="YAML file with the settings.")],
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue from the run's newest checkpoint.")
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "--out", "-o", help="Run folder.", show_default="the config's"),
    ] = None,
    max_minutes: Annotated[
        float | None,
        typer.Option(
            min=0, help="Write a checkpoint and stop after so long.", show_default="the config's"
        ),
    ] = None,
) -> None:
    """Pre-train a DNABERT-2 by masked language modelling.

    The run folder receives log.csv (loss, speed), evaluation.csv (held-out
    species), checkpoints/ and at the end model/, which every other command
    takes as --model. Paths in the file count from the current folder. Ctrl-C
    finishes the step and writes a checkpoint; --resume then ends with the
    weights of a run that was never stopped.

    [bold]Examples[/bold]

      dnabert2-explore pretrain configs/pocket.yaml
      dnabert2-explore pretrain configs/pocket.yaml --resume --max-minutes 60
      dnabert2-explore embed genes.fa -o genes.npz -m runs/pocket/model

    What each setting means:

      python -m pydoc dnabert2_explore.training.pretrain.PretrainConfig
    """
    import dataclasses

    from ..training.pretrain import PretrainConfig
    from ..training.pretrain import pretrain as train

    settings = PretrainConfig.from_yaml(config)
    if output is not None:
        settings = dataclasses.replace(settings, out=str(output))
    if max_minutes is not None:
        settings = dataclasses.replace(settings, max_minutes=max_minutes)
    with progress_bar("Pre-training") as progress, stop_between_steps(progress) as report:
        result = train(settings, resume=resume, progress=report)
    state = f"model in {result.model}" if result.finished else f"resume from {result.checkpoint}"
    print(
        f"{settings.out}: step {result.step} of {result.total_steps}, {result.tokens} tokens in "
        f"{result.seconds / 60:.1f} minutes; {state}",
        file=sys.stderr,
    )
