"""``dnabert2-explore export``: a store of embeddings in the format another program reads."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ...results.rich_display import counted
from ..common import FORCE
from ..output import check_output

__all__ = ["export"]


def export(
    store: Annotated[
        Path, typer.Argument(metavar="STORE", help="A .zarr folder that 'embed' wrote.")
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="File to write: .h5ad, .parquet or .npz.")
    ],
    force: FORCE = False,
) -> None:
    """Turn a finished store into .h5ad (AnnData), .parquet or .npz, in constant memory.

    [bold]Examples[/bold]

      dnabert2-explore export genome.zarr -o genome.h5ad
    """
    check_output(output, force)
    from ...stores import export as write, open_store

    opened = open_store(store)
    write(opened, output)
    print(f"{output}: {counted(opened.n_windows, 'window')} of {store}", file=sys.stderr)
