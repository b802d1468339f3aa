"""``dnabert2-explore lessons``: copy the lessons that grade themselves into a folder."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from .server import shipped_notebooks

__all__ = ["lessons"]


def lessons(
    directory: Annotated[
        Path, typer.Argument(help="Folder to copy into; made if it is not there.")
    ],
    nbgrader: Annotated[
        bool,
        typer.Option(
            "--nbgrader",
            help="For a course: answers stand in their cells, as `nbgrader generate_assignment` "
            "takes them out, and no longer folded up in the text.",
        ),
    ] = False,
) -> None:
    """Copy eight lessons whose exercises grade themselves.

    Notebooks on tokens, attention, embeddings, fine-tuning, attribution,
    motifs, variants and your own data. They compute offline, a few seconds
    each. A file that is there already stays as it is.

    [bold]Examples[/bold]

      dnabert2-explore lessons ~/dna
      dnabert2-explore lab ~/dna/lesson_01_tokens.ipynb

      dnabert2-explore lessons course/source/dna --nbgrader
    """
    from ...lessons.notebooks import copy_lessons

    copied, kept = copy_lessons(shipped_notebooks() / "lessons", directory, nbgrader)
    for name in copied:
        print(f"copied  {directory / name}")
    for name in kept:
        print(f"kept    {directory / name}, which was there")
    if not nbgrader:
        first = directory / "lesson_01_tokens.ipynb"
        print(f"Open the first:  dnabert2-explore lab {shlex.quote(str(first))}")
        print("The others are in the file browser: the folder at the page's left edge.")
