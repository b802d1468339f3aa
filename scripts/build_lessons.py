"""Write notebooks/lessons/*.ipynb from scripts/lessons/*.md, which are easier to read and review.

python scripts/build_lessons.py

A lesson is Markdown. A block of ``python`` is a cell. A block of ``python exercise NAME`` is what
the learner fills in, and its last line, ``check(...)``, the cell that grades it; behind it come a
block of ``python answer`` and a block of ``why``, which are folded up.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "scripts" / "lessons"
NOTEBOOKS = ROOT / "notebooks" / "lessons"

_BLOCK = re.compile(
    r"^```(python|why)(?: (exercise|answer))?(?: ([\w.]+))?\n(.*?)^```$", re.M | re.S
)


def main() -> int:
    """Write all lessons."""
    NOTEBOOKS.mkdir(parents=True, exist_ok=True)
    for source in sorted(SOURCES.glob("*.md")):
        path = NOTEBOOKS / f"{source.stem}.ipynb"
        path.write_text(written(source.read_text(encoding="utf-8")), encoding="utf-8")
        print(path.relative_to(ROOT))
    return 0


def written(text: str) -> str:
    """Return a lesson as the text of its notebook."""
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    notebook = {
        "cells": _cells(text),
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def _cells(text: str) -> list[dict[str, Any]]:
    cells: list[dict[str, Any]] = []
    name, answer, end = "", "", 0

    def add(kind: str, source: str, identity: str = "", **metadata: Any) -> None:
        source = source.strip("\n")
        if not source:
            return
        cell: dict[str, Any] = {
            "cell_type": kind,
            "id": identity or f"cell-{len(cells)}",
            "metadata": metadata,
            "source": source.splitlines(keepends=True),
        }
        if kind == "code":
            cell |= {"execution_count": None, "outputs": []}
        cells.append(cell)

    for block in _BLOCK.finditer(text):
        add("markdown", text[end : block.start()])
        end = block.end()
        kind, role, exercise, body = block.groups()
        if kind == "why":
            lines = f"```python\n{answer}```\n\n{body}"
            folded = f"<details><summary>Answer</summary>\n\n{lines}\n</details>"
            add("markdown", folded, f"{name}-answer", tags=["answer"])
        elif role == "answer":
            answer = body
        elif role == "exercise":
            name = exercise.replace(".", "-")
            *asked, graded = body.rstrip("\n").split("\n")
            if not graded.startswith(f'check("{exercise}"'):
                raise SystemExit(f"{exercise}: the last line is no check of it: {graded}")
            add("code", "\n".join(asked), name, nbgrader=_nbgrader(name, solution=True))
            add(
                "code",
                graded,
                f"{name}-check",
                nbgrader=_nbgrader(f"{name}-check", solution=False),
                tags=["raises-exception"],  # Run All goes on behind an exercise without an answer
            )
        else:
            add("code", body)
    add("markdown", text[end:])
    return cells


def _nbgrader(name: str, solution: bool) -> dict[str, Any]:
    """Return what nbgrader (schema 3) knows of a cell: a solution by hand, or a test of a point."""
    about: dict[str, Any] = {
        "schema_version": 3,
        "grade_id": name,
        "grade": not solution,
        "solution": solution,
        "locked": not solution,
        "task": False,
        "cell_type": "code",
    }
    return about if solution else {**about, "points": 1}


if __name__ == "__main__":
    sys.exit(main())
