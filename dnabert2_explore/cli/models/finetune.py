"""``dnabert2-explore finetune``: a classifier or regression of your own labelled sequences."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ...errors import InputError
from ..common import FORCE, progress_bar, stop_between_steps, told_in_one_line
from ..settings import settings_of

if TYPE_CHECKING:
    from ...training.finetune import FinetuneConfig

__all__ = ["finetune"]

_YAML = (".yaml", ".yml")

#: What the labels are.
Task = Literal["auto", "classification", "multi_label", "regression"]

#: What fills in the settings that are left open.
Recipe = Literal["auto", "published", "small"]

#: What strands predictions are made of.
Strands = Literal["auto", "one", "both"]

#: What is trained.
Method = Literal["full", "lora", "probe"]


def finetune(
    data: Annotated[
        Path,
        typer.Argument(
            metavar="DATA",
            help="Folder with train, dev and test files; or one file; or a YAML file of settings.",
        ),
    ],
    task: Annotated[
        Task | None, typer.Option(help="What the labels are.", show_default="told from them")
    ] = None,
    method: Annotated[
        Method | None,
        typer.Option(help="All weights, adapters, or a linear head.", show_default="full"),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            help="pocket, a folder, a hub id, or scratch:2x128 (layers x width, from nothing).",
            show_default="pocket",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--output", "--out", "-o", help="Run folder.", show_default="runs/DATA"),
    ] = None,
    dev: Annotated[
        Path | None, typer.Option(help="File that chooses the weights that are kept.")
    ] = None,
    test: Annotated[Path | None, typer.Option(help="File that is scored in the end.")] = None,
    genome: Annotated[
        Path | None,
        typer.Option(
            "--genome",
            "-g",
            help="Files are BED (names are labels), or tables of contig, start, end and label: "
            "stretches of this genome.",
        ),
    ] = None,
    max_tokens: Annotated[
        int | None, typer.Option(min=0, help="Cut longer input; 0 for no limit.", show_default="0")
    ] = None,
    recipe: Annotated[
        Recipe | None,
        typer.Option(
            help="What fills in settings left open: the authors' protocol, or what makes small "
            "networks learn.",
            show_default="small below 20 million parameters",
        ),
    ] = None,
    epochs: Annotated[
        float | None, typer.Option(help="Passes over train.", show_default="the recipe's")
    ] = None,
    max_steps: Annotated[int | None, typer.Option(min=0, help="Steps, in place of epochs.")] = None,
    batch_size: Annotated[
        int | None,
        typer.Option(min=1, help="Sequences a step, on all devices.", show_default="the recipe's"),
    ] = None,
    learning_rate: Annotated[
        float | None,
        typer.Option(
            "--learning-rate",
            "--lr",
            min=0,
            show_default="the recipe's; published 3e-5 full, 1e-4 lora, 1e-3 probe",
        ),
    ] = None,
    evaluate_every: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Steps between scores on dev; 0 for once an epoch.",
            show_default="the recipe's; published 200",
        ),
    ] = None,
    patience: Annotated[
        int | None,
        typer.Option(min=0, help="Stop after so many scores without a better dev loss."),
    ] = None,
    max_minutes: Annotated[
        float | None, typer.Option(min=0, help="Stop after so long, and keep the best.")
    ] = None,
    anchor: Annotated[
        str | None,
        typer.Option(
            help="For sites: read a window as two parts, so that tokens begin at its 'middle', or "
            "after so many bases."
        ),
    ] = None,
    strands: Annotated[
        Strands | None,
        typer.Option(
            help="Strands that the model's predictions are the mean over.",
            show_default="the recipe's",
        ),
    ] = None,
    segmentations: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Further segmentations that they are the mean over.",
            show_default="the recipe's",
        ),
    ] = None,
    seed: Annotated[
        list[int] | None,
        typer.Option(help="Give it again to run several, each in its folder.", show_default="42"),
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="auto, cpu, cuda.", show_default="auto")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="Any other setting, such as pooling=mean, augment=reverse_complement or "
            "segmentation=fixed.",
        ),
    ] = None,
    force: FORCE = False,
) -> None:
    """Fine-tune a model on labelled sequences, and score it.

    Files are CSV, TSV, Parquet (columns sequence, or sequence1 and sequence2,
    and label) or FASTA (label=... in each header). Labels are words or numbers
    (classes), a;b (multi-label), or values (regression). One file alone is
    split into train, dev and test by seed, class and equal sequences. With
    --genome, files are BED whose names are the labels, or tables with the
    columns contig, start, end and label.

    The run folder receives log.csv, result.json, predictions.csv and model/,
    which every other command takes as --model. Ctrl-C ends training and keeps
    the best weights so far. What is left open is filled in by a recipe for the
    size of the model; the result says with what.

    [bold]Examples[/bold]

      dnabert2-explore finetune GUE/tf/2 -o runs/tf2 --max-tokens 30

      dnabert2-explore finetune expression.csv --task regression --patience 5

      dnabert2-explore finetune data/ --method lora -m zhihan1996/DNABERT-2-117M

      dnabert2-explore finetune sites.csv -m scratch:2x128 --anchor middle

      dnabert2-explore finetune peaks.bed --genome hg38.2bit -o runs/peaks

    All settings, with what they mean:

      python -m pydoc dnabert2_explore.training.finetune.FinetuneConfig
    """  # fmt: skip
    given = dict(locals())  # the options are called as the settings are
    import dataclasses

    from ...training.finetune import FinetuneConfig, finetune as train, finetune_seeds
    from ...training.loop.processes import is_main

    for name in ("data", "settings", "force"):
        del given[name]
    given["seed"] = seed[0] if seed else None
    chosen = {
        name: str(value) if isinstance(value, Path) else value
        for name, value in given.items()
        if value is not None
    }
    config = _config(data, chosen | settings_of(FinetuneConfig, settings or [], "pooling=mean"))
    seeds = list(dict.fromkeys(seed or []))
    run = Path(config.out)
    folders = [run / f"seed-{one}" for one in seeds] if len(seeds) > 1 else [run]
    finished = [folder for folder in folders if (folder / "result.json").exists()]
    if finished and not force:
        raise InputError(
            f"{finished[0]} holds a finished run; pass --force to replace it, or choose another -o"
        )
    with (
        told_in_one_line(),
        progress_bar("Fine-tuning") as progress,
        stop_between_steps(progress) as report,
    ):
        result = (
            finetune_seeds(config, seeds, progress=report, watch=_tell)
            if len(seeds) > 1
            else train(dataclasses.replace(config), progress=report, watch=_tell)
        )
    if is_main():  # of several processes, one speaks
        print(result)


def _config(data: Path, chosen: dict[str, Any]) -> FinetuneConfig:
    from ...training.finetune import FinetuneConfig, find_splits

    if data.suffix in _YAML:
        return FinetuneConfig.from_yaml(data, **chosen)
    name = data.resolve().name
    stem = name if data.is_dir() else name.split(".")[0]
    files = {split: path for split, path in find_splits(data).items() if path or split != "test"}
    defaults = {"model": "pocket", "out": str(Path("runs") / stem)}
    return FinetuneConfig(**(defaults | files | chosen))


def _tell(point: dict[str, Any]) -> None:
    """Print the row of an evaluation."""
    name, title = ("mcc", "MCC") if "mcc" in point else ("r2", "R²")
    kept = ", the best so far" if point["best"] else ""
    print(
        f"step {point['step']:,}: train loss {point['train_loss']:.4f}, dev loss "
        f"{point['dev_loss']:.4f}, {title} {point[name]:.4f}{kept}",
        file=sys.stderr,
        flush=True,
    )
