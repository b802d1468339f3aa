"""The lessons' notebooks: the answers folded up in them, copies, and what nbgrader starts from."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from ..common.files import write_text
from ..errors import InputError

__all__ = ["answers", "copy_lessons", "nbgrader_source"]

#: Tag of the cells that hold an answer, folded up, behind the exercise they belong to.
ANSWER = "answer"

_CODE = re.compile(r"^```python\n(.*?)^```$", re.M | re.S)


def answers(notebook: dict[str, Any]) -> dict[str, str]:
    """Return the lines that solve each exercise of a lesson, by the id of the cell they go into.

    `notebook` is as JSON holds it.
    """
    found: dict[str, str] = {}
    asked = ""
    for cell in notebook["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("solution"):
            asked = cell["id"]
        elif ANSWER in cell["metadata"].get("tags", ()):
            (found[asked],) = _CODE.findall("".join(cell["source"]))
    return found


def nbgrader_source(notebook: dict[str, Any]) -> dict[str, Any]:
    """Return what ``nbgrader generate_assignment`` starts from; `notebook` is not changed.

    Answers stand in the cells they solve, between ``### BEGIN SOLUTION`` and ``### END SOLUTION``,
    and no longer folded up behind them.
    """
    solved = answers(notebook)
    cells = []
    for cell in notebook["cells"]:
        if ANSWER in cell["metadata"].get("tags", ()):
            continue
        if cell["id"] in solved:
            asked = "".join(cell["source"]).rstrip("\n")
            source = f"{asked}\n### BEGIN SOLUTION\n{solved[cell['id']]}### END SOLUTION"
            cell = {**cell, "source": source.splitlines(keepends=True)}
        cells.append(cell)
    return {**notebook, "cells": cells}


def copy_lessons(source: Path, directory: Path, nbgrader: bool = False) -> tuple[list[str], ...]:
    """Copy the lessons into a folder, never over a file that is there.

    Returns the names that were copied, and those that were there already. With `nbgrader`, what
    `nbgrader_source` makes is written. InputError if `directory` is a file.
    """
    if directory.exists() and not directory.is_dir():
        raise InputError(f"{directory} is a file: name a folder for the lessons.")
    directory.mkdir(parents=True, exist_ok=True)
    copied: list[str] = []
    kept: list[str] = []
    for path in sorted(source.glob("*.ipynb")):
        target = directory / path.name
        if target.exists():
            kept.append(path.name)
            continue
        content = path.read_text(encoding="utf-8")
        if nbgrader:
            made = nbgrader_source(json.loads(content))
            content = json.dumps(made, indent=1, ensure_ascii=False) + "\n"
        write_text(target, content)
        copied.append(path.name)
    return copied, kept
