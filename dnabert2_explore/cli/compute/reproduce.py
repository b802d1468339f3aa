"""``dnabert2-explore reproduce``: a file made again, and what differs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["reproduce"]


def reproduce(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="A figure, table or page that a view exported or a command wrote, a store, or the "
            "folder of a session.",
        ),
    ],
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            help="In place of the model that a view's file names.",
        ),
    ] = None,
    show: Annotated[
        bool, typer.Option("--show", help="Print what the file says of itself, and stop.")
    ] = False,
) -> None:
    """Make a file again from what it says of itself, and say whether it comes out the same.

    Files of views (.png, .svg, .html, .csv) hold model digest, versions, dtype,
    backend, seed, settings and sequences; files of commands have them in
    NAME.record.json beside. Exit code 1 if anything differs. Takes as long as it
    took the first time, which is said first.

    [bold]Examples[/bold]

      dnabert2-explore reproduce attribution-donor.png

      dnabert2-explore reproduce predicted.csv
    """
    from ...again import reproduce as again
    from ...results.records import beside, read_record

    session = file.is_dir() and not beside(file).is_file()  # a store has its record beside it
    if show:
        import json

        record = read_record(file / "session.json" if session else file)
        print(json.dumps(_short(record), indent=1))
        return
    if not session:
        seconds = read_record(file).get("seconds", 0)
        if seconds > 10:
            print(f"{file} took {seconds:,.0f} s when it was made", file=sys.stderr)
    from ...encoder import load

    found = again(file, model=None if model is None else load(model))
    print(found)
    if not found.identical:
        raise typer.Exit(1)


def _short(value: object) -> object:
    """Cut what is packed: nobody reads it."""
    if isinstance(value, dict):
        return {name: _short(one) for name, one in value.items()}
    if isinstance(value, str) and len(value) > 200:
        return f"{value[:40]}… ({len(value):,} characters)"
    return value
