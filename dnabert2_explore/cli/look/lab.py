"""``dnabert2-explore lab``: JupyterLab on the workbench notebook, talking to nobody else."""

from __future__ import annotations

import typer

from .server import BROWSER, DIRECTORY, NOTEBOOK, PORT, announce, prepared, serve, server_options

__all__ = ["lab"]


def lab(
    ctx: typer.Context,
    directory: DIRECTORY = None,
    port: PORT = None,
    browser: BROWSER = True,
) -> None:
    """Open the workbench in JupyterLab.

    Listens on 127.0.0.1 only, behind a random token (or JUPYTER_TOKEN).
    Asks no other host for anything: news, update checks and the catalogue
    of extensions are off. Your own Jupyter settings stay as they are.
    The notebooks are copies; those of the package stay as they are.
    In the notebook: Run > Run All Cells. Stop the server with Ctrl-C.

    [bold]Examples[/bold]

      dnabert2-explore lab
      dnabert2-explore lab --dir ~/dna --port 9000

    On a server, then on your own machine:

      dnabert2-explore lab --no-browser --port 8888
      ssh -N -L 8888:127.0.0.1:8888 server

    Options for Jupyter itself come after two dashes:

      dnabert2-explore lab -- --ServerApp.log_level=INFO
    """
    with prepared(directory, port) as server:
        # JupyterLab's simple interface: its list of files would take a fifth of a laptop's screen.
        page = f"doc/tree/{NOTEBOOK}"
        print(f"Workbench  {server.url(page)}", f"Notebooks  {server.folder}", sep="\n")
        print("In the notebook: Run > Run All Cells. Stop here with Ctrl-C.", flush=True)
        announce(server, NOTEBOOK)
        serve([*server_options(server, browser, page), *ctx.args])
