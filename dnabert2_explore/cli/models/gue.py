"""``dnabert2-explore gue``: datasets of the benchmark, their faults, runs, the table."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ...common.files import write_text
from ..common import DEVICE, FORCE, progress_bar, stop_between_steps
from ..output import check_output
from ..settings import as_options

if TYPE_CHECKING:
    from ...training.gue import Leaderboard

__all__ = ["gue"]

gue = typer.Typer(
    help="GUE and GUE+, the benchmark of DNABERT-2: list, audit, run, table.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)

ROOT = Annotated[
    Path,
    typer.Argument(
        metavar="DATA", help="The unpacked archive (holds GUE/), or one folder a dataset."
    ),
]
DATASETS = Annotated[
    list[str] | None,
    typer.Option(
        "--dataset", "-d", help="Name such as tf_2 or H3; give it again for more.",
        show_default="all whose files are there",
    ),
]  # fmt: skip


@gue.command("list")
def list_datasets(
    root: Annotated[
        Path | None, typer.Argument(metavar="[DATA]", help="Say which files are there.")
    ] = None,
) -> None:
    """List the 28 datasets of GUE and the 8 of GUE+, and what is missing of them.

    [bold]Examples[/bold]

      dnabert2-explore gue list

      dnabert2-explore gue list ~/GUE
    """
    from ...training.gue import DATASETS, find_files

    header = ["dataset", "suite", "task", "species", "bp", "classes", "tokens", "epochs"]
    rows = [header + ([] if root is None else ["files"])]
    for one in DATASETS.values():
        recipe = one.recipe
        rows.append(
            [
                one.name,
                one.suite,
                one.task,
                one.species,
                f"{one.bases:,}",
                str(one.classes),
                str(recipe.max_tokens),
                f"{recipe.max_steps:,} steps" if recipe.max_steps else f"{recipe.epochs:g}",
            ]
        )
        if root is not None:
            found = find_files(root, one.name)
            rows[-1].append(
                "complete" if found.state == "full" else f"without {', '.join(found.missing)}"
            )
    print(_aligned(rows))


@gue.command("run", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def run(
    context: typer.Context,
    root: ROOT,
    output: Annotated[
        Path, typer.Option("--output", "--out", "-o", help="Results folder, one JSON a run.")
    ],
    model: Annotated[
        str, typer.Option("--model", "-m", help="pocket, a folder, or a hub id.")
    ] = "pocket",
    dataset: DATASETS = None,
    reduced: Annotated[
        bool,
        typer.Option("--reduced", help="Also datasets without train.csv, trained on dev."),
    ] = False,
    seed: Annotated[
        list[int] | None, typer.Option(help="Give it again for more.", show_default="42")
    ] = None,
    name: Annotated[str, typer.Option(help="Name of a variation of the authors' protocol.")] = "",
    baselines: Annotated[
        str, typer.Option(help="Comma-separated; none for none.")
    ] = "majority,position_weights,kmer,markov,twins,cnn",
    baseline_minutes: Annotated[
        float, typer.Option(help="Limit for the CNN of a dataset; 0 for none.")
    ] = 0.0,
    baseline_strands: Annotated[
        str, typer.Option(help="given, both; auto: both where the strand says nothing.")
    ] = "auto",
    keep_model: Annotated[bool, typer.Option(help="Keep the fine-tuned weights.")] = False,
    device: DEVICE = "auto",
    precision: Annotated[str, typer.Option(help="auto, float32, bfloat16.")] = "auto",
    threads: Annotated[int, typer.Option(help="0: as torch finds fit.")] = 0,
) -> None:
    """Fine-tune a model on datasets of GUE as the authors do, beside simple baselines.

    Global batch 32 whatever the number of GPUs, learning rate 3e-5, the checkpoint
    with the lowest dev loss, scored once on test. A run whose result file exists is
    not run again, so the same command goes on after a stop.

    A variation departs from the authors' protocol, needs --name, and is written
    into every result. Its options are settings of fine-tuning: --learning-rate,
    --epochs, --max-steps, --batch-size, --recipe, --method, --pooling, --augment, …
    All of them, with what they mean:

      python -m pydoc dnabert2_explore.training.finetune.FinetuneConfig

    [bold]Examples[/bold]

      dnabert2-explore gue run ~/GUE -m zhihan1996/DNABERT-2-117M -o results

      dnabert2-explore gue run ~/GUE -d tf_2 -o results --name fast --learning-rate 5e-4

      torchrun --nproc-per-node 4 -m dnabert2_explore gue run ~/GUE -o results

      dnabert2-explore gue table results
    """
    from ...errors import InputError
    from ...training.finetune import FinetuneConfig
    from ...training.gue import Variation, find_files, run_dataset
    from ...training.gue.datasets import GUE, GUE_PLUS
    from ...training.gue.variation import VARIED
    from ...training.loop.processes import is_main

    # Options that the parser does not know may stand before the argument, and take its place.
    words = [str(root), *context.args]
    settings, places = as_options(FinetuneConfig, VARIED, words, "gue run")
    if len(places) != 1:
        raise InputError(f"gue run takes one DATA; it got {', '.join(places) or 'none'}")
    root, variation = Path(places[0]), Variation(name, **settings)
    wanted = [find_files(root, one) for one in dataset or GUE + GUE_PLUS]
    ready = [one for one in wanted if one.state == "full" or (reduced and one.state == "reduced")]
    for one in wanted:
        if one not in ready:
            print(f"left out: {one}", file=sys.stderr)
    if not ready:
        raise InputError(
            f"no dataset in {root} can be run"
            + ("" if reduced else "; pass --reduced where only train.csv is missing")
        )
    chosen = tuple(part for part in baselines.split(",") if part and part != "none")
    for found in ready:
        for number in seed or [42]:
            title = f"{found.dataset.name}, seed {number}"
            with progress_bar(title) as progress, stop_between_steps(progress) as report:
                result = run_dataset(
                    found.dataset.name,
                    root,
                    model,
                    output,
                    seed=number,
                    variation=variation,
                    baselines=chosen,
                    baseline_minutes=baseline_minutes,
                    baseline_strands=baseline_strands,
                    device=device,
                    precision=precision,
                    threads=threads,
                    keep_model=keep_model,
                    progress=report,
                )
            metric = found.dataset.metric
            beside = ", ".join(f"{one.name} {one.test[metric]:.3f}" for one in result.baselines)
            if not is_main():
                continue  # of several processes, the first speaks
            print(
                f"{result.dataset}: {result.label} {metric} {result.test.values[metric]}"
                + (" REDUCED" if result.state == "reduced" else "")
                + (f"; {beside}" if beside else "")
                + f"; {result.seconds / 60:.1f} minutes"
            )


@gue.command("audit")
def audit_datasets(
    root: ROOT,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="JSON file to write; .md for its tables.")
    ],
    dataset: Annotated[
        list[str] | None,
        typer.Option(
            "--dataset",
            "-d",
            help="Name such as tf_2 or H3; give it again for more.",
            show_default="all with dev and test",
        ),
    ] = None,
    results: Annotated[
        Path | None,
        typer.Option(help="Results folder of 'gue run': models beside the best rule."),
    ] = None,
    seqleak: Annotated[
        bool, typer.Option("--seqleak", help="A second opinion; needs the extra \\[audit].")
    ] = False,
    force: FORCE = False,
) -> None:
    """Look for what can be won without knowing anything of DNA.

    Counts test sequences with a composition twin in train or dev (the same ends and
    dinucleotide counts, as a shuffle has), with a positional twin (stretches of the
    same bases in the same places), copies and near-copies; scores rules that need no
    neural network, what twins tell among them, on all of test and on what is left
    without twins and copies.

    [bold]Examples[/bold]

      dnabert2-explore gue audit ~/GUE -o audit.json

      dnabert2-explore gue audit ~/GUE --results results -o results/audit.json
    """
    from ...errors import InputError
    from ...training.gue import audit, read_runs

    if output.suffix not in (".json", ".md"):
        raise InputError(f"{output}: expected a name that ends in .json or .md")
    check_output(output, force)
    runs = () if results is None else read_runs(results)
    with progress_bar("audit") as progress:
        found = audit(root, dataset, runs, seqleak=seqleak, progress=progress)
    if output.suffix == ".md":
        write_text(output, found.markdown())
    else:
        found.save(output)
    rows = [["dataset", "test", "twins", "positional", "copies", "best rule", "", "verdict"]]
    for name, one in found.datasets.items():
        rule = one.rules[one.best_rule]
        rows.append(
            [
                name + (" R" if one.state == "reduced" else ""),
                f"{one.test:,}",
                f"{one.twins:,}",
                f"{one.positional:,}",
                f"{one.duplicates:,}",
                one.best_rule,
                f"{rule.score.value:.3f}",
                one.verdict,
            ]
        )
    print(_aligned(rows))
    if any(one.state == "reduced" for one in found.datasets.values()):
        print("R: train.csv is missing; twins and copies were looked for in dev only")


@gue.command("table")
def table(
    results: Annotated[Path, typer.Argument(help="Results folder of 'gue run'.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="File to write (.md or .csv).", show_default="stdout"),
    ] = None,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Everything: scores, differences, commands.")
    ] = False,
    published: Annotated[
        str, typer.Option(help="Columns of the paper, comma-separated; none, all.")
    ] = "DNABERT 6-mer,NT 500M human,NT 2500M multi,DNABERT-2",
    audit: Annotated[
        Path | None,
        typer.Option(help="File of 'gue audit'.", show_default="audit.json in RESULTS"),
    ] = None,
    force: FORCE = False,
) -> None:
    """Put result files beside the published scores, and the best rule without a model.

    Means are over the datasets that every run here has in full, for every column
    alike; runs that were trained on dev are marked and in no mean.

    [bold]Examples[/bold]

      dnabert2-explore gue table results

      dnabert2-explore gue table results --markdown -o docs/gue.md
    """
    from ...training.gue import PUBLISHED, leaderboard

    names = tuple(one.strip() for one in published.split(",") if one.strip())
    names = {"none": (), "all": PUBLISHED}.get(published, names)
    if output is not None:
        check_output(output, force)
    board = leaderboard(results, published=names, audit=audit)
    if output is not None:
        text = board.table().to_csv(index=False) if output.suffix == ".csv" else board.markdown()
        write_text(output, text)
        print(f"{output}: {len(board.runs)} runs on {len(board.datasets)} datasets",
              file=sys.stderr)  # fmt: skip
    elif markdown:
        print(board.markdown(), end="")
    else:
        _print_table(board)


def _print_table(board: Leaderboard) -> None:
    from ...training.gue import DATASETS
    from ...training.gue.answers import BEST_RULE

    rows = [["", *(column.name for column in board.columns)]]
    for dataset in board.datasets:
        rows.append([dataset + (" (F1)" if DATASETS[dataset].metric != "mcc" else "")])
        for column in board.columns:
            cell = board.cells.get((dataset, column.name))
            mark = " R" if cell is not None and cell.state == "reduced" else ""
            rows[-1].append("–" if cell is None else f"{cell.score.value:.3f}{mark}")
    means = [board.means.get(column.name) for column in board.columns]
    rows.append([f"mean of {len(board.shared)}"])
    rows[-1] += ["–" if mean is None else f"{mean.value:.3f}" for mean in means]
    print(_aligned(rows))
    if any(cell.state == "reduced" for cell in board.cells.values()):
        print("R: reduced, trained on dev; not comparable with published scores, in no mean")
    gains = [one for one in board.differences if one.second == BEST_RULE]
    if gains:
        print("\nMinus the best rule, which needs no neural network (95% interval, paired):")
        print(
            _aligned(
                [
                    [
                        one.dataset,
                        one.first,
                        f"{one.score.value:+.3f}",
                        f"{one.score.low:+.3f} to {one.score.high:+.3f}",
                        board.rules.get(one.dataset, ""),
                    ]
                    for one in gains
                ]
            )
        )
    for fault in board.faults:
        print(fault)


def _aligned(rows: list[list[str]]) -> str:
    """Lay out a table for a terminal or a pipe; it is never wrapped or cut."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)) for row in rows]
    return "\n".join(line.rstrip() for line in lines)
