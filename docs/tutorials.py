"""The notebooks as pages of the site: run, with what came out, and nothing that asks a network.

What ``python scripts/run_notebooks.py notebooks --keep docs/_made/executed`` left is taken where
notebook and package are as they were; the others are run here. ``DX_TUTORIALS=off`` leaves them
without results, for a quick look at other pages.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import nbformat

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
KEPT = HERE / "_made" / "executed"
#: Pictures of the views, which take the place of widgets: those need a kernel.
VIEWS = HERE / "views"

__all__ = ["figure_html", "with_results", "write_tutorials"]


def write_tutorials(folder: Path) -> None:
    """Write the notebooks into `folder`, and the lessons as they are: those are to be filled in."""
    from scripts.run_notebooks import kept_or_run

    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted((ROOT / "notebooks" / "lessons").glob("*.ipynb")):
        shutil.copyfile(path, folder / path.name)
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        if os.environ.get("DX_TUTORIALS") == "off":
            notebook = nbformat.read(path, as_version=4)
            print(f"{path.name} without its results: DX_TUTORIALS=off", file=sys.stderr)
        else:
            notebook = with_results(kept_or_run(path, KEPT))
        nbformat.write(notebook, folder / path.name)


def with_results(notebook: Any) -> Any:
    """Put pictures where widgets were, and figures that the page's own plotly draws."""
    cells = []
    for cell in notebook.cells:
        cells.append(cell)
        if cell.cell_type != "code":
            continue
        kept, views = [], []
        for output in cell.outputs:
            data = output.get("data", {})
            figure = data.get("application/vnd.plotly.v1+json")
            if figure is not None:
                output.data = nbformat.from_dict({"text/html": figure_html(figure)})
            elif "application/vnd.jupyter.widget-view+json" in data:
                views += re.findall(r"\w+", data.get("text/plain", ""))[:1]
                continue
            kept.append(output)
        cell.outputs = kept
        for view in views:
            if (VIEWS / f"{view}.png").is_file():
                text = f"![{view}](/views/{view}.png)\n\n*A picture: the view needs a kernel.*"
                cells.append(nbformat.v4.new_markdown_cell(text))
    notebook.cells = cells
    notebook.metadata.pop("widgets", None)
    return notebook


def figure_html(figure: Any) -> str:
    """Write a figure for ``_static/figures.js``."""
    spec = {"data": figure["data"], "layout": figure["layout"]}
    text = json.dumps(spec, separators=(",", ":")).replace("</", "<\\/")
    height = figure["layout"].get("height", 450)
    return (
        f'<div class="dx-plotly" style="height:{height}px">'
        f'<script type="application/json">{text}</script></div>'
    )
