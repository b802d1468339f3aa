"""Arguments that several commands share, and how they are read."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import Cancelled, InputError

if TYPE_CHECKING:
    from ..sequences import Sequence

__all__ = [
    "DEVICE",
    "DTYPE",
    "FORCE",
    "MODEL",
    "MODELS",
    "SOURCE",
    "progress_bar",
    "read_source",
    "stop_between_steps",
]

#: Folder with the models that ship inside the package, one folder each.
MODELS = Path(__file__).resolve().parent.parent / "models"

SOURCE = Annotated[
    str,
    typer.Argument(
        metavar="SOURCE",
        help="FASTA (.fa .fasta .fna, also .gz .bz2 .xz), CSV or TSV with a column 'sequence', "
        "or - for standard input.",
    ),
]
MODEL = Annotated[
    str,
    typer.Option(
        "--model", "-m", help="pocket, pocket-splice, a folder, or a hub id (needs the network)."
    ),
]
DEVICE = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")]
DTYPE = Annotated[str, typer.Option(help="auto, float32, bfloat16, float16.")]
FORCE = Annotated[bool, typer.Option("--force", help="Replace an existing output.")]


def read_source(source: str) -> list[Sequence]:
    """Sequences from a path, or from standard input for ``-``."""
    from ..sequences import read_sequences

    if source != "-":
        # A Path, so that a misspelt name is a missing file and never a pasted sequence.
        return read_sequences(Path(source))
    if sys.stdin.isatty():
        raise InputError("nothing to read: name a file, or pipe sequences into standard input")
    return read_sequences(sys.stdin.buffer)


@contextmanager
def progress_bar(label: str) -> Iterator[Callable[[int, int], None]]:
    """Yield a ``progress(done, total)`` callback drawn as a bar on stderr, silent in a pipe."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    columns = (TextColumn(label), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(label, total=None)

        def update(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield update


@contextmanager
def stop_between_steps(
    progress: Callable[[int, int], None],
) -> Iterator[Callable[[int, int], None]]:
    """Turn the first Ctrl-C into a `Cancelled` raised from the progress callback.

    Work that can save its state does so on `Cancelled`, between two steps; a KeyboardInterrupt
    would fall into the middle of one. A second Ctrl-C interrupts at once.
    """
    wanted = False

    def remember(number: int, frame: FrameType | None) -> None:
        nonlocal wanted
        wanted = True
        signal.signal(signal.SIGINT, previous)
        print("finishing this step; Ctrl-C again to stop at once", file=sys.stderr)

    def report(done: int, total: int) -> None:
        progress(done, total)
        if wanted:
            raise Cancelled(f"stopped after step {done} of {total}")

    previous = signal.signal(signal.SIGINT, remember)
    try:
        yield report
    finally:
        signal.signal(signal.SIGINT, previous)
