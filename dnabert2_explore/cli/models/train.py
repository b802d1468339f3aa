"""``train-tokenizer`` and ``pretrain``: a model of your own from genomes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ..common import FORCE, progress_bar, stop_between_steps
from ..output import check_output
from ..settings import settings_of

__all__ = ["pretrain", "train_tokenizer"]

GENOMES = Annotated[
    Path, typer.Argument(help="Folder with the sequence files that the table names.")
]
TABLE = Annotated[
    Path,
    typer.Option(
        "--table",
        "-t",
        help="TSV with the columns file, category, and optionally species, split, weight.",
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
    genome: Annotated[
        Path | None, typer.Option("--genome", "-g", help="What BED files name stretches of.")
    ] = None,
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
    from ...training.tokenizer import train_tokenizer as train

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
            genome=genome,
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
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VALUE", help="Any other setting, such as batch_rows=256."
        ),
    ] = None,
) -> None:
    """Pre-train a DNABERT-2 by masked language modelling, or train one further.

    The run folder receives run.json (what was decided), log.csv (loss, speed),
    evaluation.csv (held-out species), checkpoints/ and at the end model/, which
    every other command takes as --model. Paths in the file count from the
    current folder. Ctrl-C finishes the step and writes a checkpoint; --resume
    then ends with the weights of a run that was never stopped.

    [bold]Examples[/bold]

      dnabert2-explore pretrain configs/pocket.yaml
      dnabert2-explore pretrain configs/pocket.yaml --resume --max-minutes 60
      dnabert2-explore embed genes.fa -o genes.npz -m runs/pocket/model
      dnabert2-explore pretrain configs/further.yaml --set genomes=mine.fa

    On several GPUs or machines:

      accelerate launch -m dnabert2_explore.cli pretrain configs/dnabert2.yaml
      torchrun --nproc-per-node 4 -m dnabert2_explore.cli pretrain configs/dnabert2.yaml

    What each setting means:

      python -m pydoc dnabert2_explore.training.pretrain.PretrainConfig
    """
    from ...training.pretrain import PretrainConfig, is_main, pretrain as train

    over = settings_of(PretrainConfig, settings or [], "batch_rows=256")
    if output is not None:
        over["out"] = str(output)
    if max_minutes is not None:
        over["max_minutes"] = max_minutes
    chosen = PretrainConfig.from_yaml(config, **over)
    if not is_main():  # one of several processes: another one talks
        with stop_between_steps(lambda *_: None) as report:
            train(chosen, resume=resume, progress=report)
        return
    with progress_bar("Pre-training") as progress, stop_between_steps(progress) as report:
        result = train(chosen, resume=resume, progress=report, tell=_tell)
    state = f"model in {result.model}" if result.finished else f"resume from {result.checkpoint}"
    print(
        f"{chosen.out}: step {result.step} of {result.total_steps}, {result.tokens} tokens in "
        f"{result.seconds / 60:.1f} minutes; {state}",
        file=sys.stderr,
    )


def _tell(notes: tuple[str, ...]) -> None:
    print("\n".join(notes), file=sys.stderr, flush=True)
