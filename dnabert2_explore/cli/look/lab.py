"""``dnabert2-explore lab``: JupyterLab on the workbench notebook, talking to nobody else."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer

from ...errors import InputError
from .server import BROWSER, DIRECTORY, NOTEBOOK, PORT, announce, prepared, serve, server_options

__all__ = ["lab"]


def lab(
    ctx: typer.Context,
    notebook: Annotated[
        Path | None,
        typer.Argument(
            metavar="[NOTEBOOK]",
            help="Notebook to open, in its folder; the workbench's by default.",
        ),
    ] = None,
    directory: DIRECTORY = None,
    port: PORT = None,
    browser: BROWSER = True,
) -> None:
    """Open the workbench, or a notebook, in JupyterLab.

    Listens on 127.0.0.1 only, behind a random token (or JUPYTER_TOKEN).
    Asks no other host for anything: news, update checks and the catalogue
    of extensions are off. Your own Jupyter settings stay as they are.
    The notebooks are copies; those of the package stay as they are.
    In the notebook: Run > Run All Cells. Stop the server with Ctrl-C.

    [bold]Examples[/bold]

      dnabert2-explore lab
      dnabert2-explore lab --dir ~/dna --port 9000

      dnabert2-explore lab ~/dna/lesson_01_tokens.ipynb

    On a server, then on your own machine:

      dnabert2-explore lab --no-browser --port 8888
      ssh -N -L 8888:127.0.0.1:8888 server

    Options for Jupyter itself come after two dashes:

      dnabert2-explore lab -- --ServerApp.log_level=INFO
    """
    more = list(ctx.args)
    if notebook is not None and str(notebook).startswith("--"):  # Jupyter's options, no notebook
        more.insert(0, str(notebook))
        notebook = None
    if notebook is not None:
        if directory is not None:
            raise InputError(f"--dir and a notebook are both named: {notebook} opens in its folder")
        if notebook.suffix != ".ipynb" or not notebook.is_file():
            raise InputError(f"There is no notebook '{notebook}' (*.ipynb): check the path")
        directory = notebook.resolve().parent
    name = NOTEBOOK if notebook is None else notebook.name
    with prepared(directory, port, copies=notebook is None) as server:
        # JupyterLab's simple interface: its list of files would take a fifth of a laptop's screen.
        page = f"doc/tree/{quote(name)}"
        what = "Workbench" if notebook is None else "Notebook "
        print(f"{what}  {server.url(page)}", f"Notebooks  {server.folder}", sep="\n")
        run = "In the notebook: Run > Run All Cells. " if notebook is None else ""
        print(f"{run}Stop here with Ctrl-C.", flush=True)
        announce(server, name)
        serve([*server_options(server, browser, page), *more])
