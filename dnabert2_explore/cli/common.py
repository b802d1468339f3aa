"""Arguments that several commands share, and how they are read."""

from __future__ import annotations

import signal
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..common.costs import Teller
from ..common.names import Backend, DType
from ..common.progress import Progress
from ..errors import Cancelled, InputError

if TYPE_CHECKING:
    from ..sequences import Sequence

__all__ = [
    "ATTENTION",
    "DEVICE",
    "DTYPE",
    "FORCE",
    "GENOME",
    "MODEL",
    "MODELS",
    "SOURCE",
    "progress_bar",
    "read_source",
    "stop_between_steps",
    "terminating_as_interrupted",
    "told_in_one_line",
]

#: Folder with the models that ship inside the package, one folder each.
MODELS = Path(__file__).resolve().parent.parent / "models"

SOURCE = Annotated[
    str,
    typer.Argument(
        metavar="SOURCE",
        help="FASTA (.fa .fasta .fna, also .gz .bz2 .xz), CSV or TSV with a column 'sequence', "
        "GenBank, EMBL, FASTQ, 2bit, BED with --genome, or - for standard input.",
    ),
]
GENOME = Annotated[
    Path | None,
    typer.Option(
        "--genome",
        "-g",
        help="SOURCE is BED: stretches of this genome (FASTA, also compressed; 2bit).",
    ),
]
MODEL = Annotated[
    str,
    typer.Option(
        "--model", "-m", help="pocket, pocket-splice, a folder, or a hub id (needs the network)."
    ),
]
DEVICE = Annotated[
    str,
    typer.Option(help="auto (what DNABERT2_EXPLORE_DEVICE names, else a GPU), cpu, cuda, cuda:1."),
]
DTYPE = Annotated[DType, typer.Option(help="Type of numbers.")]
ATTENTION = Annotated[Backend, typer.Option(help="How attention is computed.")]
FORCE = Annotated[bool, typer.Option("--force", help="Replace an existing output.")]


def read_source(source: str, genome: Path | None = None) -> list[Sequence]:
    """Sequences from a path, or from standard input for ``-``; of a BED, those of `genome`."""
    from ..sequences import read_sequences

    if source == "-" and sys.stdin.isatty():
        raise InputError("nothing to read: name a file, or pipe sequences into standard input")
    # A Path, so that a misspelt name is a missing file and never a pasted sequence.
    place = sys.stdin.buffer if source == "-" else Path(source)
    with told_in_one_line():
        if genome is not None:
            from ..sequences.annotation.regions import read_bed

            return read_bed(place, genome)
        return read_sequences(place)


@contextmanager
def told_in_one_line() -> Iterator[None]:
    """Print what readers warn of as a sentence, without the line of code it comes from."""
    from ..sequences import ReadingWarning

    before = warnings.showwarning

    def show(message: Warning | str, category: type[Warning], *rest: Any, **more: Any) -> None:
        if issubclass(category, ReadingWarning):
            print(f"dnabert2-explore: {message}", file=sys.stderr)
        else:
            before(message, category, *rest, **more)

    with warnings.catch_warnings():
        warnings.simplefilter("always", ReadingWarning)
        warnings.showwarning = show
        yield


@contextmanager
def progress_bar(label: str, unit: str = "") -> Iterator[Progress]:
    """Yield a ``progress(done, total)`` callback drawn as a bar on stderr.

    With a unit such as ``"bases"``, amounts and the rate are given in it. Where stderr is no
    terminal (a cluster's log), a line says what long work takes, and then a line a minute where it
    is.
    """
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        Task,
        TextColumn,
        TimeRemainingColumn,
    )

    class Amount(ProgressColumn):
        def render(self, task: Task) -> str:
            if task.total is None:
                return ""
            rate = f", {task.speed:,.0f} {unit}/s" if task.speed else ""
            return f"{task.completed:,.0f} of {task.total:,.0f} {unit}{rate}"

    console = Console(stderr=True)
    amount: ProgressColumn = Amount() if unit else MofNCompleteColumn()
    columns = (TextColumn(label), BarColumn(), amount, TimeRemainingColumn())
    lines = None if console.is_terminal else Teller(label, unit, every=60.0)
    # A chunk may take minutes: rich would forget the last one before the next is done.
    with Progress(
        *columns, console=console, disable=not console.is_terminal, speed_estimate_period=1800
    ) as bar:
        task = bar.add_task(label, total=None)

        def update(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)
            if lines is not None:
                lines(done, total)

        yield update


@contextmanager
def stop_between_steps(
    progress: Progress,
    unit: str = "",
) -> Iterator[Progress]:
    """Turn the first Ctrl-C or SIGTERM into a `Cancelled` raised from the progress callback.

    Work that can save its state does so on `Cancelled`, between two steps; a KeyboardInterrupt
    would fall into the middle of one. A second Ctrl-C or SIGTERM interrupts at once.
    """
    wanted = False

    def remember(number: int, frame: FrameType | None) -> None:
        nonlocal wanted
        wanted = True
        for one, handler in before.items():
            signal.signal(one, handler)
        print("finishing this step; Ctrl-C again to stop at once", file=sys.stderr)

    def report(done: int, total: int) -> None:
        progress(done, total)
        if wanted:
            if unit:
                raise Cancelled(
                    f"stopped after {done:,} of {total:,} {unit}; the same command goes on from "
                    "there"
                )
            raise Cancelled(f"stopped after step {done} of {total}")

    before = {one: signal.signal(one, remember) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield report
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


@contextmanager
def terminating_as_interrupted() -> Iterator[None]:
    """Let SIGTERM stop a command as Ctrl-C does, so that it removes what it wrote half.

    SLURM, Docker and ``kill`` send it first, and would else end the process where it stands.
    """

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may ask for signals
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
