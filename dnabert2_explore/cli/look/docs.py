"""``dnabert2-explore docs``: the documentation, built here or with the package, offline."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import sysconfig
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from ...errors import ExploreError, InputError

__all__ = ["docs"]

_BUILD = "python -m pip install -c constraints.txt -e '.[docs]' && dnabert2-explore docs --build"


def docs(
    build: Annotated[
        bool, typer.Option("--build", help="Build it first, in a checkout: some five minutes.")
    ] = False,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the web browser.")
    ] = True,
) -> None:
    """Open the documentation, which needs no network.

    [bold]Examples[/bold]

      dnabert2-explore docs

      dnabert2-explore docs --build --no-browser
    """
    source = Path(__file__).resolve().parents[3] / "docs"
    if build:
        if not (source / "conf.py").is_file():
            raise InputError("the documentation is built in a checkout of the repository")
        if importlib.util.find_spec("sphinx") is None:
            raise InputError(f"building needs Sphinx: {_BUILD}")
        command = [sys.executable, "-m", "sphinx", "-q", "-b", "html"]
        if subprocess.run([*command, str(source), str(source / "_build/html")]).returncode:
            raise ExploreError("the documentation was not built; what Sphinx said stands above")
    places = (
        source / "_build" / "html",
        Path(sysconfig.get_path("data")) / "share" / "dnabert2-explore" / "docs",
    )
    page = next((one / "index.html" for one in places if (one / "index.html").is_file()), None)
    if page is None:
        raise InputError(f"the documentation is not built here; in a checkout: {_BUILD}")
    print(page.as_uri())
    if browser:
        webbrowser.open(page.as_uri())
