"""``dnabert2-explore app``: the workbench alone in a window, no notebook in sight."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from ...common.files import write_text
from ...errors import InputError
from ..common import MODEL, read_source
from .server import (
    BROWSER,
    DIRECTORY,
    NOTEBOOK,
    PORT,
    TEMPLATE,
    announce,
    prepared,
    serve,
    server_options,
)
from .warm import warm_kernels

__all__ = ["workbench"]

#: Seconds without a message after which a kernel ends that no page is open to.
_IDLE, _IDLE_ROOM = 3600, 600
#: What draws the widgets.
_EXTENSIONS = (
    "anywidget",
    "@jupyter-widgets/jupyterlab-manager",
    "@voila-dashboards/widgets-manager8",
)
#: One a server: two in the same folder show what each was asked for.
PAGE = "workbench-app-{port}.ipynb"


def workbench(
    ctx: typer.Context,
    source: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FASTA]",
            help="Sequences to open, or the folder of a session; the examples by default.",
        ),
    ] = None,
    model: MODEL = "pocket",
    directory: DIRECTORY = None,
    port: PORT = None,
    browser: BROWSER = True,
    room: Annotated[
        bool,
        typer.Option(
            "--room",
            help="For many visitors: limits on what they give, one thread each, UMAP only when "
            "asked for, idle kernels ended.",
        ),
    ] = False,
    max_upload: Annotated[
        float | None,
        typer.Option(
            min=0, help="Megabytes pasted or uploaded at once.", show_default="10 with --room"
        ),
    ] = None,
    max_bases: Annotated[
        int | None,
        typer.Option(
            min=1, help="Bases of the longest sequence.", show_default="10,000 with --room"
        ),
    ] = None,
) -> None:
    """Open the workbench alone: no cell to run, no code in sight.

    Runs through Voila on 127.0.0.1 only, behind a random token (or JUPYTER_TOKEN);
    asks no other host for anything. A link leads to the notebook. Stop with Ctrl-C.

    [bold]Examples[/bold]

      dnabert2-explore app

      dnabert2-explore app genes.fa -m runs/mine/model

    For a class behind a proxy (docs/room.md):

      dnabert2-explore app --room --no-browser
    """
    more = list(ctx.args)
    if source is not None and str(source).startswith("--"):  # Jupyter's options, and no file
        more.insert(0, str(source))
        source = None
    if source is not None:
        if str(source) == "-":
            raise InputError("the page opens a file, and standard input is none: name one")
        # What is wrong with it is said here, not in the page.
        if source.is_dir():
            from ...widgets.session import read_session

            read_session(source)
        else:
            read_source(str(source))
        source = source.resolve()
    _limit(room, max_upload, max_bases)
    name = str(Path(model).resolve()) if Path(model).is_dir() else model
    with prepared(directory, port) as server, warm_kernels(server.overlay) as kernel:
        notebook = PAGE.format(port=server.port)
        content = json.dumps(_notebook(source, name, kernel), indent=1)
        write_text(server.folder / notebook, content)
        page = f"voila/render/{notebook}"
        print(f"Workbench  {server.url(page)}", f"Notebooks  {server.folder}", sep="\n")
        print("Nothing is to be run. Stop here with Ctrl-C.", flush=True)
        announce(server, None)
        options = [
            *server_options(server, browser, page),
            f"--VoilaConfiguration.template={TEMPLATE}",
            "--VoilaConfiguration.strip_sources=True",
            "--VoilaConfiguration.show_tracebacks=True",
            # What else extends this person's JupyterLab need not fit Voila's, and is no part here.
            *(f"--VoilaConfiguration.extension_allowlist={name}" for name in _EXTENSIONS),
            # A page that is closed ends its kernel; one whose laptop was shut does not say so.
            f"--MappingKernelManager.cull_idle_timeout={_IDLE_ROOM if room else _IDLE}",
            "--MappingKernelManager.cull_interval=60",
        ]
        serve([*options, *more])


def _limit(room: bool, upload: float | None, bases: int | None) -> None:
    """Tell kernels, by their environment, what a visitor may ask for."""
    from ...widgets.core.limits import BASES, ROOM, UPLOAD

    if room:
        os.environ.setdefault("OMP_NUM_THREADS", "1")  # thirty kernels have the cores to share
        os.environ[ROOM] = "1"
        upload = 10 if upload is None else upload
        bases = 10_000 if bases is None else bases
    for name, value in ((UPLOAD, upload), (BASES, bases)):
        if value is not None:
            os.environ[name] = f"{value:g}" if value < 1e5 else str(int(value))


def _notebook(source: Path | None, model: str, kernel: str) -> dict[str, object]:
    """Write the notebook whose output is the app."""
    opened = "" if source is None else f", sequences=dx.read_sequences({str(source)!r})"
    made = f"dx.Workbench(dx.load({model!r}){opened})"
    if source is not None and source.is_dir():
        made = f"dx.open_session({str(source)!r})"
    code = f"import dnabert2_explore as dx\n\nbench = {made}\nbench"
    link = (
        '<p style="margin:0;text-align:right;font-size:13px">'
        f'<a href="/lab/tree/{NOTEBOOK}" target="_blank" rel="noopener">Open as a notebook</a></p>'
    )
    back = f"from IPython.display import HTML\n\nHTML({link!r})"
    cells: list[dict[str, object]] = [
        {
            "cell_type": "code",
            "id": name,
            "metadata": {},
            "execution_count": None,
            "outputs": [],
            "source": text,
        }
        for name, text in (("bench", code), ("back", back))
    ]
    spec = {"display_name": "Python 3", "language": "python", "name": kernel}
    return {
        "cells": cells,
        "metadata": {"kernelspec": spec, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
